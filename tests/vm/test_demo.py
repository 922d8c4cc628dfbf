#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The command that a newcomer runs first, with all that it leaves behind.

Run: python3 tests/vm/test_demo.py
ORIEL_LONG=1: with a desktop in place of the test pattern
"""

import json
import os
import re
import subprocess
import unittest

import oriel_vm_test as vm

DEMO_LIMIT_S = 900  # it builds before it runs
USAGE = 2
LONG = "ORIEL_LONG" in os.environ
DESKTOP_LIMIT_S = 2700  # the disk may have to be made
# What vm/desktop/ paints the background with.
BACKGROUND = bytes.fromhex("204060")
STAGES = {"producer": ("fill", "wait", "copy", "publish"), "consumer": ("verify", "present")}


class Whole:
    """./demo --headless, once for each class; each test looks at one thing of it."""

    options = ()
    size = (1920, 1080)
    limit_s = DEMO_LIMIT_S

    @classmethod
    def setUpClass(cls):
        cls.results = vm.SANDBOX.folder / f"results-{cls.__name__}"
        cls.program = vm.Program(vm.ROOT / "demo", "--headless", *cls.options, "--duration", "3",
                                 "--accel", vm.ACCEL, "--results", cls.results)
        cls.code = cls.program.process.wait(cls.limit_s)

    def setUp(self):
        super().setUp()
        self.assertEqual(self.code, 0, str(self.program))
        self.run_json = json.loads((self.results / "run.json").read_text())

    def test_files(self):
        """These and no others, whole."""
        self.assertEqual(sorted(path.name for path in self.results.iterdir()),
                         ["consumer.csv", "producer.csv", "run.json", "screenshot.png"])
        for path in self.results.glob("*.csv"):
            self.assertTrue(path.read_text(encoding="ascii").endswith("\n"))

    def test_counts(self):
        """Every frame published was verified, in both files and both summaries."""
        counts = {side: self.run_json[side]["counts"] for side in ("producer", "consumer")}
        published = counts["producer"]["published"]
        self.assertGreater(published, 0)
        self.assertEqual(counts["consumer"]["published"], published)
        self.assertEqual(counts["consumer"]["verified"], published)
        self.assertTrue(counts["consumer"]["reconcile"])
        for name in vm.COUNTS_OF_FAULTS + ("skipped",):
            self.assertEqual(counts["consumer"][name], 0, name)
        rows = {side: vm.read_rows(self.results / f"{side}.csv") for side in counts}
        self.assertEqual(vm.keys_of(rows["producer"]), vm.keys_of(rows["consumer"]))
        self.assertEqual(len(rows["consumer"]), published)
        self.assertEqual({(row["width_px"], row["height_px"]) for row in rows["consumer"]},
                         {tuple(map(str, self.size))})

    def test_run(self):
        """What a reader of run.json relies on."""
        for side, stages in STAGES.items():
            summary = self.run_json[side]
            self.assertGreater(summary["throughput"]["frames_per_second"], 0)
            self.assertGreater(summary["throughput"]["bytes_per_second"], 0)
            for stage in stages:
                self.assert_ordered(summary["latency_ns"][stage])
        for name in ("schema_version", "commit", "commands", "machine", "guest", "bar2", "mode",
                     "digest"):
            self.assertTrue(self.run_json[name], name)
        self.assertIn("clock_bound_ns", self.run_json)
        self.assertEqual(self.run_json["bar2"]["mapping"], "resource2_wc")
        self.assertGreater(self.run_json["bar2"]["copy_bytes_per_second"], 0)

    def assert_ordered(self, percentiles):
        """Percentiles never fall; those that too few samples allow are missing, not 0."""
        known = [percentiles[name] for name in ("p50", "p90", "p95", "p99", "p999", "max")
                 if percentiles[name] is not None]
        self.assertGreater(len(known), 1)
        self.assertEqual(known, sorted(known))

    def test_nothing_left(self):
        """Neither the guest nor its region."""
        said = self.program.text()
        name, region = re.search(r"^demo: (\S+): ready in .* region (\S+) ", said, re.M).groups()
        self.assertFalse(vm.pathlib.Path(region).exists())
        self.assertEqual(vm.launcher("status", "--name", name).returncode, vm.NOT_RUNNING)


@unittest.skipIf(LONG, "the long test is of a desktop")
class Pattern(Whole, vm.Case):
    """Noise."""

    options = ("--res", "1080p")

    def test_screenshot(self):
        """A picture of that size, and of noise: whole, and not of one colour."""
        picture = vm.Picture(self.results / "screenshot.png")
        self.assertEqual((picture.width, picture.height), self.size)
        self.assertEqual(len(set(picture.packed[1 + 3 * 1920:])), 256)


class Desktop(Whole):
    """What every desktop must show."""

    size = (1280, 720)
    limit_s = DESKTOP_LIMIT_S

    def test_screenshot(self):
        """The desktop's background, and on it windows of other colours."""
        picture = vm.Picture(self.results / "screenshot.png")
        self.assertEqual((picture.width, picture.height), self.size)
        pixels = b"".join(picture.rows())
        plain = sum(pixels[at:at + 3] == BACKGROUND for at in range(0, len(pixels), 3))
        self.assertTrue(len(pixels) / 3 * 0.1 < plain < len(pixels) / 3 * 0.97, plain)

    def test_moves(self):
        """Frames of a screen are published when it has changed: more than one, and it moved."""
        self.assertGreater(self.run_json["producer"]["counts"]["published"], 1)


@unittest.skipUnless(LONG, "it makes the disk of a desktop; see check --long")
class DesktopX(Desktop, vm.Case):
    """Xorg, a window manager, and windows that move."""

    options = ("--desktop", "--res", "720p")


@unittest.skipUnless(LONG, "it makes the disk of a desktop; see check --long")
class DesktopWeston(Desktop, vm.Case):
    """The same with a Wayland compositor."""

    options = ("--desktop=weston", "--res", "720p")


class Options(vm.Case):
    """What makes no sense is refused before anything is built or started."""

    def refused(self, message, *options):
        """One line, and the code for it."""
        done = subprocess.run([vm.ROOT / "demo", "--results", self.folder / "none", *options],
                              env=vm.SANDBOX.environment, timeout=vm.LIMIT_S, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertRegex(done.stderr, rf"\Ademo: {message}\n\Z")
        self.assertFalse((self.folder / "none").exists())

    def test_desktop(self):
        """A screen has no test pattern, one size, and only sizes that a display has."""
        self.refused("--pattern: 'bars' .* --desktop.*", "--desktop", "--pattern", "bars")
        self.refused("--res: '720p,4k' is a list.*", "--desktop", "--res", "720p,4k")
        self.refused("--res: 632x480: not within 640x480 to .*", "--desktop", "--res", "632x480")
        self.refused("--res: 1366x768: .* multiple of 8.*", "--desktop=weston", "--res=1366x768")
        self.refused("argument --desktop: .*'kde'.*", "--desktop=kde")

    def test_pattern(self):
        self.refused("--res: 'huge' is no size.*", "--res", "1080p,huge")
        self.refused("--duration: 0 is not within.*", "--duration", "0")
        self.refused("unrecognized arguments: --desk", "--desk")


if __name__ == "__main__":
    vm.main()
