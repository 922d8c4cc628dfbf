#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The ring between two host processes, as a ratio to a limit of the same frame.

In turn, several rounds: copy-rate (memcpy or the fastest kernel into the same mapping, rotating over
the slots; or a digest alone), and
guest-capture --mode lossless --pattern random feeding host-viewer --bench, every frame digested and
verified. Prints each round and the median of the ratios, which is all that may be quoted: the
machine's own speed cancels out.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT_S = 120


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "host",
                        help="a meson build folder (default: build/host)")
    parser.add_argument("--res", default="3840x2160", metavar="WxH")
    parser.add_argument("--hash", default="auto")
    parser.add_argument("--limit", default="memcpy", metavar="memcpy|best|ALGORITHM",
                        help="what the ring is held to (default: memcpy)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    return parser.parse_args()


def limit_rate(arguments, region):
    """Frames a second of the limit."""
    return float(subprocess.run(
        [arguments.build / "bench" / "copy-rate", region, arguments.res, str(arguments.seconds),
         arguments.limit],
        capture_output=True, text=True, check=True, timeout=LIMIT_S).stdout)


def ring_rate(arguments, region, folder):
    """Frames a second that a consumer verified."""
    summary = os.path.join(folder, "consumer.json")
    with subprocess.Popen(
            [arguments.build / "guest-capture" / "guest-capture", "--quiet", "--region", region,
             "--takeover", "--pattern", "random", "--res", arguments.res, "--fps", "0", "--mode",
             "lossless", "--hash", arguments.hash, "--duration", str(arguments.seconds), "--wait",
             "20"]) as producer:
        subprocess.run(
            [arguments.build / "host-viewer" / "host-viewer", "--quiet", "--bench", "--region",
             region, "--mode", "lossless", "--wait", "20", "--summary", summary],
            check=True, timeout=LIMIT_S)
        producer.wait(LIMIT_S)
    with open(summary, encoding="utf-8") as file:
        result = json.load(file)
    if not result["counts"]["reconcile"] or result["counts"]["bad"]:
        raise SystemExit(f"ring_ratio: not every frame was good: {result['counts']}")
    return result["throughput"]["frames_per_second"]


def main():
    """Interleaved rounds; medians at the end."""
    arguments = parse_arguments()
    width, height = (int(side) for side in arguments.res.split("x"))
    size = 1 << (width * height * 4 * 5).bit_length()
    descriptor, region = tempfile.mkstemp(prefix="oriel-bench-", dir="/dev/shm")
    rows = []
    try:
        os.posix_fallocate(descriptor, 0, size)
        os.close(descriptor)
        with tempfile.TemporaryDirectory() as folder:
            for number in range(arguments.rounds):
                limit = limit_rate(arguments, region)
                ring = ring_rate(arguments, region, folder)
                rows.append((limit, ring))
                print(f"round {number + 1}: {arguments.limit} {limit:.0f} fps, ring {ring:.0f} fps, "
                      f"ratio {ring / limit:.2f}", flush=True)
    finally:
        os.unlink(region)
    ratios = sorted(ring / limit for limit, ring in rows)
    print(f"median: {arguments.limit} {statistics.median(row[0] for row in rows):.0f} fps, ring "
          f"{statistics.median(row[1] for row in rows):.0f} fps, ratio "
          f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
          f"load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
