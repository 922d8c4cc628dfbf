# SPDX-License-Identifier: MIT
"""The command line."""

import argparse
import os
import pathlib

from oriel_vm import display
from oriel_vm.errors import USAGE, GuestError

from . import subject

# Frames that the ring holds.
SLOTS = 4
# A region that holds SLOTS frames of 4 bytes a pixel; larger sizes are refused by name.
REGION_SIZES = {"720p": "64M", "1080p": "64M", "1440p": "64M", "4k": "128M", "2160p": "128M"}
PATTERNS = ("random", "bars", "gradient", "motion", "counter")


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parse(description):
    """The options, checked; with all that follows from them."""
    parser = Parser(prog="demo", description=description, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--desktop", nargs="?", const="x", choices=list(subject.DESKTOPS),
                        help="a desktop with windows that move, captured from the guest's screen "
                        "(--source kms): x (Xorg, the default of this) or weston")
    parser.add_argument("--res", help="720p, 1080p, 1440p, 4k or WxH, or a comma list that is "
                        "stepped through (default 4k); with --desktop one size (default 1080p)")
    parser.add_argument("--pattern", choices=PATTERNS, help="(default random)")
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
    if arguments.desktop:
        arguments.subject = desktop(arguments, parser)
    else:
        arguments.res = arguments.res or "4k"
        arguments.subject = subject.pattern(arguments.pattern or PATTERNS[0], arguments.res)
    arguments.region_size = region_size(arguments.res, parser)
    arguments.seconds = arguments.duration * (arguments.res.count(",") + 1)
    arguments.headless |= not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return arguments


def desktop(arguments, parser):
    """A desktop has one size, which a guest's display must have."""
    if arguments.pattern:
        parser.error(f"--pattern: '{arguments.pattern}' is not with --desktop, which shows the "
                     "guest's screen; leave one of them out")
    arguments.res = arguments.res or display.DEFAULT_SIZE
    if "," in arguments.res:
        parser.error(f"--res: '{arguments.res}' is a list, and a desktop has one size; name one")
    try:
        display.parse_size(arguments.res)
    except GuestError as error:
        parser.error(str(error))
    return subject.desktop(arguments.desktop, arguments.res)


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
