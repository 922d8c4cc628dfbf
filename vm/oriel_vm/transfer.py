# SPDX-License-Identifier: MIT
"""Files to and from the guest, and pictures of its screen."""

import os
import stat
import tempfile

from .display import KINDS
from .errors import MISSING, USAGE, GuestError
from .places import replaced_file
from .session import Session
from .waiting import Deadline

# A temporary name beside the goal; removed when the transfer fails or is ended.
RECEIVE = """
temporary="$1.oriel-$$"
trap 'rm -f "$temporary"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$temporary" && chmod "$2" "$temporary" && mv "$temporary" "$1"
"""


def guest_path(path):
    """A name that no program takes for an option."""
    return path if path.startswith("/") else f"/{path}"


def fetch(guest, source, goal, timeout):
    """Copies a file of the guest to the host."""
    if os.path.isdir(goal):
        goal = os.path.join(goal, os.path.basename(source))
    words = bytearray()
    with replaced_file(goal) as file:
        session = Session(guest, file.write, words.extend)
        check(session.run(["cat", guest_path(source)], timeout), words, "fetch", source)


def put(guest, source, goal, timeout):
    """Copies a file of the host to the guest, with its mode."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise GuestError("put", source, error.strerror, "name a readable file",
                         MISSING) from error
    if goal.endswith("/"):
        goal += os.path.basename(source)
    words = bytearray()
    try:
        info = os.fstat(descriptor)
        if stat.S_ISDIR(info.st_mode):
            raise GuestError("put", source, "is a folder", "name a file", USAGE)
        session = Session(guest, words.extend, words.extend, descriptor)
        mode = f"{stat.S_IMODE(info.st_mode):o}"
        check(session.run(["sh", "-c", RECEIVE, "put", guest_path(goal), mode], timeout),
              words, "put", goal)
    finally:
        os.close(descriptor)


def check(code, words, verb, path):
    """A failed copy is an error that the guest has worded."""
    if code != 0:
        lines = bytes(words).decode(errors="replace").strip().splitlines()
        wrong = lines[-1] if lines else f"exit code {code} in the guest"
        raise GuestError(verb, path, wrong, "see: guest run -- ls -l")


def screenshot(guest, goal, timeout):
    """QEMU draws the picture in the guest's folder; it is moved from there."""
    kind = guest.state["display"]["kind"]
    if not KINDS[kind].device:
        raise GuestError("screenshot", guest.name, f"QEMU does not see the display {kind}",
                         "fetch the console's pixels: guest fetch /dev/fb0")
    deadline = Deadline(timeout)
    form = "png" if goal.lower().endswith(".png") else "ppm"
    with tempfile.TemporaryDirectory(prefix="screen-", dir=guest.folder) as folder:
        picture = os.path.join(folder, "picture")
        guest.qmp("screendump", {"filename": picture, "format": form}, deadline)
        with open(picture, "rb") as drawn, replaced_file(goal) as file:
            file.write(drawn.read())
