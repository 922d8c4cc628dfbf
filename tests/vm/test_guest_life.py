#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What guests do in mid-stream - reboot, power off, crash, pause - while a viewer on the host stays.

A viewer is never started again; a session that is over never comes back.
Run: python3 tests/vm/test_guest_life.py
"""

import os
import signal

import oriel_vm_test as vm

# Small frames: what is tried here is the life of a session, and every frame leaves a row.
STREAM = ("--pattern", "random", "--res", "720p", "--fps", "60", "--mode", "lossless")
SECOND_FRAMES = 60


class Life(vm.Case):
    """A viewer that counts every frame, and an observer that leaves no trace, both stay."""

    def attend(self, region):
        """Starts both."""
        self.viewer_program = self.viewer(region)
        watched = self.folder / "observer"
        watched.mkdir()
        self.observer = self.viewer(region, "observe", watched)
        self.heard = 0

    def first_session(self, guest, detached=False):
        """A producer in mid-stream, which is to be cut off; returns it.

        detached: no client of the launcher holds it, so nobody tells it that the end is near
        """
        command = ("guest-capture", *STREAM, "--wait", vm.LIMIT_S)
        if detached:
            words = " ".join(map(str, command))
            command = ("sh", "-c", f"setsid {words} >/dev/null 2>&1 &")
        producer = guest.begin(*command)
        self.heard = self.viewer_program.says(r".* [1-9]\d+ verified, .*")
        self.observer.says(r".* [1-9]\d* verified, .*")
        return producer

    def hears(self, *words):
        """The viewer says these, in this order, after what it said so far."""
        for word in words:
            self.heard = self.viewer_program.says(f"host-viewer: {word}", self.heard)

    def second_session(self, guest):
        """Frames of the new session arrive, all of them, and none of the old one after them."""
        self.assertIsNone(self.viewer_program.process.poll(), str(self.viewer_program))
        self.assert_exit(self.guest_producer(guest, *STREAM, "--frames", SECOND_FRAMES))
        self.assert_exit(self.viewer_program)
        self.assert_exit(self.observer)
        self.collect(guest, "producer.csv", "producer.json")
        producer = vm.Side(self.folder, "producer")
        self.judge_viewer(producer, vm.Side(self.folder, "consumer"))
        self.judge_observer(producer, vm.Side(self.folder / "observer", "consumer"))

    def judge_viewer(self, producer, consumer):
        """Two sessions, each whole and in order, one after the other."""
        self.assertEqual(consumer.counts["sessions"], 2)
        self.assertEqual([consumer.counts[name] for name in vm.COUNTS_OF_FAULTS], [0, 0, 0])
        self.assertTrue(consumer.counts["reconcile"])
        new = producer.summary["epoch"]
        keys = vm.keys_of(consumer.rows)
        old = keys[0][0]
        self.assertNotEqual(old, new)
        seen = len(keys) - SECOND_FRAMES
        self.assertGreater(seen, 9)
        # From 1 on without a gap, first the old, then the new: nothing lost, nothing mixed.
        self.assertEqual(keys, [(old, i + 1) for i in range(seen)] +
                         [(new, i + 1) for i in range(SECOND_FRAMES)])
        self.assertEqual(keys[seen:], vm.keys_of(producer.rows))
        self.assertEqual({row["result"] for row in consumer.rows}, {"verified"})

    def judge_observer(self, producer, consumer):
        """It may miss frames, and meet one that is being overwritten, but accepts none of an
        epoch that is over."""
        self.assertEqual(consumer.counts["bad"], 0)
        self.assertTrue(consumer.counts["reconcile"])
        keys = vm.keys_of([row for row in consumer.rows if row["result"] == "verified"])
        epochs = [epoch for epoch, _ in keys]
        order = sorted(set(epochs), key=epochs.index)
        self.assertEqual(len(order), 2)
        self.assertEqual(order[1], producer.summary["epoch"])
        self.assertEqual(keys, sorted(set(keys), key=lambda key: (order.index(key[0]), key[1])))
        self.assertLessEqual({key for key in keys if key[0] == order[1]},
                             set(vm.keys_of(producer.rows)))


class Reboot(Life):
    """The guest resets; QEMU and the shared memory, with all that lies in it, stay."""

    def test_reboot(self):
        """The old session's header and frames are still there, and are not taken for live."""
        guest = vm.Guest("reboot").start()
        self.addCleanup(guest.stop)
        self.attend(guest.region)
        cut_off = self.first_session(guest)
        guest.do("reboot", "--timeout", vm.LIMIT_S)
        self.assert_exit(cut_off, vm.NOT_RUNNING)
        self.assertIn("reset", cut_off.text())
        self.hears("stale")
        late = self.folder / "late"
        late.mkdir()
        late_viewer = self.viewer(guest.region, "observe", late)
        late_viewer.says("host-viewer: waiting for a producer")
        self.second_session(guest)
        self.hears("live")
        self.assert_exit(late_viewer)
        # It came when only the old session lay there, whole and right, and took none of it.
        self.assertEqual({row["epoch"] for row in vm.read_rows(late / "consumer.csv")},
                         {row["epoch"] for row in vm.read_rows(self.folder / "producer.csv")})


