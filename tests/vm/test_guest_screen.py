#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a guest's screen shows arrives on the host: guest-capture --source kms, while draw_screen.c
does to the screen what a desktop does. Compared at rest, pixel by pixel, with what QEMU shows and
with what was drawn. Run: python3 tests/vm/test_guest_screen.py

ORIEL_LONG=1: hundreds of changes of mode in place of a few
"""

import json
import os
import re

import oriel_vm_test as vm

DRAW = vm.BUILD / "tests" / "vm" / "draw_screen"
ROUNDS = 500 if os.environ.get("ORIEL_LONG") else 8
LOOK_LIMIT_S = 60
SIZE = (640, 480)
ANOTHER = (800, 600)
LARGE = (2880, 1620)  # four slots of it do not fit into 64M
NO_SIGNAL = r"host-viewer: no signal.*"
IDLE = r"host-viewer: idle.*"
FAILED, USAGE = 1, 2


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


def read_ppm(path):
    """(width, height, bytes) of a P6 file of 8 bits a channel."""
    data = path.read_bytes()
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return int(head[1]), int(head[2]), data[head.end():]


class ScreenGuest(vm.Guest):
    """A guest with a display, and with the program that draws."""

    def start(self, *more):
        """Without the cursor, which blinks: a screen with it is never at rest."""
        super().start(*more)
        self.do("put", DRAW, "/bin/draw_screen")
        self.shell("chmod +x /bin/draw_screen; mkfifo /tmp/draw; printf '\\033[?25l' >/dev/tty1")
        return self

    def shell(self, command):
        """Must succeed; what it said."""
        done = self.run("sh", "-c", command)
        if done.returncode:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()


class Case(vm.Case):
    """A screen that is captured, and one who draws on it."""

    guest = None  # set by those below
    has_blanks = False  # vertical ones

    def capture(self, *options, source="kms"):
        """guest-capture of the screen, and a viewer that counts what comes."""
        self.producer = self.guest.begin("guest-capture", "--source", source, "--summary",
                                         "/tmp/producer.json", *options)
        self.viewer_of_all = vm.Program(
            vm.VIEWER, "--bench", "--region", self.guest.region, "--wait", vm.LIMIT_S, "--summary",
            self.folder / "consumer.json", "--csv", self.folder / "consumer.csv")
        self.viewer_of_all.says(IDLE)

    def draw(self, *lines):
        """draw_screen, with its first words obeyed."""
        self.painter = self.guest.begin("draw_screen", "/dev/dri/card0", "/tmp/draw")
        self.painter.says("ready")
        self.words(*lines)

    def words(self, *lines):
        """More words; each is waited for."""
        for line in lines:
            before = len(self.painter.text())
            self.guest.shell(f"echo '{line}' >/tmp/draw")
            self.painter.says(f"done: {line}", before)
        if lines[-1:] == ("end",):
            self.assert_exit(self.painter)

    def enough(self):
        """Ends all that was begun; every frame that came was right. Returns both summaries."""
        self.producer.process.terminate()
        self.assert_exit(self.producer)
        self.assert_exit(self.viewer_of_all)
        self.collect(self.guest, "producer.json")
        consumer = vm.Side(self.folder, "consumer")
        self.assertTrue(consumer.counts["reconcile"])
        self.assertEqual([consumer.counts[name] for name in ("bad", "stale")], [0, 0])
        self.assertGreater(consumer.counts["verified"], 0)
        producer = json.loads((self.folder / "producer.json").read_text())
        counts = producer["counts"]
        self.assertGreaterEqual(counts["looks"], counts["published"])
        self.assertEqual(counts["vblanks"] > 0, self.has_blanks, counts)
        return producer, consumer

    def seen(self):
        """(width, height, bytes) of what a viewer shows."""
        path = self.folder / "seen.png"
        observer = vm.Program(vm.VIEWER, "--screenshot", path, "--mode", "observe", "--region",
                              self.guest.region, "--wait", vm.LIMIT_S)
        self.assert_exit(observer)
        picture = vm.Picture(path)
        return picture.width, picture.height, b"".join(picture.rows())

    def truth(self):
        """The same of what QEMU shows."""
        path = self.folder / "truth.ppm"
        self.guest.do("screenshot", path)
        return read_ppm(path)

    def assert_seen(self, expected):
        """A screen at rest is seen soon, as it is."""
        if not vm.eventually(lambda: self.seen() == expected, LOOK_LIMIT_S):
            width, height, picture = self.seen()
            self.assertEqual((width, height), expected[:2])
            wrong = [i // 3 for i in range(len(picture)) if picture[i] != expected[2][i]]
            self.fail(f"{len(wrong)} wrong, the first at {wrong[0] % width},{wrong[0] // width}")

    def assert_shown(self, size, seed):
        """The pattern, drawn, shown and seen."""
        expected = (*size, pattern(*size, seed))
        self.assertEqual(self.truth(), expected)
        self.assert_seen(expected)

    def refused(self, code, message, *arguments):
        """A run that must end at once; its complaint is one line."""
        done = self.guest.run("guest-capture", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, rf"\Aguest-capture: {message}\n\Z")


def mode(size):
    """The word for it."""
    return f"mode {size[0]} {size[1]}"


class Pictures:
    """On each kind of screen."""

    def test_console(self):
        """A text console, which the kernel draws in place."""
        self.capture()
        self.guest.shell("for i in $(seq 20); do echo $i the quick brown fox >/dev/tty1; done")
        self.assert_seen(self.truth())
        self.guest.shell("echo jumps over the lazy dog >/dev/tty1")
        self.assert_seen(self.truth())
        self.enough()

    def test_drawn(self):
        """In place, large and small, and flipped, also into rows that are longer than they seem."""
        self.draw(mode(SIZE))
        self.capture()
        self.assert_shown(SIZE, 0)
        self.words("fill 3")
        self.assert_shown(SIZE, 3)
        for rect in ("10 20 300 200 0x102030", "639 479 1 1 0xffffff", "321 301 1 1 0xff00ff"):
            self.words(f"rect {rect}")
            self.assert_seen(self.truth())
        self.words("flip 20 5")
        self.assert_shown(SIZE, 24)
        self.words("wide 72", mode(ANOTHER), "fill 7")
        self.assert_shown(ANOTHER, 7)
        self.words("flip 3 1")
        self.assert_shown(ANOTHER, 3)
        self.words("end")
        producer, _ = self.enough()
        self.assertGreaterEqual(producer["counts"]["uncertain"], 0)

    def test_modes(self):
        """Modes that change in mid-stream."""
        self.draw(mode(SIZE))
        self.capture()
        self.words(f"modes {ROUNDS}", mode(SIZE), "fill 9")
        self.assert_shown(SIZE, 9)
        self.words("end")
        _, consumer = self.enough()
        self.assertGreater(len({row["width_px"] for row in consumer.rows}), 1)

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

    def test_too_large(self):
        """A mode that does not fit: said with the cure, and borne."""
        self.draw(mode(SIZE))
        self.capture()
        before = len(self.viewer_of_all.text())
        self.words(mode(LARGE))
        self.producer.says(r"guest-capture: 2880x1620 .* need a region of 128M")
        before = self.viewer_of_all.says(NO_SIGNAL, before)
        self.words(mode(SIZE), "fill 2")
        self.viewer_of_all.says(IDLE, before)
        self.assert_shown(SIZE, 2)
        self.words("end")
        producer, _ = self.enough()
        self.assertGreater(producer["counts"]["not_published"], 0)

    def test_driver_goes_and_comes(self):
        """Without a card there is nothing to see; with one there is again."""
        self.capture()
        self.guest.shell("readlink -f /sys/class/drm/card0/device >/tmp/device; "
                         "readlink -f $(cat /tmp/device)/driver >/tmp/driver; "
                         "basename $(cat /tmp/device) >$(cat /tmp/driver)/unbind")
        before = self.viewer_of_all.says(NO_SIGNAL)
        self.refused(FAILED, "--source kms: this machine has no /dev/dri/card.*", "--source", "kms")
        self.guest.shell("basename $(cat /tmp/device) >$(cat /tmp/driver)/bind; "
                         "printf '\\033[?25l' >/dev/tty1")
        self.viewer_of_all.says(IDLE, before)
        self.guest.shell("echo here again >/dev/tty1")
        self.assert_seen(self.truth())
        self.enough()


class Bochs(Pictures, Case):
    """Memory that the card scans out by itself; no prime, no cursor plane."""

    @classmethod
    def setUpClass(cls):
        cls.guest = ScreenGuest("bochs").start("--display", "bochs", "--res", "640x480")

    @classmethod
    def tearDownClass(cls):
        cls.guest.stop()

    def test_list(self):
        """Cards, and what they show."""
        done = self.guest.run("guest-capture", "--list-sources")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^kms:/dev/dri/card0  driver bochs-drm$")
        self.assertRegex(done.stdout, r"(?m)^kms:/dev/dri/card0,crtc=\d+  640x480$")

    def test_one_of_the_list(self):
        """A screen by its number."""
        screen = re.search(r"kms:\S+,crtc=\d+", self.guest.shell("guest-capture --list-sources"))
        self.capture(source=screen[0])
        self.assert_seen(self.truth())
        self.enough()

    def test_no_such_screen(self):
        """What is not there is named at once."""
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


class Virtio(Pictures, Case):
    """Memory that the host is told about; prime, and a cursor plane."""

    @classmethod
    def setUpClass(cls):
        cls.guest = ScreenGuest("virtio").start("--display", "virtio", "--res", "640x480")

    @classmethod
    def tearDownClass(cls):
        cls.guest.stop()


if __name__ == "__main__":
    vm.main()
