# SPDX-License-Identifier: MIT
"""The process that owns one QEMU from its start to its end.

States: starting -> ready <-> rebooting -> stopping. Whatever ends the guest, one
path leads out: _end() or the death of QEMU, then the loop stops, then the janitor
removes the traces (see launch.py).
"""

import os
import shutil
import signal
import socket
import time
from dataclasses import asdict

from . import accel, doorbell
from .console import Console
from .desk import Desk, listen, send_line
from .errors import NOT_RUNNING, GuestError
from .loop import Loop
from .machine import PORTS, Machine
from .places import cache_dir
from .qmp import Qmp
from .region import open_region
from .state import identity, write_state

POWEROFF_S = 3.0
QUIT_S = 3.0
PANIC_S = 3.0


class Supervisor:
    """Runs the guest; parent is the connection to the waiting `guest start`."""

    def __init__(self, options, image, image_lock, parent, janitor):
        self.options = options
        self.image = image
        self.image_lock = image_lock  # builds wait while it is open
        self.janitor = identity(janitor)
        self.state = "starting"
        self.loop = Loop()
        self.parent = parent
        self.machine = self.qmp = self.console = self.mark = None
        self.attempt = None
        self.note = None
        self.problem = None  # why this attempt, or the guest, is being ended
        self.started = time.monotonic()
        self.ready_s = None
        self.reset_seen = True
        self.rebooters = []
        self.desk = self.region = self.doorbell = self.listeners = None
        self.attempts = []
        self.timers = {}

    def run(self):
        """From nothing to the end of QEMU. GuestError: the guest never became ready."""
        signal.set_wakeup_fd(self._signal_channel())
        self._save()
        self._open_region()
        self._save(self.region)
        folder = self.options.directory
        self.listeners = [listen(folder, f"run{number}.sock") for number in range(PORTS)]
        self.desk = Desk(self.loop, folder, PORTS, self)
        self.attempts, self.note = accel.plan(self.options.accel, self.image.release)
        self.parent.setblocking(False)
        self.loop.watch(self.parent, self._hear_parent)
        self._timer("start", self.options.timeout, self._too_late)
        self._timer("lifetime", self.options.lifetime, lambda: self._end(
            f"its lifetime of {self.options.lifetime:g} s is over"))
        self._next_attempt()
        try:
            self.loop.run()
        finally:
            if self.machine:
                self.machine.kill()
                self.machine.finish()
            if self.doorbell:
                self.doorbell.finish()

    def describe(self):
        """What `guest status` shows."""
        region = asdict(self.region) if self.region else None
        elapsed = time.monotonic() - self.started
        return {"name": self.options.name, "state": self.state, "note": self.note,
                "accel": self.attempt.accel if self.attempt else None,
                "pid": self.machine.process.pid if self.machine else None,
                "supervisor": identity(os.getpid()), "janitor": self.janitor,
                "uptime_s": round(elapsed, 1), "ready_s": self.ready_s, "region": region,
                "doorbell": self.doorbell.describe() if self.doorbell else None,
                "display": asdict(self.options.display), "disk": self.options.disk,
                "lifetime_s": self.options.lifetime,
                "remaining_s": round(self.options.lifetime - elapsed, 1)}

    def obey(self, client, action, request):
        """The requests that the desk passes on."""
        if action == "stop":
            self._end("it was stopped")
        elif action == "reboot":
            self.rebooters.append(client)
            if self.state == "ready":
                # Nobody is told before it happened: who hangs up ends its command, in good order.
                self.state = "rebooting"
                self.reset_seen = False
                self.qmp.execute("system_reset")
        elif action == "qmp" and self.qmp:
            self.qmp.execute(request["execute"], request.get("arguments"),
                             lambda reply: client.send({"reply": reply}))
        else:
            client.send({"error": {"thing": "request", "value": action,
                                   "wrong": "cannot be done now", "cure": "try again",
                                   "code": NOT_RUNNING}})

    # Starting.

    def _open_region(self):
        options = self.options
        if options.doorbell is None:
            self.region = open_region(options.region, options.size, self._save)
            return
        self.doorbell = (doorbell.join(options.doorbell) if options.doorbell else
                         doorbell.begin(options.doorbell_server, options.directory, options.size))
        self.region = self.doorbell.region()

    def _next_attempt(self):
        self.attempt = self.attempts.pop(0)
        self.problem = None
        self.machine = Machine(self.options, self.image, self.region, self.doorbell,
                               self.listeners, self.attempt)
        self.qmp = Qmp(self.loop, self.machine.ours["qmp"], self._on_qmp)
        self.console = Console(self.loop, self.machine.ours["console"],
                               os.path.join(self.options.directory, "console.log"), self._on_sign)
        self.mark = self.machine.ours["mark"]
        self.mark.setblocking(False)
        self.loop.watch(self.mark, self._hear_mark)
        self.loop.watch(self.machine.pidfd, self._qemu_ended)
        if self.attempt.accel == "kvm":
            self._timer("sign", accel.KVM_SIGN_S, lambda: self._fail(
                f"no word from the kernel within {accel.KVM_SIGN_S:g} s"))

    def _fail(self, problem):
        """This QEMU is no good: its end leads to the next attempt, or to ours."""
        if self.state == "starting":
            self.problem = self.problem or problem
            self.machine.kill()
        else:
            self._keep_log()
            self._end(problem, politely=False)

    def _attempt_failed(self, problem):
        words = f"{self.attempt.accel.upper()}: {problem}"
        if self.attempts:
            if self.attempt.accel == "kvm" and self.attempts[0].accel == "tcg":
                self.note = problem
                accel.remember(self.image.release, problem)
            self._next_attempt()
            return
        log = self._keep_log()
        self._give_up(GuestError("name", self.options.name, words,
                                 f"see its console in {log}", NOT_RUNNING))

    def _give_up(self, error):
        self._tell_parent({"error": error.parts})
        self._end(str(error), politely=False)

    def _too_late(self):
        log = self._keep_log()
        self._give_up(GuestError("name", self.options.name,
                                 f"not ready after {self.options.timeout:g} s",
                                 f"raise --timeout, or see its console in {log}", NOT_RUNNING))

    def _became_ready(self):
        for name in ("start", "sign"):
            self._timer(name)
        if self.state == "starting":
            self.ready_s = round(time.monotonic() - self.started, 2)
        first = self.state == "starting"
        if first:
            os.close(self.image_lock)  # no further attempt will read the files
        self.state = "ready"
        self._save(self.region)
        if first:
            self._tell_parent({"ready": self.describe()})
        self.desk.broadcast({"event": "ready"})
        rebooters, self.rebooters = self.rebooters, []
        for client in rebooters:
            client.send({"reply": {"ready": True}})
        self.desk.hand_out()

    # What happens to the guest.

    def _on_sign(self, sign):
        if sign == "alive":
            if self.attempt.accel == "kvm":
                self._timer("sign", accel.KVM_READY_S, lambda: self._fail(
                    f"not ready {accel.KVM_READY_S:g} s after the kernel's first word"))
        else:
            self._timer("panic", PANIC_S, self._panicked)

    def _panicked(self):
        self._timer("panic")
        self._fail(f"kernel panic: {self.console.panic}")

    def _on_qmp(self, name, data):
        if name == "RESET":
            self._on_reset()
        elif name == "STOP":
            self.qmp.execute("query-status", then=self._on_status)
        elif name == "SHUTDOWN":
            self.problem = self.problem or f"it ended by itself ({data.get('reason', '?')})"

    def _on_status(self, reply):
        status = reply.get("return", {}).get("status")
        if status == "internal-error":
            self._fail("QEMU reports an internal error of the virtual machine")

    def _on_reset(self):
        if self.console.panic is not None:
            self._panicked()
        elif self.state == "starting":
            self._fail("the guest reset itself while it booted")
        elif self.state in ("ready", "rebooting"):
            self.console.fresh_boot()
            if self.state == "ready" or not self.reset_seen:
                self.desk.broadcast({"event": "reset"})
            self.state = "rebooting"
            self.reset_seen = True

    def _hear_mark(self):
        try:
            text = self.mark.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            text = b""
        if not text:
            self.loop.forget(self.mark)
        for line in text.split(b"\n"):
            if line == b"READY" and self.reset_seen and self.state in ("starting", "rebooting"):
                self._became_ready()
            elif line.startswith(b"LOST ") and line[5:].isdigit():
                self.desk.tell_holder(int(line[5:]), {"event": "agent-lost"})

    def _hear_parent(self):
        try:
            text = self.parent.recv(64)
        except OSError:
            text = b""
        kept = text.startswith(b"keep")
        self.loop.forget(self.parent)
        self.parent.close()
        self.parent = None
        if not kept:
            self._end("its start was interrupted", politely=False)

    # Ending.

    def _end(self, reason, politely=True):
        """Power off, then quit, then kill: each after the one before had its time."""
        if self.state == "stopping":
            return
        error = GuestError("name", self.options.name, f"has ended: {reason}", "start it again",
                           NOT_RUNNING)
        self._tell_parent({"error": error.parts})  # who got a first word heeds no second
        polite = politely and self.state == "ready"
        self.state = "stopping"
        self.problem = reason
        self.desk.broadcast({"event": "end", "reason": reason})
        if not self.machine:
            self.loop.stop()
        elif polite:
            self._send_poweroff()
            self._timer("poweroff", POWEROFF_S, self._quit)
        else:
            self.machine.kill()

    def _send_poweroff(self):
        try:
            self.mark.send(b"poweroff\n")
        except OSError:
            self._quit()

    def _quit(self):
        self.qmp.execute("quit")
        self._timer("quit", QUIT_S, self.machine.kill)

    def _qemu_ended(self):
        if self.machine.process.poll() is None:
            return
        self.loop.forget(self.machine.pidfd)
        self.loop.forget(self.mark)
        self.mark.close()
        self.qmp.close()
        self.console.close()
        ending = self.machine.finish()
        words = self.problem or ending
        self.machine = None
        for name in ("sign", "panic", "poweroff", "quit"):
            self._timer(name)
        if self.state == "starting":
            self._attempt_failed(words)
        else:
            self._end(words)
            self.loop.stop()

    # Small things.

    def _timer(self, name, seconds=None, callback=None):
        """Sets the named timer anew, or only cancels it."""
        self.loop.cancel(self.timers.pop(name, None))
        if callback:
            self.timers[name] = self.loop.after(seconds, callback)

    def _signal_channel(self):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self.signals = ours, theirs
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self.loop.watch(ours, lambda: self._end("its supervisor was told to end"))
        return theirs.fileno()

    def _save(self, region=None):
        write_state(self.options.directory, {
            "region": asdict(region) if region else None, "state": self.state,
            "supervisor": identity(os.getpid()), "janitor": self.janitor})

    def _keep_log(self):
        """The folder goes with the guest; what a failure leaves to read does not."""
        goal = os.path.join(cache_dir(), f"{self.options.name}.console.log")
        try:
            shutil.copyfile(os.path.join(self.options.directory, "console.log"), goal)
        except OSError:
            pass
        return goal

    def _tell_parent(self, message):
        if self.parent:
            send_line(self.parent, message)
