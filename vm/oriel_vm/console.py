# SPDX-License-Identifier: MIT
"""The guest's serial console: kept in a log of bounded size, and read for news."""

import os
import re

LOG_BYTES = 4 << 20
PANIC = re.compile(rb"Kernel panic - not syncing: ([^\r\n]*)[\r\n]")
ALIVE = re.compile(rb"Linux version ")
TAIL_BYTES = 4096


class Console:
    """on_sign("alive") comes when the kernel speaks, on_sign("panic") when it dies."""

    def __init__(self, loop, channel, log, on_sign):
        self._loop = loop
        self._channel = channel
        self._log = log
        self._file = open(log, "ab")  # closed by close(): it lives as long as QEMU
        self._tail = b""
        self._on_sign = on_sign
        self.alive = False
        self.panic = None
        channel.setblocking(False)
        loop.watch(channel, self._read)

    def close(self):
        """Ends reading."""
        self._loop.forget(self._channel)
        self._channel.close()
        self._file.close()

    def fresh_boot(self):
        """The guest was reset: what it said before counts no more."""
        self._tail = b""
        self.panic = None

    def _read(self):
        try:
            piece = self._channel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._loop.forget(self._channel)
            return
        self._keep(piece)
        self._look(piece)

    def _keep(self, piece):
        """A guest that talks without end must not fill the host's disk."""
        if self._file.tell() + len(piece) > LOG_BYTES:
            self._file.close()
            os.replace(self._log, self._log + ".1")
            self._file = open(self._log, "ab")
        self._file.write(piece)
        self._file.flush()

    def _look(self, piece):
        self._tail = (self._tail + piece)[-TAIL_BYTES - len(piece):]
        if not self.alive and ALIVE.search(self._tail):
            self.alive = True
            self._on_sign("alive")
        match = PANIC.search(self._tail)
        if match and self.panic is None:
            self.panic = match.group(1).decode(errors="replace")
            self._on_sign("panic")
        self._tail = self._tail[-TAIL_BYTES:]
