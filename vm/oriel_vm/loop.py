# SPDX-License-Identifier: MIT
"""Waits for descriptors and deadlines and calls whoever asked."""

import heapq
import itertools
import selectors
import time


class Loop:
    """A single-threaded event loop; all of the supervisor happens in here."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._callbacks = {}
        self._timers = []
        self._order = itertools.count()
        self._running = True

    def watch(self, file, callback, events=selectors.EVENT_READ):
        """Calls callback() whenever the file is ready; again to change events."""
        descriptor = file if isinstance(file, int) else file.fileno()
        if descriptor in self._callbacks:
            self._selector.unregister(descriptor)
        self._selector.register(descriptor, events, callback)
        self._callbacks[descriptor] = callback

    def forget(self, file):
        """Stops watching; to be called before the file is closed."""
        descriptor = file if isinstance(file, int) else file.fileno()
        if self._callbacks.pop(descriptor, None):
            self._selector.unregister(descriptor)

    def after(self, seconds, callback):
        """Calls callback() once; returns a token for cancel()."""
        timer = [time.monotonic() + seconds, next(self._order), callback]
        heapq.heappush(self._timers, timer)
        return timer

    @staticmethod
    def cancel(timer):
        """Cancels a timer; None and one that has fired are no harm."""
        if timer is not None:
            timer[2] = None

    def stop(self):
        """Lets run() return."""
        self._running = False

    def run(self):
        """Until stop()."""
        while self._running:
            self._fire()
            if not self._running:
                break
            for key, _ in self._selector.select(self._patience()):
                # An earlier callback of this round may have closed this file.
                if self._callbacks.get(key.fd) is key.data:
                    key.data()
                if not self._running:
                    break

    def _patience(self):
        while self._timers and self._timers[0][2] is None:
            heapq.heappop(self._timers)
        return max(0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _fire(self):
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2]
            if callback is not None:
                callback()
