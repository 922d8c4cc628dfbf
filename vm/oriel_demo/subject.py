# SPDX-License-Identifier: MIT
"""What the guest shows, and how it is captured."""

from dataclasses import dataclass

# --desktop -> what starts it in the guest (vm/desktop/)
DESKTOPS = {"x": "start-x", "weston": "start-weston"}


@dataclass(frozen=True)
class Subject:
    """Words for others' command lines."""

    image: tuple  # vm/guest build, and start
    screen: tuple  # vm/guest start
    prepare: tuple  # a command for the guest, before anything is captured; empty: none
    capture: tuple  # guest-capture


def pattern(name, sizes):
    """Test pictures of each of the sizes, as fast as they go."""
    return Subject((), (), (), ("--pattern", name, "--res", sizes, "--fps", "0"))


def desktop(name, size):
    """What the screen of a desktop shows, as often as it changes."""
    return Subject(("--image", "desktop", "--display", "virtio"), ("--res", size),
                   (DESKTOPS[name],), ("--source", "kms"))
