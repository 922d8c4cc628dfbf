# SPDX-License-Identifier: MIT
"""The project's programs as children of a measurement: all of them end with it, whatever happens."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LIMIT_S = 60
GRACE_S = 5  # to end by itself, with whole files
ENDING = (signal.SIGINT, signal.SIGTERM)
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def add_build(parser):
    """The option that says where the programs are."""
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "host",
                        help="a meson build folder (default: build/host)")


def wait_until(question, what):
    """Asks until the answer is true and returns it."""
    end = time.monotonic() + LIMIT_S
    while not (answer := question()):
        if time.monotonic() > end:
            raise SystemExit(f"never happened: {what}")
        time.sleep(0.02)
    return answer


def read_json(path):
    """A summary."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def tasks(pid):
    """{task: (voluntary switches, ns on a core)} of a process."""
    found = {}
    for folder in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status = dict(line.split(":", 1) for line in (folder / "status").read_text()
                          .splitlines())
            ran_ns = int((folder / "schedstat").read_text().split()[0])
            found[folder.name] = (int(status["voluntary_ctxt_switches"]), ran_ns)
    return found


@contextlib.contextmanager
def unbroken():
    """What is made is written down before a signal ends us: then it is cleared away."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_signals():
    """In a child: it is to end when it is told."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


class Stage(contextlib.ExitStack):
    """A folder in memory, and programs that live in it."""

    def __init__(self, build):
        super().__init__()
        self.build = build.resolve()
        self.last_pid = None  # of the child that was started last
        parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with unbroken():
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="oriel-bench-", dir=parent))
            self.callback(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *words, **popen):
        """A child that is ended with the stage if it has not ended by then."""
        with unbroken():
            child = subprocess.Popen([str(word) for word in words], preexec_fn=hear_signals,
                                     **{**QUIET, **popen})
            self.callback(self.end, child)
        self.last_pid = child.pid
        return child

    @staticmethod
    def end(child):
        """However it stands, it is gone afterwards."""
        if child.poll() is None:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(GRACE_S)
        if child.poll() is None:
            child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream:
                stream.close()

    def serve(self, size="16M"):
        """A doorbell-server; returns its address as a region."""
        path = self.folder / "bell"
        self.start(self.build / "vm" / "doorbell-server", "--socket", path, "--size", size,
                   "--quiet")
        wait_until(path.exists, "the doorbell-server serves")
        return f"server:{path}"

    def screen(self, size="1280x1024x24"):
        """An X server without a screen; returns the environment for its clients, None: there is
        none."""
        if not shutil.which("Xvfb"):
            return None
        ours, theirs = os.pipe()
        self.start("Xvfb", "-displayfd", theirs, "-screen", "0", size, "-nolisten", "tcp",
                   "-noreset", pass_fds=(theirs,), stdin=subprocess.DEVNULL)
        os.close(theirs)
        with os.fdopen(ours) as number:
            line = number.readline().strip()
        return {**os.environ, "DISPLAY": f":{line}", "XAUTHORITY": "/dev/null",
                "SDL_AUDIODRIVER": "dummy", "SDL_VIDEODRIVER": "x11"} if line else None

    def capture(self, region, *words, **popen):
        """guest-capture with a summary."""
        return self.start(self.build / "guest-capture" / "guest-capture", "--quiet", "--region",
                          region, "--summary", self.folder / "producer.json", *words, **popen)

    def view(self, region, *words, **popen):
        """host-viewer with a summary."""
        return self.start(self.build / "host-viewer" / "host-viewer", "--quiet", "--region",
                          region, "--summary", self.folder / "consumer.json", *words, **popen)

    def summaries(self):
        """What the two left: (producer's, consumer's)."""
        return (read_json(self.folder / "producer.json"), read_json(self.folder / "consumer.json"))


def finish(child, name):
    """Asks a child to end, waits for it, and insists on a good end."""
    child.terminate()
    if child.wait(LIMIT_S) != 0:
        raise SystemExit(f"{name} ended with {child.returncode}")
