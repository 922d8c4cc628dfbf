# SPDX-License-Identifier: MIT
"""Waiting with a deadline, without sleeping."""

import select
import time


class Deadline:
    """A point in time; None as seconds means never."""

    def __init__(self, seconds):
        self.end = None if seconds is None else time.monotonic() + seconds

    def left_s(self):
        """Seconds left, not below 0; None for never."""
        return None if self.end is None else max(0.0, self.end - time.monotonic())

    def left_ms(self):
        """For poll()."""
        left = self.left_s()
        return None if left is None else int(left * 1000) + 1 if left else 0


def wait_for(file, deadline):
    """True when the file became readable in time (a pidfd: its process ended)."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(deadline.left_ms()))


def read_line(channel, buffer, deadline, until_end=False):
    """The next line from a socket, or None at its end or at the deadline.

    until_end: skip all lines and return at the end
    """
    while True:
        line, newline, rest = bytes(buffer).partition(b"\n")
        if newline:
            buffer[:] = rest
            if not until_end:
                return line
            continue
        if not wait_for(channel, deadline):
            return None
        try:
            piece = channel.recv(65536)
        except OSError:
            return None
        if not piece:
            return None
        buffer += piece
