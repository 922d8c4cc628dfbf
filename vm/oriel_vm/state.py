# SPDX-License-Identifier: MIT
"""A guest's state folder, and the removal of all that a guest leaves.

Everything that must go is named in state.json before it exists, so whoever comes
later - janitor, supervisor or the next start - can remove it.
"""

import contextlib
import json
import os
import shutil

from .errors import GuestError
from .places import NameLock, state_base
from .region import remove_region


def folder_of(name):
    """The guest's folder, whether or not it exists."""
    return os.path.join(state_base(), name)


def lock_of(name):
    """The path of the lock that says who owns the name."""
    return os.path.join(state_base(), name + ".lock")


def known_names():
    """All guests that have a folder, running or not."""
    return sorted(entry.name for entry in os.scandir(state_base()) if entry.is_dir())


def identity(pid):
    """A process, safe against the reuse of its number: [pid, start time]."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        # The name in parentheses may hold blanks; field 22 counts from before it.
        return [pid, int(file.read().rpartition(")")[2].split()[19])]


def open_process(who):
    """A pidfd for a process named by identity(), or None if it is gone."""
    if not who:
        return None
    try:
        descriptor = os.pidfd_open(who[0])
    except ProcessLookupError:
        return None
    try:
        if identity(who[0]) == list(who):
            return descriptor
    except (OSError, ValueError):
        pass
    os.close(descriptor)
    return None


def write_state(folder, state):
    """Replaces state.json as a whole."""
    path = os.path.join(folder, "state.json")
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(temporary, path)


def read_state(folder):
    """What state.json says; {} if there is none."""
    try:
        with open(os.path.join(folder, "state.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def remove_traces(folder):
    """Removes the region, if it was made for this guest, and the folder."""
    region = read_state(folder).get("region")
    if region and region["created"]:
        remove_region(region["path"], region["device"], region["inode"])
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def take_name(name):
    """Becomes the owner of a name; a crashed owner's traces are removed first."""
    lock = NameLock.take(lock_of(name))
    if lock is None:
        raise GuestError("name", name, "is running already",
                         f"stop it first: guest stop --name {name}")
    remove_traces(folder_of(name))
    return lock


def clean_if_stale(name):
    """Removes the traces of a guest whose processes are all gone."""
    lock = NameLock.take(lock_of(name))
    if lock is not None:
        remove_traces(folder_of(name))
        lock.remove()
