# SPDX-License-Identifier: MIT
"""Finds or builds the programs that go into the guest, and their libraries."""

import os
import re
import shutil
import subprocess
import sys

from .errors import MISSING, GuestError, package_missing
from .kernel import find_program, run_tool
from .places import file_lock, project_root

AGENT = "guest-agent"
BUILT = ("guest-capture/guest-capture", "host-viewer/host-viewer", "vm/guest-agent")
SETUP = ("-Dwindow=disabled", "-Dtests=disabled", "--buildtype=release")
BUILD_LIMIT_S = 600
LIBRARY = re.compile(r"^\s*(?:(\S+) => )?(/\S+|not found)(?: \(0x|$)")


def collect(programs_dir, folder):
    """A dictionary: name in the guest's /bin -> path on the host.

    folder: where the agent is compiled to if meson does not build it
    """
    if programs_dir is None:
        return build_with_meson()
    programs = {}
    try:
        entries = sorted(os.scandir(programs_dir), key=lambda entry: entry.name)
    except OSError as error:
        raise GuestError("--programs", programs_dir, error.strerror,
                         "name a folder of programs", MISSING) from error
    for entry in entries:
        if entry.is_file() and os.access(entry.path, os.X_OK):
            programs[entry.name] = os.path.realpath(entry.path)
    if AGENT not in programs:
        programs[AGENT] = compile_agent(folder)
    return programs


def build_with_meson():
    """Builds the project's own programs, without a window, in build/guest."""
    root = project_root()
    if not os.path.exists(os.path.join(root, "meson.build")):
        raise GuestError("project", root, "no meson.build here",
                         "name a folder of programs with --programs", MISSING)
    meson = find_program("meson", "meson ninja-build gcc")
    build = os.path.join(root, "build", "guest")
    os.makedirs(build, exist_ok=True)
    with file_lock(os.path.join(root, "build", ".guest.lock")):
        if not os.path.exists(os.path.join(build, "build.ninja")):
            run_build([meson, "setup", build, root, *SETUP])
        run_build([meson, "compile", "-C", build])
    return {os.path.basename(name): os.path.join(build, name) for name in BUILT}


def doorbell_server(tell):
    """The server, which runs on the host: as it was built with the guest's programs."""
    path = os.path.join(project_root(), "build", "guest", "vm", "doorbell-server")
    if not os.access(path, os.X_OK):
        tell("building doorbell-server")
        build_with_meson()
    return path


def run_build(command):
    """Shows what the compiler says only when it fails: then it is the error."""
    try:
        done = subprocess.run(command, timeout=BUILD_LIMIT_S, stdin=subprocess.DEVNULL,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as error:
        raise GuestError("build", " ".join(command), f"no end after {BUILD_LIMIT_S} s",
                         "run it by hand to see more") from error
    if done.returncode != 0:
        sys.stderr.write(done.stdout.decode(errors="replace"))
        raise GuestError("build", " ".join(command), "failed", "see above")


def compile_agent(folder):
    """Compiles the agent when a source is newer than it."""
    source = os.path.join(project_root(), "vm", AGENT)
    files = [entry.path for entry in os.scandir(source) if entry.name.endswith((".c", ".h"))]
    target = os.path.join(folder, AGENT)
    if os.path.exists(target):
        newest = max(os.stat(path).st_mtime_ns for path in files)
        if os.stat(target).st_mtime_ns > newest:
            return target
    compiler = shutil.which("cc")
    if not compiler:
        raise package_missing("cc", "gcc libc6-dev")
    temporary = f"{target}.{os.getpid()}"
    run_build([compiler, "-std=c17", "-D_GNU_SOURCE", "-O2", "-static", "-o", temporary,
               *sorted(path for path in files if path.endswith(".c"))])
    os.replace(temporary, target)
    return target


def libraries(path):
    """A dictionary: name that the program asks for -> path on the host."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return {}
    done = subprocess.run(["ldd", path], timeout=60, check=False, capture_output=True)
    found = {}
    for line in done.stdout.decode().splitlines():
        match = LIBRARY.match(line)
        if match and match.group(2) == "not found":
            raise GuestError("program", path, f"its library {match.group(1)} is not found",
                             "install it on the host", MISSING)
        if match:
            found[match.group(1) or match.group(2)] = match.group(2)
    return found


def find_busybox():
    """The static busybox: the guest has no libraries but those of its programs."""
    return find_program("busybox", "busybox-static")


def applets(busybox):
    """All names busybox answers to, as paths such as bin/ls."""
    return run_tool([busybox, "--list-full"]).decode().split()
