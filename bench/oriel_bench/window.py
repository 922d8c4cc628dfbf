# SPDX-License-Identifier: MIT
"""The window on an X server without a screen, beside a bare SDL loop."""
import subprocess

from . import ring
from .limits import NotMeasured, output_of
from .programs import LIMIT_S, read_json

SCREEN = "1920x1080x24"


class Window:
    """One X server for all rounds."""

    def __init__(self, stage, renderer):
        self.stage = stage
        self.renderer = renderer
        self.env = stage.screen(SCREEN)
        if self.env is None:
            raise NotMeasured("Xvfb is not installed")
        if not (stage.build / "bench" / "window-limit").exists():
            raise NotMeasured("built without the window; build with -Dwindow=enabled")

    def limit(self, case, seconds):
        """Frames a second of SDL alone."""
        found = output_of(self.stage, self.stage.build / "bench" / "window-limit", case.size,
                          self.renderer, seconds, env=self.env)
        return found["frames_per_second"]

    def run(self, region, region_bytes, case, seconds, folder):
        """Frames a second that the window presents, each verified before."""
        words = [] if self.renderer == "auto" else ["--renderer", self.renderer]
        viewer = ring.start(self.stage, "host-viewer", folder, "consumer", "--mode", case.mode,
                            f"--create={region_bytes}", "--region", region, "--wait",
                            ring.ATTACH_S, *words, env=self.env)
        capture = ring.start(self.stage, "guest-capture", folder, "producer", "--region", region,
                             f"--create={region_bytes}", "--takeover", "--wait", ring.ATTACH_S,
                             *case.capture_words(seconds))
        producer_cpu_s = ring.wait_with_cpu(capture, LIMIT_S + 4 * seconds, "guest-capture")
        try:
            viewer.wait(0.5)
        except subprocess.TimeoutExpired:
            viewer.terminate()
        consumer_cpu_s = ring.wait_with_cpu(viewer, LIMIT_S, "host-viewer")
        producer, consumer = (read_json(folder / f"{side}.json")
                              for side in ("producer", "consumer"))
        record = {**case.record(), **ring.columns(producer, [consumer]),
                  "producer_cpu_s": producer_cpu_s, "consumer_cpu_s": consumer_cpu_s}
        ring.write_run(folder, case, producer, [consumer], is_one_clock=True)
        return record
