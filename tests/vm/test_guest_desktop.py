#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests with real desktops, what is captured of them, and vkms.
Run: python3 tests/vm/test_guest_desktop.py

Needs mmdebstrap (.ci/install desktop), some minutes and 2 GB of the cache the first time.
"""

import oriel_vm_test as vm
import test_guest_screen
from guest_screens import SCREENS, SIZES, ScreenGuest, must_read_png
from test_guest_display import Case, console, shown

BACKGROUND = bytes.fromhex("204060")
SIZE = (1280, 720)
DESKTOP = ("--image", "desktop", "--res", "720p")
LIFETIME_S = 3600
WINDOWS = ("xclock", "xeyes", "ico", "xterm")


class Desktops(Case):
    """X and Weston draw on the display, and what they draw moves."""

    def begin(self, label, *options):
        """A guest with the desktop's disk."""
        return vm.Guest(label, "4M").start(*DESKTOP, *options)

    def watch(self, guest):
        """The picture has the desktop's background, windows on it, and changes by itself."""
        pictures = []

        def alive():
            pictures.append(shown(guest))
            return any(picture[2] != pictures[0][2] for picture in pictures)
        self.assertTrue(vm.eventually(lambda: BACKGROUND in shown(guest)[2]))
        self.assertTrue(vm.eventually(alive))
        width, height, pixels = pictures[-1]
        self.assertEqual((width, height), SIZE)
        plain = sum(pixels[at:at + 3] == BACKGROUND for at in range(0, len(pixels), 3))
        self.assertTrue(width * height * 0.1 < plain < width * height * 0.97, plain)

    def desktop(self, guest, command):
        """One command starts it, and returns when it is there."""
        done = guest.run(command)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1, done.stdout)
        self.watch(guest)

    def test_virtio(self):
        """X, Weston, and X again; and this checkout's programs beside Debian's."""
        guest = self.begin("desktop")
        self.desktop(guest, "start-x")
        for window in WINDOWS:
            found = guest.run("sh", "-c", 'DISPLAY=:0 xdotool search --sync --name "$1"', "find",
                              window)
            self.assertEqual(found.returncode, 0, f"{window}: {found.stderr}")
        self.desktop(guest, "start-weston")
        self.assertNotEqual(guest.run("pidof", "Xorg").returncode, 0)
        self.desktop(guest, "start-x")
        self.assertEqual(guest.run("guest-capture", "--help").returncode, 0)
        guest.run("touch", "/written")
        self.leave(guest)
        guest.start(*DESKTOP)
        self.assertNotEqual(guest.run("ls", "/written").returncode, 0)  # the disk is as it was
        self.leave(guest)

    def test_bochs(self):
        guest = self.begin("bochs", "--display", "bochs")
        self.desktop(guest, "start-x")
        self.leave(guest)

    def test_vkms_desktop(self):
        """QEMU sees nothing of it; X has the mode that was asked for."""
        guest = self.begin("vkmsx", "--display", "vkms")
        done = guest.run("start-x")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = guest.run("sh", "-c", "DISPLAY=:0 xdotool getdisplaygeometry")
        self.assertEqual(done.stdout.split(), [str(side) for side in SIZE])
        self.leave(guest)


class Captured:
    """guest-capture sees each desktop at each size as QEMU does, while nothing moves."""

    MOVERS = {"start-x": "xclock xeyes ico xdotool",
              "start-weston": "weston-simple-shm weston-flower weston-smoke"}

    @classmethod
    def setUpClass(cls):
        cls.guest = ScreenGuest(cls.kind, "256M").start_with(
            [cls.kind], "--image", "desktop", "--lifetime", LIFETIME_S)

    @classmethod
    def tearDownClass(cls):
        cls.guest.stop()

    def let(self, command, signal):
        """What moves stops, or goes on."""
        self.guest.shell(f"kill -{signal} $(pidof {self.MOVERS[command]})")

    def watch(self, command):
        """At every size it comes to rest twice, with another picture."""
        for screen in (SCREENS[self.kind, size] for size in SIZES):
            self.guest.use(screen)
            self.guest.shell(command)
            self.capture(until=r"host-viewer: live.*")
            before = None
            for _ in range(2):
                self.let(command, "STOP")
                before = self.assert_truth_seen(before)
                self.assertEqual(before[:2], screen.size)
                self.assertIn(BACKGROUND, before[2])
                self.let(command, "CONT")
            self.guest.shell("stop-desktop")
            self.enough()

    def test_x(self):
        self.watch("start-x")

    def test_weston(self):
        self.watch("start-weston")


class CapturedBochs(Captured, test_guest_screen.Case):
    """Pointers are drawn into the picture."""

    kind = "bochs"


class CapturedVirtio(Captured, test_guest_screen.Case):
    """Pointers are not in the picture, neither QEMU's nor ours."""

    kind = "virtio"


class Vkms(Case):
    """A display that only the guest's kernel knows of."""

    def test_vkms(self):
        guest = vm.Guest("vkms", "4M").start("--display", "vkms", "--res", "1440p")
        self.look(guest, "vkms", "vkms", (2560, 1440))
        done = vm.launcher("screenshot", "--name", guest.name, vm.SANDBOX.folder / "none.png")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertIn("QEMU does not see the display vkms", done.stderr)
        guest.run("sh", "-c", "echo something >/dev/tty1")
        self.assertTrue(any(console(guest)))
        self.leave(guest)


class Formats(test_guest_screen.Case):
    """Of 16 bits a pixel, which neither bochs nor virtio has. What arrives is what was drawn."""

    @classmethod
    def setUpClass(cls):
        cls.guest = ScreenGuest("formats", "64M").start("--display", "vkms", "--res", "640x480")

    @classmethod
    def tearDownClass(cls):
        cls.guest.stop()

    def test_rgb565(self):
        """After a change of format in mid-stream, and before the next."""
        size = test_guest_screen.SIZE
        plain = (*size, test_guest_screen.pattern(*size, 3))
        self.draw(test_guest_screen.mode(size), "fill 3")
        self.capture()
        self.assert_seen(plain)
        self.words("format RG16", test_guest_screen.mode(size), "fill 3")
        self.assert_seen((*size, in_565(plain[2])))
        self.words("format XR24", test_guest_screen.mode(size), "fill 3")
        self.assert_seen(plain)
        self.words("end")
        _, consumer = self.enough()
        self.assertEqual({row["format"] for row in consumer.rows}, {"xrgb8888", "rgb565"})


def in_565(pixels):
    """R G B as they are after having had 5, 6 and 5 bits."""
    known = {bits: bytes(((value >> (8 - bits)) * 255 + (1 << bits) // 2 - 1) // ((1 << bits) - 1)
                         for value in range(256)) for bits in (5, 6)}
    reduced = bytearray(pixels)
    for channel, bits in enumerate((5, 6, 5)):
        reduced[channel::3] = pixels[channel::3].translate(known[bits])
    return bytes(reduced)


if __name__ == "__main__":
    must_read_png()
    vm.main("--image", "desktop")
