# SPDX-License-Identifier: MIT
"""Builds vkms, the kernel's virtual display, which Debian leaves out of its kernels.

From Debian's own source of exactly the kernel in the cache, with the headers of exactly
that kernel, all unpacked and nothing installed. The module then lies with the kernel's.
"""

import os
import re
import shutil
import tarfile
import tempfile

from .errors import MISSING, GuestError
from .kernel import download, find_program, run_tool
from .places import file_lock
from .programs import run_build

DRIVER = "drivers/gpu/drm/vkms/"


def ensure_vkms(cache, kernel, tell):
    """Builds the module for this kernel, once; later calls find it."""
    goal = os.path.join(kernel.modules, "updates", "vkms.ko")
    with file_lock(os.path.join(cache, "kernel.lock")):
        if os.path.exists(goal):
            return
        make = find_program("make", "make")
        with tempfile.TemporaryDirectory(prefix=".vkms-", dir=cache) as temporary:
            tell(f"fetching the source and the headers of Linux {kernel.release}")
            headers = fetch(kernel, temporary)
            source = take_driver(temporary)
            tell("building vkms")
            find_program(compiler_of(headers), compiler_of(headers))
            run_build([make, "-C", headers, f"M={source}", "CONFIG_DRM_VKMS=m", "modules"])
            module = os.path.join(source, "vkms.ko")
            run_tool([find_program("strip", "binutils"), "--strip-debug", module])
            os.makedirs(os.path.dirname(goal), exist_ok=True)
            os.chmod(module, 0o644)
            os.replace(module, goal)
        run_tool([find_program("depmod", "kmod"), "-b", kernel.root, kernel.release])


def fetch(kernel, folder):
    """Unpacks all that is needed below the folder; returns where the headers are."""
    headers = f"linux-headers-{kernel.release}"
    text = run_tool([find_program("apt-cache", "apt"), "depends", "--important", headers]).decode()
    needs = re.findall(r"Depends: (linux-headers-\S+-common|linux-kbuild-\S+)$", text, re.MULTILINE)
    series = kernel.version.rpartition("-")[0].rpartition(".")[0]
    names = [headers, *needs, f"linux-source-{series}"]
    try:
        for deb in download(folder, *(f"{name}={kernel.version}" for name in names)):
            run_tool(["dpkg", "-x", deb, folder])
            os.unlink(deb)
    except GuestError as error:
        raise GuestError("package", f"{names[-1]}={kernel.version}", error.parts["wrong"],
                         f"run: apt update; if apt has a newer one only, remove {kernel.root}",
                         MISSING) from error
    place = os.path.join(folder, "usr", "src", headers)
    # The one absolute path among the headers.
    makefile = os.path.join(place, "Makefile")
    with open(makefile, encoding="utf-8") as file:
        rules = file.read()
    with open(makefile, "w", encoding="utf-8") as file:
        file.write(rules.replace("include /usr/src/", f"include {folder}/usr/src/"))
    return place


def compiler_of(headers):
    """The compiler that made the kernel, such as gcc-12: modules want the same."""
    with open(os.path.join(headers, ".kernelvariables"), encoding="utf-8") as file:
        match = re.search(r"gcc-[0-9]+", file.read())
    return match.group(0) if match else "gcc"


def take_driver(folder):
    """Takes the driver's files out of the source, which has 80,000; returns their folder.

    Read as a stream, up to the driver: the rest need not be decompressed.
    """
    sources = os.path.join(folder, "usr", "src")
    goal = os.path.join(folder, "vkms")
    os.mkdir(goal)
    archive = next(entry.path for entry in os.scandir(sources) if ".tar." in entry.name)
    with tarfile.open(archive, "r|*") as source:
        for member in source:
            if DRIVER in member.name and member.isfile():
                with open(os.path.join(goal, os.path.basename(member.name)), "wb") as file:
                    shutil.copyfileobj(source.extractfile(member), file)
            elif os.listdir(goal):
                break
    return goal
