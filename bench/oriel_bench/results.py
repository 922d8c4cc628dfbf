# SPDX-License-Identifier: MIT
"""The results folder: bench.json, rewritten whole after every measurement, and the runs' files."""
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

from .programs import ROOT

SCHEMA_VERSION = 1


def say(text):
    """A line of progress."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def machine():
    """What it ran on."""
    model = "unknown"
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {"kernel": platform.release(), "architecture": platform.machine(), "cpu": model,
            "cores": len(os.sched_getaffinity(0))}


def commit():
    """Of the sources; "unknown" where there is no repository."""
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


class Results:
    """One folder of one run of bench/run."""

    def __init__(self, folder):
        self.folder = folder
        self.started = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        self.whole = {
            "schema_version": SCHEMA_VERSION, "program": "bench/run", "commit": commit(),
            "command": sys.argv, "machine": machine(), "ended": "running", "not_measured": {},
            "measurements": [], "goals": []}
        self.write()

    def write(self):
        """All of it, or what was there before."""
        path = self.folder / "bench.json"
        temporary = path.with_suffix(".json.new")
        temporary.write_text(json.dumps(self.whole, indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)

    def add(self, part, round_number, record, text):
        """A measurement, and its line of progress."""
        load = os.getloadavg()[0]
        self.whole["measurements"].append({
            "part": part, "round": round_number,
            "at_s": round(time.monotonic() - self.started, 3), "load": load, **record})
        self.write()
        say(f"{part}, round {round_number + 1}: {text}; load {load:.1f}")
        return record

    def skip(self, part, why):
        """What could not be measured, once."""
        if part not in self.whole["not_measured"]:
            self.whole["not_measured"][part] = why
            self.write()
            say(f"{part}: not measured: {why}")

    def end(self, how):
        """"complete", or what ended it early."""
        self.whole["ended"] = how
        self.write()

    def run_folder(self, part, case, round_number):
        """Where a run's files go."""
        folder = self.folder / "runs" / part / case.name / str(round_number + 1)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def select(self, part, **columns):
        """Measurements of a part with these columns."""
        return [row for row in self.whole["measurements"] if row["part"] == part
                and all(row.get(name) == value for name, value in columns.items())]
