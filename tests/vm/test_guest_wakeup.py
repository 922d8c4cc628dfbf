#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The two programs, on either side of real guests, wake each other by doorbells, and do without
when they must. Run: python3 tests/vm/test_guest_wakeup.py

Judged by counts only. A sleep is rung for once at most, so there are never more rings than the
other side had sleeps. And more rings than frames were published before some event cannot all be
from before it."""

import mmap
import os
import pathlib
import signal
import struct
import sys

import oriel_vm_test as vm

STREAM = ("--pattern", "random", "--res", "640x360", "--mode", "lossless")
SLOTS = 4  # what a ring has unless it is told
LATEST_AT, SPACE_ARM_AT = 384, 448  # in the identity page: see docs/protocol.md
PPOLL = 271  # the number of the system call that waits, on x86-64
PULSES = 5
STREAMS = 20
DEAF = rf"{vm.DEVICE} is not bound to vfio-pci; as root: .*"


def setUpModule():
    """One guest for all tests; the last one kills its server and ends it."""
    global GUEST, MEMORY
    GUEST = vm.DoorbellGuest("wake", "8M").start()
    MEMORY = Memory(GUEST)


def tearDownModule():
    """Also when a test alone was asked for."""
    if GUEST.status():
        GUEST.stop()


class Memory:
    """What a guest's producer says in shared memory."""

    def __init__(self, guest):
        self.server = guest.status()["doorbell"]["pid"]
        memory, = {os.stat(link).st_ino: link
                   for link in pathlib.Path(f"/proc/{self.server}/fd").iterdir()
                   if os.readlink(link).startswith("/memfd:")}.values()
        with open(memory, "rb") as file:
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE, prot=mmap.PROT_READ)

    def newest(self):
        """The sequence of the newest frame; at each moment, no more have been published."""
        return struct.unpack_from("<Q", self.page, LATEST_AT)[0] >> 8

    def is_waiting_for_space(self):
        """It has said that it sleeps until a slot is free."""
        return struct.unpack_from("<Q", self.page, SPACE_ARM_AT)[0] != 0


class Case(vm.Case):
    """What is true of all streams with doorbells."""

    def place(self, name):
        """A folder for one of several viewers."""
        folder = self.folder / name
        folder.mkdir()
        return folder

    def begin(self, *options):
        """A producer in the guest that goes on until it is ended, once somebody watches."""
        producer = self.guest_producer(GUEST, *STREAM, *options)
        producer.says("guest-capture: .* mapped as .*")
        return producer

    def end(self, producer):
        """The proper end of a producer that goes on."""
        producer.process.terminate()  # reaches guest-capture
        self.assert_exit(producer)
        self.collect(GUEST, "producer.csv", "producer.json")
        return vm.Side(self.folder, "producer")

    def sees(self, viewer, after=0):
        """The viewer has verified frames."""
        return viewer.says(r".* [1-9]\d* verified, .*", after)

    def wait_until(self, condition, *told):
        """It comes, or the test has failed with what these programs say."""
        self.assertTrue(vm.eventually(condition), "\n".join(map(str, told)))

    def pulse(self, viewer, producer):
        """Stops the viewer until the producer sleeps for want of a slot; several times. Each is far
        shorter than what makes the producer give a viewer up."""
        for _ in range(PULSES):
            viewer.process.send_signal(signal.SIGSTOP)
            limit = MEMORY.newest() + 2 * SLOTS
            vm.eventually(lambda: MEMORY.is_waiting_for_space() or MEMORY.newest() > limit)
            newest = MEMORY.newest()
            viewer.process.send_signal(signal.SIGCONT)
            self.assertLessEqual(newest, limit, f"it does not wait for the viewer: {producer}")
            self.wait_until(lambda: MEMORY.newest() > newest + SLOTS, viewer, producer)

    def assert_rung(self, side, doorbell, more_than=0):
        """It waited by this doorbell, and was woken by it."""
        waking = side.summary["wakeup"]
        self.assertEqual((waking["way"], waking["doorbell"], waking["why_no_doorbell"]),
                         ("doorbell", doorbell, None), waking)
        self.assertGreater(waking["rung"], more_than, waking)
        self.assertLessEqual(waking["rung"], waking["sleeps"], waking)

    def assert_thrifty(self, producer, consumer):
        """No ring that nobody slept for, but for one when the viewer came."""
        ours, theirs = producer.summary["wakeup"], consumer.summary["wakeup"]
        self.assertLessEqual(ours["rings_sent"], theirs["sleeps"])
        self.assertLessEqual(theirs["rings_sent"], ours["sleeps"] + consumer.counts["sessions"])

    def assert_whole(self, consumer):
        """Nothing wrong, nothing missing, from wherever it began."""
        counts = consumer.counts
        self.assertEqual([counts[name] for name in vm.COUNTS_OF_FAULTS], [0, 0, 0])
        self.assertEqual(counts["skipped"], counts["skipped_before_first"])
        self.assertTrue(counts["reconcile"])
        sequences = [int(row["sequence"]) for row in consumer.rows]
        self.assertGreater(len(sequences), 0)
        self.assertEqual(sequences, list(range(sequences[0], sequences[-1] + 1)))


