# SPDX-License-Identifier: MIT
"""Runs one command in the guest over one command port.

The frames are described in guest-agent/frame.h.
"""

import os
import selectors
import signal
import socket
import stat
import struct

from .errors import NOT_RUNNING, TIME_LIMIT, GuestError
from .guest import connect
from .waiting import Deadline, wait_for

AGENT_VERSION = 1
FRAME_MAX = 32768
PAYLOAD_MAX = FRAME_MAX - 5
STDIN_WINDOW = 65536
ANSWER_S = 30.0
READY_S = 60.0
KILL_AFTER_S = 5.0
GIVE_UP_AT = 3
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def frame(kind, payload=b""):
    """One frame, as bytes."""
    return struct.pack("<cI", kind, len(payload)) + payload


class Session:
    """One command. Use run() once.

    output, errors: called with each piece of stdout and stderr
    source:         file descriptor for the command's stdin, or None for /dev/null
    """

    def __init__(self, guest, output, errors, source=None):
        self.guest = guest
        self.output = output
        self.errors = errors
        self.descriptor = source
        self.source = None
        self.port = None
        self.buffer = bytearray()
        self.pending = bytearray()  # for the guest: signals and stdin
        self.exit = None
        self.timed_out = False
        self.deadline = Deadline(None)
        self.selector = None

    def run(self, arguments, timeout=None):
        """Returns the exit code as a shell has it: 128 + n for a signal."""
        # A guest that is ready has all ports in use, and one comes free some day.
        patience = timeout if self.guest.state["state"] == "ready" else READY_S
        number = self.guest.ask({"do": "port"}, Deadline(patience))["port"]
        self.port = connect(self.guest.folder, f"run{number}.sock")
        if self.port is None:
            self._learn_why()
        with self.port, selectors.DefaultSelector() as self.selector:
            self._greet()
            self._begin(arguments)
            self.deadline = Deadline(timeout)
            with PassedSignals(self):
                self._converse()
        return self._code()

    def signal(self, number):
        """Passes a signal on to the command; may be called by a signal handler.

        At once where that is possible: we may be stuck in a write to a stdout that
        nobody reads.
        """
        self.send(frame(b"S", bytes([number])))
        if len(self.pending) == 6:
            self._flush()

    def send(self, data):
        """Queues bytes for the guest."""
        self.pending += data

    def _greet(self):
        """Gets in step with the agent, whatever an earlier client left in the stream."""
        nonce = os.urandom(16)
        self.port.settimeout(ANSWER_S)
        deadline = Deadline(ANSWER_S)
        try:
            self.port.sendall(bytes(FRAME_MAX) + frame(b"H", nonce))
            while nonce not in self.buffer or len(self.buffer) <= self.buffer.find(nonce) + 16:
                self._no_reset()
                if not wait_for(self.port, deadline):
                    raise TimeoutError
                piece = self.port.recv(65536)
                if not piece:
                    self._learn_why()
                self.buffer += piece
        except (BrokenPipeError, ConnectionResetError):
            self._learn_why()
        except TimeoutError as error:
            raise GuestError("name", self.guest.name, "its agent does not answer",
                             "see: guest logs", NOT_RUNNING) from error
        end = self.buffer.find(nonce) + 17
        if self.buffer[end - 1] != AGENT_VERSION:
            raise GuestError("name", self.guest.name, "its agent is of another version",
                             "run: guest build, and start the guest again")
        del self.buffer[:end]

    def _no_reset(self):
        """While greeting: look whether the supervisor has news, without waiting."""
        if wait_for(self.guest.channel, Deadline(0)):
            self._hear_supervisor()

    def _learn_why(self):
        """The port is gone: the supervisor says why, or is gone itself."""
        while True:
            self._hear_supervisor()

    def _begin(self, arguments):
        block = b"".join(os.fsencode(argument) + b"\0" for argument in arguments)
        parts = [frame(b"A", block[at:at + PAYLOAD_MAX])
                 for at in range(0, len(block), PAYLOAD_MAX)]
        with_stdin = b"\0" if self.descriptor is None else b"\1"
        try:
            self.port.sendall(b"".join(parts) + frame(b"R", with_stdin))
        except (BrokenPipeError, ConnectionResetError):
            self._learn_why()

    def _converse(self):
        self.port.setblocking(False)
        self.selector.register(self.guest.channel, selectors.EVENT_READ, self._hear_supervisor)
        self.selector.register(self.port, selectors.EVENT_READ, self._hear_agent)
        if self.descriptor is not None:
            self.source = Source(self.descriptor, self.selector, self.send)
        self._take_frames()
        while self.exit is None:
            self._flush()
            for key, _ in self.selector.select(self.deadline.left_s()):
                key.data()
            if self.deadline.left_s() == 0:
                self._time_is_over()

    def _time_is_over(self):
        self.signal(signal.SIGKILL if self.timed_out else signal.SIGTERM)
        self.deadline = Deadline(KILL_AFTER_S)
        self.timed_out = True

    def _code(self):
        code, killed_by = self.exit
        if self.timed_out:
            return TIME_LIMIT
        return 128 + killed_by if killed_by else code

    def _hear_supervisor(self):
        message = self.guest.read(Deadline(ANSWER_S))
        lost = {"reset": "was reset while the command ran",
                "agent-lost": "lost the agent that ran the command"}
        if message.get("event") in lost:
            raise GuestError("name", self.guest.name, lost[message["event"]],
                             "run the command again", NOT_RUNNING)

    def _hear_agent(self):
        try:
            piece = self.port.recv(1 << 18)
        except BlockingIOError:
            return
        except ConnectionResetError:
            piece = b""
        if piece:
            self.buffer += piece
            self._take_frames()
            return
        # QEMU is gone; the supervisor says why.
        self.selector.unregister(self.port)

    def _take_frames(self):
        at = 0
        while len(self.buffer) - at >= 5 and self.exit is None:
            kind, length = struct.unpack_from("<cI", self.buffer, at)
            if len(self.buffer) - at < 5 + length:
                break
            payload = bytes(self.buffer[at + 5:at + 5 + length])
            at += 5 + length
            self._obey(kind, payload)
        del self.buffer[:at]

    def _obey(self, kind, payload):
        if kind == b"o":
            self.output(payload)
        elif kind == b"e":
            self.errors(payload)
        elif kind == b"x":
            self.exit = struct.unpack("<II", payload)
        elif kind == b"k":
            self.source.grant(struct.unpack("<I", payload)[0])

    def _flush(self):
        """Sends what is pending; what QEMU does not take yet is tried when it does."""
        try:
            sent = self.port.send(self.pending) if self.pending else 0
            del self.pending[:sent]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.pending.clear()
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.pending else 0)
        if self.port in self.selector.get_map():
            self.selector.modify(self.port, events, self._hear_agent)


