# SPDX-License-Identifier: MIT
"""Chooses KVM or TCG, and remembers when KVM did not boot.

That /dev/kvm opens proves nothing: some hosts offer a KVM that runs firmware but
no stock kernel. So KVM is tried with a deadline, and the verdict is kept for as
long as host kernel, host boot, QEMU and guest kernel stay the same.
"""

import json
import os
import subprocess
from dataclasses import dataclass

from .machine import qemu_program
from .places import cache_dir

# Nested KVMs may lack one MSR that "host" wants, and QEMU aborts: once more without.
KVM_CPUS = ("host", "host,-arch-capabilities")
# A guest kernel says its first word 0.3 s after QEMU starts; a hung one never.
KVM_SIGN_S = 3.0
KVM_READY_S = 20.0


@dataclass(frozen=True)
class Attempt:
    """One way to start QEMU."""

    accel: str
    cpu: str = ""


def kvm_problem():
    """Why KVM cannot even be opened, or None."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"/dev/kvm: {error.strerror}"
    return None


def plan(wanted, release):
    """Returns (attempts, note): note is the known reason against KVM, or None."""
    kvm = [Attempt("kvm", cpu) for cpu in KVM_CPUS]
    tcg = [Attempt("tcg")]
    if wanted == "kvm":
        return kvm, None
    if wanted == "tcg":
        return tcg, None
    problem = kvm_problem() or recall(release)
    return (tcg, problem) if problem else (kvm + tcg, None)


def verdict_file():
    """Where the last verdict lies."""
    return os.path.join(cache_dir(), "kvm-verdict.json")


def conditions(release):
    """What the verdict depends on."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    version = subprocess.run([qemu_program(), "--version"], capture_output=True, check=False,
                             timeout=20).stdout.decode().partition("\n")[0]
    return {"host": os.uname().release, "boot": boot, "qemu": version, "guest": release}


def recall(release):
    """The reason why KVM failed under the same conditions, or None."""
    try:
        with open(verdict_file(), encoding="utf-8") as file:
            verdict = json.load(file)
        if verdict["conditions"] == conditions(release):
            return verdict["reason"] + " (remembered)"
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def remember(release, reason):
    """Keeps the verdict; that this fails costs only the next start some seconds."""
    path = verdict_file()
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"conditions": conditions(release), "reason": reason}, file)
        os.replace(temporary, path)
    except OSError:
        pass
