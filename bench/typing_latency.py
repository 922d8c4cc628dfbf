#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""From a key's glyph on a guest's screen to the frame that has it, verified by a viewer of the host.

Boots a guest with a display and a doorbell. There tests/vm/draw_screen.c draws glyphs of 10 x 20
pixels in place, at random times, and notes the guest's clock right before each; guest-capture
--source kms looks at the screen, and a host-viewer that sleeps takes the frames. Where a glyph took
two frames, the later counts.

  typing    keys 0.1 to 0.2 s apart: the screen is looked at at the full rate
  rested    keys 2.5 to 5 s apart: the screen is at rest, and looked at at a quarter of it

look is from the key to when the look that saw it began, produce from there to published, both by the
guest's clock. notice is from published to verified: the clocks of guest and host are compared by
clock-pair before and after each row, as in wake_guest.py; the bound is told. The viewer does not
draw (--bench): what a window adds depends on the desktop that it is on.
"""
import argparse
import csv
import os
import sys
import time

from oriel_bench.programs import Stage, add_build, finish, wait_until
from wake_guest import Guest, offset_at, percentiles

ROWS = {"typing": 100, "rested": 2500}  # name: ms, the shortest pause
DRAW = "/bin/draw_screen"
FIFO = "/tmp/draw"
LAST_S = 1  # for the last key to arrive


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build(parser)
    parser.add_argument("--accel", default="auto", help="auto (default), kvm or tcg")
    parser.add_argument("--display", default="virtio", help="of the guest (default virtio)")
    parser.add_argument("--res", default="1920x1080", help="WIDTHxHEIGHT of the screen")
    parser.add_argument("--keys", type=int, default=200, help="of the row typing (default 200)")
    parser.add_argument("--rested", type=int, default=30, help="of the row rested (default 30)")
    return parser.parse_args()


class Desk:
    """A guest's screen, and who types on it."""

    def __init__(self, stage, arguments):
        self.stage = stage
        self.guest = Guest(stage, arguments.accel,
                           ("--size", "64M", "--display", arguments.display, "--res",
                            arguments.res))
        self.guest.verb("put", stage.build / "tests" / "vm" / "draw_screen", DRAW)
        self.guest.run("sh", "-c", f"chmod +x {DRAW}; mkfifo {FIFO}")
        self.said = stage.folder / "painter"
        with open(self.said, "wb") as file:
            self.painter = self.start(DRAW, "/dev/dri/card0", FIFO, stdout=file)
        wait_until(lambda: "ready" in self.said.read_text(), "draw_screen is ready")
        self.word(f"mode {arguments.res.replace('x', ' ')}")

    def start(self, *words, **popen):
        """A command in the guest that lasts as long as it is wanted."""
        return self.stage.start(*self.guest.command("run", "--", *words), stderr=None, **popen)

    def word(self, word):
        """A word for draw_screen, obeyed; returns what it said."""
        before = len(self.said.read_text())
        self.guest.run("sh", "-c", f"echo '{word}' >{FIFO}")
        wait_until(lambda: f"done: {word}" in self.said.read_text()[before:] or
                   self.painter.poll() is not None, word)
        return self.said.read_text()[before:]

    def type(self, keys, pause_ms):
        """The guest's clock at each key; not all at once, for a word is not waited for long."""
        some = max(1, 40000 // (2 * pause_ms))
        said = "".join(self.word(f"type {min(some, keys - done)} {pause_ms}")
                       for done in range(0, keys, some))
        return [int(line.split()[-1]) for line in said.splitlines() if line.startswith("typed at")]

    def rows(self, side):
        """Of a CSV file; none while there is no such file."""
        path = self.stage.folder / f"{side}.csv"
        return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []

    def measure(self, keys, pause_ms):
        """[{stage: ns}] of each key that came, and the bound of the clocks in ns."""
        (self.stage.folder / "consumer.csv").unlink(missing_ok=True)
        clocks = [self.guest.clock()]
        viewer = self.stage.view(self.guest.region, "--bench", "--wait", "60", "--wakeup",
                                 "doorbell", "--csv", self.stage.folder / "consumer.csv",
                                 stderr=None)
        capture = self.start("guest-capture", "--quiet", "--source", "kms", "--csv",
                             "/tmp/producer.csv", "--takeover")
        wait_until(lambda: len(self.rows("consumer")) > 0, "a first frame")
        typed = self.type(keys, pause_ms)
        time.sleep(LAST_S)
        finish(capture, "guest-capture")
        if viewer.wait(60) != 0:
            raise SystemExit(f"host-viewer ended with {viewer.returncode}")
        clocks.append(self.guest.clock())
        self.guest.fetch("producer.csv")
        return join(typed, self.rows("producer"), self.rows("consumer"), clocks), max(
            clock[2] for clock in clocks)


def join(typed, producer, consumer, clocks):
    """The last frame that was published between a key and the next has the key (a look that had
    begun before the key may have seen it); where there is none, the first behind both."""
    verified = {row["sequence"]: int(row["verified_ns"]) for row in consumer
                if row["result"] == "verified"}
    frames = [(int(row["captured_ns"]), int(row["published_ns"]), verified[row["sequence"]])
              for row in producer if row["sequence"] in verified]
    found = []
    for key, after in zip(typed, typed[1:] + [sys.maxsize]):
        later = [frame for frame in frames if frame[1] >= key]
        mine = [frame for frame in later if frame[1] < after][-1:] or later[:1]
        for captured, published, seen in mine:
            seen += offset_at(clocks, seen)
            found.append({"look": captured - key, "produce": published - captured,
                          "notice": seen - published, "key to verified": seen - key})
    return found


def main():
    """Both rows."""
    arguments = parse_arguments()
    with Stage(arguments.build) as stage:
        desk = Desk(stage, arguments)
        print(f"{desk.guest.status['accel']}, {arguments.display} {arguments.res}, ms")
        for (name, pause_ms), keys in zip(ROWS.items(), (arguments.keys, arguments.rested)):
            found, bound_ns = desk.measure(keys, pause_ms)
            print(f"{name}: {len(found)} of {keys} keys; clocks are right to "
                  f"{bound_ns / 1e3:.1f} us; load {os.getloadavg()[0]:.1f}")
            if not found:
                raise SystemExit(f"{name}: no key came")
            for what in found[0]:
                told = percentiles([key[what] / 1e6 for key in found])
                print(f"  {what:16}" + "".join(f"  {mark} {value:7.2f}"
                                               for mark, value in told.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
