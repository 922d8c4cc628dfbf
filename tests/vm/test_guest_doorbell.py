#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guests that ring and are rung, with a program of the test's own on both sides (ring_doorbell.c).
Run: python3 tests/vm/test_guest_doorbell.py"""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import oriel_vm_test as vm

RING = vm.BUILD / "tests" / "vm" / "ring_doorbell"
SERVER = vm.BUILD / "vm" / "doorbell-server"
DEVICE = "0000:00:10.0"
PCI = "/sys/bus/pci"
BIND = f"echo {DEVICE} > {PCI}/drivers_probe"
UNBIND = f"echo {DEVICE} > {PCI}/drivers/vfio-pci/unbind"
MISSING = 3
USAGE = 2


def setUpModule():
    """One guest with a doorbell for most tests."""
    global GUEST
    GUEST = start("bell")


def tearDownModule():
    """Each class with another guest ends that itself."""
    GUEST.stop()


def start(label, host=None):
    """A guest that has the test's program."""
    guest = vm.DoorbellGuest(label, "4M", host).start()
    give_program(guest)
    return guest


def give_program(guest):
    """Once a boot: the guest's files are in its memory."""
    guest.do("put", RING, "/bin/ring_doorbell")
    guest.run("chmod", "+x", "/bin/ring_doorbell")


def server_status(guest):
    """What the guest's server tells of its peers."""
    done = subprocess.run([SERVER, "status", "--json", "--socket", guest.socket],
                          capture_output=True, timeout=vm.LIMIT_S, check=True)
    return json.loads(done.stdout)


def peer_ids(guest):
    """Who is connected to the guest's server."""
    return {peer["id"] for peer in server_status(guest)["peers"]}


