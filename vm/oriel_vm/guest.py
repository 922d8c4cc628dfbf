# SPDX-License-Identifier: MIT
"""A verb's view of a running guest: a connection to its supervisor."""

import contextlib
import json
import os
import socket

from .errors import NOT_RUNNING, GuestError
from .places import DEFAULT_NAME
from .state import clean_if_stale, folder_of
from .waiting import Deadline, read_line

ANSWER_S = 10.0


class Guest:
    """Connects to the control socket of a guest; see desk.py for what is said there."""

    def __init__(self, name):
        self.name = name
        self.folder = folder_of(name)
        self.buffer = bytearray()
        self.channel = connect(self.folder, "control.sock")
        if self.channel is None:
            clean_if_stale(name)
            cure = "" if name == DEFAULT_NAME else f" --name {name}"
            raise GuestError("name", name, "is not running", f"run: guest start{cure}",
                             NOT_RUNNING)
        first = self.read(Deadline(ANSWER_S))
        self.state = first["state"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def read(self, deadline):
        """The next message; an error if none comes, or if the guest has ended."""
        line = read_line(self.channel, self.buffer, deadline)
        if line is None:
            late = deadline.left_s() == 0
            raise GuestError("name", self.name,
                             "does not answer in time" if late else "has ended",
                             "see: guest status", NOT_RUNNING)
        message = json.loads(line)
        if message.get("event") == "end":
            raise self.ended(message["reason"])
        return message

    def ended(self, reason):
        """The error that says why the guest is no more."""
        return GuestError("name", self.name, f"has ended: {reason}", "start it again",
                          NOT_RUNNING)

    def send(self, request):
        """Sends a request. That nobody takes it is seen when the answer is read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.channel.sendall(json.dumps(request).encode() + b"\n")

    def ask(self, request, deadline):
        """Sends a request and returns its reply."""
        self.send(request)
        while True:
            message = self.read(deadline)
            if "error" in message:
                raise GuestError.from_parts(message["error"])
            if "reply" in message:
                return message["reply"]

    def qmp(self, command, arguments, deadline):
        """One QMP command; its error is ours."""
        reply = self.ask({"do": "qmp", "execute": command, "arguments": arguments}, deadline)
        if "error" in reply:
            raise GuestError("qmp", command, reply["error"]["desc"], "see QEMU's QMP reference")
        return reply["return"]


def connect(folder, name):
    """A connection to a socket in a guest's folder, or None if nobody listens."""
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.connect(f"/proc/self/fd/{descriptor}/{name}")
        return channel
    except (FileNotFoundError, ConnectionRefusedError):
        channel.close()
        return None
    finally:
        os.close(descriptor)
