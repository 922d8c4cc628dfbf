# SPDX-License-Identifier: MIT
"""`guest start`: makes the two processes that outlive it, and waits for READY.

The supervisor owns QEMU. The janitor sleeps until the supervisor is gone, for
whatever reason, and then removes what is left; it exists before anything that
would have to be removed. Should both be killed at once, QEMU dies with the
supervisor all the same, and the next verb for this name removes the rest.
"""

import json
import os
import signal
import socket
import sys
import traceback
from dataclasses import dataclass

from .desk import send_line
from .display import Display
from .errors import FAILED, GuestError
from .places import cache_dir
from .state import open_process, remove_traces, take_name
from .waiting import Deadline, read_line, wait_for

GIVE_UP_S = 10.0


@dataclass(frozen=True)
class Options:
    """How a guest is to be run."""

    name: str
    directory: str
    accel: str
    region: str  # a file's path; unused with a doorbell
    size: int  # unused where a server is joined
    cpus: int
    memory: str
    timeout: float
    lifetime: float
    display: Display
    disk: str = None  # the root file system, where it is not the initramfs
    qemu_args: tuple = ()
    doorbell: str = None  # "": a server of the guest's own; else the socket of one to join
    doorbell_server: str = None  # the program


def start(options, image, image_lock, tell):
    """Returns the guest's description once it is ready."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        ours.close()
        detached(options, image, theirs, image_lock)
    theirs.close()
    supervisor = os.pidfd_open(pid)
    try:
        return hear_supervisor(ours, options, tell)
    except BaseException:
        # The connection's end is the supervisor's order to end; what it leaves
        # the janitor removes, and this start returns when all that is done.
        ours.shutdown(socket.SHUT_WR)
        wait_for(supervisor, Deadline(GIVE_UP_S))
        read_line(ours, bytearray(), Deadline(GIVE_UP_S), until_end=True)
        raise
    finally:
        ours.close()
        os.close(supervisor)


def hear_supervisor(channel, options, tell):
    """Waits for the one message that matters and confirms it."""
    buffer = bytearray()
    # The supervisor keeps the limit; this one is for a supervisor that hangs.
    line = read_line(channel, buffer, Deadline(options.timeout + GIVE_UP_S))
    message = json.loads(line) if line else {}
    if "error" in message:
        raise GuestError.from_parts(message["error"])
    if "ready" not in message:
        raise GuestError("name", options.name, "its supervisor ended without a word",
                         "start it again", FAILED)
    channel.send(b"keep")
    description = message["ready"]
    if description["note"] and options.accel == "auto":
        tell(f"KVM is not used: {description['note']}; running under TCG")
    return description


def detached(options, image, parent, image_lock):
    """The child of the fork: never returns."""
    code = FAILED
    try:
        os.setsid()
        os.chdir("/")
        leave_descriptors({parent.fileno(), image_lock})
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        supervise(options, image, image_lock, parent)
        code = 0
    except GuestError as error:
        send_line(parent, {"error": error.parts})
    except BaseException:
        log = os.path.join(cache_dir(), f"{options.name}.crash.log")
        with open(log, "w", encoding="utf-8") as file:
            traceback.print_exc(file=file)
        error = GuestError("supervisor", options.name, "failed", f"see {log}")
        send_line(parent, {"error": error.parts})
    finally:
        os._exit(code)


def leave_descriptors(keep):
    """Nothing of the caller's may be held for the guest's life: no pipe, no lock."""
    null = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    low = 3
    for number in sorted(keep):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


def supervise(options, image, image_lock, parent):
    """Owns the name, has a janitor made, runs the guest, and removes its traces."""
    from .supervisor import Supervisor

    lock = take_name(options.name)
    janitor = make_janitor(options.directory, lock, parent)
    try:
        os.mkdir(options.directory, 0o700)
        Supervisor(options, image, image_lock, parent, janitor).run()
    finally:
        gone, _ = os.waitpid(janitor, os.WNOHANG)
        if gone:  # somebody killed it: then this is ours to do
            remove_traces(options.directory)
            lock.remove()


def make_janitor(folder, lock, parent):
    """Forks the janitor. It shares the name's lock: the name is free when it is done.

    It holds the connection to `guest start` as well, which so sees its end.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(reader)
        os.set_inheritable(writer, False)
        return pid
    try:
        os.close(writer)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        leave_descriptors({reader, lock.descriptor, parent.fileno()})
        os.read(reader, 1)
        remove_traces(folder)
        lock.remove()
    finally:
        os._exit(0)


def wait_until_gone(description, deadline):
    """Waits for the end of supervisor and janitor: then all traces are gone."""
    for who in (description["supervisor"], description["janitor"]):
        pidfd = open_process(who)
        if pidfd is None:
            continue
        try:
            if not wait_for(pidfd, deadline):
                return False
        finally:
            os.close(pidfd)
    return True


def kill_supervisor(description):
    """The last means: QEMU dies with it, and the janitor does the rest."""
    pidfd = open_process(description["supervisor"])
    if pidfd is not None:
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(pidfd)


def say(text):
    """Progress and notes go to stderr: stdout is for the result."""
    print(f"guest: {text}", file=sys.stderr, flush=True)
