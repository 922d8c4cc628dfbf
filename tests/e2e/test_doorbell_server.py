#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The doorbell-server as QEMU, peers of all manners, administrators and systemd see it (H3)."""
import errno
import fcntl
import grp
import mmap
import os
import pathlib
import random
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
import unittest

from ivshmem_peer import PATIENCE_S, Peer, Place, Server, wait_until

F_GET_SEALS = 1034
F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW = 1, 2, 4
MIB = 1 << 20


class Protocol(Place):
    """What peers are told, and that all of it is true."""

    def test_greeting_and_news(self):
        """Everybody is introduced to everybody, in QEMU's order, and leaves are told."""
        with self.serve("--vectors", "3").started() as server, Peer(self.path) as first:
            self.assertEqual(first.greet(3), [])
            with Peer(self.path) as second:
                self.assertEqual(second.greet(3), [first.id])
                self.assertEqual([first.take_news() for _ in range(3)], [(second.id, True)] * 3)
                first.ring(second.id, 2)
                self.assertEqual(second.rung(2), 1)
                second.ring(first.id, 0)
                second.ring(first.id, 0)
                self.assertEqual(first.rung(0), 2)
                self.assertNotEqual(first.id, second.id)
            self.assertEqual(first.take_news(), (second.id, False))
            self.assertFalse(first.hears(0.05))
            with Peer(self.path) as third:
                third.greet(3)
                self.assertGreater(third.id, second.id)
            self.assertEqual(server.end(), (0, ""))

    def test_memory(self):
        """One memory for all, which nobody can give another size."""
        with self.serve("--size", "4M").started(), Peer(self.path) as first, \
                Peer(self.path) as second:
            first.greet(2)
            second.greet(2)
            self.assertEqual(os.fstat(first.memory).st_size, 4 * MIB)
            self.assertEqual(os.fstat(first.memory).st_blocks * 512, 4 * MIB)
            self.assertEqual(fcntl.fcntl(first.memory, F_GET_SEALS) & 7,
                             F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)
            for size in (0, MIB, 8 * MIB):
                with self.assertRaises(PermissionError):
                    os.ftruncate(first.memory, size)
            with mmap.mmap(first.memory, 4 * MIB) as one, mmap.mmap(second.memory, 4 * MIB) as two:
                one[3 * MIB:3 * MIB + 5] = b"oriel"
                self.assertEqual(two[3 * MIB:3 * MIB + 5], b"oriel")

    def test_memory_file(self):
        """A given file: made with its size, kept, and found again by the next server."""
        file = self.folder / "memory"
        for size in (["--size", "2M"], []):
            server = Server(self.program, self.path, "--quiet", "--memory", str(file), *size)
            with server.started(), Peer(self.path) as peer:
                peer.greet(2)
                self.assertEqual(os.fstat(peer.memory).st_ino, file.stat().st_ino)
                self.assertEqual(os.fstat(peer.memory).st_size, 2 * MIB)
                self.assertEqual(server.status()["memory"],
                                 {"bytes": 2 * MIB, "file": str(file), "sealed": False})
                self.assertEqual(server.end()[0], 0)
        self.assert_refuses(3, "2M instead of 4M", "--memory", str(file), "--size", "4M")

    def test_hundred_peers(self):
        """64 at once; the others are told; whoever leaves makes room; no id comes twice."""
        with self.serve("--vectors", "4").started() as server:
            peers = [Peer(self.path) for _ in range(100)]
            refused = peers[64:]
            for number, peer in enumerate(peers[:64]):
                peer.known = peer.greet(4)
                self.assertEqual(len(peer.known), number)
            for peer in refused:
                self.assertEqual(peer.receive(), (-errno.EUSERS, None))
                self.assertEqual(peer.receive(), (None, None))
                peer.close()
            self.assertEqual(server.status()["counts"]["refused"], 36)
            inside = peers[:64]
            ids = [peer.id for peer in inside]
            dice = random.Random(1)
            for _ in range(200):
                gone = inside.pop(dice.randrange(len(inside)))
                gone.close()
                wait_until(lambda: self.try_to_join(inside), "room again")
                self.assertNotIn(inside[-1].id, ids)
                ids.append(inside[-1].id)
            for peer in inside:
                peer.close()
            server.has(0)

    def try_to_join(self, inside):
        """Adds a peer if there is room."""
        peer = Peer(self.path)
        number, _ = peer.receive()
        if number != 0:
            peer.close()
            return False
        peer.id = peer.receive()[0]
        inside.append(peer)
        return True


