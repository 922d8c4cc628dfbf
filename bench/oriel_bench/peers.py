# SPDX-License-Identifier: MIT
"""What a user would pick instead: bench/peers, the same frames."""
import contextlib
import dataclasses
import glob
import os

from .limits import output_of


@dataclasses.dataclass(frozen=True)
class Way:
    """A row: a way of bench/peers, and the work that both sides do (peer_work.h)."""

    name: str
    way: str
    work: str = "same"
    is_digested: bool = True


# What it costs to be sure is the difference to the plain ring without a digest.
WAYS = (
    Way("gstreamer", "gstreamer"),
    Way("gstreamer-in-place", "gstreamer", work="in-place"),
    Way("pipe", "pipe"),
    Way("socket", "socket"),
    Way("vmsplice", "vmsplice"),
    Way("memcpy-ring", "memcpy-ring"),
    Way("memcpy-ring-in-place", "memcpy-ring", work="in-place"),
    Way("memcpy-ring-no-digest", "memcpy-ring", is_digested=False),
)
GSTREAMER, GSTREAMER_IN_PLACE = WAYS[:2]


def run(stage, way, case, seconds):
    """A measurement's columns."""
    used = case.digest if way.is_digested else "none"
    try:
        found = output_of(stage, stage.build / "bench" / "peer", way.way, way.work, case.size,
                          case.format, used, case.fps, seconds)
    finally:
        remove_leftovers(stage)
    return {"way": way.name, "work": way.work, **case.record(), "digest": used,
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
