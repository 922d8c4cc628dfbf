#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What Oriel costs while the picture does not change.

guest-capture is fed one frame and then nothing; host-viewer has shown it. Counted from outside, over
all threads: voluntary context switches a second, and CPU time as a share of a core. With a doorbell
each side has a goal; without one (a plain file) the same is told for comparison.

Then the system calls that a frame costs the producer while its viewer never sleeps, and how often a
sleeping viewer was rung.
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import time

from oriel_bench.programs import Stage, add_build, finish, tasks, wait_until

WIDTH, HEIGHT = 1280, 720
SETTLE_S = 3
SWITCHES = 15
CORE = 0.003
STRACE_FRAMES = 2000
STILL = (
    ("window, doorbell", ["--renderer", "software"], True),
    ("bench, doorbell", ["--bench"], True),
    ("window, plain file", ["--renderer", "software"], False),
    ("bench, plain file", ["--bench"], False),
)
SIDES = ("guest-capture", "host-viewer")


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build(parser)
    parser.add_argument("--seconds", type=float, default=12, help="of each count (default 12)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    return parser.parse_args()


def count(pids, seconds):
    """Switches a second and the share of a core, of each of these processes."""
    before = {one: tasks(one) for one in pids}
    start = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - start
    rates = []
    for one in pids:
        now = tasks(one)
        rates.append(tuple(
            sum(now[task][what] - before[one].get(task, (0, 0))[what] for task in now) / took
            for what in (0, 1)))
    return [{"switches_per_second": switches, "core": ran_ns / 1e9} for switches, ran_ns in rates]


def start_viewer(stage, region, words, env):
    """A viewer that has had time to attach."""
    viewer = stage.view(region, *words, env=env)
    wait_until(lambda: viewer.poll() is not None or sum(
        switches for switches, _ in tasks(viewer.pid).values()) > 20, "the viewer runs")
    time.sleep(SETTLE_S)
    if viewer.poll() is not None:
        raise SystemExit(f"host-viewer ended with {viewer.returncode}")
    return viewer


def measure_still(arguments, words, with_bell):
    """Both sides of a picture that does not change; None: there is no screen for it."""
    with Stage(arguments.build) as stage:
        env = None if "--bench" in words else stage.screen()
        if env is None and "--bench" not in words:
            return None
        region = stage.serve() if with_bell else stage.folder / "region"
        capture = stage.capture(region, *([] if with_bell else ["--create=16M"]), "--input", "-",
                                "--res", f"{WIDTH}x{HEIGHT}", stdin=subprocess.PIPE)
        viewer = start_viewer(stage, region, ["--wait", "20", *words], env)
        capture.stdin.write(bytes(WIDTH * HEIGHT * 4))
        capture.stdin.flush()
        time.sleep(SETTLE_S)
        rates = count((capture.pid, viewer.pid), arguments.seconds)
        finish(viewer, "host-viewer")
        finish(capture, "guest-capture")
        summaries = stage.summaries()
    if summaries[1]["counts"]["verified"] != 1:
        raise SystemExit(f"not one frame was seen: {summaries[1]['counts']}")
    return [{**rate, "wakeup": summary["wakeup"]} for rate, summary in zip(rates, summaries)]


def measure_rings(arguments):
    """A stream at 60 frames a second: how often was the viewer rung, how often did it sleep?"""
    with Stage(arguments.build) as stage:
        region = stage.serve()
        capture = stage.capture(region, "--res", "320x240", "--wait", "20")
        viewer = stage.view(region, "--bench", "--wait", "20", "--duration", "5")
        if viewer.wait(60) != 0:
            raise SystemExit(f"host-viewer ended with {viewer.returncode}")
        finish(capture, "guest-capture")
        producer, consumer = stage.summaries()
    return {"frames": consumer["counts"]["verified"], "rings": producer["wakeup"]["rings_sent"],
            "sleeps": consumer["wakeup"]["sleeps"], "rung": consumer["wakeup"]["rung"],
            "spurious": consumer["wakeup"]["spurious"], "lost": consumer["wakeup"]["lost"]}


def measure_calls(arguments):
    """System calls of the producer's loop for each frame while its viewer is awake.

    The heartbeat is a thread of its own that is not followed: its calls go by time, not by frames.
    Two runs of different lengths: what start and end cost is the same in both.
    """
    if not shutil.which("strace"):
        return {"why_not": "strace is not installed"}
    found = []
    for frames in (STRACE_FRAMES, 2 * STRACE_FRAMES):
        with Stage(arguments.build) as stage:
            region = stage.serve()
            report = stage.folder / "calls"
            viewer = stage.view(region, "--bench", "--wait", "20", "--wakeup", "spin", "--mode",
                                "lossless")
            producer = stage.start(
                "strace", "-c", "-o", report, stage.build / "guest-capture" / "guest-capture",
                "--quiet", "--region", region, "--pattern", "counter", "--res", "64x64", "--fps",
                "0", "--frames", frames, "--mode", "lossless", "--wait", "20", "--wakeup", "spin",
                stderr=subprocess.PIPE, text=True)
            said = producer.communicate(timeout=60)[1]
            if producer.returncode != 0:
                return {"why_not": f"strace: {said.strip()[-200:]}"}
            viewer.wait(60)
            total = re.search(r"^100\.00.*?(\d+)\s+(?:\d+\s+)?total$", report.read_text(),
                              re.MULTILINE)
            found.append(int(total.group(1)))
    calls = max(found[1] - found[0], 0)
    return {"frames": STRACE_FRAMES, "calls": calls, "calls_per_frame": calls / STRACE_FRAMES}


def print_still(name, sides, has_goal):
    """A line a side; returns whether its goal holds, None without one."""
    good = True
    for program, side in zip(SIDES, sides):
        holds = side["switches_per_second"] <= SWITCHES and side["core"] < CORE
        good = good and holds
        verdict = f": {'holds' if holds else 'missed'}" if has_goal else ""
        print(f"{name:22} {program:13} {side['switches_per_second']:7.1f} switches/s "
              f"{side['core'] * 100:6.2f} % of a core{verdict}", flush=True)
    return good if has_goal else None


def main():
    """Everything in turn; the exit code tells only whether it could be measured."""
    arguments = parse_arguments()
    result = {"schema_version": 1, "program": "idle.py", "still": {}}
    print(f"goal with a doorbell: at most {SWITCHES} switches/s and less than {CORE * 100:g} % "
          "of a core, each side")
    for name, words, with_bell in STILL:
        sides = measure_still(arguments, words, with_bell)
        if sides is None:
            print(f"{name:22} not measured: Xvfb is not installed")
            continue
        result["still"][name] = {"holds": print_still(name, sides, with_bell),
                                 **dict(zip(SIDES, sides))}
    rings = result["rings"] = measure_rings(arguments)
    print(f"60 frames a second: {rings['frames']} frames, {rings['sleeps']} sleeps, "
          f"{rings['rings']} rings sent ({rings['rung']} ended a sleep, {rings['spurious']} found "
          f"nothing, {rings['lost']} lost); at most one a sleep: "
          f"{'holds' if rings['rings'] <= rings['sleeps'] else 'missed'}")
    calls = result["calls"] = measure_calls(arguments)
    if "why_not" in calls:
        print(f"system calls of a producer whose viewer is awake: not measured: {calls['why_not']}")
    else:
        print(f"system calls of a producer whose viewer is awake: {calls['calls']} for "
              f"{calls['frames']} frames, {calls['calls_per_frame']:.3f} each")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
