# SPDX-License-Identifier: MIT
"""The command line: one function for each verb."""

import argparse
import fcntl
import json
import os
import re
import signal
import sys

from . import desktop, display, doorbell, launch, programs, transfer
from . import image as images
from .errors import FAILED, NOT_RUNNING, USAGE, GuestError
from .guest import Guest
from .places import DEFAULT_NAME, cache_dir, check_name, region_path
from .region import parse_size, size_text
from .session import Session
from .state import folder_of, known_names
from .waiting import Deadline

STOP_S = 15.0
SMALLEST_MEMORY = 128  # MiB: kernel, initramfs and a little
DEFAULT_SIZE = "128M"
DEFAULT_MEMORY = {desktop.CONSOLE: "512M", desktop.DESKTOP: "1G"}
DESKTOP_DISPLAY = "virtio"
say = launch.say


def do_build(arguments):
    """Makes the image, or finds it as it should be."""
    variant = display.kind_of(display_name(arguments)).image
    if arguments.image == desktop.DESKTOP:
        disk, made = desktop.ensure_disk(cache_dir(), say)
        print(f"{disk} ({'made' if made else 'unchanged'})")
    image, made = images.build(variant, arguments.programs, say)
    print(f"{image.initramfs} ({'made' if made else 'unchanged'}, Linux {image.release})")
    return 0


def held_image(variant):
    """An image and its lock, shared, as a descriptor: no build replaces it meanwhile."""
    folder = images.image_folder()
    while True:
        descriptor = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                             0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        image = images.current(folder, variant)
        if image:
            return image, descriptor
        os.close(descriptor)
        say(f"there is no image with the {variant} kernel yet, building one")
        images.build(variant, None, say)


def display_name(arguments):
    """--display, or what --image wants in its place; both are checked."""
    if arguments.image not in desktop.IMAGES:
        raise GuestError("--image", arguments.image, "no such image",
                         f"use {', '.join(desktop.IMAGES)}", USAGE)
    if arguments.image == desktop.CONSOLE:
        return arguments.display or display.NONE
    if arguments.display == display.NONE:
        raise GuestError("--display", display.NONE, f"--image {arguments.image} needs one",
                         f"use {DESKTOP_DISPLAY}", USAGE)
    return arguments.display or DESKTOP_DISPLAY


def do_start(arguments):
    """Starts a guest and returns when it is ready."""
    for name in ("timeout", "lifetime"):
        if not 0 < getattr(arguments, name) < 1e9:
            raise GuestError(f"--{name}", getattr(arguments, name), "not above 0",
                             "give seconds", USAGE)
    if not 1 <= arguments.cpus <= 64:
        raise GuestError("--cpus", arguments.cpus, "not within 1 to 64", "use 2", USAGE)
    options = options_for(arguments)
    image, lock = held_image(options.display.image)
    ready = launch.start(options, image, lock, say)
    shown = "" if options.display.kind == display.NONE else f", display {options.display}"
    print(f"{arguments.name}: ready in {ready['ready_s']:.1f} s under {ready['accel']}, region "
          f"{ready['region']['path']} ({size_text(ready['region']['size'])}){shown}")
    return 0


def options_for(arguments):
    """How the guest is to be run; its memory is a file's or a doorbell-server's."""
    screen = display.parse(display_name(arguments), arguments.res)
    memory = arguments.memory or DEFAULT_MEMORY[arguments.image]
    check_memory(memory)
    size = parse_size(arguments.size or DEFAULT_SIZE)
    region = server = None
    joined = arguments.doorbell
    if joined is None:
        region = os.path.abspath(arguments.region or region_path(arguments.name))
    elif arguments.region:
        raise GuestError("--region", arguments.region, "not with --doorbell, whose server has "
                         "the memory", "leave it out; see: guest status", USAGE)
    elif joined:
        joined = doorbell.joined_path(joined)
        if arguments.size:
            raise GuestError("--size", arguments.size, f"decided by the server at {joined}",
                             "leave it out", USAGE)
    else:
        doorbell.own_path(folder_of(arguments.name))
        server = programs.doorbell_server(say)
    disk = None
    if arguments.image == desktop.DESKTOP:
        disk, _ = desktop.ensure_disk(cache_dir(), say)
    return launch.Options(
        name=arguments.name, directory=folder_of(arguments.name), accel=arguments.accel,
        region=region, size=size, cpus=arguments.cpus, memory=memory,
        timeout=arguments.timeout, lifetime=arguments.lifetime, display=screen, disk=disk,
        qemu_args=tuple(arguments.qemu_arg), doorbell=joined, doorbell_server=server)


