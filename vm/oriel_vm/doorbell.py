# SPDX-License-Identifier: MIT
"""The doorbell-server that a guest's memory comes from, where it is not a file.

Either the guest has one of its own, which lives and dies with it, or it joins one
that runs already: of another guest, or of nobody's.
"""

import json
import os
import select
import socket
import subprocess

from .errors import FAILED, MISSING, USAGE, GuestError
from .machine import die_with
from .region import Region
from .waiting import Deadline, read_line

PREFIX = "server:"  # as the programs' --region has it
CONTROL_SUFFIX = ".control"
PATH_MAX = 107 - len(CONTROL_SUFFIX)  # what a UNIX socket's address has room for
VECTORS = 2
BEGIN_S = 20.0  # all of the memory is taken meanwhile
ANSWER_S = 5.0
END_S = 3.0


class Doorbell:
    """A server that can be joined at socket; process: None if it is not ours."""

    def __init__(self, path, size, vectors, process=None):
        self.socket = path
        self.size = size
        self.vectors = vectors
        self.process = process

    def region(self):
        """What stands for the memory where a file's path would; nothing of it is to be removed."""
        return Region(PREFIX + self.socket, self.size, False, 0, 0)

    def describe(self):
        """For the status. pid: None once it has ended, and always where it is not ours."""
        lives = self.process is not None and self.process.poll() is None
        return {"socket": self.socket, "vectors": self.vectors, "own": self.process is not None,
                "pid": self.process.pid if lives else None}

    def finish(self):
        """Ends the server if it is ours."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def joined_path(path):
    """The absolute path of a server's socket; "server:" in front of it does no harm."""
    path = os.path.abspath(path.removeprefix(PREFIX))
    check_path(path, "choose a shorter one")
    return path


def own_path(folder):
    """The socket of a guest's own server."""
    path = os.path.join(folder, "doorbell.sock")
    check_path(path, "set XDG_RUNTIME_DIR to a shorter folder")
    return path


def check_path(path, cure):
    """Who joins by such a path is QEMU and host-viewer, so no detour around the limit helps."""
    if len(os.fsencode(path)) > PATH_MAX:
        raise GuestError("--doorbell", path, f"a socket's path has at most {PATH_MAX} bytes", cure,
                         USAGE)


def begin(program, folder, size):
    """Starts a server for a guest, with its socket in the guest's folder, and waits for it."""
    path = own_path(folder)
    errors = os.path.join(folder, "doorbell.log")
    notice = os.path.join(folder, "doorbell.ready")
    parent = os.getpid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(notice)
        with open(errors, "wb") as file:
            process = subprocess.Popen(
                [program, "--socket", path, "--size", str(size), "--vectors", str(VECTORS),
                 "--mode", "0600", "--quiet"],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd="/",
                env={**os.environ, "NOTIFY_SOCKET": notice},
                preexec_fn=lambda: die_with(parent))
        ready = wait_ready(channel, process)
    os.unlink(notice)
    doorbell = Doorbell(path, size, VECTORS, process)
    if not ready:
        doorbell.finish()
        with open(errors, encoding="utf-8", errors="replace") as file:
            words = file.read().strip().rpartition("\n")[2]
        wrong, _, cure = words.partition("; ")
        raise GuestError("--doorbell", path, wrong or f"its server is not ready in {BEGIN_S:g} s",
                         cure or "see whether this machine has the memory", MISSING)
    return doorbell


def wait_ready(channel, process):
    """Whether the server said so, as it would to systemd, before it ended."""
    pidfd = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(channel, select.POLLIN)
        poll.register(pidfd, select.POLLIN)
        ready = [file for file, _ in poll.poll(BEGIN_S * 1000)]
        return channel.fileno() in ready and channel.recv(64).startswith(b"READY=1")
    finally:
        os.close(pidfd)


def join(path):
    """Asks the server at path for its memory's size and its vectors.

    QEMU would ask nobody: it waits for ever for the greeting of a server that hangs.
    """
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.settimeout(ANSWER_S)
    try:
        with channel:
            channel.connect(path + CONTROL_SUFFIX)
            channel.sendall(b'{"request": "status"}\n')
            line = read_line(channel, bytearray(), Deadline(ANSWER_S))
        status = json.loads(line or b"")
        return Doorbell(path, int(status["memory"]["bytes"]), int(status["vectors"]))
    except OSError as error:
        raise GuestError("--doorbell", path, f"no doorbell-server answers there: {error.strerror}",
                         f"start it: doorbell-server --socket {path} --size 128M",
                         MISSING) from error
    except (ValueError, KeyError, TypeError) as error:
        raise GuestError("--doorbell", path, "does not answer as a doorbell-server does",
                         "name the socket of one", FAILED) from error
