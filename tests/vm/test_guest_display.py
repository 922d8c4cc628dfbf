#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests with a display: its card, mode, picture. Run: python3 tests/vm/test_guest_display.py

The picture is compared with what the guest's kernel has in /dev/fb0, pixel by pixel.
"""

import os
import unittest

import oriel_vm_test as vm

USAGE = 2
# Something to see, without a cursor that blinks.
PAINT = r"""
printf '\033[2J\033[?25l' >/dev/tty1
for line in 1 2 3 4 5 6 7; do printf "\033[3${line}mline $line of %s\033[0m\n" "$1"; done >/dev/tty1
"""
LOOK = """
cd /sys/class/drm
ls /dev/dri/card0
cat /sys/class/graphics/fb0/name /sys/class/graphics/fb0/virtual_size card0-*/status
"""


def shown(guest, name="shot.ppm"):
    """QEMU's picture: (width, height, R G B of each pixel)."""
    path = vm.SANDBOX.folder / name
    guest.do("screenshot", path)
    kind, size, depth, pixels = path.read_bytes().split(b"\n", 3)
    if (kind, depth) != (b"P6", b"255"):
        raise AssertionError(f"{path}: not a PPM of 8 bits")
    return *map(int, size.split()), pixels


def console(guest):
    """The same of the guest's own frame buffer, which has B G R x; without the size."""
    path = vm.SANDBOX.folder / "fb0"
    guest.fetch("/dev/fb0", path)
    raw = path.read_bytes()
    pixels = bytearray(len(raw) // 4 * 3)
    for channel in range(3):
        pixels[channel::3] = raw[2 - channel::4]
    return bytes(pixels)


def refused(*options):
    """What the launcher says to these options: one line, as a matter of usage."""
    done = vm.launcher("start", "--name", f"display-{os.getpid()}", *options)
    if done.returncode != USAGE or done.stderr.count("\n") != 1:
        raise AssertionError(f"{options}: exit code {done.returncode}: {done.stderr}")
    return done.stderr


class Refusals(unittest.TestCase):
    """Named with value and cure, before anything is made."""

    def test_displays(self):
        self.assertIn("--display: vga: no such display; use none, bochs, virtio, vkms",
                      refused("--display", "vga"))
        self.assertIn("--res: 1080p: there is no display", refused("--res", "1080p"))
        self.assertIn("--image: big: no such image; use console, desktop",
                      refused("--image", "big"))
        self.assertIn("--display: none: --image desktop needs one; use virtio",
                      refused("--image", "desktop", "--display", "none"))

    def test_sizes(self):
        for size, words in (("huge", "not a size"), ("1920x", "not a size"),
                            ("-640x480", "not a size"), ("639x480", "not within 640x480"),
                            ("640x479", "not within"), ("3848x2160", "not within"),
                            ("3840x2161", "not within"), ("99999x99999", "not within"),
                            ("1366x768", "no multiple of 8; use 1360x768")):
            self.assertIn(f"--res: {size}: ", refused("--display", "bochs", f"--res={size}"))
            self.assertIn(words, refused("--display", "bochs", f"--res={size}"))


class Case(vm.Case):
    """What every display has to fulfil."""

    def look(self, guest, kind, driver, size):
        """The guest has this card, with this mode, and says so everywhere."""
        width, height = size
        done = guest.run("sh", "-c", LOOK)
        self.assertEqual(done.stdout.split()[:3],
                         ["/dev/dri/card0", f"{driver}drmfb", f"{width},{height}"], done.stderr)
        self.assertIn("connected", done.stdout.split()[3:])
        self.assertEqual(guest.status()["display"],
                         {"kind": kind, "width_px": width, "height_px": height})

    def compare(self, guest, size):
        """QEMU shows what the guest has drawn, soon and exactly."""
        guest.run("sh", "-c", PAINT, "paint", guest.name)
        found = []

        def equal():
            found[:] = *shown(guest), console(guest)
            return found[2] == found[3]
        self.assertTrue(vm.eventually(equal))
        self.assertEqual(tuple(found[:2]), size)
        colours = {found[2][at:at + 3] for at in range(0, len(found[2]), 3)}
        self.assertGreaterEqual(len(colours), 8)  # black and the seven lines
        guest.do("screenshot", self.folder / "shot.png")
        picture = vm.Picture(self.folder / "shot.png")
        self.assertEqual((picture.width, picture.height), size)

    def leave(self, guest):
        """Nothing stays: no process, no region, no folder."""
        state = guest.status()
        guest.stop()
        self.assertFalse(os.path.exists(f"/proc/{state['pid']}"))
        self.assertFalse(os.path.exists(str(guest.region)))
        runtime = os.path.join(vm.SANDBOX.environment["XDG_RUNTIME_DIR"], "oriel")
        self.assertEqual(os.listdir(runtime), [])


class Displays(Case):
    """One guest for each kind."""

    def test_bochs(self):
        guest = vm.Guest("bochs", "4M").start("--display", "bochs", "--res", "1280x720")
        self.look(guest, "bochs", "bochs-drm", (1280, 720))
        self.compare(guest, (1280, 720))
        self.leave(guest)

    def test_virtio(self):
        """With a doorbell, whose IOMMU the display has to bear."""
        guest = vm.DoorbellGuest("virtio", "4M").start("--display", "virtio", "--res", "1440p")
        self.look(guest, "virtio", "virtio_gpu", (2560, 1440))
        self.compare(guest, (2560, 1440))
        self.assertEqual(guest.run("ls", "/sys/bus/pci/devices/0000:00:10.0/driver/module"
                                   ).returncode, 0)
        self.leave(guest)


if __name__ == "__main__":
    vm.main("--display", "virtio")
