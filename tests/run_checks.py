#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds Oriel in every way that is supported and runs every suite in each.

Ends with the line "N passed, N failed, N skipped"; exit code 0 only when nothing failed.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZED = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}


@dataclasses.dataclass
class Build:
    """One way to build, and the suites that run in it."""
    name: str
    compiler: str
    options: list
    suites: list
    is_long: bool = False  # its long campaigns are run by --long


BUILDS = [
    Build("gcc", "gcc", ["-Dbuildtype=release"],
          ["house", "model", "unit", "fuzz", "stress", "e2e", "vm"], is_long=True),
    Build("clang", "clang-14", ["-Dbuildtype=release"], ["unit", "fuzz"]),
    Build("asan", "clang-14",
          ["-Dbuildtype=debugoptimized", "-Db_sanitize=address,undefined", "-Db_lundef=false"],
          ["unit", "fuzz", "stress"]),
    Build("tsan", "clang-14",
          ["-Dbuildtype=debugoptimized", "-Db_sanitize=thread", "-Db_lundef=false"], ["threads"]),
    # The programs as they run inside a guest: no SDL.
    Build("nowindow", "gcc", ["-Dbuildtype=release", "-Dwindow=disabled"], ["unit"]),
]


class Tally:
    """What became of every test of every build."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def take_log(self, build, log):
        """Counts the tests of one meson log."""
        for line in log.read_text().splitlines():
            test = json.loads(line)
            name = f"{build.name}: {test['name'].split(' / ')[-1]}"
            if test["result"] in ("OK", "EXPECTEDFAIL"):
                self.passed += 1
            elif test["result"] == "SKIP":
                self.skipped.append(name)
                print_reason(test)
            else:
                self.failed.append(f"{name} ({test['result']})")

    def fail(self, name):
        """Counts a step that is no test, and failed."""
        self.failed.append(name)


def print_reason(test):
    """A skipped test says why in its output; show that."""
    for line in (test.get("stdout") or "").splitlines()[-3:]:
        print(f"    {line}", flush=True)


def say(text):
    """One line about how far we are."""
    print(f"check: {text}", flush=True)


def run(command, environment=None):
    """Runs a command; shows its output only when it fails. Returns whether it did well."""
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    if done.returncode:
        print(done.stdout[-8000:], flush=True)
        say(f"failed: {' '.join(map(str, command))}")
    return done.returncode == 0


def make(build, folder):
    """Configures and compiles one build."""
    environment = dict(os.environ, CC=build.compiler)
    setup = ["meson", "setup", str(folder), "--werror", "-Dtests=enabled"] + build.options
    if folder.joinpath("build.ninja").exists():
        setup.append("--reconfigure")
    return run(setup, environment) and run(["meson", "compile", "-C", str(folder)])


def test(build, folder, arguments, tally):
    """Runs tests of one build; meson's own output is the progress."""
    environment = dict(os.environ, **SANITIZED)
    command = ["meson", "test", "-C", str(folder), "--no-rebuild", "--print-errorlogs"] + arguments
    name = "benchmarklog.json" if "--benchmark" in arguments else "testlog.json"
    log = folder / "meson-logs" / name
    log.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    failed = len(tally.failed)
    if log.exists():
        tally.take_log(build, log)
    if done.returncode and len(tally.failed) == failed:
        tally.fail(f"{build.name}: meson test ended with {done.returncode}")


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("--long", action="store_true", help="run the long campaigns too")
    parser.add_argument("--build", action="append", metavar="NAME",
                        choices=[build.name for build in BUILDS],
                        help="only this build (may be repeated): %(choices)s")
    parser.add_argument("--suite", action="append", metavar="NAME",
                        choices=sorted({suite for build in BUILDS for suite in build.suites}),
                        help="only this suite (may be repeated): %(choices)s")
    return parser.parse_args()


def check_one(build, arguments, tally):
    """Builds one way and runs what is to run in it."""
    folder = ROOT / "build" / f"check-{build.name}"
    suites = build.suites
    if arguments.suite:
        suites = [suite for suite in suites if suite in arguments.suite]
        if not suites:
            return
    started = time.monotonic()
    say(f"{build.name}: building")
    if not make(build, folder):
        tally.fail(f"{build.name}: build")
        return
    say(f"{build.name}: built in {time.monotonic() - started:.0f} s; running {', '.join(suites)}")
    test(build, folder, [f"--suite={suite}" for suite in suites], tally)
    if arguments.long and build.is_long and not arguments.suite:
        say(f"{build.name}: the long campaigns")
        test(build, folder, ["--benchmark", "--timeout-multiplier=4"], tally)
    say(f"{build.name}: done after {time.monotonic() - started:.0f} s")


def main():
    """Builds and tests; returns the exit code."""
    arguments = parse_arguments()
    tally = Tally()
    for build in BUILDS:
        if not arguments.build or build.name in arguments.build:
            check_one(build, arguments, tally)
    for name in tally.skipped:
        say(f"skipped: {name}")
    for name in tally.failed:
        say(f"FAILED: {name}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped",
          flush=True)
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
