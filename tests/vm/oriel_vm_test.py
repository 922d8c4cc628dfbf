# SPDX-License-Identifier: MIT
"""What the tests with real guests share: guests, programs beside the test, and judging a stream.

Nothing here decides by how fast anything is: every wait is for something that must come, and its
limit is only there so that a failure ends. Names, state folder and regions are this process's own;
whatever happens, leave_nothing() ends what was started here, and each guest has a lifetime besides.

ORIEL_BUILD   the build whose host-viewer and guest-capture run on the host (default: build/)
ORIEL_ACCEL   how guests run (default: tcg, which every machine has)
"""

import contextlib
import csv
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("ORIEL_BUILD", ROOT / "build"))
ACCEL = os.environ.get("ORIEL_ACCEL", "tcg")
GUEST = ROOT / "vm" / "guest"
VIEWER = BUILD / "host-viewer" / "host-viewer"
CAPTURE = BUILD / "guest-capture" / "guest-capture"
SERVER = BUILD / "vm" / "doorbell-server"
DEVICE = "0000:00:10.0"  # a guest's shared memory
PCI = "/sys/bus/pci"
LIMIT_S = 180  # for one step; on a busy machine a guest is many times slower than on an idle one
BUILD_LIMIT_S = 1800  # it may fetch a kernel, or packages
LIFETIME_S = 900
SKIPPED = 77  # meson's exit code for a test that could not be tried
MISSING = 3
NOT_RUNNING = 4
COUNTS_OF_FAULTS = ("bad", "torn", "stale")
# What both sides say of a frame must be the same.
SHARED_COLUMNS = ("width_px", "height_px", "format", "payload_bytes", "digest")


class Sandbox:
    """Folders, guests and programs of this process."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oriel-vm-test-"))
        runtime = self.folder / "runtime"
        runtime.mkdir(mode=0o700)
        # "dummy": a window that needs no display.
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime),
                            "SDL_VIDEODRIVER": "dummy"}
        self.programs = []
        self.regions = []

    def leave_nothing(self):
        """Ends programs and guests, removes regions and files."""
        for program in self.programs:
            program.end()
        for line in launcher("status", "--json").stdout.splitlines():
            launcher("stop", "--name", json.loads(line)["name"])
        for region in self.regions:
            region.unlink(missing_ok=True)
        shutil.rmtree(self.folder)


SANDBOX = Sandbox()


def launcher(*arguments, limit_s=LIMIT_S):
    """vm/guest, to its end; output as text."""
    return subprocess.run([GUEST, *map(str, arguments)], env=SANDBOX.environment, timeout=limit_s,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False)


def eventually(condition, limit_s=LIMIT_S):
    """True as soon as it holds; False when it did not within the limit."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Program:
    """A process beside the test; what it says goes to a file that the test reads meanwhile."""

    def __init__(self, *command):
        self.command = [str(word) for word in command]
        handle, path = tempfile.mkstemp(prefix="log-", dir=SANDBOX.folder)
        self.log = pathlib.Path(path)
        with open(handle, "wb") as file:
            self.process = subprocess.Popen(self.command, env=SANDBOX.environment, stdout=file,
                                            stderr=file, stdin=subprocess.DEVNULL)
        SANDBOX.programs.append(self)

    def text(self):
        """What it has said so far."""
        return self.log.read_text(errors="replace")

    def says(self, pattern, after=0):
        """Waits until it has said a line that is the pattern whole, beyond the first `after`
        characters; returns how much it had said then. AssertionError with its words otherwise."""
        line = re.compile(rf"^{pattern}$", re.MULTILINE)

        def come():
            ended = self.process.poll() is not None
            return line.search(self.text(), after) or ended
        eventually(come)
        found = line.search(self.text(), after)
        if not found:
            raise AssertionError(f"no line '{pattern}' from {self}")
        return found.end()

    def wait(self):
        """Its exit code; AssertionError when it does not end."""
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"no end of {self}") from error

    def whole_text(self):
        """All that it said, once it has ended."""
        self.wait()
        return self.text()

    def end(self):
        """Ends it if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __str__(self):
        return f"{' '.join(self.command)} (exit code {self.process.poll()}):\n{self.text()}"


class Guest:
    """A guest of the launcher; label: short, unique within the process."""

    def __init__(self, label, size="64M", region=None):
        self.name = f"frames-{os.getpid()}-{label}"
        self.region = region or pathlib.Path(f"/dev/shm/oriel-{self.name}")
        self.size = size
        SANDBOX.regions.append(self.region)

    def memory(self):
        """The options that say where its memory is."""
        return ["--region", self.region, "--size", self.size]

    def start(self, *more):
        """Starts it and waits until it is ready; again after stop(), too."""
        done = launcher("start", "--name", self.name, *self.memory(),
                        "--accel", ACCEL, "--lifetime", LIFETIME_S, "--timeout", LIMIT_S, *more,
                        limit_s=LIMIT_S + 30)
        if done.returncode:
            raise AssertionError(f"{self.name} does not start: {done.stderr}")
        print(f"    {done.stdout.strip()}", file=sys.stderr)
        return self

    def do(self, verb, *arguments):
        """Another verb, which must succeed."""
        done = launcher(verb, "--name", self.name, *arguments)
        if done.returncode:
            raise AssertionError(f"{verb} {self.name}: {done.returncode}: {done.stderr}")
        return done.stdout

    def stop(self):
        """Powers it off and waits until it is gone."""
        self.do("stop")

    def status(self):
        """What the launcher says of it; None when it does not run."""
        done = launcher("status", "--name", self.name, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def run(self, *command):
        """A command in the guest, to its end; its exit code is the launcher's."""
        return launcher("run", "--name", self.name, "--", *command)

    def begin(self, *command):
        """A command in the guest that goes on beside the test."""
        return Program(GUEST, "run", "--name", self.name, "--", *command)

    def fetch(self, path, goal):
        """A file of the guest, to the host."""
        self.do("fetch", path, goal)


