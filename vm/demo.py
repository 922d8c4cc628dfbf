#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Oriel's main job on a real guest: its frames, live on this host, each one verified.

Builds, starts a guest, runs guest-capture in it, on test pictures or on the screen of a desktop,
opens host-viewer (without a display, or with --headless: its benchmark) and leaves producer.csv,
consumer.csv, run.json and a screenshot in results/<time>/. Exit code 0 only if frames arrived,
every one was verified, and the counts of both sides reconcile.
"""
import signal
import sys
import time

from oriel_demo import options, results, steps
from oriel_demo.run import Run


def main():
    """Runs the demo; returns the exit code."""
    arguments = options.parse(__doc__)
    folder = (arguments.results or
              steps.ROOT / "results" / time.strftime("%Y%m%d-%H%M%S")).resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    demo = Run(arguments, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        steps.build(arguments.subject.image)
        demo.start_guest()
        demo.stream()
        results.judge(results.write_run(demo), folder)
    except steps.DemoError as error:
        steps.say(str(error))
        return error.code
    except KeyboardInterrupt:
        steps.say("interrupted")
        return 128 + signal.SIGINT
    finally:
        demo.finish()
    steps.say(f"results in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
