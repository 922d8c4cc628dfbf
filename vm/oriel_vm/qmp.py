# SPDX-License-Identifier: MIT
"""The supervisor's side of QEMU's machine protocol, driven by events."""

import itertools
import json


class Qmp:
    """Sends commands and hands replies and events to callbacks.

    on_event(name, data) is called for events, and on_event("GREETING", {}) when
    QEMU has set up the machine and takes commands.
    """

    def __init__(self, loop, channel, on_event):
        self._loop = loop
        self._channel = channel
        self._on_event = on_event
        self._buffer = b""
        self._waiting = {}
        self._ids = itertools.count(1)
        channel.setblocking(False)
        loop.watch(channel, self._read)

    def execute(self, command, arguments=None, then=None):
        """Sends one command; then(reply) gets a dictionary with return or error."""
        number = next(self._ids)
        message = {"execute": command, "id": number}
        if arguments:
            message["arguments"] = arguments
        self._waiting[number] = then
        try:
            self._channel.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.close()  # QEMU is ending; its process is watched elsewhere

    def close(self):
        """Ends the connection; who still waits for a reply is told so."""
        self._loop.forget(self._channel)
        self._channel.close()
        waiting, self._waiting = self._waiting, {}
        for then in waiting.values():
            if then:
                then({"error": {"class": "Gone", "desc": "QEMU has ended"}})

    def _read(self):
        try:
            piece = self._channel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self.close()
            return
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message):
        if "QMP" in message:
            self.execute("qmp_capabilities")
            self._on_event("GREETING", {})
        elif "event" in message:
            self._on_event(message["event"], message.get("data", {}))
        else:
            then = self._waiting.pop(message.get("id"), None)
            if then:
                then(message)
