#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Frames of a real guest arrive on the host, and the host's in the guest: all of them, right, and
told of alike by both sides. Run: python3 tests/vm/test_guest_frames.py"""

import mmap
import signal
import struct
import sys
import threading

import oriel_vm_test as vm

SIZES = {"1080p": (1920, 1080, 60), "1440p": (2560, 1440, 40), "4k": (3840, 2160, 24)}
CLASSIC_FRAMES = 10
CLASSIC_BYTES = {"1920": 6220800, "2560": 11059200, "3840": 24883200}
FEEDBACK_BYTES = 65536  # the consumers' section, at the end of the region
LATEST_AT = 384  # where the newest frame is named: see docs/protocol.md
INTEGRITY = 5
NO_DOORBELL = (rf"--wakeup doorbell: pci:auto: {vm.DEVICE} has memory, but no doorbell; launch the "
               r"guest with -device ivshmem-doorbell and a doorbell-server\n\Z")


def setUpModule():
    """One guest with room for 4K serves all tests but those of two guests."""
    global GUEST
    GUEST = vm.Guest("main", "256M").start()


def tearDownModule():
    """The region goes with the guest."""
    GUEST.stop()


class GuestToHost(vm.Case):
    """guest-capture in the guest, host-viewer on the host."""

    def stream(self, size):
        """A lossless stream of random frames, as fast as it goes."""
        width, height, frames = SIZES[size]
        producer, consumer = self.stream_out(GUEST, "--pattern", "random", "--res", size, "--fps",
                                             "0", "--frames", frames)
        self.judge(producer, consumer, frames)
        self.assertEqual({(row["width_px"], row["height_px"], row["format"], row["payload_bytes"])
                          for row in consumer.rows},
                         {(str(width), str(height), "xrgb8888", str(width * height * 4))})
        rate = consumer.summary["throughput"]["frames_per_second"]
        print(f"    {size}: {rate and round(rate, 1)} frames a second", file=sys.stderr)

    def test_1080p(self):
        """Every frame of 1080p."""
        self.stream("1080p")

    def test_1440p(self):
        """Every frame of 1440p."""
        self.stream("1440p")

    def test_4k(self):
        """Every frame of 4K, which needs more than half of the region."""
        self.stream("4k")

    def test_classic(self):
        """Ten frames each of three sizes with SHA-256 and three bytes a pixel: the run whose
        numbers older shared-memory transfers were reported with, so the bytes must be those."""
        producer, consumer = self.stream_out(
            GUEST, "--pattern", "random", "--res", ",".join(SIZES), "--format", "rgb888", "--hash",
            "sha256", "--fps", "0", "--frames", CLASSIC_FRAMES)
        self.judge(producer, consumer, CLASSIC_FRAMES * len(SIZES))
        self.assertEqual({row["digest"] for row in consumer.rows}, {"sha256"})
        for width, payload in CLASSIC_BYTES.items():
            of_size = [row for row in consumer.rows if row["width_px"] == width]
            self.assertEqual([int(row["payload_bytes"]) for row in of_size],
                             [payload] * CLASSIC_FRAMES)

    def test_latest(self):
        """A viewer that sleeps misses frames, and each of them is counted; the producer does not
        wait for it."""
        viewer = self.viewer(GUEST.region, "latest")
        producer = self.guest_producer(GUEST, "--pattern", "motion", "--res", "720p", "--fps",
                                       "20")
        viewer.says(r".* [1-9]\d* verified, .*")
        viewer.process.send_signal(signal.SIGSTOP)
        asleep_at = newest_sequence(GUEST.region)
        went_on = vm.eventually(lambda: newest_sequence(GUEST.region) > asleep_at + 8)
        viewer.process.send_signal(signal.SIGCONT)
        self.assertTrue(went_on)
        viewer.says(r".* [1-9]\d* skipped, .*")
        producer.process.terminate()
        self.assert_exit(producer)
        self.assert_exit(viewer)
        self.collect(GUEST, "producer.csv", "producer.json")
        sides = vm.Side(self.folder, "producer"), vm.Side(self.folder, "consumer")
        self.judge(*sides, sides[0].counts["published"], lossless=False)
        self.assertGreater(sides[1].counts["verified"], 1)
        self.assertGreaterEqual(sides[1].counts["skipped"], 7)
        self.assertEqual(sides[0].counts["waited_for_space"], 0)

    def screenshot(self, *options):
        """A frame from the midst of a stream, as a picture and as the row of its CSV."""
        viewer = self.viewer(GUEST.region)
        producer = self.guest_producer(GUEST, "--mode", "lossless", "--fps", "20", *options)
        viewer.says(r".* [1-9]\d+ verified, .*")
        path = self.folder / "picture.png"
        observer = vm.Program(vm.VIEWER, "--screenshot", path, "--mode", "observe", "--region",
                              GUEST.region, "--wait", vm.LIMIT_S, "--csv",
                              self.folder / "observer.csv")
        self.assert_exit(observer)
        producer.process.terminate()  # reaches guest-capture, which ends as it should
        self.assert_exit(producer)
        self.assert_exit(viewer)
        self.collect(GUEST, "producer.csv")
        row, = [row for row in vm.read_rows(self.folder / "observer.csv")
                if row["result"] == "verified"]
        self.assertGreater(int(row["sequence"]), 1)
        self.assertIn(vm.keys_of([row])[0],
                      vm.keys_of(vm.read_rows(self.folder / "producer.csv")))
        return vm.Picture(path), row

    def test_counter_in_picture(self):
        """The number that the guest drew into the frame is the number that the host notes."""
        picture, row = self.screenshot("--pattern", "counter", "--res", "640x360")
        self.assertEqual((picture.width, picture.height), (640, 360))
        self.assertEqual(read_counter(picture), int(row["sequence"]))

    def test_stamp_in_picture(self):
        """A random frame begins with its sequence and epoch (see pattern_random.c): they are
        those of the row, so a frame of another session would show."""
        picture, row = self.screenshot("--pattern", "random", "--res", "320x200", "--format",
                                       "rgb888")
        first = next(iter(picture.rows()))
        # rgb888 lies in memory as B G R.
        memory = b"".join(first[at:at + 3][::-1] for at in range(0, 18, 3))
        sequence, epoch = struct.unpack("<QQ", memory[:16])
        self.assertEqual((f"{epoch:016x}", sequence), (row["epoch"], int(row["sequence"])))

    def test_damage_is_found(self):
        """A byte that changes between the two sides is noticed, or "verified" means nothing."""
        viewer = self.viewer(GUEST.region)
        self.guest_producer(GUEST, "--pattern", "random", "--res", "1080p", "--fps", "0", "--mode",
                            "lossless", "--duration", vm.LIMIT_S)
        viewer.says(r".* [1-9]\d* verified, .*")
        with Scribbler(GUEST.region):
            self.assert_exit(viewer, INTEGRITY)
        consumer = vm.Side(self.folder, "consumer")
        self.assertGreater(consumer.counts["bad"], 0)
        self.assertIn("bad", {row["result"] for row in consumer.rows})
        self.assertTrue(consumer.counts["reconcile"])


class NoScreen(vm.Case):
    """A guest without a display."""

    def test_no_card(self):
        """What is missing is said, with the cure."""
        done = GUEST.run("guest-capture", "--source", "kms")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aguest-capture: --source kms: this machine has no "
                                      r"/dev/dri/card\*: give the guest a display .*\n\Z")
        listed = GUEST.run("guest-capture", "--list-sources")
        self.assertEqual(listed.returncode, 0)
        self.assertRegex(listed.stdout, r"\Ano screen: there is no /dev/dri/card\*\npattern:")


class HostToGuest(vm.Case):
    """The other way round: the same programs, the same region."""

    def stream(self, *options, mode="lossless"):
        """guest-capture on the host, host-viewer in the guest."""
        producer = vm.Program(vm.CAPTURE, *vm.capture_options(
            self.folder, "--mode", mode, *options, region=GUEST.region))
        viewer = GUEST.begin("host-viewer", *vm.viewer_options("/tmp", "pci:auto", mode))
        self.assert_exit(producer)
        self.assert_exit(viewer)
        self.collect(GUEST, "consumer.csv", "consumer.json")
        return vm.Side(self.folder, "producer"), vm.Side(self.folder, "consumer")

    def test_1080p(self):
        """All frames, verified by the guest."""
        producer, consumer = self.stream("--pattern", "random", "--res", "1080p", "--fps", "0",
                                         "--frames", "40")
        self.judge(producer, consumer, 40)
        self.assertEqual(consumer.summary["region"]["mapping"], "resource2_wc")

    def test_sizes(self):
        """Sizes that change in mid-stream, up to 4K."""
        producer, consumer = self.stream("--pattern", "gradient", "--res", ",".join(SIZES),
                                         "--fps", "0", "--frames", "8")
        self.judge(producer, consumer, 24)
        self.assertEqual(len({row["width_px"] for row in consumer.rows}), 3)

    def test_latest(self):
        """The newest frame only."""
        producer, consumer = self.stream("--pattern", "motion", "--res", "720p", "--fps", "10",
                                         "--frames", "30", mode="latest")
        self.judge(producer, consumer, 30, lossless=False)


class NoDoorbell(vm.Case):
    """This guest's device is without, and so are all tests in here."""

    def test_insisted_on(self):
        """Who insists on one is told what is missing."""
        for program, *options in (["guest-capture"], ["host-viewer", "--bench"]):
            done = GUEST.run(program, *options, "--region", "pci:auto", "--wakeup", "doorbell")
            self.assertEqual(done.returncode, vm.MISSING, done.stderr)
            self.assertRegex(done.stderr, rf"\A{program}: .*{NO_DOORBELL}")