class DoorbellGuest(Guest):
    """A guest with a doorbell-server of its own, or on the one of another such guest (host)."""

    def __init__(self, label, size="64M", host=None):
        super().__init__(label, size)
        SANDBOX.regions.remove(self.region)
        folder = host.name if host else self.name
        self.joins = host is not None
        self.socket = (pathlib.Path(SANDBOX.environment["XDG_RUNTIME_DIR"]) / "oriel" / folder /
                       "doorbell.sock")
        self.region = f"server:{self.socket}"  # for programs on the host

    def memory(self):
        """As of a guest."""
        if self.joins:
            return [f"--doorbell={self.region}"]
        return ["--doorbell", "--size", self.size]

    def peers(self):
        """Who is connected to its server: process id -> peer id."""
        done = subprocess.run([SERVER, "status", "--json", "--socket", self.socket],
                              capture_output=True, timeout=LIMIT_S, check=True)
        return {peer["pid"]: peer["id"] for peer in json.loads(done.stdout)["peers"]}

    def shell(self, command):
        """A line for the guest's shell, which must succeed; returns what it said."""
        return self.do("run", "--", "sh", "-c", command).strip()

    def bind(self):
        """Gives the device to vfio-pci, as the guest's /init does."""
        self.shell(f"echo {DEVICE} > {PCI}/drivers_probe")

    def unbind(self):
        """Takes it away."""
        self.shell(f"echo {DEVICE} > {PCI}/drivers/vfio-pci/unbind")

    def must_be_gone(self, state):
        """Neither processes nor files are left of the guest that had this status, nor of a server
        of its own; AssertionError otherwise."""
        pids = [state["pid"], state["supervisor"][0]]
        if state["doorbell"]["own"]:
            pids.append(state["doorbell"]["pid"])
        for pid in filter(None, pids):
            if not eventually(lambda: not alive(pid)):
                raise AssertionError(f"{self.name}: {pid} still runs")
        folder = pathlib.Path(SANDBOX.environment["XDG_RUNTIME_DIR"]) / "oriel" / self.name
        if not eventually(lambda: not folder.exists()):
            raise AssertionError(f"{folder} is still there")


