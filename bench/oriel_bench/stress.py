# SPDX-License-Identifier: MIT
"""bench/run --stress: steps through sizes, formats and rates until the time is over."""
import random
import time

from . import ring
from .limits import NotMeasured
from .plan import CONSUMERS, DAMAGES, DIGESTS, MODES, Case, region_bytes

STEP_S = 1.0
FORMATS = ("xrgb8888", "argb8888", "xbgr8888", "abgr8888", "rgb888", "bgr888", "rgb565",
           "xrgb2101010")
RATES = (0, 24, 60, 144)


def steps(sizes, seed):
    """Cases without an end; the same for the same seed."""
    chance = random.Random(seed)
    while True:
        yield Case(*chance.choice(sizes), mode=chance.choice(MODES),
                   digest=chance.choice(DIGESTS), fps=chance.choice(RATES),
                   damage=chance.choice(DAMAGES), consumers=chance.choice(CONSUMERS),
                   format=chance.choice(FORMATS))


def run(stage, results, options):
    """Until the time is over; every frame of every step is accounted for. Returns the exit code."""
    end = time.monotonic() + options.stress
    size = region_bytes(options.sizes, 6)
    failed = 0
    for number, case in enumerate(steps(options.sizes, options.seed)):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            record = ring.run(stage, stage.folder / "region", size, case,
                              round(min(STEP_S, max(left, 0.1)), 3),
                              results.run_folder("stress", case, number))
        except NotMeasured as error:
            failed += 1
            results.skip(f"stress step {number + 1}, {case.name}", str(error))
            continue
        results.add("stress", number, record, ring.describe(record))
    return 1 if failed else 0
