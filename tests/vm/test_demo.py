#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The command that a newcomer runs first, with all that it leaves behind.

Run: python3 tests/vm/test_demo.py
"""

import json
import re

import oriel_vm_test as vm

DEMO_LIMIT_S = 900  # it builds before it runs
STAGES = {"producer": ("fill", "wait", "copy", "publish"), "consumer": ("verify", "present")}


class Demo(vm.Case):
    """./demo --headless, once; each test looks at one thing of it."""

    @classmethod
    def setUpClass(cls):
        cls.results = vm.SANDBOX.folder / "results"
        cls.program = vm.Program(vm.ROOT / "demo", "--headless", "--res", "1080p", "--duration",
                                 "3", "--accel", vm.ACCEL, "--results", cls.results)
        cls.code = cls.program.process.wait(DEMO_LIMIT_S)

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
                         {("1920", "1080")})

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

    def test_screenshot(self):
        """A picture of that size, and of noise: whole, and not of one colour."""
        picture = vm.Picture(self.results / "screenshot.png")
        self.assertEqual((picture.width, picture.height), (1920, 1080))
        self.assertEqual(len(set(picture.packed[1 + 3 * 1920:])), 256)

    def test_nothing_left(self):
        """Neither the guest nor its region."""
        said = self.program.text()
        name, region = re.search(r"^demo: (\S+): ready in .* region (\S+) ", said, re.M).groups()
        self.assertFalse(vm.pathlib.Path(region).exists())
        self.assertEqual(vm.launcher("status", "--name", name).returncode, vm.NOT_RUNNING)


if __name__ == "__main__":
    vm.main()