class HostAndGuest(Case):
    """Each wakes the other."""

    def test_viewer_is_rung(self):
        """Once at most for each of its sleeps."""
        producer, consumer = self.stream_out(GUEST, *STREAM, "--frames", "60")
        self.judge(producer, consumer, 60)
        self.assert_rung(consumer, "server")
        self.assertGreater(producer.summary["wakeup"]["rings_sent"], 0)
        self.assert_thrifty(producer, consumer)

    def test_latency_is_known(self):
        """On the viewer's clock, with its bound; the guest's has another origin. How soon two meet
        is up to the machine: after a stream or two, or some more."""
        for _ in range(STREAMS):
            _, consumer = self.stream_out(GUEST, *STREAM, "--frames", "200")
            known = [row for row in consumer.rows if row["notify_ns"] != "NA"]
            if known:
                break
        self.assertGreater(len(known), 0)
        for row in known:
            self.assertLessEqual(int(row["notify_bound_ns"]), 1001000)
            self.assertLess(int(row["notify_ns"]), 10 ** 10)
            self.assertLessEqual(int(row["notify_ns"]), int(row["frame_latency_ns"]))
        bounds = sorted(int(row["notify_bound_ns"]) for row in known)
        print(f"    clocks known for {len(known)} of {len(consumer.rows)} frames, to "
              f"{bounds[len(bounds) // 2] / 1e3:.1f} us (p50)", file=sys.stderr)

    def test_viewer_killed(self):
        """The next one is another peer, whom the guest finds in mid-stream."""
        producer = self.begin()
        first = self.viewer(GUEST.region, folder=self.place("first"))
        self.sees(first)
        before = GUEST.peers()[first.process.pid]
        first.process.kill()
        first.wait()
        second = self.viewer(GUEST.region)
        self.sees(second)
        peers = GUEST.peers()
        self.end(producer)
        self.assert_exit(second)
        consumer = vm.Side(self.folder, "consumer")
        self.assert_whole(consumer)
        self.assert_rung(consumer, "server")
        self.assertEqual(consumer.summary["wakeup"]["peer"], peers[second.process.pid])
        self.assertNotEqual(peers[second.process.pid], before)
        self.assertNotIn(first.process.pid, peers)

    def test_producer_is_rung_by_who_comes(self):
        """It never waits for space here. Should the first viewer come just between two sleeps, the
        ring ends the next one."""
        producer = self.begin("--mode", "latest")
        GUEST.shell(f"until grep -q '^{PPOLL} ' /proc/$(pidof guest-capture)/syscall;"
                    " do usleep 10000; done")
        for name in ("first", "second"):
            viewer = vm.Program(vm.VIEWER, "--frames", "10",
                                *vm.viewer_options(self.place(name), GUEST.region, "latest"))
            self.assert_exit(viewer)
            producer.says("guest-capture: nobody is attached: .*")  # told once
        side = self.end(producer)
        self.assertEqual(side.counts["waited_for_space"], 0)
        self.assert_rung(side, "pci")
        self.assertLessEqual(side.summary["wakeup"]["rung"], 2)

    def test_producer_is_rung_for_space(self):
        """A viewer that is stopped again and again costs time, but no frame."""
        producer = self.begin()
        viewer = self.viewer(GUEST.region)
        self.sees(viewer)
        self.pulse(viewer, producer)
        side = self.end(producer)
        self.assert_exit(viewer)
        consumer = vm.Side(self.folder, "consumer")
        self.judge(side, consumer, side.counts["published"])
        self.assertGreaterEqual(side.counts["waited_for_space"], PULSES)
        self.assertEqual(side.counts["revocations"], 0)
        # One may be for the viewer that came.
        self.assert_rung(side, "pci", more_than=1 + PULSES // 2)
        self.assert_thrifty(side, consumer)


class Unbound(Case):
    """vfio-pci has not got the guest's device."""

    def setUp(self):
        super().setUp()
        GUEST.unbind()
        self.addCleanup(GUEST.bind)  # does nothing to a device that is bound

    def test_polls(self):
        """The producer polls, says why, and rings all the same."""
        viewer = self.viewer(GUEST.region)
        producer = self.begin("--frames", "60")
        self.assert_exit(producer)
        self.assert_exit(viewer)
        self.collect(GUEST, "producer.csv", "producer.json")
        side, consumer = (vm.Side(self.folder, name) for name in ("producer", "consumer"))
        self.judge(side, consumer, 60)
        self.assertRegex(producer.text(), "guest-capture: pci:auto: it rings viewers, but none can "
                         f"ring it: it polls while it waits for one; {DEAF}")
        waking = side.summary["wakeup"]
        self.assertEqual((waking["way"], waking["doorbell"], waking["rung"]), ("poll", "pci", 0))
        self.assertRegex(waking["why_no_doorbell"], rf"\A{DEAF}\Z")
        self.assert_rung(consumer, "server")
        self.assertEqual(consumer.summary["wakeup"]["rings_sent"], 0)

    def test_refused(self):
        """Who insists on a doorbell is told so, until there is one."""
        insists = ("guest-capture", "--wakeup", "doorbell", "--region", "pci:auto", "-q", "--wait")
        done = GUEST.run(*insists, "1")
        self.assertEqual(done.returncode, vm.MISSING, done.stderr)
        self.assertRegex(done.stderr,
                         rf"\Aguest-capture: --wakeup doorbell: pci:auto: {DEAF}\n\Z")
        GUEST.bind()
        viewer = self.viewer(GUEST.region)
        producer = self.begin("--wakeup", "doorbell")
        self.sees(viewer)
        self.pulse(viewer, producer)
        side = self.end(producer)
        self.assert_exit(viewer)
        self.assert_rung(side, "pci", more_than=1 + PULSES // 2)


class Reboot(Case):
    """The guest resets, in the same QEMU."""

    def test_reboot(self):
        """The viewer's process stays and is rung by the next session, whose producer is the same
        peer as the last one and is rung by it."""
        viewer = self.viewer(GUEST.region)
        cut_off = self.begin("--fps", "5")
        self.sees(viewer)
        peers = GUEST.peers()
        GUEST.do("reboot", "--timeout", vm.LIMIT_S)
        self.assert_exit(cut_off, vm.NOT_RUNNING)
        heard = viewer.says("host-viewer: stale")
        self.assertEqual(GUEST.peers(), peers)
        before = MEMORY.newest()
        producer = self.begin()
        self.sees(viewer, viewer.says("host-viewer: live", heard))
        self.pulse(viewer, producer)
        self.wait_until(lambda: MEMORY.newest() > 2 * before + 20, viewer, producer)
        side = self.end(producer)
        self.assert_exit(viewer)
        consumer = vm.Side(self.folder, "consumer")
        self.assertEqual(consumer.counts["sessions"], 2)
        self.assertEqual([consumer.counts[name] for name in vm.COUNTS_OF_FAULTS], [0, 0, 0])
        self.assertTrue(consumer.counts["reconcile"])
        keys = vm.keys_of(consumer.rows)
        self.assertEqual(keys[-len(side.rows):], vm.keys_of(side.rows))
        self.assertEqual(side.summary["wakeup"]["peer"], peers[GUEST.status()["pid"]])
        self.assert_rung(consumer, "server", more_than=before)
        self.assert_rung(side, "pci", more_than=1 + PULSES // 2)


class TwoGuests(Case):
    """Two guests on one server."""

    def test_two_guests(self):
        """They ring each other, and the end of one is not the other's."""
        alone = GUEST.peers()
        second = vm.DoorbellGuest("second", host=GUEST).start()
        self.addCleanup(lambda: second.status() and second.stop())
        pid = second.status()["pid"]
        peers = GUEST.peers()
        self.assertEqual({**alone, pid: peers[pid]}, peers)
        self.assertEqual(second.status()["region"], GUEST.status()["region"])
        inside = second.begin("host-viewer", *vm.viewer_options("/tmp", "pci:auto"))
        inside.says("host-viewer: waiting for a producer")
        producer = self.begin()
        self.sees(inside)
        # Long enough for the ring to fill, far shorter than what the viewer would be given up for.
        second.shell("for i in 1 2 3 4 5; do killall -STOP host-viewer; usleep 300000;"
                     " killall -CONT host-viewer; usleep 100000; done")
        inside.process.terminate()
        self.assert_exit(inside)
        for name in ("consumer.csv", "consumer.json"):
            second.fetch(f"/tmp/{name}", self.folder / name)
        consumer = vm.Side(self.folder, "consumer")
        outside = self.viewer(GUEST.region, folder=self.place("host"))
        heard = self.sees(outside)
        second.stop()
        self.assertTrue(vm.eventually(lambda: outside.process.pid in GUEST.peers() and
                                      pid not in GUEST.peers()))
        newest = MEMORY.newest()
        self.wait_until(lambda: MEMORY.newest() > newest + 2 * SLOTS, outside, producer)
        self.sees(outside, heard)
        side = self.end(producer)
        self.assert_exit(outside)
        host = vm.Side(self.folder / "host", "consumer")
        for one in (consumer, host):
            self.assert_whole(one)
        self.assertEqual(vm.keys_of(consumer.rows),
                         vm.keys_of(side.rows)[:consumer.counts["verified"]])
        self.assert_rung(consumer, "pci")
        self.assertEqual(consumer.summary["wakeup"]["peer"], peers[pid])
        self.assertGreater(consumer.summary["wakeup"]["rings_sent"], 1)
        self.assert_rung(host, "server")
        self.assert_rung(side, "pci", more_than=2)


class WithoutServer(Case):
    """The last: the server dies."""

    def test_server_killed(self):
        """Frames and rings go on, both ways; the launcher says what is lost, and leaves nothing."""
        viewer = self.viewer(GUEST.region)
        producer = self.begin("--fps", "20")
        self.sees(viewer)
        os.kill(MEMORY.server, signal.SIGKILL)
        viewer.says("host-viewer: .*; who is known already rings and is rung as before")
        before = MEMORY.newest()
        self.pulse(viewer, producer)
        self.wait_until(lambda: MEMORY.newest() > 2 * before + 20, viewer, producer)
        side = self.end(producer)
        self.assert_exit(viewer)
        consumer = vm.Side(self.folder, "consumer")
        self.judge(side, consumer, side.counts["published"])
        self.assert_rung(consumer, "server", more_than=before)
        self.assert_rung(side, "pci", more_than=1 + PULSES // 2)
        self.assert_thrifty(side, consumer)
        state = GUEST.status()
        self.assertIsNone(state["doorbell"]["pid"])
        self.assertIn("its doorbell-server has ended", GUEST.do("status"))
        done = vm.launcher("start", "--name", f"{GUEST.name}-2", f"--doorbell={GUEST.socket}")
        self.assertEqual(done.returncode, vm.MISSING, done.stderr)
        GUEST.stop()
        GUEST.must_be_gone(state)


if __name__ == "__main__":
    vm.main()
