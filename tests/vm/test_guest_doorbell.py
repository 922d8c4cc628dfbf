#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests that ring and are rung, with a program of the test's own on both sides (ring_doorbell.c).
Run: python3 tests/vm/test_guest_doorbell.py"""

import os
import re
import signal
import socket
import subprocess
import sys

import oriel_vm_test as vm

RING = vm.BUILD / "tests" / "vm" / "ring_doorbell"
OVERRIDE = f"{vm.PCI}/devices/{vm.DEVICE}/driver_override"
MISSING = 3
USAGE = 2


def setUpModule():
    """One guest with a doorbell for most tests."""
    global GUEST
    GUEST = vm.DoorbellGuest("bell", "4M").start()
    GUEST.do("put", RING, "/bin/ring_doorbell")
    GUEST.shell("chmod +x /bin/ring_doorbell")


def tearDownModule():
    """A guest that ends as it should takes its server along."""
    state = GUEST.status()
    GUEST.stop()
    GUEST.must_be_gone(state)


class Case(vm.Case):
    """With programs that ring, here and there."""

    def outside(self, *words):
        """On the host, beside the test."""
        return vm.Program(RING, GUEST.region, "bell", *words)

    def inside(self, *words):
        """In the guest, to its end; returns what it said. Its first word is about its doorbell."""
        done = GUEST.run("ring_doorbell", "pci:auto", *words)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def peer_of(self, program, hears=True):
        """The id that it says it has, once it says so."""
        program.says(r"peer \d+ .*")
        found = re.search(r"^peer (\d+) (hears|is deaf: .*)$", program.text(), re.MULTILINE)
        self.assertEqual(found.group(2) == "hears", hears, str(program))
        return int(found.group(1))

    def guest_peer(self):
        """The guest's own id."""
        return GUEST.peers()[GUEST.status()["pid"]]


class Rings(Case):
    """Both ways, and into a guest from whoever can ring."""

    def test_there_and_back(self):
        """Every ring of many wakes the other side."""
        # What is waited for in memory keeps two rings from merging into one.
        host = self.outside("wait", "store", 0, 3, "echo", 300, self.guest_peer(), "silent", 50)
        said = self.inside("bell", "ring", self.peer_of(host), 0, "until", 0, 3,
                           "bounce", 300, self.peer_of(host), "silent", 50, "store", 0, 0)
        self.assertRegex(said, r"bounced 300, .*\nsilent\n$")
        self.assert_exit(host)
        print("    " + said.splitlines()[-2], file=sys.stderr)

    def test_other_vectors_are_not_heard(self):
        """A guest listens to vector 0; the others may be anybody's."""
        peer = self.guest_peer()
        host = self.outside("until", 0, 1, "ring", peer, 1, "store", 0, 2)
        self.assertIn("silent", self.inside("bell", "store", 0, 1, "until", 0, 2, "silent", 200,
                                            "store", 0, 0))
        self.assert_exit(host)

    def test_by_the_server(self):
        """An administrator's ring."""
        waiting = GUEST.begin("ring_doorbell", "pci:auto", "bell", "wait")
        peer = self.peer_of(waiting)
        subprocess.run([vm.SERVER, "ring", str(peer), "0", "--socket", GUEST.socket],
                       timeout=vm.LIMIT_S, check=True, capture_output=True)
        waiting.says("rung")
        self.assert_exit(waiting)

    def test_nobody_there(self):
        """Rings to peers that never were vanish."""
        self.assertEqual(self.inside("bell", "ring", 65535, 65535, "ring", 0, 0, "silent", 50)
                         .splitlines()[1:], ["rang 65535 65535", "rang 0 0", "silent"])

    def test_opened_again_and_again(self):
        """By one process, and by one after another."""
        words = ("reopen", "bell") * 5
        for _ in range(3):
            host = self.outside("wait", "ring", self.guest_peer(), 0)
            said = self.inside(*words, "ring", self.peer_of(host), 0, "wait")
            self.assertEqual(said.count(" hears\n"), 5)
            self.assert_exit(host)

    def test_one_at_a_time(self):
        """The second process is told so, rings all the same, and can take over when the first one
        was killed."""
        host = self.outside("wait", "wait", "ring", self.guest_peer(), 0)
        first = GUEST.begin("sh", "-c", "ring_doorbell pci:auto bell wait & echo $! >/tmp/first;"
                                        " wait")
        self.peer_of(first)
        said = self.inside("bell", "ring", self.peer_of(host), 0)
        self.assertRegex(said, r"deaf: /dev/vfio/\d+ is held by another process, and only one")
        GUEST.shell("kill -9 $(cat /tmp/first)")
        first.wait()
        self.inside("bell", "ring", self.peer_of(host), 0, "wait")
        self.assert_exit(host)


class Mappings(Case):
    """Memory and register through sysfs, while others use vfio."""

    def test_they_stay(self):
        """Mapped before the device was bound, and used while processes with vfio come and go."""
        host = self.outside("echo", 4, self.guest_peer())
        peer = self.peer_of(host)
        GUEST.unbind()
        old = GUEST.begin("ring_doorbell", "pci:auto", "bell", "store", 0, 1,
                          *(word for turn in (2, 4, 6)
                            for word in ("until", 0, turn, "ring", peer, 0, "store", 0, turn + 1)))
        self.peer_of(old, hears=False)
        GUEST.bind()
        self.inside("until", 0, 1, "bell", "store", 0, 2, "until", 0, 3, "wait")
        self.inside("store", 0, 4, "until", 0, 5, "bell", "ring", peer, 0, "wait")
        self.inside("bell", "store", 0, 6, "until", 0, 7, "wait")
        self.assert_exit(old)
        self.assert_exit(host)