class Source:
    """Reads what goes to the command's stdin, never more than the guest has room for."""

    def __init__(self, descriptor, selector, send):
        self.descriptor = descriptor
        self.selector = selector
        self.send = send
        self.room = STDIN_WINDOW
        self.watched = False
        # epoll refuses plain files: they are always ready.
        self.plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self.grant(0)

    def grant(self, count):
        """The guest has taken so many bytes."""
        self.room += count
        while self.plain and self.descriptor is not None and self.room > 0:
            self._read()
        if not self.plain:
            self._watch(self.descriptor is not None and self.room > 0)

    def _watch(self, wanted):
        if wanted and not self.watched:
            self.selector.register(self.descriptor, selectors.EVENT_READ, self._ready)
        elif self.watched and not wanted:
            self.selector.unregister(self.descriptor)
        self.watched = wanted

    def _ready(self):
        self._read()
        if self.room == 0:
            self._watch(False)

    def _read(self):
        piece = os.read(self.descriptor, min(self.room, PAYLOAD_MAX))
        if piece:
            self.send(frame(b"I", piece))
            self.room -= len(piece)
            return
        self.send(frame(b"E"))
        self._watch(False)
        self.descriptor = None


class PassedSignals:
    """While it lasts, our signals go to the guest's command instead of ending us.

    The third one ends us all the same, for the guest may be deaf; the agent then
    ends the command, as it does whenever a client is gone. A wakeup descriptor
    ends the session's select when a signal has come.
    """

    def __init__(self, session):
        self.session = session
        self.before = {}
        self.count = 0
        self.ours, self.theirs = socket.socketpair()

    def __enter__(self):
        self.ours.setblocking(False)
        self.theirs.setblocking(False)
        self.wakeup = signal.set_wakeup_fd(self.theirs.fileno())
        for number in PASSED_ON:
            if signal.getsignal(number) != signal.SIG_IGN:
                self.before[number] = signal.signal(number, self._pass_on)
        self.session.selector.register(self.ours, selectors.EVENT_READ, self._drain)

    def __exit__(self, *_):
        for number, handler in self.before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self.wakeup)
        self.session.selector.unregister(self.ours)
        self.ours.close()
        self.theirs.close()

    def _drain(self):
        self.ours.recv(4096)

    def _pass_on(self, number, _):
        self.count += 1
        if self.count == GIVE_UP_AT:
            raise SystemExit(128 + number)
        self.session.signal(number)
