# SPDX-License-Identifier: MIT
"""bench/run: options, the build, the results folder, signals, the exit code."""
import argparse
import math
import os
import pathlib
import signal
import subprocess
import time

from . import guest, parts, plan, quick, stress
from .limits import NotMeasured
from .programs import ROOT, Stage
from .results import Results, say

BUILD = ROOT / "build" / "host"
DESCRIPTION = """\
Measures Oriel beside what this machine can do and beside what others would use, and leaves
everything in one folder, for bench/report.

Without --quick and --stress, rounds of these parts (all, or those of --part; with -s S seconds a
measurement, a round takes about):
  limits    copies and digests on the ring's own mapping, wake-ups        (2 S a size, and 2 s)
  ring      two processes of this host: sizes x modes x paces, then
            consumers, digests and damage at the largest size            (26 (S + 0.5))
  classic   10 frames a size with SHA-256, three bytes a pixel             (1 s a size)
  peers     pipe, socket, vmsplice, GStreamer, a plain ring                (9 (S + 0.3) a size)
  window    the SDL window beside two SDL loops                           (3 (S + 1) a size)
  guest     a real guest and this host, both directions                    (boot, 4 (2 S + 5) a size)"""
EPILOG = """\
--quick takes under a minute where the machine is idle and everything is built; it prints the goals
of docs/measuring.md.

Exit codes: 0 measured (--quick: every goal that this machine can be asked for holds), 1 a goal is
missed or a step of --stress failed, 2 usage, 3 --quick: no goal is missed, some could not be
measured, 130 and 143 interrupted; files are complete then too."""


class Interrupted(BaseException):
    """A signal came."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


def seconds_within(least, most):
    """A parser of seconds."""
    def parse(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not from {least:g} to {most:g} seconds")
        return value
    return parse


def whole_number(text):
    """1 to 99."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 99:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 to 99")
    return int(text)


def sizes(text):
    """A comma list of sizes."""
    try:
        return list(dict.fromkeys(plan.parse_size(word) for word in text.split(",")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def parse_arguments(words=None):
    """The command line."""
    parser = Parser(prog="bench/run", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--quick", action="store_true", help="the goals, and whether they hold")
    what.add_argument("--stress", type=seconds_within(0.1, 86400), metavar="SECONDS",
                      help="step through sizes, formats, rates, modes, digests, consumers")
    what.add_argument("--part", action="append", choices=parts.NAMES, dest="parts",
                      help="only this part; may be repeated")
    parser.add_argument("--full", action="store_true",
                        help="ring: every combination instead of one thing at a time; hours")
    parser.add_argument("--res", type=sizes, default="1080p,1440p,4k", dest="sizes",
                        metavar="SIZE[,SIZE...]", help="720p, 1080p, 1440p, 4k or WxH "
                        "(default 1080p,1440p,4k)")
    parser.add_argument("--rounds", type=whole_number, default=3, help="of everything (default 3)")
    parser.add_argument("-s", "--seconds", type=seconds_within(0.1, 600), default=1.5, metavar="S",
                        help="of each measurement (default 1.5)")
    parser.add_argument("--seed", type=int, default=1, help="of --stress (default 1)")
    parser.add_argument("--accel", default="auto", choices=["auto", "kvm", "tcg"],
                        help="of the guest")
    parser.add_argument("--renderer", default="auto", metavar="NAME",
                        help="SDL's, for the window, e.g. software (default auto)")
    parser.add_argument("--results", type=pathlib.Path, metavar="DIR",
                        help="a folder that is new or empty (default results/bench-TIME)")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR",
                        help="a meson build folder to use as it is (default: build/host is built)")
    arguments = parser.parse_args(words)
    arguments.parts = arguments.parts or list(parts.NAMES)
    check(arguments, parser)
    return arguments


def check(arguments, parser):
    """What only the file system knows."""
    if arguments.build and not (arguments.build / "bench" / "copy-limits").exists():
        parser.error(f"--build: {arguments.build} holds no bench/copy-limits; build there first")
    folder = arguments.results or ROOT / "results" / time.strftime("bench-%Y%m%d-%H%M%S")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        parser.error(f"--results: {folder} is not an empty folder; name a new one")
    arguments.results = folder.resolve()
    try:
        arguments.results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--results: {folder}: {error.strerror}; name another one")


def build(arguments):
    """The host's programs, and the guest's where a guest is asked for."""
    if not arguments.build:
        say("building")
        commands = [["meson", "compile", "-C", str(BUILD)]]
        if not (BUILD / "build.ninja").exists():
            commands.insert(0, ["meson", "setup", str(BUILD), "-Dtests=disabled"])
        for command in commands:
            done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=900,
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"bench: {' '.join(command)} failed:\n{done.stdout[-4000:]}")
        arguments.build = BUILD
    if arguments.quick or (not arguments.stress and "guest" in arguments.parts):
        try:
            guest.build()
        except NotMeasured as error:
            say(f"guest: {error}")


def interrupt(number, _):
    """Once: what is being ended is not interrupted again."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    raise Interrupted(number)


def measure(arguments, results):
    """Whatever was asked for; returns the exit code."""
    with Stage(arguments.build) as stage:
        if arguments.quick:
            return quick.Quick(stage, results, arguments).run()
        if arguments.stress:
            return stress.run(stage, results, arguments)
        return parts.run(stage, results, arguments)


def main(words=None):
    """Returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    results = None
    try:
        arguments = parse_arguments(words)
        build(arguments)
        results = Results(arguments.results)
        code = measure(arguments, results)
        results.end("complete")
    except Interrupted as error:
        if results:
            results.end(f"interrupted by signal {error.number}")
            say(f"interrupted; what was measured lies in {results.folder}")
        return 128 + error.number
    except (NotMeasured, OSError) as error:
        if results:
            results.end(f"failed: {error}")
        say(str(error))
        return 1
    say(f"results in {os.path.relpath(results.folder)}; bench/report "
        f"{os.path.relpath(results.folder)}")
    return code
