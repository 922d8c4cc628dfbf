# SPDX-License-Identifier: MIT
"""The parts of a full run, in rounds: what is to be compared is measured close together."""
from . import guest, limits, peers, plan, ring, window
from .limits import NotMeasured

DIGESTS = ("xxh3", "xxh64", "sha256")


class Parts:
    """Each method is a part, and measures one round of it."""

    def __init__(self, stage, results, options):
        self.stage, self.results, self.options = stage, results, options
        self.region = stage.folder / "region"
        self.region_bytes = plan.region_bytes(options.sizes, 6)
        self.guest_machine = None
        self.screen = None
        self.copies = {}  # of this round: (size, format) -> limits

    def measure_copies(self, case, number):
        """The limits of a frame, once a round."""
        key = (case.size, case.format)
        if (number, key) not in self.copies:
            with open(self.region, "ab") as file:
                file.truncate(self.region_bytes)
            row = limits.of_copies(self.stage, self.region, case, 2 * self.options.seconds,
                                   DIGESTS)
            self.copies[number, key] = self.results.add("limits", number, row,
                                                        limits.describe(row))
        return self.copies[number, key]

    def add_ratios(self, record, copies):
        """A run beside the limits of its round."""
        rate = record["frames_per_second"]
        names = {"to_best_copy": "best_in_ns", "to_memcpy": "memcpy_in_ns"}
        record.update({name: rate * copies[column] / 1e9 if rate else None
                       for name, column in names.items()})

    def limits(self, number):
        """Copies and digests of each size; wake-ups."""
        for size in self.options.sizes:
            self.measure_copies(plan.Case(*size), number)
        row = limits.of_wakes(self.stage)
        self.results.add("wakes", number, row, f"eventfd {row['eventfd_p50_ns'] / 1e3:.1f} us, "
                         f"cache line {row['line_p50_ns'] / 1e3:.2f} us")

    def run_cases(self, part, cases, number):
        """Each case once."""
        for case in cases:
            copies = self.measure_copies(case, number)
            record = ring.run(self.stage, self.region, self.region_bytes, case,
                              self.options.seconds, self.results.run_folder(part, case, number))
            self.add_ratios(record, copies)
            self.results.add(part, number, record, ring.describe(record))

    def ring(self, number):
        """Two processes of this host."""
        make = plan.everything if self.options.full else plan.star
        self.run_cases("ring", make(self.options.sizes), number)

    def classic(self, number):
        """Ten frames a size with SHA-256, three bytes a pixel."""
        self.run_cases("classic", plan.classic(self.options.sizes), number)

    def peers(self, number):
        """What a user would pick instead, and the ring among them."""
        for case in (plan.Case(*size) for size in self.options.sizes):
            self.run_cases("peers", [case], number)
            for way in peers.WAYS:
                try:
                    row = peers.run(self.stage, way, case, self.options.seconds)
                except NotMeasured as error:
                    self.results.skip(f"peers, {way.name}", str(error))
                    continue
                self.results.add("peers", number, row, peers.describe(row))

    def window(self, number):
        """The SDL window beside SDL alone."""
        if self.screen is None:
            self.screen = window.Window(self.stage, self.options.renderer)
        for case in (plan.Case(*size) for size in self.options.sizes):
            record = self.screen.measure(self.region, self.region_bytes, case,
                                         self.options.seconds,
                                         self.results.run_folder("window", case, number))
            self.results.add("window", number, record, window.describe(record))

    def guest(self, number):
        """A guest and this host, in both directions."""
        if self.guest_machine is None:
            self.guest_machine = guest.Guest(
                self.stage, self.options.accel,
                max(plan.region_bytes(self.options.sizes), 128 << 20), 7200)
        machine = self.guest_machine
        for case in plan.guest(self.options.sizes):
            key = ("guest", case.size)
            if (number, key) not in self.copies:
                row = machine.limits(case, self.options.seconds, ("xxh3",))
                self.copies[number, key] = self.results.add(
                    "guest limits", number, row, limits.describe(row))
            for direction in guest.DIRECTIONS:
                folder = self.results.run_folder(f"guest-{direction.replace(' ', '-')}", case,
                                                 number)
                record = machine.run(direction, case, 2 * self.options.seconds, folder)
                self.add_ratios(record, self.copies[number, key])
                self.results.add("guest", number, record,
                                 f"{direction}, {ring.describe(record)}")


NAMES = ("limits", "ring", "classic", "peers", "window", "guest")


def run(stage, results, options):
    """Rounds of all parts that are asked for; returns the exit code."""
    parts = Parts(stage, results, options)
    broken = set()
    for number in range(options.rounds):
        for name in NAMES:
            if name in options.parts and name not in broken:
                try:
                    getattr(parts, name)(number)
                except NotMeasured as error:
                    broken.add(name)
                    results.skip(name, str(error))
    return 0
