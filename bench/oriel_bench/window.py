# SPDX-License-Identifier: MIT
"""The window on an X server without a screen, beside a bare SDL loop."""
import os
import signal
import time

from . import ring
from .limits import NotMeasured, output_of
from .programs import LIMIT_S, read_json

SCREEN = "1920x1080x24"
LAST_FRAMES_S = 0.2  # for those that are still in the ring
FEEDS = ("own", "fed")  # of window-limit


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

    def limit(self, case, seconds, feed):
        """Frames a second of SDL alone, with frames of its own or fed by another process."""
        found = output_of(self.stage, self.stage.build / "bench" / "window-limit", case.size,
                          self.renderer, seconds, feed, env=self.env)
        return found["frames_per_second"]

    def measure(self, region, region_bytes, case, seconds, folder):
        """The window and both of its limits, close together; a measurement's columns."""
        limits = {feed: self.limit(case, seconds, feed) for feed in FEEDS}
        return {**self.run(region, region_bytes, case, seconds, folder),
                "limit_frames_per_second": limits["own"],
                "fed_frames_per_second": limits["fed"]}

    def run(self, region, region_bytes, case, seconds, folder):
        """Frames a second that the window presents, each verified before."""
        words = [] if self.renderer == "auto" else ["--renderer", self.renderer]
        viewer = ring.start(self.stage, "host-viewer", folder, "consumer", "--mode", case.mode,
                            f"--create={region_bytes}", "--region", region, "--wait",
                            ring.ATTACH_S, *words, env=self.env)
        capture = ring.start(self.stage, "guest-capture", folder, "producer", "--region", region,
                             f"--create={region_bytes}", "--takeover", "--wait", ring.ATTACH_S,
                             *case.capture_words(seconds))
        limit_s = LIMIT_S + 4 * seconds
        ring.wait_for_summary(capture, folder, limit_s)
        # A window stays open when its producer ends.
        time.sleep(LAST_FRAMES_S)
        os.kill(viewer.pid, signal.SIGTERM)
        consumer_cpu_s = ring.wait_with_cpu(viewer, limit_s, "host-viewer")
        producer_cpu_s = ring.see_off(capture, limit_s)
        producer, consumer = (read_json(folder / f"{side}.json")
                              for side in ("producer", "consumer"))
        record = {**case.record(), **ring.columns(producer, [consumer], folder),
                  "producer_cpu_s": producer_cpu_s, "consumer_cpu_s": consumer_cpu_s}
        ring.write_run(folder, case, producer, [consumer], is_one_clock=True)
        return record


def describe(record):
    """A line about a window."""
    return (f"{ring.describe(record)}, SDL fed by another process "
            f"{record['fed_frames_per_second']:.1f} fps, SDL alone "
            f"{record['limit_frames_per_second']:.1f} fps")
