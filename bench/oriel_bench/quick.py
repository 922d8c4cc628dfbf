# SPDX-License-Identifier: MIT
"""bench/run --quick: just enough to see whether the goals hold on this machine."""
import os
import time

from . import goals, guest, limits, peers, ring, window
from .limits import NotMeasured
from .plan import Case, region_bytes
from .results import say

FRAME = (3840, 2160)
SECONDS = 0.8  # of a measurement
ROUNDS = 3
ROUNDS_S = 36  # for all of them; one that would not end by then is not begun
FLAT = Case(*FRAME)
IN_GUEST = Case(*FRAME, digest="auto")  # emulated vectors are slow
RUNS = (
    ("paced", Case(*FRAME, mode="latest", fps=30)),
    ("flat", FLAT),
    ("sha256", Case(*FRAME, digest="sha256")),
    ("damage", Case(*FRAME, fps=30, damage=1)),
)
# Once where there are too few cores for a verdict.
CROWDS = (
    ("four", Case(*FRAME, consumers=4)),
    ("four_60", Case(*FRAME, mode="latest", fps=60, consumers=4)),
)
PEERS = (("gstreamer", peers.GSTREAMER), ("gstreamer_in_place", peers.GSTREAMER_IN_PLACE))


class Quick:
    """Rounds of everything on this host, then the window and the guest once."""

    def __init__(self, stage, results, options):
        self.stage, self.results, self.options = stage, results, options
        self.region_bytes = region_bytes([FRAME], 6)
        self.region = stage.folder / "region"
        self.why_not = {}
        self.has_cores = len(os.sched_getaffinity(0)) >= goals.CROWD_CORES

    def attempt(self, found, name, round_number, measure, describe):
        """One measurement of a round; what cannot be measured is named and left out."""
        try:
            record = measure()
        except NotMeasured as error:
            self.why_not[name] = str(error)
            self.results.skip(name, str(error))
            return
        found[name] = record
        self.results.add(f"quick {name}", round_number, record, describe(record))

    def round(self, number):
        """All that two processes of this host show."""
        found = {}
        self.make_region()
        self.attempt(found, "limits", number, lambda: limits.of_copies(
            self.stage, self.region, FLAT, 1.5 * SECONDS, ("xxh3", "sha256")), limits.describe)
        for name, case in RUNS + (CROWDS if number == 0 or self.has_cores else ()):
            self.attempt(found, name, number, lambda case=case: ring.run(
                self.stage, self.region, self.region_bytes, case, SECONDS,
                self.results.run_folder("quick", case, number)), ring.describe)
        for name, way in PEERS:
            self.attempt(found, name, number, lambda way=way: peers.run(
                self.stage, way, FLAT, SECONDS), peers.describe)
        return found

    def make_region(self):
        """Memory that is there before anybody is measured."""
        with open(self.region, "ab") as file:
            file.truncate(self.region_bytes)

    def window(self, found):
        """Beside SDL alone."""
        def measure():
            screen = window.Window(self.stage, self.options.renderer)
            limit = screen.limit(FLAT, 2 * SECONDS)
            record = screen.run(self.region, self.region_bytes, FLAT, 2 * SECONDS,
                                self.results.run_folder("quick-window", FLAT, 0))
            return {**record, "limit_frames_per_second": limit}
        self.attempt(found, "window", 0, measure, lambda record: ring.describe(record) +
                     f", SDL alone {record['limit_frames_per_second']:.1f} fps")

    def guest(self, found):
        """Guest to host."""
        made = []

        def limits_inside():
            made.append(guest.Guest(self.stage, self.options.accel, 128 << 20, 600))
            return made[0].limits(FLAT, SECONDS, ("xxh3",))
        self.attempt(found, "guest_limits", 0, limits_inside, limits.describe)
        if made:
            self.attempt(found, "guest", 0, lambda: made[0].run(
                guest.DIRECTIONS[0], IN_GUEST, 3 * SECONDS,
                self.results.run_folder("quick-guest", IN_GUEST, 0)), ring.describe)

    def run(self):
        """Prints the table; returns the exit code."""
        start = time.monotonic()
        rounds = []
        for number in range(ROUNDS):
            # As long as those before took, on average.
            if rounds and (time.monotonic() - start) * (number + 1) / number > ROUNDS_S:
                say(f"this machine is slow or busy: {number} of {ROUNDS} rounds")
                break
            rounds.append(self.round(number))
        self.window(rounds[0])
        self.guest(rounds[0])
        rows = goals.judge(rounds, self.why_not)
        self.results.whole["goals"] = rows
        print("\n".join(goals.table(rows)), flush=True)
        return goals.exit_code(rows)
