#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A guest's mouse pointer goes beside its frames: it moves and none is published, a viewer is told,
and the picture stays as it is without one. Run: python3 tests/vm/test_guest_pointer.py

ORIEL_LONG=1: also shapes of every size on vkms, which is built with a compiler the first time
"""

import json
import os
import struct
import unittest

import oriel_vm_test as vm
from test_guest_screen import Case, ScreenGuest

DRAW = vm.BUILD / "tests" / "vm" / "draw_cursor"
LOOK_LIMIT_S = 60
RED, GREEN = 0xff2010, 0x10ff20
SIDE = 64
# The identity page and the pointer's channel: docs/protocol.md.
LATEST, SLOTS, CAPACITY, INDEX = 384, 32, 40, 56
BIAS = 32768


class Region:
    """What a producer says of its pointer, read from its region."""

    def __init__(self, path):
        self.path = path

    def word(self, offset, form):
        """One word."""
        with open(self.path, "rb") as region:
            region.seek(offset)
            return struct.unpack(form, region.read(struct.calcsize(form)))[0]

    def frames(self):
        """How many frames are published."""
        return self.word(LATEST, "<Q") >> 8

    def has_channel(self):
        """Is one offered?"""
        return self.word(16, "<Q") & 1 == 1

    def place(self):
        """(shape's number, x, y), or None while no pointer is shown."""
        slots, stride = self.word(SLOTS, "<I"), self.word(SLOTS + 4, "<I")
        capacity = self.word(CAPACITY, "<Q")
        digests = 8 * min(max(capacity // 8192 // 64 * 64, 512), 2048)
        payloads = 4096 + 8 * self.word(INDEX, "<I") + slots * (stride + digests)
        payloads = (payloads + 65535) // 65536 * 65536
        place = self.word(payloads + slots * capacity, "<Q")
        return (place >> 32, (place & 0xffff) - BIAS,
                (place >> 16 & 0xffff) - BIAS) if place else None


def with_pointer(picture, colour, side, x, y):
    """The picture with draw_cursor's image in it."""
    width, height, pixels = picture
    pixels = bytearray(pixels)
    for row in range(max(y, 0), min(y + side, height)):
        left, right = max(x, 0), min(x + side // 2, width)
        pixels[3 * (row * width + left):3 * (row * width + right)] = (
            colour.to_bytes(3, "big") * (right - left))
    return width, height, bytes(pixels)


class PointerGuest(ScreenGuest):
    """A guest with a display, and with the program that draws pointers."""

    def start(self, *more):
        super().start(*more)
        self.do("put", DRAW, "/bin/draw_cursor")
        self.shell("chmod +x /bin/draw_cursor")
        return self


class Pointers(Case):
    """What becomes of a pointer."""

    guest = None  # set by those below

    def begin(self, *options):
        """A capture, one who draws pointers, and a window that shows them."""
        self.capture(*options)
        self.shown = vm.Program(vm.VIEWER, "--region", self.guest.region, "--wait", vm.LIMIT_S,
                                "--summary", self.folder / "window.json")
        self.shown.says("host-viewer: idle.*")
        self.start_painter("draw_cursor")
        self.shared = Region(self.guest.region)
        self.plain = self.seen()

    def assert_place(self, expected):
        """Soon the channel says so."""
        if not vm.eventually(lambda: self.shared.place() == expected, LOOK_LIMIT_S):
            self.assertEqual(self.shared.place(), expected)

    def leave(self):
        """Ends it all. Returns what producer and window say of the pointer."""
        self.words("end")
        self.shown.process.terminate()
        self.assert_exit(self.shown)
        producer, _ = self.enough()
        window = json.loads((self.folder / "window.json").read_text())
        return producer["pointer"], window["pointer"]


class Virtio(Pointers):
    """A cursor plane of 64 x 64, which QEMU's own picture leaves out."""

    @classmethod
    def setUpClass(cls):
        cls.guest = PointerGuest("pointer").start("--display", "virtio", "--res", "640x480")

    @classmethod
    def tearDownClass(cls):
        cls.guest.stop()

    def test_beside_the_frames(self):
        """Shown, moved, repainted and hidden: no frame is published for it."""
        self.begin()
        self.assertTrue(self.shared.has_channel())
        self.assertIsNone(self.shared.place())
        frames = self.shared.frames()
        self.words("move 100 50", f"show {SIDE} {RED:#x}")
        self.assert_place((1, 100, 50))
        for x, y in ((101, 50), (-63, -20), (639, 479), (300, 200)):
            self.words(f"move {x} {y}")
            self.assert_place((1, x, y))
        self.words(f"paint {GREEN:#x}")
        self.assert_place((2, 300, 200))
        self.words("hide")
        self.assert_place(None)
        self.words(f"show {SIDE} {GREEN:#x}")
        self.assert_place((2, 300, 200))
        self.words(f"show {SIDE} {RED:#x}")
        self.assert_place((3, 300, 200))
        self.assertEqual(self.shared.frames(), frames)
        self.assertEqual(self.seen(), self.plain)
        self.assertEqual(self.truth(), self.plain)
        # A frame that comes leaves the pointer where it is.
        self.guest.shell("echo the quick brown fox >/dev/tty1")
        self.assert_seen(self.truth())
        self.assertGreater(self.shared.frames(), frames)
        self.assert_place((3, 300, 200))
        producer, window = self.leave()
        self.assertEqual(producer["shapes"], 3)
        self.assertGreaterEqual(producer["moves"], 9)
        self.assertGreaterEqual(window["moves"], 1)
        self.assertLessEqual(window["moves"], producer["moves"])
        self.assertTrue(1 <= window["shapes"] <= 3, window)
        self.assertEqual(window["bad"], 0)

    def test_off_and_on(self):
        """A screen that is off has no pointer; one that is on again has it again."""
        self.begin()
        self.words("move 10 20", f"show {SIDE} {RED:#x}")
        self.assert_place((1, 10, 20))
        before = len(self.viewer_of_all.text())
        self.words("off")
        self.viewer_of_all.says("host-viewer: no signal.*", before)
        self.assert_place(None)
        self.words("on")
        self.assert_place((1, 10, 20))
        self.leave()

    def test_composed(self):
        """In the picture, and nowhere else."""
        self.begin("--cursor", "composed")
        self.assertFalse(self.shared.has_channel())
        self.words("move 100 50", f"show {SIDE} {RED:#x}")
        self.assert_seen(with_pointer(self.plain, RED, SIDE, 100, 50))
        self.words("move -16 450")
        self.assert_seen(with_pointer(self.plain, RED, SIDE, -16, 450))
        self.words("hide")
        self.assert_seen(self.plain)
        self.assertEqual(self.leave(), (None, None))

    def test_none(self):
        """Nowhere: the picture that comes next is without it, too."""
        self.begin("--cursor", "none")
        self.assertFalse(self.shared.has_channel())
        self.words("move 100 50", f"show {SIDE} {RED:#x}")
        self.guest.shell("echo the quick brown fox >/dev/tty1")
        self.assert_seen(self.truth())
        self.assertEqual(self.leave(), (None, None))


@unittest.skipUnless(os.environ.get("ORIEL_LONG"), "vkms is for ORIEL_LONG=1")
class Vkms(Pointers):
    """A cursor plane of up to 512 x 512; 64 KiB of 64 MiB are for each shape."""

    has_blanks = True

    @classmethod
    def setUpClass(cls):
        cls.guest = PointerGuest("vkmsp").start("--display", "vkms", "--res", "1024x768")

    @classmethod
    def tearDownClass(cls):
        cls.guest.stop()

    def test_sizes(self):
        """What the channel cannot carry is in the picture, for as long as it is too large."""
        self.begin()
        self.words("move 30 40")
        number = 0
        for side, colour in ((64, RED), (256, GREEN), (128, RED), (512, GREEN), (64, GREEN)):
            self.words(f"show {side} {colour:#x}")
            if side <= 128:
                number += 1
                self.assert_place((number, 30, 40))
                self.assert_seen(self.plain)
            else:
                self.assert_seen(with_pointer(self.plain, colour, side, 30, 40))
                self.assert_place(None)
        self.words("hide")
        self.assert_place(None)
        self.assert_seen(self.plain)
        producer, _ = self.leave()
        self.assertEqual(producer["shapes"], number)
        self.assertEqual(producer["shape_capacity"], 65536)


if __name__ == "__main__":
    vm.main()