def check_memory(text):
    """QEMU takes a bare number for MiB and then boots nothing; so a unit is due."""
    match = re.fullmatch(r"([0-9]{1,9})([MG])", text)
    if not match or int(match.group(1)) << (10 if match.group(2) == "G" else 0) < SMALLEST_MEMORY:
        raise GuestError("--memory", text, f"not a size of at least {SMALLEST_MEMORY}M",
                         "use 512M", USAGE)


def wait_ready(guest, deadline):
    """Waits while a guest starts or reboots."""
    while guest.state["state"] != "ready":
        if guest.read(deadline).get("event") == "ready":
            guest.state["state"] = "ready"


def write_all(descriptor):
    """A function that writes each piece whole to a descriptor."""
    def write(piece):
        while piece:
            piece = piece[os.write(descriptor, piece):]
    return write


def do_run(arguments):
    """Runs a command in the guest and exits as it does."""
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        raise GuestError("run", "no command", "there is nothing to run",
                         "write: guest run -- COMMAND", USAGE)
    with Guest(arguments.name) as guest:
        session = Session(guest, write_all(1), write_all(2), 0 if arguments.stdin else None)
        code = session.run(command, arguments.timeout)
    if session.timed_out:
        say(f"run: {command[0]}: stopped after {arguments.timeout:g} s; raise --timeout")
    return code


def do_fetch(arguments):
    """Guest to host."""
    goal = arguments.goal or os.path.basename(arguments.file)
    with Guest(arguments.name) as guest:
        transfer.fetch(guest, arguments.file, goal, arguments.timeout)
    return 0


def do_put(arguments):
    """Host to guest."""
    with Guest(arguments.name) as guest:
        transfer.put(guest, arguments.file, arguments.goal, arguments.timeout)
    return 0


def do_screenshot(arguments):
    """The guest's screen as a picture."""
    with Guest(arguments.name) as guest:
        transfer.screenshot(guest, arguments.file, arguments.timeout)
    print(arguments.file)
    return 0


def do_status(arguments):
    """Shows one guest or all; exit code 4 when none runs."""
    names = known_names() if arguments.name is None else [arguments.name]
    code = NOT_RUNNING
    for name in names:
        try:
            with Guest(name) as guest:
                state = guest.state
        except GuestError as error:
            if arguments.name is None and error.code == NOT_RUNNING:
                continue
            raise
        code = 0
        if arguments.json:
            print(json.dumps(state))
            continue
        region = state["region"]["path"] if state["region"] else "-"
        if state["doorbell"] and state["doorbell"]["own"] and not state["doorbell"]["pid"]:
            region += " (its doorbell-server has ended: nobody new can join)"
        print(f"{name}: {state['state']}, accel {state['accel']}, pid {state['pid']}, "
              f"up {state['uptime_s']:.0f} s, region {region}, "
              f"lifetime {state['lifetime_s']:g} s ({state['remaining_s']:.0f} s left)")
    if code and not arguments.json:
        say("no guest is running")
    return code


def do_stop(arguments):
    """Ends a guest and waits until nothing is left of it."""
    with Guest(arguments.name) as guest:
        guest.send({"do": "stop"})
        if launch.wait_until_gone(guest.state, Deadline(STOP_S)):
            return 0
        launch.kill_supervisor(guest.state)
        if launch.wait_until_gone(guest.state, Deadline(STOP_S)):
            return 0
    raise GuestError("name", arguments.name, "does not end", "see: guest status", FAILED)


def do_reboot(arguments):
    """Resets the guest and waits until it is ready again."""
    deadline = Deadline(arguments.timeout)
    with Guest(arguments.name) as guest:
        wait_ready(guest, deadline)
        guest.ask({"do": "reboot"}, deadline)
    return 0


def do_qmp(arguments):
    """One QMP command: its name, or a whole request as JSON."""
    request = {"execute": arguments.request}
    if arguments.request.startswith("{"):
        try:
            request = json.loads(arguments.request)
        except ValueError as error:
            raise GuestError("qmp", arguments.request, str(error), "write JSON", USAGE) from error
    with Guest(arguments.name) as guest:
        reply = guest.qmp(request.get("execute", ""), request.get("arguments"),
                          Deadline(arguments.timeout))
    print(json.dumps(reply, indent=2))
    return 0


