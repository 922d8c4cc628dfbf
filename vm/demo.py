#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Oriel's main job on a real guest: its frames, live on this host, each one verified.

Builds, starts a guest, runs guest-capture in it, opens host-viewer (without a display, or with
--headless: its benchmark) and leaves producer.csv, consumer.csv, run.json and a screenshot in
results/<time>/. Exit code 0 only if frames arrived, every one was verified, and the counts of both
sides reconcile.
"""
import argparse
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "host"
GUEST = str(ROOT / "vm" / "guest")
INTEGRITY = 5
SLOTS = 4
BOOT_LIMIT_S = 180
ATTACH_LIMIT_S = 60
# A region that holds SLOTS frames of 4 bytes a pixel; larger sizes are refused by name.
REGION_SIZES = {"720p": "64M", "1080p": "64M", "1440p": "64M", "4k": "128M", "2160p": "128M"}


class DemoError(Exception):
    """Something went wrong; the text says what, and what to do."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def say(text):
    """One line about how far we are."""
    print(f"demo: {text}", file=sys.stderr, flush=True)


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--res", default="4k", help="720p, 1080p, 1440p, 4k (default) or WxH, or "
                        "a comma list that is stepped through")
    parser.add_argument("--pattern", default="random",
                        choices=["random", "bars", "gradient", "motion", "counter"])
    parser.add_argument("--duration", type=float, default=10, metavar="S",
                        help="seconds of each size (default 10)")
    parser.add_argument("--headless", action="store_true",
                        help="no window: verify and count (the default without a display)")
    parser.add_argument("--accel", default="auto", choices=["auto", "kvm", "tcg"])
    parser.add_argument("--results", type=pathlib.Path, metavar="DIR",
                        help="where results go (default: results/<time>)")
    arguments = parser.parse_args()
    if not 0 < arguments.duration <= 3600:
        parser.error(f"--duration: {arguments.duration:g} is not within 0 to 3600 seconds")
    arguments.region_size = region_size(arguments.res, parser)
    arguments.headless |= not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return arguments


def region_size(sizes, parser):
    """The smallest power of two that holds SLOTS frames of the largest size in the list."""
    largest = 0
    for size in sizes.lower().split(","):
        if size in REGION_SIZES:
            largest = max(largest, int(REGION_SIZES[size][:-1]) << 20)
            continue
        try:
            width, height = (int(side) for side in size.split("x"))
        except ValueError:
            parser.error(f"--res: '{size}' is no size; use {', '.join(REGION_SIZES)} or WxH")
        if not (0 < width <= 16384 and 0 < height <= 16384):
            parser.error(f"--res: '{size}': each side is 1 to 16384")
        # One MiB is more than all tables, both headers and the padding of the slots.
        largest = max(largest, width * height * 4 * SLOTS + (1 << 20))
    return max(1 << (largest - 1).bit_length(), 64 << 20)


def run(command, limit_s, what):
    """Runs a step whose output matters only when it fails."""
    try:
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=limit_s,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"{what}: not done within {limit_s} s") from error
    if done.returncode:
        raise DemoError(f"{what}: {' '.join(map(str, command))}\n{done.stdout[-4000:]}")
    return done.stdout


def build():
    """The host's programs; the guest's are built by vm/guest."""
    say("building")
    if not (BUILD / "build.ninja").exists():
        run(["meson", "setup", str(BUILD), "-Dtests=disabled"], 300, "build")
    run(["meson", "compile", "-C", str(BUILD)], 900, "build")
    run([GUEST, "build"], 900, "guest image")


