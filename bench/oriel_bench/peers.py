# SPDX-License-Identifier: MIT
"""What a user would pick instead: bench/peers, the same frames, every byte digested."""
import contextlib
import glob
import os

from .limits import output_of

# The plain ring verifies nothing: what it costs to be sure is the difference.
WAYS = ("pipe", "socket", "vmsplice", "gstreamer", "memcpy-ring")


def digest_of(way, digest):
    """What the receiver does with each byte."""
    return "none" if way == "memcpy-ring" else digest


def run(stage, way, case, seconds):
    """A measurement's columns."""
    used = digest_of(way, case.digest)
    try:
        found = output_of(stage, stage.build / "bench" / "peer", way, case.size, case.format,
                          used, case.fps, seconds)
    finally:
        remove_leftovers(stage)
    return {"way": way, **case.record(), "digest": used,
            "frames_per_second": found["frames_per_second"],
            "bytes_per_second": found["bytes_per_second"],
            "latency_p50_ns": found["latency_ns"]["p50"],
            "frames": found["frames"], "producer_cpu_s": found["sender_cpu_s"],
            "consumer_cpu_s": found["receiver_cpu_s"]}


def remove_leftovers(stage):
    """shmsink's memory outlives one that is killed; its name tells whose it is."""
    for path in glob.glob(f"/dev/shm/shmpipe.{stage.last_pid:5d}.*"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def describe(record):
    """A line about a way."""
    return (f"{record['way']} {record['width']}x{record['height']}: "
            f"{record['frames_per_second']:.0f} fps, digest {record['digest']}")
