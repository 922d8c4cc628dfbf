#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the programs say in a guest whose devices are not as they wish, with which exit code; and
which of several shared-memory devices they choose. Run: python3 tests/vm/test_guest_devices.py"""

import os
import pathlib
import re

import oriel_vm_test as vm

GOOD, USAGE, REGION, NO_PEER = 0, 2, 3, 4
MAIN = "0000:00:10.0"
DECOYS = {"0000:00:08.0": "low", "0000:00:12.0": "high"}  # before and behind MAIN in any list
VGA = "0000:00:01.0"
NOBODY = "0000:00:1e.0"
PAGE_BYTES = 4096
FEEDBACK_BYTES = 65536


def setUpModule():
    """One guest with three shared-memory devices; for most tests only MAIN counts."""
    global GUEST, EXTRA
    GUEST = vm.Guest("devices", "64M")
    EXTRA = {}
    words = []
    for address, label in DECOYS.items():
        path = pathlib.Path(f"/dev/shm/oriel-{GUEST.name}-{label}")
        vm.SANDBOX.regions.append(path)
        with open(path, "wb") as file:
            file.truncate(16 << 20)
        words += ["-object", f"memory-backend-file,id={label},share=on,size=16M,mem-path={path}",
                  "-device", f"ivshmem-plain,memdev={label},addr=0x{address[8:10]}"]
        EXTRA[address] = path
    GUEST.start(*(f"--qemu-arg={word}" for word in words))


def tearDownModule():
    """The decoys are ours to remove: the launcher knows nothing of them."""
    GUEST.stop()


def fill_ends(path, make):
    """Fills the places where a header of ours may lie: the first page and the last 64 KiB."""
    with open(path, "r+b") as file:
        file.write(make(PAGE_BYTES))
        file.seek(-FEEDBACK_BYTES, os.SEEK_END)
        file.write(make(FEEDBACK_BYTES))


def first_page(path):
    """What tells whose memory it is."""
    with open(path, "rb") as file:
        return file.read(PAGE_BYTES)


class Case(vm.Case):
    """Begins with a blank region and two decoys that hold what another program may leave."""

    def setUp(self):
        super().setUp()
        fill_ends(GUEST.region, bytes)
        for path in EXTRA.values():
            fill_ends(path, os.urandom)

    def refused(self, code, words, *command):
        """The command ends in the guest with this code, and one line that says why."""
        done = GUEST.run(*command)
        self.assertEqual(done.returncode, code, done.stderr)
        last = done.stderr.strip().splitlines()[-1]
        self.assertRegex(last, words)
        self.assertTrue(last.startswith(f"{command[0]}: "), last)


class Refusals(Case):
    """Each names the thing, and the cure; exit codes pass through the launcher."""

    def test_too_large(self):
        """A size that does not fit is refused with the one that would - and that one is right."""
        self.refused(REGION, r"--res: 3840x2160 xrgb8888 does not fit: 4 slots of it need a region of "
                     rf"128M, pci:{MAIN} has 64M; start the guest with that size",
                     "guest-capture", "--region", f"pci:{MAIN}", "--res", "4k", "--slots", "4")
        # The region is what it was: a size that fits still goes.
        viewer = self.viewer(GUEST.region)
        self.assert_exit(self.guest_producer(
            GUEST, "--region", f"pci:{MAIN}", "--mode", "lossless", "--res", "1080p", "--fps", "0",
            "--frames", "5"))
        self.assert_exit(viewer)

    def test_size_that_would_fit(self):
        """The size that the message named is enough for those slots."""
        guest = vm.Guest("larger", "128M").start()
        self.addCleanup(guest.stop)
        producer, consumer = self.stream_out(guest, "--res", "4k", "--slots", "4", "--fps", "0",
                                             "--frames", "6")
        self.judge(producer, consumer, 6)

    def test_addresses(self):
        """No such device, another kind of device, no address at all; in both programs."""
        for program in (["guest-capture"], ["host-viewer", "--bench", "--wait", "1"]):
            with self.subTest(program=program[0]):
                self.refused(REGION, f"pci:{NOBODY}: this machine has no PCI device {NOBODY}",
                             *program, "--region", f"pci:{NOBODY}")
                self.refused(REGION, f"pci:{VGA}: {VGA} is 1234:1111, not an ivshmem device",
                             *program, "--region", f"pci:{VGA}")
                self.refused(REGION, "pci:10: is no PCI address; use pci:auto or",
                             *program, "--region", "pci:10")
                self.refused(REGION, "/dev/shm/nothing", *program, "--region", "/dev/shm/nothing")

    def test_foreign_memory(self):
        """Memory that holds something else is left alone, by its content, not by its address."""
        for address, path in EXTRA.items():
            before = path.read_bytes()
            self.refused(REGION, "holds something that is not Oriel's; name another, or format it",
                         "guest-capture", "--region", f"pci:{address}")
            self.refused(REGION, "name another --region", "host-viewer", "--bench",
                         "--wait", "1", "--region", f"pci:{address}")
            self.assertTrue(path.read_bytes() == before, f"{path} was changed")

    def test_usage(self):
        """Usage errors, and nobody on the other side."""
        for program in ("guest-capture", "host-viewer"):
            self.assertEqual(GUEST.run(program, "--no-such-option").returncode, USAGE)
            self.assertEqual(GUEST.run(program, "--help").returncode, GOOD)
        self.refused(NO_PEER, "no viewer attached within 1.0 s; start host-viewer",
                     "guest-capture", "-q", "--region", f"pci:{MAIN}", "--wait", "1")
        self.refused(NO_PEER, "no producer within 1.0 s; start guest-capture", "host-viewer",
                     "--bench", "-q", "--region", f"pci:{MAIN}", "--wait", "1")


class Choice(Case):
    """pci:auto among three devices goes by the magic in their memory."""

    def format(self, path):
        """A short session in that file from the host, which leaves its header there."""
        self.assert_exit(vm.Program(vm.CAPTURE, "-q", "--takeover", "--region", path, "--res",
                                    "64x64", "--frames", "1"))

    def test_none(self):
        """Nothing is guessed: all are named."""
        listed = ", ".join(re.escape(f"pci:{one}") for one in sorted([MAIN, *DECOYS]))
        self.refused(REGION, f"3 ivshmem devices, and none holds an Oriel region yet; name one of "
                     f"them: {listed}", "guest-capture", "--res", "64x64", "--frames", "1")

    def test_the_one(self):
        """Whichever of the three it is, both programs find it, and the others stay as they are."""
        paths = {MAIN: GUEST.region, **EXTRA}
        for address, path in paths.items():
            with self.subTest(address=address):
                for other in paths.values():
                    fill_ends(other, os.urandom)
                self.format(path)
                pages = {other: first_page(other) for other in paths.values() if other != path}
                self.there_and_back(address, path)
                self.assertEqual(pages, {other: first_page(other) for other in pages})

    def there_and_back(self, address, path):
        """A stream from the guest and one into it, both over pci:auto."""
        options = ("--mode", "lossless", "--res", "320x240", "--fps", "0", "--frames", "20")
        viewer = self.viewer(path)
        self.assert_exit(self.guest_producer(GUEST, *options))
        self.assert_exit(viewer)
        self.collect(GUEST, "producer.csv", "producer.json")
        producer = vm.Side(self.folder, "producer")
        self.judge(producer, vm.Side(self.folder, "consumer"), 20)
        self.assertEqual(producer.summary["region"]["address"], "pci:auto")
        self.assertEqual(producer.summary["region"]["size_bytes"], path.stat().st_size)
        back = vm.Program(vm.CAPTURE, *vm.capture_options(self.folder, *options, region=path))
        inside = GUEST.begin("host-viewer", *vm.viewer_options("/tmp", "pci:auto"))
        inside.says(rf"host-viewer: .*{address}/resource2.* mapped as .*")
        self.assert_exit(back)
        self.assert_exit(inside)
        self.collect(GUEST, "consumer.csv", "consumer.json")
        self.judge(vm.Side(self.folder, "producer"), vm.Side(self.folder, "consumer"), 20)

    def test_two(self):
        """Two of ours: the user has to say which."""
        self.format(GUEST.region)
        for path in EXTRA.values():
            self.format(path)
        self.refused(REGION, "more than one holds an Oriel region; name one of them", "host-viewer",
                     "--bench", "--wait", "1", "--region", "pci:auto")


if __name__ == "__main__":
    vm.main()