def do_logs(arguments):
    """The serial console so far."""
    with Guest(arguments.name) as guest:
        for name in ("console.log.1", "console.log"):
            try:
                with open(os.path.join(guest.folder, name), "rb") as file:
                    write_all(1)(file.read())
            except FileNotFoundError:
                pass
    return 0


def add_image(entry):
    """The same for two verbs."""
    entry.add_argument("--image", metavar="IMAGE", default=desktop.CONSOLE,
                       help=f"the root file system: {desktop.CONSOLE}, which is small, or "
                            f"{desktop.DESKTOP}, with X and Weston (%(default)s)")


def parser():
    """The verbs and their options."""
    top = argparse.ArgumentParser(prog="guest", description="Makes and runs Oriel's guests.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name, action, timeout=30.0, named=True):
        entry = verbs.add_parser(name, help=action.__doc__, description=action.__doc__)
        entry.set_defaults(action=action)
        if named:
            entry.add_argument("--name", default=DEFAULT_NAME, help="the guest (%(default)s)")
        if timeout is not False:
            entry.add_argument("--timeout", type=float, default=timeout, metavar="S",
                               help="seconds (%(default)s)")
        return entry

    entry = verb("build", do_build, False, False)
    entry.add_argument("--programs", metavar="DIR",
                       help="programs for the guest's /bin, instead of building the project's")
    entry.add_argument("--display", metavar="KIND",
                       help=f"the image that guests with such a display boot ({display.NONE})")
    add_image(entry)
    entry = verb("start", do_start, 60.0)
    entry.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto")
    entry.add_argument("--region", metavar="PATH", help="shared memory (/dev/shm/oriel[-NAME])")
    entry.add_argument("--size", help=f"of the region ({DEFAULT_SIZE})")
    entry.add_argument("--doorbell", nargs="?", const="", metavar="PATH",
                       help="with doorbells: the region is a doorbell-server's, one of the "
                            "guest's own, or the one whose socket is PATH")
    add_image(entry)
    entry.add_argument("--display", metavar="KIND",
                       help=f"the screen's device: {', '.join(display.KINDS)} ({display.NONE}; "
                            f"with a desktop {DESKTOP_DISPLAY})")
    entry.add_argument("--res", metavar="WxH",
                       help=f"of the display: {', '.join(display.NAMED_SIZES)} or WxH "
                            f"({display.DEFAULT_SIZE})")
    entry.add_argument("--cpus", type=int, default=2, help="(%(default)s)")
    entry.add_argument("--memory", help="({}; with a desktop {})".format(*DEFAULT_MEMORY.values()))
    entry.add_argument("--lifetime", type=float, default=3600.0, metavar="S",
                       help="the guest ends after so many seconds (%(default)s)")
    entry.add_argument("--qemu-arg", action="append", default=[], metavar="ARG",
                       help="one more word for QEMU's command line; may be repeated: "
                            "--qemu-arg=-device --qemu-arg=ivshmem-plain,memdev=more")
    entry = verb("run", do_run, None)
    entry.add_argument("-i", "--stdin", action="store_true", help="pass stdin on")
    entry.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND...")
    entry = verb("fetch", do_fetch, None)
    entry.add_argument("file")
    entry.add_argument("goal", nargs="?", metavar="DEST")
    entry = verb("put", do_put, None)
    entry.add_argument("file")
    entry.add_argument("goal", metavar="DEST")
    entry = verb("screenshot", do_screenshot)
    entry.add_argument("file", nargs="?", default="screen.png", metavar="FILE.png")
    entry = verb("status", do_status, False, False)
    entry.add_argument("--name")
    entry.add_argument("--json", action="store_true")
    verb("stop", do_stop, False)
    verb("reboot", do_reboot, 60.0)
    entry = verb("qmp", do_qmp)
    entry.add_argument("request", metavar="COMMAND|JSON")
    verb("logs", do_logs, False)
    return top


def main():
    """Returns the exit code."""
    arguments = parser().parse_args()
    try:
        if getattr(arguments, "name", None) is not None:
            check_name(arguments.name)
        return arguments.action(arguments)
    except GuestError as error:
        print(f"guest: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:
        # Who read our stdout is gone: not worth a word, as for any filter.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except OSError as error:
        print(f"guest: {arguments.verb}: {error.filename or 'system call'}: {error.strerror}; "
              "see whether it is yours and has room", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
