# SPDX-License-Identifier: MIT
"""The screen of a guest: which device, which driver, which size."""

import re
from dataclasses import asdict, dataclass

from .errors import USAGE, GuestError

NONE = "none"
NAMED_SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "1440p": (2560, 1440),
               "4k": (3840, 2160)}
DEFAULT_SIZE = "1080p"
# Below, a text console has no room; above, two pictures have none in the VGA's memory, as bochs
# wants it. The VGA's widths are whole multiples of 8, so all are.
SMALLEST_PX = (640, 480)
LARGEST_PX = (3840, 2160)
WIDTH_STEP_PX = 8
VGA_MEMORY_MB = 64
VIRTIO_MEMORY_MB = 512  # for what a desktop allocates: a limit, not taken at once


@dataclass(frozen=True)
class Kind:
    """One value of --display."""

    image: str  # the variant of the image that has what it needs
    driver: str  # the module that guest-init loads; "": none
    device: str  # QEMU's, with {width_px} and {height_px}; "": none
    mode: str = ""  # for the kernel's command line, where no device says the size


KINDS = {
    # The cloud kernel has no graphics; what there is shows the firmware's text.
    NONE: Kind("cloud", "", "VGA"),
    "bochs": Kind("full", "bochs", f"VGA,vgamem_mb={VGA_MEMORY_MB},"
                                   "xres={width_px},yres={height_px}"),
    "virtio": Kind("full", "virtio_gpu", f"virtio-vga,max_hostmem={VIRTIO_MEMORY_MB}M,"
                                         "xres={width_px},yres={height_px}"),
    # No device at all: the guest's kernel plays one to itself.
    "vkms": Kind("vkms", "vkms", "", " video=Virtual-1:{width_px}x{height_px}"),
}


@dataclass(frozen=True)
class Display:
    """A guest's display; sizes are 0 where there is none."""

    kind: str
    width_px: int = 0
    height_px: int = 0

    @property
    def image(self):
        """The variant of the image that this display needs."""
        return KINDS[self.kind].image

    def qemu_options(self):
        """The device, as QEMU has it."""
        device = KINDS[self.kind].device.format(**asdict(self))
        return ["-device", device] if device else []

    def kernel_words(self):
        """For the kernel's command line; guest-init reads them, too."""
        kind = KINDS[self.kind]
        words = kind.mode.format(**asdict(self))
        return f"{words} oriel_display={kind.driver}" if kind.driver else words

    def __str__(self):
        return f"{self.kind} {self.width_px}x{self.height_px}" if self.width_px else self.kind


def kind_of(name):
    """The value of --display."""
    if name not in KINDS:
        raise GuestError("--display", name, "no such display", f"use {', '.join(KINDS)}", USAGE)
    return KINDS[name]


def parse(kind, size):
    """From --display and --res; size may be None."""
    kind_of(kind)
    if kind == NONE:
        if size is not None:
            raise GuestError("--res", size, "there is no display to have this size",
                             "add --display virtio", USAGE)
        return Display(NONE)
    return Display(kind, *parse_size(size or DEFAULT_SIZE))


def parse_size(text):
    """1440p, or 1366x768, in pixels."""
    size = NAMED_SIZES.get(text.lower())
    if size:
        return size
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    if not match:
        raise GuestError("--res", text, "not a size",
                         f"use {', '.join(NAMED_SIZES)} or WIDTHxHEIGHT", USAGE)
    size = int(match.group(1)), int(match.group(2))
    if not all(low <= px <= high for low, px, high in zip(SMALLEST_PX, size, LARGEST_PX)):
        raise GuestError("--res", text, "not within {}x{} to {}x{}".format(*SMALLEST_PX,
                                                                         *LARGEST_PX),
                         f"use {DEFAULT_SIZE}", USAGE)
    if size[0] % WIDTH_STEP_PX:
        raise GuestError("--res", text, f"its width is no multiple of {WIDTH_STEP_PX}",
                         f"use {size[0] // WIDTH_STEP_PX * WIDTH_STEP_PX}x{size[1]}", USAGE)
    return size