def alive(pid):
    """Whether such a process runs; one that only waits to be reaped does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def read_rows(path):
    """The rows of a CSV file."""
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def keys_of(rows):
    """What identifies a frame."""
    return [(row["epoch"], int(row["sequence"])) for row in rows]


def viewer_options(folder, region, mode="lossless", window=False):
    """--wait is long: it is how long a viewer bears the loss of its producer."""
    return ["--renderer=software" if window else "--bench", "--region", region, "--mode", mode,
            "--wait", LIMIT_S, "--csv", f"{folder}/consumer.csv",
            "--summary", f"{folder}/consumer.json"]


def capture_options(folder, *options, region="pci:auto"):
    """A producer that waits for its viewer and leaves its files in the folder."""
    return ["--region", region, "--wait", LIMIT_S, *options,
            "--csv", f"{folder}/producer.csv", "--summary", f"{folder}/producer.json"]


class Side:
    """The files that one program left in a folder."""

    def __init__(self, folder, program):
        self.summary = json.loads((folder / f"{program}.json").read_text())
        self.rows = read_rows(folder / f"{program}.csv")
        self.counts = self.summary["counts"]


class Case(unittest.TestCase):
    """A test with a folder of its own, and what all streams must fulfil."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="case-", dir=SANDBOX.folder))

    def tearDown(self):
        """A failed test must not leave a producer to the next one."""
        for program in SANDBOX.programs:
            program.end()
        SANDBOX.programs.clear()

    def assert_exit(self, program, code=0):
        """The program ends with the code; if not, what it said is the message."""
        self.assertEqual(program.wait(), code, str(program))

    def viewer(self, region, mode="lossless", folder=None, window=False):
        """A viewer on the host that counts, or one with a window."""
        return Program(VIEWER, *viewer_options(folder or self.folder, region, mode, window))

    def guest_producer(self, guest, *options):
        """guest-capture in the guest; collect() gets its files."""
        return guest.begin("guest-capture", *capture_options("/tmp", *options))

    def collect(self, guest, *files):
        """Files from the guest's /tmp into the test's folder."""
        for name in files:
            guest.fetch(f"/tmp/{name}", self.folder / name)

    def stream_out(self, guest, *options, mode="lossless"):
        """One whole stream from guest to host. Returns (producer, consumer)."""
        viewer = self.viewer(guest.region, mode)
        producer = self.guest_producer(guest, "--mode", mode, *options)
        self.assert_exit(producer)
        self.assert_exit(viewer)
        self.collect(guest, "producer.csv", "producer.json")
        return Side(self.folder, "producer"), Side(self.folder, "consumer")

    def judge(self, producer, consumer, frames, lossless=True):
        """Both sides tell of the same stream, and every frame stands in exactly one count.

        lossless: False allows skipped frames, and torn ones: who sleeps too long over a frame
                  is overtaken, and has to notice
        """
        counts = consumer.counts
        self.assertEqual(producer.counts["published"], frames)
        self.assertEqual([counts[name] for name in COUNTS_OF_FAULTS],
                         [0, 0 if lossless else counts["torn"], 0])
        self.assertTrue(counts["reconcile"])
        self.assertEqual(counts["sessions"], 1)
        self.assertEqual(counts["published"], frames)
        self.assertEqual(counts["verified"] + counts["skipped"] + counts["torn"] +
                         counts["in_ring"], frames)
        if lossless:
            self.assertEqual(counts["verified"], frames)
        self.judge_rows(producer, consumer)
        self.assertEqual(consumer.summary["digest"], producer.summary["digest"])

    def judge_rows(self, producer, consumer):
        """The files join, in order, and say the same of each frame."""
        counts = consumer.counts
        self.assertEqual(len(producer.rows), producer.counts["published"])
        self.assertEqual({row["epoch"] for row in producer.rows}, {producer.summary["epoch"]})
        self.assertEqual([int(row["sequence"]) for row in producer.rows],
                         list(range(1, len(producer.rows) + 1)))
        results = [row["result"] for row in consumer.rows]
        self.assertEqual(len(results), counts["verified"] + counts["torn"])
        self.assertEqual(results.count("verified"), counts["verified"])
        self.assertEqual(sum(int(row["skipped_before"]) for row in consumer.rows),
                         counts["skipped"])
        published = dict(zip(keys_of(producer.rows), producer.rows))
        previous = 0
        for key, row in zip(keys_of(consumer.rows), consumer.rows):
            self.assertIn(key, published)
            self.assertEqual(key[1], previous + 1 + int(row["skipped_before"]))
            self.assertEqual([row[name] for name in SHARED_COLUMNS],
                             [published[key][name] for name in SHARED_COLUMNS])
            previous = key[1]


