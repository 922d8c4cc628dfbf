# SPDX-License-Identifier: MIT
"""One guest, one producer, one viewer, and what they leave behind."""

import json
import os
import signal
import subprocess
import time

from .options import SLOTS
from .steps import BUILD, GUEST, ROOT, DemoError, end, run, say

BOOT_LIMIT_S = 180
PREPARE_LIMIT_S = 300
ATTACH_LIMIT_S = 60
VIEWER = BUILD / "host-viewer" / "host-viewer"


class Run:
    """Begun with start_guest(), ended with finish(), whatever happened between."""

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.name = f"demo-{os.getpid()}"
        self.region = f"/dev/shm/oriel-{self.name}"
        self.children = []
        self.viewer = None
        self.status = {}

    def start_guest(self):
        """Boots the guest, asks how it runs, and makes it show what is to be captured."""
        arguments = self.arguments
        subject = arguments.subject
        lifetime = BOOT_LIMIT_S + PREPARE_LIMIT_S + ATTACH_LIMIT_S + arguments.seconds + 120
        say(run([GUEST, "start", "--name", self.name, "--region", self.region, "--size",
                 f"{arguments.region_size >> 20}M", "--accel", arguments.accel, "--lifetime",
                 f"{lifetime:.0f}", "--timeout", BOOT_LIMIT_S, *subject.image, *subject.screen],
                BOOT_LIMIT_S + 60, "the guest", speaks=True).strip())
        self.status = {}

    def start_guest(self):
        """Boots the guest, asks how it runs, and makes it show what is to be captured."""
        arguments = self.arguments
        subject = arguments.subject
        lifetime = BOOT_LIMIT_S + PREPARE_LIMIT_S + ATTACH_LIMIT_S + arguments.seconds + 120
        done = subprocess.run(
            [GUEST, "start", "--name", self.name, "--region", self.region, "--size",
             f"{arguments.region_size >> 20}M", "--accel", arguments.accel, "--lifetime",
             f"{lifetime:.0f}", "--timeout", str(BOOT_LIMIT_S), *subject.image, *subject.screen],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise DemoError("the guest did not start", done.returncode)
        say(done.stdout.strip())
        self.status = json.loads(run([GUEST, "status", "--name", self.name, "--json"], 30, "status"))
        if subject.prepare:
            say(run([GUEST, "run", "--name", self.name, "--", *subject.prepare], PREPARE_LIMIT_S,
                    "the desktop").strip())

    def start(self, command):
        """Starts a program that goes on beside us."""
        child = subprocess.Popen([str(word) for word in command], cwd=ROOT,
                                 stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def start_viewer(self):
        """The window, or the benchmark."""
        command = [VIEWER, "--region", self.region, "--mode", "lossless", "--wait", ATTACH_LIMIT_S,
                   "--csv", self.folder / "consumer.csv",
                   "--summary", self.folder / "consumer.json"]
        return self.start(command + (["--bench"] if self.arguments.headless else []))

    def start_capture(self):
        """guest-capture, inside the guest."""
        return self.start(
            [GUEST, "run", "--name", self.name, "--", "guest-capture",
             *self.arguments.subject.capture, "--mode", "lossless", "--slots", SLOTS,
             "--duration", f"{self.arguments.duration:g}", "--wait", ATTACH_LIMIT_S,
             "--csv", "/tmp/producer.csv", "--summary", "/tmp/producer.json"])

    def take_screenshot(self):
        """The first good frame that an observer meets, while the stream runs."""
        return self.start([VIEWER, "--region", self.region, "--mode", "observe",
                           "--wait", ATTACH_LIMIT_S, "--quiet", "--screenshot",
                           self.folder / "screenshot.png"])

    def wait(self, child, what):
        """Waits for a child within the time that the run may take."""
        limit_s = self.arguments.seconds * 3 + ATTACH_LIMIT_S + 60
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

    def stream(self):
        """From the first frame to the last, and the files of both sides."""
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
        """Ends what still runs, unmoved by further signals; the guest takes its region along."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for child in self.children:
            end(child)
        subprocess.run([GUEST, "stop", "--name", self.name], cwd=ROOT, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
