# SPDX-License-Identifier: MIT
"""Where things lie: cache, state, regions; and the lock files beside them."""

import contextlib
import fcntl
import os
import re
import stat
import tempfile

from .errors import FAILED, USAGE, GuestError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
DEFAULT_NAME = "oriel"


def project_root():
    """The folder that holds vm/."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def check_name(name):
    """Names become file names and a host name, so few characters are allowed."""
    if not NAME.fullmatch(name) or name.endswith(".lock"):
        raise GuestError("--name", name, "not a guest name",
                         "use 1 to 32 of a-z 0-9 . _ -, beginning with a letter or digit", USAGE)
    return name


def region_path(name):
    """The default region of a guest."""
    return "/dev/shm/oriel" if name == DEFAULT_NAME else f"/dev/shm/oriel-{name}"


def cache_dir():
    """The folder for what can be made again; works without HOME, too."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        home = os.path.expanduser("~")  # asks the user database when HOME is unset
        base = os.path.join(home, ".cache")
    path = os.path.join(base, "oriel")
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise GuestError("cache", path, error.strerror,
                         "set XDG_CACHE_HOME to a folder you may write") from error
    return path


def state_base():
    """The private folder that holds one folder for each guest.

    It is the only guard of the guests' sockets, so it must be ours alone: under
    /tmp somebody else could have made it first.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):
        path = os.path.join(runtime, "oriel")
    else:
        path = f"/tmp/oriel-{os.getuid()}"
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        info = os.lstat(path)
    except OSError as error:
        raise GuestError("state folder", path, error.strerror,
                         "set XDG_RUNTIME_DIR to a folder of your own") from error
    private = stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()
    if not private or info.st_mode & 0o077:
        raise GuestError("state folder", path, "not a folder that is yours alone (mode 0700)",
                         "remove it, or set XDG_RUNTIME_DIR to a folder of your own")
    return path


class NameLock:
    """Held for the whole life of a guest; who holds it owns the name.

    The file is removed with the guest, so a locked file counts only while it is
    still the one that the path names.
    """

    def __init__(self, path, descriptor):
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def take(cls, path):
        """The lock, or None if somebody holds it."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return cls(path, descriptor)
            except BlockingIOError:
                os.close(descriptor)
                return None
            except FileNotFoundError:
                pass
            os.close(descriptor)

    def remove(self):
        """Gives the name back; other processes may share the lock by fork."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self.descriptor), os.stat(self.path)):
                os.unlink(self.path)
        os.close(self.descriptor)


@contextlib.contextmanager
def file_lock(path, mode=fcntl.LOCK_EX):
    """Waits for a lock file that stays; its holders work for a bounded time."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, mode)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replaced_file(path):
    """A file to write that takes its name only when all of it is there."""
    folder = os.path.dirname(path) or "."
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".oriel-", dir=folder)
    except OSError as error:
        raise GuestError("folder", folder, error.strerror, "choose one you may write",
                         FAILED) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
