# SPDX-License-Identifier: MIT
"""The file that is the guest's shared memory.

It appears under its name only when every page of it is there: a region with
holes on a full tmpfs would end QEMU by SIGBUS in the middle of a frame.
"""

import contextlib
import errno
import os
import re
import stat
from dataclasses import dataclass

from .errors import MISSING, USAGE, GuestError

SMALLEST = 1 << 20
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Region:
    """A region that is ready for QEMU."""

    path: str
    size: int
    created: bool
    device: int
    inode: int


def parse_size(text):
    """128M -> bytes; ivshmem takes powers of two only (QEMU aborts on others)."""
    match = re.fullmatch(r"([0-9]{1,15})([KMG]?)(?:i?B)?", text, re.IGNORECASE)
    if not match:
        raise GuestError("--size", text, "not a size", "write for example 128M", USAGE)
    size = int(match.group(1)) * UNITS[match.group(2).upper()]
    if size < SMALLEST or not is_power_of_two(size):
        larger = max(SMALLEST, 1 << (size - 1).bit_length() if size else 0)
        raise GuestError("--size", text, "not a power of two of at least 1M",
                         f"use {size_text(larger)}", USAGE)
    return size


def size_text(size):
    """The shortest exact form."""
    for unit in ("G", "M", "K"):
        if size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


def is_power_of_two(number):
    """True for 1, 2, 4, ..."""
    return number > 0 and number & (number - 1) == 0


def open_region(path, size, about_to_create):
    """Uses the file at path, or makes one of the size.

    about_to_create: called with the Region just before its name appears, so that
                     whoever cleans up after a crash knows that it is ours
    """
    try:
        return use_existing(path)
    except FileNotFoundError:
        pass
    folder = os.path.dirname(path)
    try:
        descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise GuestError("--region", path, f"cannot make a file there: {error.strerror}",
                         "choose a path on tmpfs, such as /dev/shm/oriel", MISSING) from error
    try:
        os.fchmod(descriptor, 0o600)
        reserve(descriptor, path, size)
        info = os.fstat(descriptor)
        region = Region(path, size, True, info.st_dev, info.st_ino)
        about_to_create(region)
        with open_folder("/proc/self/fd") as self_fd:
            os.link(str(descriptor), path, src_dir_fd=self_fd)
    except FileExistsError:
        return use_existing(path)
    finally:
        os.close(descriptor)
    return region


@contextlib.contextmanager
def open_folder(path):
    """A folder's descriptor; os.link follows links only with one (linkat)."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def use_existing(path):
    """Checks a file that is there; whoever could cut it short could end QEMU."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        wrong = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise GuestError("--region", path, wrong, "choose another path", MISSING) from error
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise GuestError("--region", path, "not a plain file", "choose another path", MISSING)
        if info.st_uid not in (os.geteuid(), 0):
            raise GuestError("--region", path, f"belongs to another user (uid {info.st_uid})",
                             "remove it or choose another path", MISSING)
        if info.st_size < SMALLEST or not is_power_of_two(info.st_size):
            raise GuestError("--region", path,
                             f"its size of {info.st_size} bytes is no power of two of at least 1M",
                             "remove it, and one of --size is made", MISSING)
        reserve(descriptor, path, info.st_size)
    finally:
        os.close(descriptor)
    return Region(path, info.st_size, False, info.st_dev, info.st_ino)


def reserve(descriptor, path, size):
    """Gives the file all its pages now, or says how much room there is."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG):
            raise
        free = os.fstatvfs(descriptor)
        room = free.f_bavail * free.f_frsize
        raise GuestError("--region", path, f"no room for {size_text(size)}, {room >> 20}M are free",
                         f"use a smaller --size, or enlarge {os.path.dirname(path)}",
                         MISSING) from error


def remove_region(path, device, inode):
    """Removes the file only while it is still the one that was made."""
    with contextlib.suppress(FileNotFoundError):
        info = os.lstat(path)
        if (info.st_dev, info.st_ino) == (device, inode):
            os.unlink(path)
