# SPDX-License-Identifier: MIT
"""bench/run --quick: just enough to see whether the goals hold on this machine."""
import os
import time

from . import goals, guest, limits, peers, ring, window
from .limits import NotMeasured
from .plan import Case, region_bytes
from .results import say

FRAME = (3840, 2160)
SECONDS = 0.6  # of a measurement
LONGER_S = 1.5  # of one with few frames a second
ROUNDS = 3
ROUNDS_S = 42  # for all of them; one that would not end by then is not begun
FLAT = Case(*FRAME)
SHA256 = Case(*FRAME, digest="sha256")
IN_GUEST = Case(*FRAME, digest="auto")  # emulated vectors are slow
# What is compared with what came just before is measured close to it.
LIMITS = (("limits", "xxh3"), ("sha256_limits", "sha256"))
RUNS = {
    "limits": (("flat", FLAT, SECONDS), ("paced", Case(*FRAME, mode="latest", fps=30), SECONDS),
               ("damage", Case(*FRAME, fps=30, damage=1), SECONDS)),
    "sha256_limits": (("sha256", SHA256, LONGER_S),),
}
# Once where there are too few cores for a verdict.
CROWDS = (
    ("four", Case(*FRAME, consumers=4), SECONDS),
    ("four_60", Case(*FRAME, mode="latest", fps=60, consumers=4), SECONDS),
)
PEERS = (("gstreamer", peers.GSTREAMER), ("gstreamer_in_place", peers.GSTREAMER_IN_PLACE))


class Quick:
    """Rounds of everything on this host, then the guest once."""

    def __init__(self, stage, results, options):
        self.stage, self.results, self.options = stage, results, options
        self.region_bytes = region_bytes([FRAME], 6)
        self.region = stage.folder / "region"
        self.screen = None
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
        """All that this host shows."""
        found = {}
        self.make_region()
        for name, way in PEERS:
            self.attempt(found, name, number, lambda way=way: peers.run(
                self.stage, way, FLAT, SECONDS), peers.describe)
        for limits_name, digest in LIMITS:
            self.attempt(found, limits_name, number, lambda digest=digest: limits.of_copies(
                self.stage, self.region, FLAT, SECONDS, (digest,)), limits.describe)
            self.runs(found, number, RUNS[limits_name])
        if number == 0 or self.has_cores:
            self.runs(found, number, CROWDS)
        self.attempt(found, "window", number, lambda: self.window(number), window.describe)
        return found

    def runs(self, found, number, rows):
        """Of the ring, two processes of this host."""
        for name, case, seconds in rows:
            self.attempt(found, name, number, lambda case=case, seconds=seconds: ring.run(
                self.stage, self.region, self.region_bytes, case, seconds,
                self.results.run_folder("quick", case, number)), ring.describe)

    def make_region(self):
        """Memory that is there before anybody is measured."""
        with open(self.region, "ab") as file:
            file.truncate(self.region_bytes)

    def window(self, number):
        """Beside SDL alone."""
        self.screen = self.screen or window.Window(self.stage, self.options.renderer)
        return self.screen.measure(self.region, self.region_bytes, FLAT, SECONDS,
                                   self.results.run_folder("quick-window", FLAT, number))

    def guest(self, found):
        """Guest to host."""
        made = []

        def limits_inside():
            made.append(guest.Guest(self.stage, self.options.accel, 128 << 20, 600))
            return made[0].limits(FLAT, SECONDS, ("xxh3",))
        self.attempt(found, "guest_limits", 0, limits_inside, limits.describe)
        if made:
            self.attempt(found, "guest", 0, lambda: made[0].run(
                guest.DIRECTIONS[0], IN_GUEST, LONGER_S,
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
        self.guest(rounds[0])
        rows = goals.judge(rounds, self.why_not)
        self.results.whole["goals"] = rows
        print("\n".join(goals.table(rows)), flush=True)
        return goals.exit_code(rows)