class TwoGuests(vm.Case):
    """Two guests at once, each with a region of its own."""

    def test_both_stream(self):
        """Neither gets a frame of the other, and both get all of theirs."""
        guests = {label: vm.Guest(label) for label in "ab"}
        folders = {label: self.folder / label for label in guests}
        for label, guest in guests.items():
            folders[label].mkdir()
            self.addCleanup(guest.start().stop)
        viewers = {label: self.viewer(guest.region, folder=folders[label])
                   for label, guest in guests.items()}
        producers = [self.guest_producer(guest, "--mode", "lossless", "--pattern", "random",
                                         "--res", "720p", "--fps", "0", "--frames", "100")
                     for guest in guests.values()]
        for program in [*producers, *viewers.values()]:
            self.assert_exit(program)
        epochs = set()
        for label, guest in guests.items():
            for name in ("producer.csv", "producer.json"):
                guest.fetch(f"/tmp/{name}", folders[label] / name)
            producer = vm.Side(folders[label], "producer")
            self.judge(producer, vm.Side(folders[label], "consumer"), 100)
            epochs.add(producer.summary["epoch"])
        self.assertEqual(len(epochs), 2)


class Scribbler:
    """Changes one byte in the middle of every slot, again and again, as a fault would."""

    def __init__(self, region):
        self.region = region
        self.enough = threading.Event()
        self.thread = threading.Thread(target=self.scribble)

    def scribble(self):
        """The geometry stands in the identity page: see docs/protocol.md."""
        with open(self.region, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            slots, = struct.unpack_from("<I", memory, 32)
            capacity, = struct.unpack_from("<Q", memory, 40)
            first = len(memory) - FEEDBACK_BYTES - slots * capacity
            value = 0
            while not self.enough.wait(0.0005):
                value = (value + 1) % 256
                for slot in range(slots):
                    memory[first + slot * capacity + (1 << 20)] = value

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.thread.join()


def newest_sequence(region):
    """The word that names the newest frame, in the identity page."""
    with open(region, "rb") as file:
        file.seek(LATEST_AT)
        return struct.unpack("<Q", file.read(8))[0] >> 8


def read_counter(picture):
    """The number in the upper block of cells, and in the lower one: see pattern_counter.c."""
    rows = list(picture.rows())
    side = min(picture.width // 64, picture.height // 4, picture.height // 30 + 1, 16)
    left = (picture.width - 64 * side) // 2
    margin = min((picture.height - 4 * side) // 4, side)
    numbers = []
    for top in (margin, picture.height - margin - 2 * side):
        bits = ""
        for i in range(128):
            row = rows[top + i // 64 * side + side // 2]
            at = 3 * (left + i % 64 * side + side // 2)
            bits += {b"\0\0\0": "0", b"\xff\xff\xff": "1"}.get(row[at:at + 3], "?")
        number, complement = int(bits[:64], 2), int(bits[64:], 2)
        if number ^ complement != (1 << 64) - 1:
            raise AssertionError(f"no number in the cells: {bits}")
        numbers.append(number)
    if numbers[0] != numbers[1]:
        raise AssertionError(f"torn: {numbers}")
    return numbers[0]


if __name__ == "__main__":
    vm.main()
