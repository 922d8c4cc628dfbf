# SPDX-License-Identifier: MIT
"""The disk with a desktop: Debian's smallest system with X, Weston and some programs.

It holds packages only, no programs or settings of ours: those come along in the initramfs
(vm/guest-init), so that the disk need not be made again when they change.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile

from .errors import MISSING, GuestError
from .kernel import find_program
from .places import file_lock, project_root

CONSOLE = "console"
DESKTOP = "desktop"
IMAGES = (CONSOLE, DESKTOP)
SUITE = "bookworm"
DISK_SIZE = "2G"  # sparse; what the packages leave is room for the guest
LIMIT_S = 1800
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
# Run when all is installed, with the new root as $1, and without what is mounted in it. Where no
# root is at work, mmdebstrap is one in a user namespace; the packages' owners exist in there only,
# and of our files it reaches none by its path: so the disk is an open file.
MAKE_DISK = """set -e
rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*
# mke2fs keeps whole seconds only, and fontconfig compares all of a folder's time with its cache's:
# without a cache that counts, each program reads all fonts when it starts.
find "$1/usr/share/fonts" -type d -exec touch -d @1700000000 {} +
chroot "$1" fc-cache --force
plain=$(mktemp -d)
mount --bind "$1" "$plain"
trap 'umount "$plain"; rmdir "$plain"' EXIT
mke2fs -q -F -t ext4 -d "$plain" "/proc/self/fd/$ORIEL_DISK" "$ORIEL_SIZE"
"""


def recipe_folder():
    """Where the packages are listed, and what goes with the desktop into the initramfs."""
    return os.path.join(project_root(), "vm", "desktop")


def packages():
    """The packages beside the smallest system."""
    with open(os.path.join(recipe_folder(), "packages"), encoding="ascii") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def settings():
    """A dictionary: path in the initramfs -> path on the host."""
    folder = recipe_folder()
    return {f"/oriel/bin/{name}": os.path.join(folder, name)
            for name in sorted(os.listdir(folder)) if name != "packages"}


def disk_path(cache):
    """The disk's place; another recipe has another, so checkouts may share it."""
    recipe = repr((packages(), SUITE, DISK_SIZE, LEFT_OUT, MAKE_DISK))
    return os.path.join(cache, f"desktop-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.ext4")


def ensure_disk(cache, tell):
    """The disk, made if there is none. Returns (path, made)."""
    path = disk_path(cache)
    with file_lock(os.path.join(cache, "desktop.lock")):
        if os.path.exists(path):
            return path, False
        tell("making the disk of the desktop, which takes 2 to 5 minutes")
        with tempfile.TemporaryDirectory(prefix=".desktop-", dir=cache) as temporary:
            made = os.path.join(temporary, "disk")
            with open(made, "w+b") as disk:
                os.fchmod(disk.fileno(), 0o666)  # for the other root; the folder is ours alone
                install(disk.fileno(), os.path.join(cache, "desktop.log"))
            os.chmod(made, 0o600)
            os.replace(made, path)
    return path, True


def install(disk, log):
    """Runs mmdebstrap, which fills the open disk at its end."""
    find_program("mke2fs", "e2fsprogs")
    command = [find_program("mmdebstrap", "mmdebstrap"), "--variant=minbase", "--format=null",
               f"--include={','.join(packages())}", "--aptopt=Apt::Install-Recommends \"false\"",
               *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
               f"--customize-hook={MAKE_DISK}", SUITE, "/dev/null"]
    environment = {**os.environ, "ORIEL_DISK": str(disk), "ORIEL_SIZE": DISK_SIZE,
                   "PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"}
    with open(log, "wb") as file, until_signal(signal.SIGTERM), subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment,
            pass_fds=[disk], start_new_session=True) as maker:
        try:
            code = maker.wait(LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise GuestError("mmdebstrap", SUITE, f"no end after {LIMIT_S} s",
                             f"see {log}") from error
        finally:
            # All of it, and it removes the half of a system that it has made.
            if maker.poll() is None:
                os.killpg(maker.pid, signal.SIGTERM)
    if code != 0:
        raise GuestError("mmdebstrap", SUITE, f"exit code {code}",
                         f"check the network and see {log}", MISSING)


@contextlib.contextmanager
def until_signal(number):
    """Within, this signal ends the program as an exception does: with all that is to be undone."""
    before = signal.signal(number, lambda *_: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(number, before)
