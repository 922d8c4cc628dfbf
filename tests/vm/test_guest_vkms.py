#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A screen with vertical blanks: guest-capture --source kms on vkms, looked at behind each blank.
QEMU sees nothing of it, so what must arrive is what draw_screen.c drew. Run:
python3 tests/vm/test_guest_vkms.py

Needs .ci/install build guest, and a minute to build vkms the first time.
"""

import oriel_vm_test as vm
from test_guest_screen import ANOTHER, IDLE, NO_SIGNAL, SIZE, Case, ScreenGuest, mode, pattern


class Vkms(Case):
    """The guest's kernel plays a card to itself."""

    has_blanks = True

    @classmethod
    def setUpClass(cls):
        cls.guest = ScreenGuest("blanks").start("--display", "vkms", "--res", "640x480")

    @classmethod
    def tearDownClass(cls):
        cls.guest.stop()

    def assert_shown(self, size, seed):
        """The pattern is seen."""
        self.assert_seen((*size, pattern(*size, seed)))

    def test_drawn(self):
        """In place, flipped, and in another mode."""
        self.draw(mode(SIZE))
        self.capture()
        self.assert_shown(SIZE, 0)
        self.words("fill 3")
        self.assert_shown(SIZE, 3)
        self.words("flip 20 5")
        self.assert_shown(SIZE, 24)
        self.words("rect 321 301 1 1 0xff00ff", "fill 4", mode(ANOTHER), "flip 3 1")
        self.assert_shown(ANOTHER, 3)
        self.words("end")
        self.enough()

    def test_seldom(self):
        """Behind every second blank."""
        self.draw(mode(SIZE))
        self.capture("--fps", "30")
        self.words("flip 20 1")
        self.assert_shown(SIZE, 20)
        self.words("end")
        self.enough()

    def test_off_and_on(self):
        """The blanks end with the screen, and come with it."""
        self.draw(mode(SIZE))
        self.capture()
        before = len(self.viewer_of_all.text())
        self.words("flip 20 1", "off")
        before = self.viewer_of_all.says(NO_SIGNAL, before)
        self.words("fill 11", "on")
        self.viewer_of_all.says(IDLE, before)
        self.assert_shown(SIZE, 11)
        self.words("end")
        self.enough()


if __name__ == "__main__":
    vm.main("--display", "vkms")