class Stop(Life):
    """The guest powers off and is started again."""

    def test_same_file(self):
        """A region that was there before the guest stays, and the viewer on it. The power goes
        off under a producer that nobody asks to end."""
        guest = vm.Guest("kept")
        with open(guest.region, "wb") as file:
            file.truncate(64 << 20)
        inode = guest.region.stat().st_ino
        guest.start()
        self.attend(guest.region)
        self.first_session(guest, detached=True)
        guest.stop()
        self.hears("stale", "producer gone")
        guest.start()
        self.addCleanup(guest.stop)
        self.assertEqual(guest.region.stat().st_ino, inode)
        self.second_session(guest)
        self.hears("live")

    def test_new_file(self):
        """A region that the launcher made goes with its guest; the viewer finds the next one."""
        guest = vm.Guest("anew").start()
        self.attend(guest.region)
        self.first_session(guest, detached=True)
        guest.stop()
        self.assertFalse(guest.region.exists())
        self.hears("region lost: the region's file was removed or made anew")
        guest.start()
        self.addCleanup(guest.stop)
        self.second_session(guest)
        self.hears("live")


    def test_window(self):
        """A window stays beyond the proper end of a stream and the end of the guest, too."""
        if "built without the window" in vm.Program(vm.VIEWER, "--renderer=software", "--wait=0",
                                                    "--region", self.folder / "none").whole_text():
            self.skipTest("this host-viewer is built without the window")
        guest = vm.Guest("window").start()
        self.viewer_program = self.viewer(guest.region, window=True)
        self.heard = 0
        self.whole_session(guest, 1)
        guest.stop()
        self.hears("region lost: the region's file was removed or made anew")
        guest.start()
        self.addCleanup(guest.stop)
        self.whole_session(guest, 2)
        self.viewer_program.process.terminate()
        self.assert_exit(self.viewer_program)
        consumer = vm.Side(self.folder, "consumer")
        self.assertEqual(consumer.counts["sessions"], 2)
        self.assertEqual(consumer.counts["verified"], 2 * SECOND_FRAMES)
        self.assertTrue(consumer.counts["reconcile"])

    def whole_session(self, guest, count):
        """A stream that ends as it should, seen to its last frame."""
        self.assert_exit(guest.begin("guest-capture", *STREAM, "--wait", vm.LIMIT_S, "--frames",
                                     SECOND_FRAMES))
        self.hears("live", "ended")
        self.assertTrue(vm.eventually(
            lambda: len(vm.read_rows(self.folder / "consumer.csv")) == count * SECOND_FRAMES),
            str(self.viewer_program))


class Crash(Life):
    """QEMU dies at once, in mid-frame as likely as not."""

    def test_killed(self):
        """Nothing of the dead guest stays, and the viewer follows to the next one."""
        guest = vm.Guest("killed").start()
        self.attend(guest.region)
        cut_off = self.first_session(guest)
        os.kill(guest.status()["pid"], signal.SIGKILL)
        self.assert_exit(cut_off, vm.NOT_RUNNING)
        self.assertIn("has ended", cut_off.text())
        self.hears("region lost: the region's file was removed or made anew")
        self.assertTrue(vm.eventually(lambda: guest.status() is None))
        guest.start()
        self.addCleanup(guest.stop)
        self.second_session(guest)
        self.hears("live")


class Pause(Life):
    """The machine stands still and goes on."""

    def test_pause(self):
        """However long: the session is the same afterwards, and no frame is missing."""
        guest = vm.Guest("paused").start()
        self.addCleanup(guest.stop)
        self.attend(guest.region)
        producer = self.guest_producer(guest, *STREAM)
        self.heard = self.viewer_program.says(r".* [1-9]\d+ verified, .*")
        for words in (["stale"], ["stale", "producer gone"]):
            guest.do("qmp", "stop")
            self.hears(*words)
            guest.do("qmp", "cont")
            self.hears("live", r".* [1-9]\d+ verified, .*")
        producer.process.terminate()  # reaches guest-capture, which ends as it should
        self.assert_exit(producer)
        self.assert_exit(self.viewer_program)
        self.collect(guest, "producer.csv", "producer.json")
        side = vm.Side(self.folder, "producer")
        self.judge(side, vm.Side(self.folder, "consumer"), side.counts["published"])
        self.assertEqual(side.counts["revocations"], 0)


if __name__ == "__main__":
    vm.main()