class Manners(Place):
    """Peers that do not behave."""

    def test_bad_peers_harm_nobody(self):
        """The good one hears of everybody who came and that they left, and can be joined."""
        dice = random.Random(2)
        with self.serve("--vectors", "2").started() as server, Peer(self.path) as good:
            good.greet(2)
            silent = [Peer(self.path) for _ in range(10)]
            self.addCleanup(lambda: [peer.close() for peer in silent])
            for number in range(300):
                bad = Peer(self.path)
                if number % 4 == 0:
                    bad.greet(2)
                    bad.socket.send(dice.randbytes(dice.randrange(1, 5000)))
                    self.assertTrue(bad.is_hung_up())
                elif number % 4 == 1:
                    bad.receive()
                elif number % 4 == 2:
                    socket.send_fds(bad.socket, [b"12345678"], [0, 1, 2])
                    bad.socket.shutdown(socket.SHUT_WR)
                bad.close()
            server.has(11)
            present = set()
            while good.hears(0.2):
                number, joined = good.take_news()
                (present.add if joined else present.discard)(number)
            self.assertEqual(len(present), 10)
            counts = server.status()["counts"]
            self.assertEqual(counts["joined"] - counts["left"] - counts["dropped"], 11)
            self.assertGreaterEqual(counts["dropped"], 75)
            for peer in silent:
                peer.close()
            silent.clear()
            with Peer(self.path) as last:
                server.has(2)
                self.assertEqual(last.greet(2)[0], good.id)

    def test_killed_peers(self):
        """Processes that are killed at any moment of the greeting."""
        code = ("import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                "print(1,flush=True)\ns.recv(12)\ntime.sleep(60)")
        with self.serve("--vectors", "16").started() as server, Peer(self.path) as good:
            good.greet(16)
            children = [subprocess.Popen([sys.executable, "-c", code, self.path],
                                         stdout=subprocess.PIPE) for _ in range(8)]
            for child in children:
                child.stdout.readline()
                child.kill()
                child.wait()
                child.stdout.close()
            self.assertEqual(server.has(1)[0]["id"], good.id)

    def test_crowd_of_silent_peers(self):
        """63 peers that read nothing, with all vectors; one that reads waits for none of them."""
        with self.serve("--vectors", "16").started():
            silent = [Peer(self.path) for _ in range(63)]
            with Peer(self.path) as good:
                start = time.monotonic()
                self.assertEqual(len(good.greet(16)), 63)
                self.assertLess(time.monotonic() - start, PATIENCE_S / 2)
            for peer in silent:
                peer.close()


class Desk(Place):
    """status and ring."""

    def test_status_and_ring(self):
        """Rings arrive, and status tells them from those that were not taken yet."""
        with self.serve().started() as server, Peer(self.path) as peer:
            peer.greet(2)
            self.assertEqual(server.ask("ring", str(peer.id), "1").returncode, 0)
            self.assertEqual(peer.rung(1), 1)
            self.assertEqual(server.ask("ring", str(peer.id), "all").returncode, 0)
            self.assertEqual(peer.rung(0), 1)
            peer.ring(peer.id, 1)
            known = server.status()
            self.assertEqual(known["peers"][0]["vectors"],
                             [{"rings": 1, "pending": 0}, {"rings": 2, "pending": 2}])
            self.assertEqual(known["peers"][0]["pid"], os.getpid())
            self.assertEqual(known["memory"], {"bytes": MIB, "file": None, "sealed": True})
            self.assertEqual(known["server"]["pid"], server.process.pid)
            self.assertIn(f"{peer.id} ", server.ask("status").stdout)
            for words, code in ((("7", "0"), 1), ((str(peer.id), "2"), 1), (("7",), 2),
                                (("0", "0"), 2), ((str(peer.id), "x"), 2), (("1", "2", "3"), 2)):
                with self.subTest(words=words):
                    done = server.ask("ring", *words)
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_nonsense_at_the_desk(self):
        """Garbage, silence and too many callers are survived."""
        with self.serve().started() as server:
            for words in (b"\n", b"[]\n", b"{\n", b"\0\xff\n", b'{"request":"ring"}\n',
                          b'{"request":"ring","peer":-1}\n', b'{"request":1}\n',
                          b'{"request":"ring","peer":1,"vector":99999999999}\n'):
                self.assertIn(b"error", self.converse(words), words)
            start = time.monotonic()
            self.assertEqual(self.converse(b"x" * 600), b"")
            # At once, and not when its patience is over, which is five seconds.
            self.assertLess(time.monotonic() - start, 4)
            callers = [self.call() for _ in range(20)]
            for caller in callers:
                caller.close()
            wait_until(server.is_up, "room at the desk again")

    def call(self):
        """A connection to the desk."""
        desk = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        desk.settimeout(PATIENCE_S)
        desk.connect(self.path + ".control")
        return desk

    def converse(self, words):
        """Says something at the desk; returns all that it says."""
        said = b""
        with self.call() as desk:
            desk.sendall(words)
            try:
                while piece := desk.recv(4096):
                    said += piece
            except ConnectionResetError:
                pass
        return said


class Life(Place):
    """Start, end, death."""

    def test_second_server_is_refused(self):
        """And the first one goes on."""
        with self.serve().started() as server:
            self.assert_refuses(1, "running there already")
            self.assertTrue(server.is_up())
            self.assertEqual(server.end()[0], 0)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_many_starters(self):
        """Of ten at once, one serves."""
        servers = [self.serve() for _ in range(10)]
        try:
            wait_until(lambda: sum(s.process.poll() is None for s in servers) <= 1, "nine refused")
            alive = [server for server in servers if server.process.poll() is None]
            self.assertEqual(len(alive), 1)
            alive[0].started()
            self.assertEqual({s.process.poll() for s in servers}, {None, 1})
        finally:
            for server in servers:
                server.__exit__()

    def test_starters_wait_for_each_other(self):
        """While one looks at the path and takes it, another does not, and not for ever either."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            with self.serve() as server:
                time.sleep(0.3)
                self.assertFalse(os.path.lexists(self.path))
                fcntl.flock(folder, fcntl.LOCK_UN)
                self.assertEqual(server.started().end()[0], 0)
            fcntl.flock(folder, fcntl.LOCK_EX)
            self.assert_refuses(1, "locked by another program")
        finally:
            os.close(folder)

    def test_dead_socket_is_cleaned(self):
        """What a killed server left does not stop the next; its peers ring each other."""
        with self.serve().started() as server, Peer(self.path) as first, Peer(self.path) as second:
            first.greet(2)
            second.greet(2)
            first.take_news(), first.take_news()
            self.assertEqual(server.end(signal.SIGKILL)[0], -signal.SIGKILL)
            self.assertTrue(stat.S_ISSOCK(os.lstat(self.path).st_mode))
            self.assertEqual(first.receive(), (None, None))
            first.ring(second.id, 1)
            second.ring(first.id, 0)
            self.assertEqual((second.rung(1), first.rung(0)), (1, 1))
            with self.serve().started() as other:
                self.assertEqual(other.end(), (0, ""))
            first.ring(second.id, 1)
            self.assertEqual(second.rung(1), 1)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_other_things_at_the_path_are_left_alone(self):
        """A file, a link to a socket, a folder: refused, and still there."""
        real = self.folder / "real"
        pathlib.Path(self.path).write_text("precious")
        self.assert_refuses(1, "is no socket")
        self.assertEqual(pathlib.Path(self.path).read_text(), "precious")
        os.unlink(self.path)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(real))
        os.symlink(real, self.path)
        self.assert_refuses(1, "is no socket")
        self.assertTrue(real.exists() and os.path.islink(self.path))
        os.unlink(self.path)
        os.mkdir(self.path)
        self.assert_refuses(1, "is no socket")

    def test_sigterm(self):
        """A clean end with peers inside: nothing is left, and they go on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.serve().started() as server, Peer(self.path) as first, \
                    Peer(self.path) as second:
                first.greet(2)
                second.greet(2)
                self.assertEqual(server.end(number), (0, ""))
                self.assertEqual(list(self.folder.iterdir()), [])
                second.ring(first.id, 1)
                self.assertEqual(first.rung(1), 1)

    def test_mode_and_group(self):
        """Of both sockets, from their first moment on."""
        with self.serve().started():
            self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)
        os.unlink(self.path)
        group = grp.getgrgid(os.getgid()) if os.getuid() else grp.getgrnam("nogroup")
        with self.serve("--mode", "0606", "--group", group.gr_name).started():
            for path in (self.path, self.path + ".control"):
                self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o606)
                self.assertEqual(os.stat(path).st_gid, group.gr_gid)

    def test_usage(self):
        """Each with one line that says what is accepted."""
        for options, words in ((["--size", "48M"], "the next is 64M"),
                               (["--vectors", "0"], "1 to 16"),
                               (["--vectors", "17"], "1 to 16"), (["--mode", "9"], "octal"),
                               (["--group", "no such"], "getent"), (["dance"], "status or ring"),
                               (["--socket", "/" + 99 * "x"], "1 to 99"), (["--json"], "status")):
            with self.subTest(options=options):
                self.assert_refuses(2, words, *options)

    def test_limits(self):
        """Too few descriptors or too little memory are said at the start."""
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))

        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))

        self.assert_refuses(1, "need 1128 file descriptors", "--vectors", "16", preexec_fn=few)
        self.assert_refuses(3, "use a smaller size", "--size", "2M", preexec_fn=small)
        self.assert_refuses(3, "this machine has", "--size", "1T")
        self.assertEqual(list(self.folder.iterdir()), [])


