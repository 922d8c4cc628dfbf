# SPDX-License-Identifier: MIT
"""A peer of an ivshmem server, byte by byte; the server as a child; a place for both."""
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

PATIENCE_S = 20.0


def wait_until(question, what):
    """Asks until the answer is true; an error names what never became so."""
    end = time.monotonic() + PATIENCE_S
    while not question():
        if time.monotonic() > end:
            raise AssertionError(f"never happened: {what}")
        time.sleep(0.005)


class Peer:
    """One connection; keeps what it was told."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(path)
        self.id = None
        self.memory = None
        self.bells = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def receive(self):
        """The next (number, descriptor or None); (None, None) at the end."""
        data, fds, flags, _ = socket.recv_fds(self.socket, 8, 4)
        assert not flags & socket.MSG_CTRUNC and len(fds) <= 1, (flags, fds)
        if not data:
            return None, None
        assert len(data) == 8, data
        return struct.unpack("<q", data)[0], fds[0] if fds else None

    def take_news(self):
        """Takes one message after the head of the greeting; returns (id, joined)."""
        number, fd = self.receive()
        if fd is None:
            for bell in self.bells.pop(number, []):
                os.close(bell)
            return number, False
        self.bells.setdefault(number, []).append(fd)
        return number, True

    def greet(self, vectors):
        """Takes a whole greeting, in the one order that QEMU understands; returns the others."""
        version, fd = self.receive()
        assert (version, fd) == (0, None), (version, fd)
        self.id, fd = self.receive()
        assert fd is None and 0 <= self.id <= 65535, (self.id, fd)
        number, self.memory = self.receive()
        assert number == -1 and self.memory is not None, (number, self.memory)
        order = []
        while len(self.bells.get(self.id, [])) < vectors:
            number, joined = self.take_news()
            assert joined, number
            order.append(number)
        others = order[:-vectors]
        assert order[-vectors:] == [self.id] * vectors, order
        assert self.id not in others, order
        assert others[::vectors] * vectors == [] or all(
            others[i:i + vectors] == [others[i]] * vectors
            for i in range(0, len(others), vectors)), order
        return others[::vectors]

    def is_hung_up(self):
        """Takes the news until the server ends the connection."""
        try:
            while (news := self.receive()) != (None, None):
                if news[1] is not None:
                    os.close(news[1])
        except ConnectionResetError:
            pass
        return True

    def hears(self, seconds):
        """Is there more to take?"""
        return bool(select.select([self.socket], [], [], seconds)[0])

    def ring(self, other, vector):
        """Rings another peer."""
        os.write(self.bells[other][vector], struct.pack("=Q", 1))

    def rung(self, vector):
        """How often it was rung; waits for the first."""
        bell = self.bells[self.id][vector]
        ready = select.select([bell], [], [], PATIENCE_S)[0]
        return struct.unpack("=Q", os.read(bell, 8))[0] if ready else 0

    def close(self):
        """Leaves."""
        self.socket.close()
        for bells in self.bells.values():
            for bell in bells:
                os.close(bell)
        self.bells = {}
        if self.memory is not None:
            os.close(self.memory)
            self.memory = None


class Server:
    """A doorbell-server; the program ends with the block, whatever happens."""

    def __init__(self, program, path, *options, **popen):
        self.program = program
        self.path = path
        self.process = subprocess.Popen([program, "--socket", path, *options],
                                        stderr=subprocess.PIPE, text=True, **popen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def started(self):
        """Waits until it serves."""
        wait_until(self.is_up, "the server starts")
        return self

    def is_up(self):
        """Does its desk answer?"""
        assert self.process.poll() is None, self.process.stderr.read()
        return self.ask("status").returncode == 0

    def ask(self, *words):
        """status, or ring PEER VECTOR."""
        return subprocess.run([self.program, *words, "--socket", self.path], text=True,
                              capture_output=True, timeout=PATIENCE_S)

    def status(self):
        """What it says of itself."""
        return json.loads(self.ask("status", "--json").stdout)

    def has(self, count):
        """Waits until it knows so many peers; returns them."""
        wait_until(lambda: len(self.status()["peers"]) == count, f"{count} peers")
        return self.status()["peers"]

    def end(self, number=signal.SIGTERM):
        """Ends it by a signal; returns (exit code, what it said)."""
        self.process.send_signal(number)
        said = self.process.communicate(timeout=PATIENCE_S)[1]
        return self.process.returncode, said


class Place(unittest.TestCase):
    """A folder of a test's own; afterwards it has to be empty."""

    program = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oriel_test."))
        self.path = str(self.folder / "bell.sock")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def serve(self, *options, **popen):
        """A server at the test's path, not waited for."""
        return Server(self.program, self.path, "--quiet", "--size", "1M", *options, **popen)

    def assert_refuses(self, code, words, *options, **popen):
        """A server that does not start, and says why in one line."""
        with self.serve(*options, **popen) as server:
            said = server.process.communicate(timeout=PATIENCE_S)[1]
        self.assertEqual(server.process.returncode, code, said)
        self.assertIn(words, said)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertTrue(said.startswith("doorbell-server: "), said)
