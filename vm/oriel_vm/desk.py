# SPDX-License-Identifier: MIT
"""The supervisor's control socket: where all verbs ask.

Lines of JSON. A client first gets {"state": ...}; it may send {"do": ...} and gets
{"reply": ...} or {"error": ...}; and it is told {"event": ...} of what happens:
"ready", "reset", "end" (with "reason"), "agent-lost" (to a port's holder).

A command port belongs to a client from its {"do": "port"} until it hangs up: so
no port is ever lost, and those who wait are served in their order.
"""

import json
import os
import socket

BUFFER_MAX = 1 << 20


class Client:
    """One connection."""

    def __init__(self, desk, channel):
        self.desk = desk
        self.channel = channel
        self.buffer = b""
        self.port = None
        channel.setblocking(False)

    def send(self, message):
        """Never waits: one who does not read is dropped."""
        if not send_line(self.channel, message):
            self.desk.drop(self)

    def read(self):
        """Takes whole lines and obeys them."""
        try:
            piece = self.channel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece or len(self.buffer) + len(piece) > BUFFER_MAX:
            self.desk.drop(self)
            return
        *lines, self.buffer = (self.buffer + piece).split(b"\n")
        for line in lines:
            try:
                request = json.loads(line)
                action = request["do"]
            except (ValueError, KeyError, TypeError):
                self.desk.drop(self)
                return
            self.desk.obey(self, action, request)


class Desk:
    """Accepts clients, hands out ports, passes the rest on to the supervisor."""

    def __init__(self, loop, folder, ports, supervisor):
        self._loop = loop
        self._supervisor = supervisor
        self._clients = set()
        self._free = list(range(ports))
        self._queue = []
        self._listener = listen(folder, "control.sock")
        loop.watch(self._listener, self._accept)

    def obey(self, client, action, request):
        """One request of one client."""
        if action == "port":
            self._queue.append(client)
            self.hand_out()
        else:
            self._supervisor.obey(client, action, request)

    def hand_out(self):
        """Gives free ports to those who wait; none while the guest is not ready."""
        while self._queue and self._free and self._supervisor.state == "ready":
            client = self._queue.pop(0)
            if client in self._clients and client.port is None:
                client.port = self._free.pop(0)
                client.send({"reply": {"port": client.port}})

    def broadcast(self, message):
        """To all clients."""
        for client in list(self._clients):
            client.send(message)

    def tell_holder(self, port, message):
        """To the client that holds the port, if there is one."""
        for client in list(self._clients):
            if client.port == port:
                client.send(message)

    def drop(self, client):
        """Ends a connection; its port is free again."""
        if client not in self._clients:
            return
        self._clients.discard(client)
        self._loop.forget(client.channel)
        client.channel.close()
        if client.port is not None:
            self._free.append(client.port)
            self.hand_out()

    def _accept(self):
        try:
            channel, _ = self._listener.accept()
        except OSError:
            return
        client = Client(self, channel)
        self._clients.add(client)
        self._loop.watch(channel, client.read)
        client.send({"state": self._supervisor.describe()})


def send_line(channel, message):
    """Sends one message at once; False if the other side is gone or does not read."""
    data = json.dumps(message).encode() + b"\n"
    try:
        return channel.send(data) == len(data)
    except OSError:
        return False


def listen(folder, name):
    """A listening UNIX socket; the detour keeps its path within 107 bytes."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)
    listener.listen(64)
    return listener
