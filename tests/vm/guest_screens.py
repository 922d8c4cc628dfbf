# SPDX-License-Identifier: MIT
"""A guest with several display devices. One is a card when its driver is bound to it, and cards are
numbered in that order; so one guest shows every driver at every size, alone or beside another."""

import dataclasses
import json
import re
import shutil
import subprocess
import sys

import oriel_vm_test as vm

SIZES = {"1080p": (1920, 1080), "1440p": (2560, 1440), "4k": (3840, 2160)}
# bochs: twice the launcher's memory. A change to 4K needs its 32 MB in one piece, and with 64 in all
# what is shown meanwhile may lie in the middle.
MODELS = {"bochs": "secondary-vga,vgamem_mb=128",
          "virtio": "virtio-gpu-pci,max_hostmem=512M"}
MODULES = {"bochs": "bochs", "virtio": "virtio_gpu"}
FIRST_SLOT = 0x14  # behind the shared memory
UNBIND = """
for device in /sys/bus/pci/drivers/bochs-drm/0* /sys/bus/virtio/drivers/virtio_gpu/virtio*; do
    if [ -e "$device" ]; then
        echo ${device##*/} >${device%/*}/unbind
    fi
done
"""
BIND = {
    "bochs": "echo 0000:00:%02x.0 >/sys/bus/pci/drivers/bochs-drm/bind",
    "virtio": "basename /sys/bus/pci/devices/0000:00:%02x.0/virtio* "
              ">/sys/bus/virtio/drivers/virtio_gpu/bind",
}


@dataclasses.dataclass(frozen=True)
class Screen:
    """One device."""

    kind: str  # of vm/guest --display
    size: tuple
    slot: int  # on the guest's bus

    @property
    def name(self):
        """QEMU's for the device."""
        return f"screen{self.slot:02x}"

    def words(self):
        """QEMU's command line."""
        width, height = self.size
        return ["-device", f"{MODELS[self.kind]},id={self.name},addr=0x{self.slot:x},"
                           f"xres={width},yres={height}"]


SCREENS = {(kind, size): Screen(kind, SIZES[size], FIRST_SLOT + number)
           for number, (kind, size) in enumerate((kind, size) for kind in MODELS for size in SIZES)}


def parse_ppm(data):
    """(width, height, bytes) of a P6 file of 8 bits a channel."""
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return int(head[1]), int(head[2]), data[head.end():]


def must_read_png():
    """ImageMagick takes a second for a 4K picture, for which Python takes half a minute."""
    if not shutil.which("convert"):
        print("convert is not installed: no picture can be compared; .ci/install test")
        sys.exit(vm.SKIPPED)


def read_png(path):
    """The same of a PNG."""
    done = subprocess.run(["convert", path, "-depth", "8", "ppm:-"], capture_output=True,
                          timeout=vm.LIMIT_S, check=True)
    return parse_ppm(done.stdout)


class ScreenGuest(vm.Guest):
    """A guest with a display, and with the program that draws."""

    shown = None  # the device that is looked at; None: the launcher's

    def start(self, *more):
        """Without the cursor, which blinks, and without the kernel's words, which come at any
        time: a screen with them is never at rest."""
        super().start(*more)
        self.do("put", vm.BUILD / "tests" / "vm" / "draw_screen", "/bin/draw_screen")
        self.shell("chmod +x /bin/draw_screen; echo 1 >/proc/sys/kernel/printk; printf '\\033[?25l' >/dev/tty1")
        return self

    def start_with(self, kinds, *more):
        """With the screens of these kinds in every size; none of them is a card before use()."""
        words = [word for screen in SCREENS.values() if screen.kind in kinds
                 for word in screen.words()]
        self.start("--display", kinds[0], "--res", "640x480",
                   *(f"--qemu-arg={word}" for word in words), *more)
        self.shell("echo 0 >/sys/bus/virtio/drivers_autoprobe")
        for kind in kinds[1:]:
            self.shell(f"modprobe {MODULES[kind]}")
        return self

    def use(self, *screens):
        """These are the cards now, /dev/dri/card0 and on; the first has the text console."""
        self.shell(UNBIND + "\n".join(BIND[one.kind] % one.slot for one in screens))
        self.shell("printf '\\033[?25l' >/dev/tty1")
        self.shown = screens[0] if screens else None

    def shell(self, command):
        """Must succeed; what it said."""
        done = self.run("sh", "-ec", command)
        if done.returncode:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def truth(self, path, screen=None):
        """(width, height, bytes) of what QEMU shows on the screen, or on the one in use."""
        screen = screen or self.shown
        if screen:
            self.do("qmp", json.dumps({"execute": "screendump", "arguments": {
                "filename": str(path), "device": screen.name}}))
        else:
            self.do("screenshot", path)
        return parse_ppm(path.read_bytes())