class Demo:
    """One guest, one producer, one viewer, and what they leave behind."""

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.name = f"demo-{os.getpid()}"
        self.region = f"/dev/shm/oriel-{self.name}"
        self.children = []
        self.viewer = None
        self.status = {}

    def start_guest(self):
        """Boots the guest and asks how it runs."""
        arguments = self.arguments
        lifetime = BOOT_LIMIT_S + ATTACH_LIMIT_S + arguments.duration * (
            arguments.res.count(",") + 1) + 120
        done = subprocess.run(
            [GUEST, "start", "--name", self.name, "--region", self.region, "--size",
             f"{arguments.region_size >> 20}M", "--accel", arguments.accel, "--lifetime",
             f"{lifetime:.0f}", "--timeout", str(BOOT_LIMIT_S)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise DemoError("the guest did not start", done.returncode)
        say(done.stdout.strip())
        self.status = json.loads(run([GUEST, "status", "--name", self.name, "--json"], 30, "status"))

    def start(self, command):
        """Starts a program that goes on beside us."""
        child = subprocess.Popen([str(word) for word in command], cwd=ROOT,
                                 stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def start_viewer(self):
        """The window, or the benchmark."""
        command = [BUILD / "host-viewer" / "host-viewer", "--region", self.region,
                   "--mode", "lossless", "--wait", ATTACH_LIMIT_S,
                   "--csv", self.folder / "consumer.csv",
                   "--summary", self.folder / "consumer.json"]
        return self.start(command + (["--bench"] if self.arguments.headless else []))

    def start_capture(self):
        """guest-capture, inside the guest."""
        return self.start(
            [GUEST, "run", "--name", self.name, "--", "guest-capture", "--pattern",
             self.arguments.pattern, "--res", self.arguments.res, "--fps", "0", "--mode",
             "lossless", "--slots", SLOTS, "--duration", f"{self.arguments.duration:g}", "--wait",
             ATTACH_LIMIT_S, "--csv", "/tmp/producer.csv", "--summary", "/tmp/producer.json"])

    def take_screenshot(self):
        """The first good frame that an observer meets, while the stream runs."""
        return self.start([BUILD / "host-viewer" / "host-viewer", "--region", self.region, "--mode",
                           "observe", "--wait", ATTACH_LIMIT_S, "--quiet", "--screenshot",
                           self.folder / "screenshot.png"])

    def wait(self, child, what):
        """Waits for a child within the time that the run may take."""
        sizes = self.arguments.res.count(",") + 1
        limit_s = self.arguments.duration * sizes * 3 + ATTACH_LIMIT_S + 60
        end = time.monotonic() + limit_s
        while child.poll() is None:
            if child is not self.viewer:
                self.look_after_viewer()
            if time.monotonic() > end:
                raise DemoError(f"{what} did not end within {limit_s:.0f} s")
            time.sleep(0.05)
        if child.returncode:
            raise DemoError(f"{what} ended with exit code {child.returncode}",
                            max(child.returncode, 1))

    def look_after_viewer(self):
        """The one that everybody else waits for may end first: it says why."""
        code = self.viewer.poll()
        if code:
            raise DemoError(f"host-viewer ended with exit code {code}", max(code, 1))
        if code == 0 and not self.arguments.headless:
            raise DemoError("the window was closed before the stream ended: no verdict")

    def run(self):
        """The whole run, and its files."""
        viewer = self.viewer = self.start_viewer()
        capture = self.start_capture()
        screenshot = self.take_screenshot()
        self.wait(screenshot, "the screenshot")
        self.wait(capture, "guest-capture")
        if not self.arguments.headless:
            # The window stays open after the end of a stream; ours has nobody to close it.
            viewer.send_signal(signal.SIGTERM)
        self.wait(viewer, "host-viewer")
        for name in ("producer.csv", "producer.json"):
            run([GUEST, "fetch", "--name", self.name, f"/tmp/{name}", str(self.folder / name)], 120,
                "fetch")

    def finish(self):
        """Ends what still runs; the guest takes its region along."""
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        subprocess.run([GUEST, "stop", "--name", self.name], cwd=ROOT, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def write_run(demo):
    """run.json: both summaries, and what they ran on."""
    folder = demo.folder
    producer = json.loads((folder / "producer.json").read_text())
    consumer = json.loads((folder / "consumer.json").read_text())
    qemu = run(["qemu-system-x86_64", "--version"], 30, "qemu").splitlines()[0]
    whole = {
        "schema_version": consumer["schema_version"],
        "commit": consumer["commit"],
        "commands": {"demo": sys.argv, "producer": producer["command"],
                     "consumer": consumer["command"]},
        "machine": consumer["machine"],
        "guest": {"machine": producer["machine"], "accelerator": demo.status.get("accel"),
                  "qemu": qemu},
        "bar2": producer["region"],
        "mode": producer["mode"],
        "digest": producer["digest"],
        "clock_bound_ns": consumer["clock_bound_ns"],
        "producer": producer,
        "consumer": consumer,
    }
    (folder / "run.json").write_text(json.dumps(whole, indent=2) + "\n")
    for name in ("producer.json", "consumer.json"):
        (folder / name).unlink()
    return whole


def judge_rows(folder):
    """Every verified row of the consumer has its row at the producer, once."""
    def rows(name):
        with open(folder / name, newline="", encoding="ascii") as file:
            return list(csv.DictReader(file))
    published = {(row["epoch"], row["sequence"]) for row in rows("producer.csv")}
    verified = [(row["epoch"], row["sequence"]) for row in rows("consumer.csv")
                if row["result"] == "verified"]
    if len(set(verified)) != len(verified) or not set(verified) <= published:
        raise DemoError("producer.csv and consumer.csv do not join on epoch and sequence",
                        INTEGRITY)


def judge(whole, folder):
    """Frames arrived, every one verified, and the counts of both sides reconcile."""
    published = whole["producer"]["counts"]["published"]
    counts = whole["consumer"]["counts"]
    if not counts["verified"]:
        raise DemoError("no frame arrived", 4)
    for name in ("bad", "torn", "stale"):
        if counts[name]:
            raise DemoError(f"{counts[name]} frames were {name}", INTEGRITY)
    if not counts["reconcile"] or published != counts["verified"] + counts["skipped"] + counts["in_ring"]:
        raise DemoError(f"the counts do not reconcile: {published} published, {counts}", INTEGRITY)
    judge_rows(folder)
    rate = whole["consumer"]["throughput"]["frames_per_second"]
    say(f"{published} frames published, {counts['verified']} verified"
        f"{f', {rate:.1f} a second' if rate else ''}; the counts reconcile")


def main():
    """Runs the demo; returns the exit code."""
    arguments = parse_arguments()
    folder = (arguments.results or ROOT / "results" / time.strftime("%Y%m%d-%H%M%S")).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    demo = Demo(arguments, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        build()
        demo.start_guest()
        demo.run()
        judge(write_run(demo), folder)
    except DemoError as error:
        say(str(error))
        return error.code
    except KeyboardInterrupt:
        say("interrupted")
        return 128 + signal.SIGINT
    finally:
        demo.finish()
    say(f"results in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