class Case(vm.Case):
    """With programs that ring, here and there."""

    def outside(self, *words, guest=None):
        """On the host, beside the test."""
        return vm.Program(RING, (guest or GUEST).region, "bell", *words)

    def inside(self, *words, guest=None):
        """In the guest, to its end; returns what it said. Its first word is about its doorbell."""
        done = (guest or GUEST).run("ring_doorbell", "pci:auto", *words)
        self.assertEqual(done.returncode, 0, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def peer_of(self, program, hears=True):
        """The id that it says it has, once it says so."""
        program.says(r"peer \d+ .*")
        found = re.search(r"^peer (\d+) (hears|is deaf: .*)$", program.text(), re.MULTILINE)
        self.assertEqual(found.group(2) == "hears", hears, str(program))
        return int(found.group(1))

    def guest_peer(self, guest=None):
        """The guest's own id."""
        return int(re.match(r"peer (\d+) ", self.inside("bell", guest=guest)).group(1))

    def shell(self, command, guest=None):
        """Must succeed."""
        done = (guest or GUEST).run("sh", "-c", command)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()


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
        subprocess.run([SERVER, "ring", str(peer), "0", "--socket", GUEST.socket],
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
        self.shell("kill -9 $(cat /tmp/first)")
        first.wait()
        self.inside("bell", "ring", self.peer_of(host), 0, "wait")
        self.assert_exit(host)


class Mappings(Case):
    """Memory and register through sysfs, while others use vfio."""

    def test_they_stay(self):
        """Mapped before the device was bound, and used while processes with vfio come and go."""
        host = self.outside("echo", 4, self.guest_peer())
        peer = self.peer_of(host)
        self.shell(UNBIND)
        old = GUEST.begin("ring_doorbell", "pci:auto", "bell", "store", 0, 1,
                          *(word for turn in (2, 4, 6)
                            for word in ("until", 0, turn, "ring", peer, 0, "store", 0, turn + 1)))
        self.peer_of(old, hears=False)
        self.shell(BIND)
        self.inside("until", 0, 1, "bell", "store", 0, 2, "until", 0, 3, "wait")
        self.inside("store", 0, 4, "until", 0, 5, "bell", "ring", peer, 0, "wait")
        self.inside("bell", "store", 0, 6, "until", 0, 7, "wait")
        self.assert_exit(old)
        self.assert_exit(host)


class Unbound(Case):
    """vfio-pci has not got the device."""

    def setUp(self):
        super().setUp()
        self.shell(UNBIND)
        self.addCleanup(self.shell, f"echo vfio-pci > {PCI}/devices/{DEVICE}/driver_override;"
                                    f" [ -e {PCI}/devices/{DEVICE}/driver ] || {BIND}")

    def test_deaf_and_cured(self):
        """It can ring; and what it says to do works as it is said."""
        host = self.outside("wait", "wait", "ring", self.guest_peer(), 0)
        said = self.inside("bell", "ring", self.peer_of(host), 0)
        cure = re.search(rf"deaf: {DEVICE} is not bound to vfio-pci; as root: (.*)", said).group(1)
        self.shell(f"echo > {PCI}/devices/{DEVICE}/driver_override; {cure}")
        said = self.inside("bell", "ring", self.peer_of(host), 0, "wait")
        self.assertIn("hears", said)
        self.assert_exit(host)

    def test_by_its_number(self):
        """The other recipe of docs/doorbell.md."""
        self.shell(f"echo > {PCI}/devices/{DEVICE}/driver_override; rmmod vfio_pci;"
                   " modprobe vfio-pci ids=1af4:1110")
        self.assertIn("hears", self.inside("bell"))

    def test_plain_device(self):
        """One that has no doorbell says so, and is none the worse for it."""
        guest = vm.Guest("plain", "4M").start()
        self.addCleanup(guest.stop)
        give_program(guest)
        done = guest.run("ring_doorbell", "pci:auto", "store", 0, 7, "until", 0, 7, "bell")
        self.assertEqual((done.returncode, done.stdout), (MISSING, "place 0 holds 7\n"))
        self.assertIn(f"{DEVICE} has memory, but no doorbell; launch the guest with -device "
                      "ivshmem-doorbell and a doorbell-server", done.stderr)


class Reboot(Case):
    """In the same QEMU."""

    def test_reboot(self):
        """Id and memory stay, and who knew the guest before rings it afterwards."""
        peer = self.guest_peer()
        before = peer_ids(GUEST)
        host = self.outside("store", 0, 41, "until", 0, 42, "ring", peer, 0, "wait")
        self.inside("until", 0, 41)
        GUEST.do("reboot", "--timeout", vm.LIMIT_S)
        give_program(GUEST)
        said = self.inside("bell", "until", 0, 41, "store", 0, 42, "wait", "ring",
                           self.peer_of(host), 0)
        self.assertIn(f"peer {peer} hears\n", said)
        self.assert_exit(host)
        self.assertTrue(vm.eventually(lambda: peer_ids(GUEST) == before))


class Two(Case):
    """Guests that share a server."""

    def test_two_guests(self):
        """Both are there, ring each other, share the memory; one's end is not the other's."""
        alone = peer_ids(GUEST)
        second = start("second", GUEST)
        self.addCleanup(lambda: second.status() and second.stop())
        ours, theirs = self.guest_peer(), self.guest_peer(second)
        self.assertEqual(peer_ids(GUEST), alone | {theirs})
        self.assertNotEqual(ours, theirs)
        self.assertEqual(second.status()["region"], GUEST.status()["region"])
        echo = second.begin("ring_doorbell", "pci:auto", "bell", "store", 1, theirs,
                            "echo", 100, ours)
        self.assertIn("bounced 100", self.inside("bell", "until", 1, theirs,
                                                 "bounce", 100, theirs))
        self.assert_exit(echo)
        host = self.outside("until", 1, ours, "ring", ours, 0, "wait",
                            "until", 1, theirs, "ring", theirs, 0, "wait", "store", 1, 0)
        for guest, peer in ((GUEST, ours), (second, theirs)):
            self.inside("bell", "store", 1, peer, "wait", "ring", self.peer_of(host), 0,
                        guest=guest)
        self.assert_exit(host)
        second.stop()
        self.assertTrue(vm.eventually(lambda: peer_ids(GUEST) == alone))
        self.assertIn("hears", self.inside("bell", "ring", theirs, 0, "silent", 50))


class Leftovers(Case):
    """Whatever ends a guest ends its server, and no other one."""

    def assert_gone(self, guest, pids):
        """Neither processes nor files."""
        for pid in pids:
            self.assertTrue(vm.eventually(lambda: not alive(pid)), f"{guest.name}: {pid}")
        self.assertTrue(vm.eventually(lambda: not guest.socket.parent.exists()), guest.name)

    def end(self, label, how):
        """Starts a guest, ends it, and sees that nothing of it is left."""
        guest = vm.DoorbellGuest(label, "4M").start()
        state = guest.status()
        self.assertEqual(state["region"]["path"], guest.region)
        how(guest, state)
        self.assert_gone(guest, (state["pid"], state["doorbell"]["pid"], state["supervisor"][0]))

    def test_stop(self):
        """As one should."""
        self.end("stop", lambda guest, state: guest.stop())

    def test_supervisor_killed(self):
        """At once."""
        self.end("orphan", lambda guest, state: os.kill(state["supervisor"][0], signal.SIGKILL))

    def test_qemu_killed(self):
        """In mid-flight."""
        self.end("killed", lambda guest, state: os.kill(state["pid"], signal.SIGKILL))

    def test_start_interrupted(self):
        """Ctrl-C while it boots."""
        guest = vm.DoorbellGuest("early", "4M")
        program = vm.Program(vm.GUEST, "start", "--name", guest.name, *guest.memory(),
                             "--accel", vm.ACCEL)
        self.assertTrue(vm.eventually(lambda: guest.status() and guest.status()["pid"]))
        state = guest.status()
        program.process.send_signal(signal.SIGINT)
        program.wait()
        self.assert_gone(guest, (state["pid"], state["doorbell"]["pid"], state["supervisor"][0]))

    def test_server_killed(self):
        """The guest goes on, says what it lost, and still leaves nothing."""
        def kill_server(guest, state):
            os.kill(state["doorbell"]["pid"], signal.SIGKILL)
            self.assertTrue(vm.eventually(lambda: guest.status()["doorbell"]["pid"] is None))
            self.assertIn("its doorbell-server has ended", guest.do("status"))
            self.assertEqual(guest.run("true").returncode, 0)
            done = vm.launcher("start", "--name", f"{guest.name}-2", f"--doorbell={guest.socket}")
            self.assertEqual(done.returncode, MISSING, done.stderr)
            guest.stop()
        self.end("deserted", kill_server)

    def test_joined_server_stays(self):
        """A server that somebody else started is left alone; nothing of the launcher's own is
        beside it."""
        path = self.folder / "mine.sock"
        server = vm.Program(SERVER, "--socket", path, "--size", "2M", "--vectors", "3")
        server.says(".*3 vectors.*")
        guest = vm.DoorbellGuest("joiner")
        guest.memory = lambda: [f"--doorbell={path}"]
        guest.start()
        state = guest.status()
        self.assertEqual(state["region"]["path"], f"server:{path}")
        self.assertEqual((state["region"]["size"], state["doorbell"]["vectors"]), (2 << 20, 3))
        give_program(guest)
        self.assertIn("hears", self.inside("bell", guest=guest))
        guest.stop()
        self.assertIsNone(server.process.poll())
        server.process.terminate()
        self.assert_exit(server)
        self.assertEqual(list(self.folder.iterdir()), [])


def alive(pid):
    """Whether such a process runs; one that only waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


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