class Unbound(Case):
    """vfio-pci has not got the device."""

    def setUp(self):
        super().setUp()
        GUEST.unbind()
        self.addCleanup(GUEST.shell, f"echo vfio-pci > {OVERRIDE};"
                                     f" echo {vm.DEVICE} > {vm.PCI}/drivers_probe")

    def test_deaf_and_cured(self):
        """It can ring; and what it says to do works as it is said."""
        host = self.outside("wait", "wait", "ring", self.guest_peer(), 0)
        said = self.inside("bell", "ring", self.peer_of(host), 0)
        cure = re.search(rf"deaf: {vm.DEVICE} is not bound to vfio-pci; as root: (.*)",
                         said).group(1)
        GUEST.shell(f"echo > {OVERRIDE}; {cure}")
        said = self.inside("bell", "ring", self.peer_of(host), 0, "wait")
        self.assertIn("hears", said)
        self.assert_exit(host)

    def test_by_its_number(self):
        """The other recipe of docs/doorbell.md."""
        GUEST.shell(f"echo > {OVERRIDE}; rmmod vfio_pci; modprobe vfio-pci ids=1af4:1110")
        self.assertIn("hears", self.inside("bell"))


class Leftovers(Case):
    """Whatever ends a guest ends its server, and no other one. These guests are still booting."""

    def begin(self, label, *memory):
        """Begins to start a guest; returns it, the launcher's process and the guest's status."""
        guest = vm.DoorbellGuest(label, "4M")
        program = vm.Program(vm.GUEST, "start", "--name", guest.name,
                             *(memory or guest.memory()), "--accel", vm.ACCEL)
        self.assertTrue(vm.eventually(lambda: (guest.status() or {}).get("pid")), str(program))
        return guest, program, guest.status()

    def end(self, label, which, number):
        """Ends one of its processes, and sees that nothing of it is left."""
        guest, program, state = self.begin(label)
        self.assertEqual(state["region"]["path"], guest.region)
        self.assertTrue(state["doorbell"]["own"])
        os.kill(which(program, state), number)
        self.assertNotEqual(program.wait(), 0)
        guest.must_be_gone(state)

    def test_interrupted(self):
        """Ctrl-C."""
        self.end("early", lambda program, state: program.process.pid, signal.SIGINT)

    def test_supervisor_killed(self):
        """At once."""
        self.end("orphan", lambda program, state: state["supervisor"][0], signal.SIGKILL)

    def test_qemu_killed(self):
        """In mid-flight."""
        self.end("killed", lambda program, state: state["pid"], signal.SIGKILL)

    def test_joined_server_stays(self):
        """A server that somebody else started is left alone; nothing of the launcher's own is
        beside it."""
        path = self.folder / "mine.sock"
        server = vm.Program(vm.SERVER, "--socket", path, "--size", "2M", "--vectors", "3")
        server.says(".*3 vectors.*")
        guest, program, state = self.begin("joiner", f"--doorbell={path}")
        self.assertEqual(state["region"]["path"], f"server:{path}")
        self.assertEqual((state["region"]["size"], state["doorbell"]["vectors"]), (2 << 20, 3))
        program.process.send_signal(signal.SIGINT)
        self.assertNotEqual(program.wait(), 0)
        guest.must_be_gone(state)
        self.assertIsNone(server.process.poll())
        server.process.terminate()
        self.assert_exit(server)
        self.assertEqual(list(self.folder.iterdir()), [])


class Refusals(Case):
    """One line each, and nothing started."""

    def refused(self, code, words, *options):
        """The start ends with this code, and one line with these words."""
        name = f"refused-{os.getpid()}"
        done = vm.launcher("start", "--name", name, "--accel", vm.ACCEL, *options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, rf"\Aguest: {words}.*\n\Z")
        self.assertFalse((GUEST.socket.parent.parent / name).exists())

    def test_usage(self):
        """What cannot be meant."""
        self.refused(USAGE, "--region: /dev/shm/x: not with --doorbell", "--doorbell",
                     "--region", "/dev/shm/x")
        self.refused(USAGE, "--size: 4M: decided by the server at ", "--size=4M",
                     f"--doorbell={GUEST.socket}")
        self.refused(USAGE, r"--doorbell: /x+: a socket's path has at most \d+ bytes",
                     f"--doorbell=/{'x' * 100}")
        self.refused(USAGE, "--size: 3M: not a power of two", "--doorbell", "--size=3M")

    def test_no_server(self):
        """Nobody there, somebody else there, a server that hangs."""
        self.refused(MISSING, "--doorbell: /nowhere: no doorbell-server answers there: .*; start",
                     "--doorbell=/nowhere")
        path = self.folder / "odd.sock"
        with socket.socket(socket.AF_UNIX) as odd:
            odd.bind(f"{path}.control")
            odd.listen()
            self.refused(1, f"--doorbell: {path}: does not answer as a doorbell-server does",
                         f"--doorbell={path}")

    def test_no_memory(self):
        """The server's own words."""
        self.refused(MISSING, "--doorbell: .*: doorbell-server: --size: 256G cannot be had",
                     "--doorbell", "--size=256G")


if __name__ == "__main__":
    vm.main()
