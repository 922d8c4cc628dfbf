#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What capturing a screen costs, from one run of one real guest: at rest, when all of it changes,
and when a hundredth of it does. Prints each figure beside what it is to be compared with.

The guest draws with tests/vm/draw_screen.c, which also times plain memcpy of the same scanout into
the same shared memory. Durations are the least of each program's --summary, without warm-up frames:
what else the machine does only ever adds, and more to what takes longer. CPU shares are of one core, from /proc/PID/stat; the viewer polls a plain file, without a doorbell.
"""
import argparse
import os
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FULL_HD, FOUR_K = (1920, 1080), (3840, 2160)
HUNDREDTH = (384, 216)  # of 4K
SETTLE_S = 4  # until looks are far apart


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "host",
                        help="a meson build folder with tests (default: build/host)")
    parser.add_argument("--display", default="virtio", help="bochs has no memory for two 4K frames")
    parser.add_argument("--frames", type=int, default=14, help="of each measurement")
    parser.add_argument("--seconds", type=float, default=8, help="at rest")
    return parser.parse_args()


ARGUMENTS = parse_arguments()
os.environ["ORIEL_BUILD"] = str(ARGUMENTS.build.resolve())
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "vm"))

import oriel_vm_test as vm  # noqa: E402
import test_guest_screen as screen  # noqa: E402


class Bench(screen.Case):
    """Borrows the test's guest, painter, capture and viewer."""

    def runTest(self):
        """One guest, all figures."""
        type(self).guest = screen.ScreenGuest("cost", "256M").start(
            "--display", ARGUMENTS.display, "--res", "1080p")
        self.draw(screen.mode(FULL_HD))
        limit_ns = self.memcpy_ns()
        self.rest()
        copy_ns, fill_ns, _ = self.measure(self.flips)
        print(f"1080p, all of it changes: find {fill_ns / 1e6:.2f} ms, publish "
              f"{copy_ns / 1e6:.2f} ms; plain memcpy {limit_ns / 1e6:.2f} ms: "
              f"{(fill_ns + copy_ns) / limit_ns:.2f} x")
        self.words(screen.mode(FOUR_K))
        whole = self.measure(self.flips)
        small = self.measure(self.touches)
        for name, one, all_of_it in zip(("copy and digest", "find", "verify"), small, whole):
            if one is None or all_of_it is None:
                print(f"4K, 1 % changes: {name} NA: too few frames came; try more --frames")
                continue
            print(f"4K, 1 % changes: {name} {one / 1e6:.3f} ms; all of it changes "
                  f"{all_of_it / 1e6:.2f} ms: {100 * one / all_of_it:.1f} %")
        self.words("end")

    def memcpy_ns(self):
        """Of the screen as it is now, into BAR2, by one thread."""
        self.words("copy pci:auto 30")
        return int(re.search(r"least (\d+) ns", self.painter.text())[1])

    def flips(self):
        """Whole pictures, one at a time."""
        for i in range(ARGUMENTS.frames):
            self.words(f"flip 1 {i + 1}")

    def touches(self):
        """A hundredth of the picture, one at a time."""
        self.words(f"touch {ARGUMENTS.frames} 400 {HUNDREDTH[0]} {HUNDREDTH[1]}")

    def measure(self, draw):
        """(copy, fill, verify) in ns."""
        self.capture("--takeover")
        draw()
        producer, consumer = self.enough()
        latency = producer["latency_ns"]
        uncertain = producer["counts"]["uncertain"]
        print(f"  {latency['copy']['count']} frames timed, {uncertain} uncertain, "
              f"load {os.getloadavg()[0]:.1f}", flush=True)
        return (latency["copy"]["min"], latency["fill"]["min"],
                consumer.summary["latency_ns"]["verify"]["min"])

    def rest(self):
        """CPU time of both sides while nothing changes."""
        self.capture("--takeover")
        time.sleep(SETTLE_S)
        before = ticks(pathlib.Path(f"/proc/{self.viewer_of_all.process.pid}/stat").read_text())
        in_guest = self.guest.shell(
            f"p=$(pidof guest-capture); cat /proc/$p/stat; sleep {ARGUMENTS.seconds}; "
            "cat /proc/$p/stat").splitlines()
        after = ticks(pathlib.Path(f"/proc/{self.viewer_of_all.process.pid}/stat").read_text())
        self.enough()
        rate = os.sysconf("SC_CLK_TCK") * ARGUMENTS.seconds
        inside = ticks(in_guest[1]) - ticks(in_guest[0])
        print(f"1080p at rest: guest-capture {100 * inside / rate:.1f} % of a vCPU, "
              f"host-viewer {100 * (after - before) / rate:.1f} % of a core", flush=True)


def ticks(stat):
    """utime + stime: proc(5)."""
    fields = stat.rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def main():
    """Leaves nothing, whatever happens."""
    try:
        vm.build_guest()
        bench = Bench()
        bench.setUp()
        bench.runTest()
    finally:
        vm.SANDBOX.leave_nothing()
    return 0


if __name__ == "__main__":
    sys.exit(main())
