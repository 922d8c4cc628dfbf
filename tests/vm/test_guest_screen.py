#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a guest's screen shows arrives on the host: guest-capture --source kms, while draw_screen.c
does to the screen what a desktop does. Compared at rest, pixel by pixel, with what QEMU shows and
with what was drawn. Run: python3 tests/vm/test_guest_screen.py

ORIEL_LONG=1: hundreds of changes of mode in place of a few
"""

import json
import os
import pathlib
import re

import oriel_vm_test as vm
from guest_screens import MODULES, SCREENS, SIZES, ScreenGuest, must_read_png, read_png

IS_LONG = bool(os.environ.get("ORIEL_LONG"))
# How many changes of mode, 1080p, 4K, 1440p and so on, from one comparison to the next.
CHANGES = (20, 21, 22) * 8 if IS_LONG else (1, 2, 3)
LIFETIME_S = 3600 if IS_LONG else vm.LIFETIME_S
MODES = (SIZES["1080p"], SIZES["4k"], SIZES["1440p"])
LOOK_LIMIT_S = 60
SIZE = (640, 480)
ANOTHER = (800, 600)
LARGE = (2880, 1620)  # four slots of it do not fit into SMALL
SMALL = "pci:0000:00:11.0"  # 64M, beside the 256M of pci:0000:00:10.0
NO_SIGNAL = r"host-viewer: no signal.*"
IDLE = r"host-viewer: idle.*"
FAILED, USAGE = 1, 2
GUEST = None


def setUpModule():
    """One guest for all, with two pieces of shared memory."""
    global GUEST
    guest = ScreenGuest("screens", "256M")
    guest.small = pathlib.Path(f"/dev/shm/oriel-{guest.name}-small")
    vm.SANDBOX.regions.append(guest.small)
    with open(guest.small, "wb") as file:
        file.truncate(64 << 20)
    words = ("-object", f"memory-backend-file,id=small,share=on,size=64M,mem-path={guest.small}",
             "-device", f"ivshmem-plain,memdev=small,addr=0x{SMALL[-4:-2]}")
    GUEST = guest.start_with(("bochs", "virtio"), "--lifetime", LIFETIME_S,
                             *(f"--qemu-arg={word}" for word in words))


def tearDownModule():
    """The small region is ours to remove: the launcher knows nothing of it."""
    GUEST.stop()


def pattern(width, height, seed):
    """What draw_screen.c says it draws, R G B R G B ..."""
    red = bytes((3 * x + 31 * seed) & 0xff for x in range(width))
    picture = bytearray(3 * width * height)
    for y in range(height):
        row = slice(3 * width * y, 3 * width * (y + 1))
        picture[row.start:row.stop:3] = red
        picture[row.start + 1:row.stop:3] = bytes([(5 * y + 17 * seed) & 0xff]) * width
        picture[row.start + 2:row.stop:3] = bytes(((x ^ y) + 7 * seed) & 0xff
                                                  for x in range(width))
    return bytes(picture)


def mode(size):
    """The word for it."""
    return f"mode {size[0]} {size[1]}"


def differences(found, expected):
    """In words, for who has to find out."""
    width, height, pixels = found
    if found[:2] != expected[:2]:
        return f"{width}x{height} in place of {expected[0]}x{expected[1]}"
    wrong = [i // 3 for i in range(len(pixels)) if pixels[i] != expected[2][i]]
    return (f"{len(wrong)} wrong, the first at {wrong[0] % width},{wrong[0] // width}" if wrong
            else "right by now")


class Case(vm.Case):
    """A screen that is captured, and one who draws on it."""

    guest = None  # set by those below
    has_blanks = False  # vertical ones
    region = None  # on the host, of the last capture

    def capture(self, *options, source="kms", memory=f"pci:{vm.DEVICE}", until=IDLE):
        """guest-capture of the screen, and a viewer that counts what comes."""
        self.region = self.guest.small if memory == SMALL else self.guest.region
        self.producer = self.guest.begin(
            "guest-capture", "--source", source, "--region", memory, "--summary",
            f"/tmp/{self.region.name}.json", *options)
        self.viewer_of_all = vm.Program(
            vm.VIEWER, "--bench", "--region", self.region, "--wait", vm.LIMIT_S, "--summary",
            self.folder / "consumer.json", "--csv", self.folder / "consumer.csv")
        self.viewer_of_all.says(until)

    def draw(self, *lines, card=0):
        """draw_screen, with its first words obeyed."""
        self.start_painter("draw_screen", card)
        self.words(*lines)

    def start_painter(self, program, card=0):
        """One who draws on this card what words() say."""
        self.fifo = f"/tmp/draw{card}"
        self.guest.shell(f"[ -p {self.fifo} ] || mkfifo {self.fifo}")
        self.painter = self.guest.begin(program, f"/dev/dri/card{card}", self.fifo)
        self.painter.says("ready")

    def words(self, *lines):
        """More words; each is waited for."""
        for line in lines:
            before = len(self.painter.text())
            self.guest.shell(f"echo '{line}' >{self.fifo}")
            self.painter.says(f"done: {line}", before)
        if lines[-1:] == ("end",):
            self.assert_exit(self.painter)

    def enough(self):
        """Ends all that was begun; every frame that came was right. Returns both summaries."""
        self.producer.process.terminate()
        self.assert_exit(self.producer)
        self.assert_exit(self.viewer_of_all)
        summary = f"{self.region.name}.json"
        self.collect(self.guest, summary)
        consumer = vm.Side(self.folder, "consumer")
        self.assertTrue(consumer.counts["reconcile"])
        self.assertEqual([consumer.counts[name] for name in ("bad", "stale")], [0, 0])
        self.assertGreater(consumer.counts["verified"], 0)
        producer = json.loads((self.folder / summary).read_text())
        counts = producer["counts"]
        self.assertGreaterEqual(counts["looks"], counts["published"])
        self.assertEqual(counts["vblanks"] > 0, self.has_blanks, counts)
        return producer, consumer

    def seen(self):
        """(width, height, bytes) of what a viewer shows."""
        path = self.folder / "seen.png"
        observer = vm.Program(vm.VIEWER, "--screenshot", path, "--mode", "observe", "--region",
                              self.region, "--wait", vm.LIMIT_S)
        self.assert_exit(observer)
        return read_png(path)

    def truth(self, screen=None):
        """The same of what QEMU shows."""
        return self.guest.truth(self.folder / "truth.ppm", screen)

    def assert_seen(self, expected):
        """A screen at rest is seen soon, as it is."""
        if not vm.eventually(lambda: self.seen() == expected, LOOK_LIMIT_S):
            self.fail(f"seen is {differences(self.seen(), expected)}")

    def assert_truth_seen(self, before, screen=None):
        """What QEMU shows is another picture soon than it was before, and is seen. Returns it."""
        self.assertTrue(vm.eventually(lambda: self.truth(screen) != before, LOOK_LIMIT_S))
        self.assertTrue(vm.eventually(lambda: self.seen() == self.truth(screen), LOOK_LIMIT_S))
        return self.truth(screen)

    def assert_shown(self, size, seed, screen=None):
        """The pattern, drawn, shown and seen."""
        expected = (*size, pattern(*size, seed))
        if not vm.eventually(lambda: self.truth(screen) == expected, LOOK_LIMIT_S):
            self.fail(f"QEMU shows {differences(self.truth(screen), expected)}")
        self.assert_seen(expected)

    def refused(self, code, message, *arguments):
        """A run that must end at once; its complaint is one line."""
        done = self.guest.run("guest-capture", "--region", f"pci:{vm.DEVICE}", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, rf"\Aguest-capture: {message}\n\Z")


class Pictures:
    """On each kind of screen."""

    def setUp(self):
        super().setUp()
        self.guest = GUEST
        self.guest.use(SCREENS[self.kind, "1080p"])

    def test_console(self):
        """Text consoles of every size, which the kernel draws in place."""
        for name, size in SIZES.items():
            self.guest.use(SCREENS[self.kind, name])
            self.capture()
            before = self.truth()
            self.assertEqual(before[:2], size)
            for text in ("the quick brown fox", "jumps over the lazy dog"):
                self.guest.shell(f"for i in $(seq 20); do echo $i {text} >/dev/tty1; done")
                before = self.assert_truth_seen(before)
            self.assert_mapped()
            self.enough()

    def assert_mapped(self):
        """The framebuffer, in the way that this driver offers."""
        maps = self.guest.shell("cat /proc/$(pidof guest-capture)/maps")
        ways = {way for way in ("/dev/dri/card0", "/dmabuf:") if way in maps}
        self.assertEqual(ways, {self.way}, maps)

    def assert_lets_go(self):
        """Of the buffers of another mode, which are in the way of the next."""
        lines = self.guest.shell("cat /proc/$(pidof guest-capture)/maps").splitlines()
        ends = [line.split()[0].split("-") for line in lines if self.way in line]
        self.assertEqual(len({int(end, 16) - int(begin, 16) for begin, end in ends}), 1, lines)

    def test_drawn(self):
        """In place, large and small, and flipped, also into rows that are longer than they seem."""
        self.draw(mode(SIZE))
        self.capture()
        self.assert_shown(SIZE, 0)
        self.words("fill 3")
        self.assert_shown(SIZE, 3)
        before = self.truth()
        for rect in ("10 20 300 200 0x102030", "639 479 1 1 0xffffff", "321 301 1 1 0xff00ff"):
            self.words(f"rect {rect}")
            before = self.assert_truth_seen(before)
        self.words("flip 20 5")
        self.assert_shown(SIZE, 24)
        self.words("wide 72", mode(ANOTHER), "fill 7")
        self.assert_shown(ANOTHER, 7)
        self.words("flip 3 1")
        self.assert_shown(ANOTHER, 3)
        self.words("end")
        self.enough()

    def test_modes(self):
        """Modes that change in mid-stream; what is seen after some is what is shown."""
        self.draw(mode(SIZE))
        self.capture()
        for count in CHANGES:
            self.words(f"modes {count}")
            # Whatever QEMU makes of a change of mode is what is seen; what is drawn then is, too.
            self.assertTrue(vm.eventually(lambda: self.seen() == self.truth(), LOOK_LIMIT_S))
            self.words(f"fill {count - 1}")
            self.assert_shown(MODES[(count - 1) % len(MODES)], count - 1)
            self.assert_lets_go()
        self.words("end")
        _, consumer = self.enough()
        self.assertGreaterEqual({(int(row["width_px"]), int(row["height_px"]))
                                 for row in consumer.rows}, set(MODES))

    def test_off_and_on(self):
        """A screen that is switched off says so, and shows what it is on again."""
        self.draw(mode(SIZE))
        self.capture()
        before = len(self.viewer_of_all.text())
        self.words("off")
        self.producer.says("guest-capture: no picture: the screen is off")
        before = self.viewer_of_all.says(NO_SIGNAL, before)
        self.words("fill 11", "on")
        self.viewer_of_all.says(IDLE, before)
        self.assert_shown(SIZE, 11)
        self.words("end")
        self.enough()

    def test_blanked(self):
        """A screen at rest keeps its mode and its buffer, and shows neither."""
        self.guest.shell("echo not this >/dev/tty1")
        self.capture()
        before = len(self.viewer_of_all.text())
        self.guest.shell("echo 4 >/sys/class/graphics/fb0/blank")
        before = self.viewer_of_all.says(NO_SIGNAL, before)
        self.guest.shell("echo 0 >/sys/class/graphics/fb0/blank; echo this again >/dev/tty1")
        self.viewer_of_all.says(IDLE, before)
        self.assert_truth_seen(None)
        self.enough()

    def test_too_large(self):
        """A mode that does not fit: said with the cure, and borne."""
        self.draw(mode(SIZE))
        self.capture(memory=SMALL)
        before = len(self.viewer_of_all.text())
        self.words(mode(LARGE))
        self.producer.says(r"guest-capture: 2880x1620 .* need a region of 128M")
        before = self.viewer_of_all.says(NO_SIGNAL, before)
        self.words(mode(SIZES["4k"]))
        self.producer.says(r"guest-capture: 3840x2160 .* need a region of 128M")
        self.words(mode(SIZE), "fill 2")
        self.viewer_of_all.says(IDLE, before)
        self.assert_shown(SIZE, 2)
        self.words("end")
        producer, _ = self.enough()
        self.assertGreater(producer["counts"]["not_published"], 0)

    def test_driver_goes_and_comes(self):
        """Without a card there is nothing to see; with one there is again."""
        self.capture()
        self.guest.use()
        before = self.viewer_of_all.says(NO_SIGNAL)
        self.refused(FAILED, "--source kms: this machine has no /dev/dri/card.*", "--source", "kms")
        # Nothing holds on to the driver.
        module = MODULES[self.kind]
        self.guest.shell(f"rmmod {module}; modprobe {module}")
        self.guest.use(SCREENS[self.kind, "1080p"])
        self.viewer_of_all.says(IDLE, before)
        shown = self.truth()
        self.guest.shell("echo here again >/dev/tty1")
        self.assert_truth_seen(shown)
        self.enough()


class Bochs(Pictures, Case):
    """Memory that the card scans out by itself; no prime, no cursor plane."""

    kind = "bochs"
    way = "/dev/dri/card0"


class Virtio(Pictures, Case):
    """Memory that the host is told about; prime, and a cursor plane."""

    kind = "virtio"
    way = "/dmabuf:"


class TwoCards(Case):
    """Of two drivers; the text console is on the first."""

    first = SCREENS["bochs", "1080p"]
    second = SCREENS["virtio", "1440p"]

    def setUp(self):
        super().setUp()
        self.guest = GUEST
        self.guest.use(self.first, self.second)

    def test_list(self):
        """Cards, and what they show."""
        self.draw(mode(ANOTHER), card=1)
        done = self.guest.run("guest-capture", "--list-sources")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^kms:/dev/dri/card0  driver bochs-drm\n"
                                      r"kms:/dev/dri/card0,crtc=\d+  1920x1080\n"
                                      r"kms:/dev/dri/card1  driver virtio_gpu\n"
                                      r"kms:/dev/dri/card1,crtc=\d+  800x600\n")
        self.words("off")
        self.assertRegex(self.guest.shell("guest-capture --list-sources"),
                         r"(?m)^kms:/dev/dri/card1,crtc=\d+  off$")
        self.words("end")

    def test_one_of_the_list(self):
        """A screen by its number."""
        self.draw(mode(SIZE), "fill 4", card=1)
        screens = re.findall(r"kms:\S+,crtc=\d+", self.guest.shell("guest-capture --list-sources"))
        self.capture(source=screens[1])
        self.assert_shown(SIZE, 4, self.second)
        self.words("end")
        self.enough()

    def test_the_one_that_shows_something(self):
        """It need not be the first."""
        self.draw(mode(ANOTHER), "off", card=0)
        other = self.beside()
        other.draw(mode(SIZE), "fill 6", card=1)
        self.capture()
        self.producer.says("guest-capture: screen /dev/dri/card1")
        self.assert_shown(SIZE, 6, self.second)
        self.words("end")
        other.words("end")
        self.enough()

    def beside(self):
        """Another painter and capture on the same guest."""
        other = type(self)()
        vm.Case.setUp(other)
        other.guest = self.guest
        return other

    def test_both_at_once(self):
        """Each into a region of its own."""
        other = self.beside()
        self.draw(mode(ANOTHER), card=0)
        other.draw(mode(SIZE), card=1)
        self.capture(source="kms:/dev/dri/card0")
        other.capture(source="kms:/dev/dri/card1", memory=SMALL)
        for seed in (3, 5):
            self.words(f"flip 10 {seed}")
            other.words(f"flip 10 {seed + 1}")
        self.assert_shown(ANOTHER, 14, self.first)
        other.assert_shown(SIZE, 15, self.second)
        self.words("end")
        other.words("end")
        self.enough()
        other.enough()


class Refusals(Case):
    """Named at once, with the cure."""

    def setUp(self):
        super().setUp()
        self.guest = GUEST
        self.guest.use(SCREENS["bochs", "1080p"])

    def test_no_such_screen(self):
        """What is not there."""
        self.refused(FAILED, "--source kms: /dev/dri/card7 is not there; .*list-sources.*",
                     "--source", "kms:/dev/dri/card7")
        self.refused(FAILED, "--source kms: .*9999.*list-sources.*", "--source", "kms:,crtc=9999")
        self.refused(FAILED, "--source kms: '.*' names no screen; .*", "--source",
                     "kms:/dev/dri/card0,plane=1")
        self.refused(FAILED, "--source kms: /dev/null is no display: .*", "--source",
                     "kms:/dev/null")
        done = self.guest.run("guest-capture", "--source", "nonsense")
        self.assertEqual(done.returncode, USAGE)
        self.assertRegex(done.stderr, "--source: 'nonsense' is none; .*")

    def test_not_root(self):
        """Neither who may not open the card, nor who may but sees no buffers."""
        self.guest.shell("grep -q guest /etc/passwd || echo guest:x:1000:1000::/tmp:/bin/sh "
                         ">>/etc/passwd")
        self.addCleanup(self.guest.shell, "chmod 600 /dev/dri/card0")
        for rights, message in (("600", ".* run this as root"),
                                ("666", ".*CAP_SYS_ADMIN; run this as root")):
            self.guest.shell(f"chmod {rights} /dev/dri/card0; rm -f /tmp/region")
            done = self.guest.run("su", "guest", "-c", "guest-capture --source kms --region "
                                  "/tmp/region --create=4M")
            self.assertEqual(done.returncode, FAILED, done.stderr)
            self.assertRegex(done.stderr, rf"\Aguest-capture: --source kms: {message}\n\Z")


if __name__ == "__main__":
    must_read_png()
    vm.main()
