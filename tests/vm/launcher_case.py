# SPDX-License-Identifier: MIT
"""What the launcher's tests share: a sandbox, ways to call it, things to check."""

import json
import os
import select
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
GUEST = os.path.join(ROOT, "vm", "guest")
LIMIT_S = 120
NAME = f"test-{os.getpid()}"
REGION = f"/dev/shm/oriel-{NAME}"


class Sandbox:
    """Folders for one run of the tests, and the programs that go into the guest."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="oriel-vm-test-")
        self.programs = os.path.join(self.folder, "programs")
        os.mkdir(self.programs)
        shutil.copy(shutil.which("xz"), os.path.join(self.programs, "dynamic-program"))
        # Longer than a socket's path may be: the launcher must not mind.
        self.runtime = os.path.join(self.folder, "r" * 100)
        os.mkdir(self.runtime, 0o700)
        self.state = os.path.join(self.runtime, "oriel")
        # A cache that is kept, where one is wanted, saves the kernel's download.
        cache = os.environ.get("ORIEL_TEST_CACHE", os.path.join(self.folder, "cache"))
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": self.runtime,
                            "XDG_CACHE_HOME": cache}

    def remove(self):
        """Leaves nothing."""
        shutil.rmtree(self.folder)


class Environment:
    """Holds the sandbox of this run: made by the test module, used by all calls."""

    sandbox = None


def guest(*arguments, **options):
    """Runs the launcher to its end."""
    return subprocess.run([GUEST, *arguments], env=Environment.sandbox.environment, timeout=LIMIT_S,
                          capture_output=True, check=False, **options)


def background(*arguments, **options):
    """Starts the launcher and returns at once."""
    return subprocess.Popen([GUEST, *arguments], env=Environment.sandbox.environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def run(*command, name=NAME, **options):
    """A command in the guest."""
    return guest("run", "--name", name, "--", *command, **options)


def start(name=NAME, *more):
    """A guest under TCG, which every machine has."""
    return guest("start", "--name", name, "--accel", "tcg", "--size", "4M", *more)


def description(name=NAME):
    """What status says of a guest; None if it is not running."""
    done = guest("status", "--name", name, "--json")
    return json.loads(done.stdout) if done.returncode == 0 else None


def read_line(process):
    """The first line of a background launcher, within the limit."""
    ready, _, _ = select.select([process.stdout], [], [], LIMIT_S)
    return process.stdout.readline() if ready else b"(no line in time)"


def eventually(condition):
    """True as soon as it holds; False when it did not within the limit."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if condition():
            return True
        select.select([], [], [], 0.05)
    return False


def png_is_whole(path):
    """Walks the chunks and inflates the picture."""
    with open(path, "rb") as file:
        data = file.read()
    at, pixels = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            pixels += data[at + 8:at + 8 + length]
        at += 12 + length
    return data.startswith(b"\x89PNG") and len(zlib.decompress(pixels)) > 100000


class Case(unittest.TestCase):
    """With a few words for what is asked of the launcher."""

    def assert_line(self, done, code, *words):
        """One line on stderr with these words, and this exit code."""
        text = done.stderr.decode()
        self.assertEqual(done.returncode, code, text)
        self.assertEqual(text.count("\n"), 1, text)
        self.assertTrue(text.startswith("guest: "), text)
        for word in words:
            self.assertIn(word, text)

    def assert_no_trace(self, name):
        """Neither region nor state folder nor lock."""
        def gone():
            paths = [f"/dev/shm/oriel-{name}", os.path.join(Environment.sandbox.state, name),
                     os.path.join(Environment.sandbox.state, name + ".lock")]
            return not any(os.path.exists(path) for path in paths)
        self.assertTrue(eventually(gone), name)

    def assert_process_gone(self, pid):
        """No process has this command line any more: a number may be used again."""
        def gone():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    return b"oriel-test" not in file.read()
            except (FileNotFoundError, ProcessLookupError):
                return True
        self.assertTrue(eventually(gone), pid)