class Picture:
    """An 8-bit RGB PNG, decoded with nothing but zlib: an eye that is not the project's own."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        if not data.startswith(b"\x89PNG\r\n\x1a\n"):
            raise AssertionError(f"{path} is no PNG")
        at, packed, kind = 8, b"", b""
        while kind != b"IEND":
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            if zlib.crc32(kind + body) != struct.unpack(">I", data[at + 8 + length:at + 12 +
                                                                   length])[0]:
                raise AssertionError(f"{path}: a chunk is damaged")
            if kind == b"IHDR":
                self.width, self.height, *form = struct.unpack(">IIBBBBB", body)
                if form != [8, 2, 0, 0, 0]:
                    raise AssertionError(f"{path}: not 8-bit RGB: {form}")
            elif kind == b"IDAT":
                packed += body
            at += 12 + length
        self.packed = zlib.decompress(packed)
        if len(self.packed) != self.height * (3 * self.width + 1):
            raise AssertionError(f"{path}: {len(self.packed)} bytes of pixels")

    def rows(self):
        """Each row's bytes, R G B R G B ..."""
        stride = 3 * self.width
        above = bytes(stride)
        for y in range(self.height):
            start = y * (stride + 1)
            row = unfilter(self.packed[start], bytearray(self.packed[start + 1:start + 1 + stride]),
                           above)
            yield row
            above = row


def unfilter(kind, row, above):
    """PNG specification, section 9: the five filters, for three bytes a pixel."""
    if kind == 1:
        for channel in range(3):
            row[channel::3] = bytes(total & 0xff for total in
                                    itertools.accumulate(row[channel::3]))
    elif kind == 2:
        return bytes((one + other) & 0xff for one, other in zip(row, above))
    elif kind == 3:
        for i, over in enumerate(above):
            row[i] = (row[i] + ((row[i - 3] if i >= 3 else 0) + over) // 2) & 0xff
    elif kind == 4:
        for i, over in enumerate(above):
            left, corner = (row[i - 3], above[i - 3]) if i >= 3 else (0, 0)
            to_left, to_over, to_corner = (abs(over - corner), abs(left - corner),
                                           abs(left + over - 2 * corner))
            guess = corner
            if to_left <= to_over and to_left <= to_corner:
                guess = left
            elif to_over <= to_corner:
                guess = over
            row[i] = (row[i] + guess) & 0xff
    return bytes(row)


def build_guest(*options):
    """The image with the programs as they are now; a machine that cannot make one skips."""
    if not shutil.which("qemu-system-x86_64"):
        print("qemu-system-x86_64 is not installed: no guest can be started")
        sys.exit(SKIPPED)
    done = launcher("build", *options, limit_s=BUILD_LIMIT_S)
    if done.returncode == MISSING:
        print(done.stderr.strip())
        sys.exit(SKIPPED)
    if done.returncode:
        print(done.stderr)
        sys.exit(1)


def interrupt(*_):
    """A test that is ended from outside leaves nothing either."""
    raise KeyboardInterrupt


def main(*build_options):
    """unittest's main, with an end that cleans up after whatever happened."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        build_guest(*build_options)
        unittest.main(verbosity=2)
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            SANDBOX.leave_nothing()