class Systemd(Place):
    """Socket activation and notification, without systemd."""

    def start(self, sockets, environment):
        """As systemd would: the sockets from 3 on, LISTEN_PID the server's own."""
        for number, given in enumerate(sockets):
            os.set_inheritable(given.fileno(), True)
        moves = " ".join(f"{3 + i}<&{s.fileno()}" for i, s in enumerate(sockets))
        script = f'export LISTEN_FDS={len(sockets)} LISTEN_PID=$$; exec "$@" {moves}'
        process = subprocess.Popen(["/bin/bash", "-c", script, "bash", self.program, "--quiet",
                                    "--size", "1M"], close_fds=False, stderr=subprocess.PIPE,
                                   text=True, env={**os.environ, **environment})
        self.addCleanup(process.stderr.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def listen(self, path):
        """A listening socket far from 3, as systemd made it."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        moved = socket.socket(fileno=fcntl.fcntl(made, fcntl.F_DUPFD_CLOEXEC, 20))
        made.close()
        moved.bind(path)
        moved.listen()
        return moved

    def test_activation(self):
        """One socket, or both: served, announced, and left where they are."""
        for names in ([self.path], [self.path, self.path + ".control"]):
            sockets = [self.listen(name) for name in names]
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
                    Peer(self.path) as early:
                notify = "\0oriel-test-" + str(os.getpid())
                manager.bind(notify)
                manager.settimeout(PATIENCE_S)
                process = self.start(sockets, {"NOTIFY_SOCKET": "@" + notify[1:]})
                self.assertEqual(manager.recv(100), b"READY=1")
                self.assertEqual(early.greet(2), [])
                server = Server.__new__(Server)
                server.program, server.path = self.program, self.path
                self.assertEqual(len(server.has(1)), 1)
                process.terminate()
                self.assertEqual(manager.recv(100), b"STOPPING=1")
                self.assertEqual(process.communicate(timeout=PATIENCE_S)[1], "")
                self.assertEqual(process.returncode, 0)
            for given in sockets:
                given.close()
            for name in names:
                os.unlink(name)
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_what_is_no_such_socket_is_refused(self):
        """A datagram socket; and another process's LISTEN_PID is not ours."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wrong:
            moved = socket.socket(fileno=fcntl.fcntl(wrong, fcntl.F_DUPFD_CLOEXEC, 20))
            moved.bind(self.path)
            process = self.start([moved], {})
            said = process.communicate(timeout=PATIENCE_S)[1]
            moved.close()
            self.assertEqual(process.returncode, 1, said)
            self.assertIn("no listening UNIX stream socket", said)
        os.unlink(self.path)
        environment = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": "1"}
        with self.serve(env=environment).started() as server:
            self.assertEqual(server.end()[0], 0)


if __name__ == "__main__":
    Place.program = sys.argv.pop(1)
    unittest.main()
