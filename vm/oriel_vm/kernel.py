# SPDX-License-Identifier: MIT
"""Fetches Debian kernel packages and unpacks them; nothing is installed."""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from .errors import MISSING, GuestError, package_missing
from .places import file_lock

# Flavour -> the package that depends on its newest kernel, and how its release ends. The cloud
# flavour boots in half the time of the full one, which has the drivers of displays.
META_PACKAGES = {"cloud": "linux-image-cloud-amd64", "full": "linux-image-amd64"}
RELEASES = {"cloud": re.compile(r".*-cloud-amd64"), "full": re.compile(r"[0-9.-]+-amd64")}
FETCH_LIMIT_S = 300
TOOL_LIMIT_S = 60
HEAD_BYTES = 65536


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package."""

    root: str  # holds boot/ and lib/modules/
    release: str  # as uname -r says it

    @property
    def vmlinuz(self):
        """The bootable kernel."""
        return os.path.join(self.root, "boot", f"vmlinuz-{self.release}")

    @property
    def modules(self):
        """The folder with modules.dep."""
        return os.path.join(self.root, "lib", "modules", self.release)

    @property
    def version(self):
        """The package's version, which the kernel itself says in its header."""
        with open(self.vmlinuz, "rb") as file:
            head = file.read(HEAD_BYTES)
        # Documentation/x86/boot.rst of the kernel: kernel_version, an offset less 512.
        at = int.from_bytes(head[0x20e:0x210], "little") + 0x200
        words = head[at:at + 512].partition(b"\0")[0].decode(errors="replace")
        match = re.search(r" Debian (\S+)", words)
        if not match:
            raise GuestError("kernel", self.vmlinuz, f"no version of Debian in: {words}",
                             f"remove {self.root}, and it is fetched again")
        return match.group(1)


def find_program(program, package):
    """An absolute path; sbin is looked through though a user's PATH may lack it."""
    path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    found = shutil.which(program, path=path)
    if not found:
        raise package_missing(program, package)
    return found


def run_tool(command, limit_s=TOOL_LIMIT_S, **options):
    """Runs a helper to its end and returns its stdout; a failure is told in one line."""
    try:
        done = subprocess.run(command, timeout=limit_s, stdin=subprocess.DEVNULL, check=False,
                              capture_output=True, **options)
    except subprocess.TimeoutExpired as error:
        raise GuestError("command", command[0], f"no end after {limit_s} s",
                         "see what holds it up and try again") from error
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise GuestError("command", " ".join(command), words[-1] if words else
                         f"exit code {done.returncode}", "run it by hand to see more")
    return done.stdout


def concrete_package(flavour):
    """The meta package depends on exactly one linux-image-<release>."""
    meta = META_PACKAGES[flavour]
    text = run_tool([find_program("apt-cache", "apt"), "depends", "--important", meta])
    match = re.search(r"Depends: (linux-image-\S+)", text.decode())
    if not match:
        raise GuestError("package", meta, "unknown to apt", "run: apt update", MISSING)
    return match.group(1)


def download(folder, *packages):
    """Puts the .deb files into the folder, which holds no others, and returns their paths."""
    apt = find_program("apt-get", "apt")
    try:
        # The sandbox user could not write into our folder; we are not installing.
        run_tool([apt, "-q", "-o", "APT::Sandbox::User=", "download", *packages],
                 FETCH_LIMIT_S, cwd=folder)
    except GuestError as error:
        raise GuestError("package", packages[0], error.parts["wrong"],
                         "check the network, or run: apt update", MISSING) from error
    return [entry.path for entry in os.scandir(folder) if entry.name.endswith(".deb")]


def unpack(folder, deb):
    """Unpacks the package and makes modules.dep, which packages do not ship."""
    root = os.path.join(folder, "root")
    run_tool(["dpkg", "-x", deb, root])
    release = os.listdir(os.path.join(root, "lib", "modules"))[0]
    run_tool([find_program("depmod", "kmod"), "-b", root, release])
    return root


def existing(folder, flavour):
    """The kernel in the cache, or None."""
    try:
        release = sorted(filter(RELEASES[flavour].fullmatch, os.listdir(folder)))[-1]
    except (FileNotFoundError, IndexError):
        return None
    return Kernel(os.path.join(folder, release), release)


def ensure_kernel(cache, flavour, tell):
    """The kernel of a flavour in the cache, fetched if there is none.

    One that is there is kept, whatever apt would offer now: builds stay quick
    and repeatable. Remove the folder to get the newest.
    """
    folder = os.path.join(cache, "kernel")
    os.makedirs(folder, exist_ok=True)
    with file_lock(os.path.join(cache, "kernel.lock")):
        kernel = existing(folder, flavour)
        if kernel:
            return kernel
        package = concrete_package(flavour)
        tell(f"fetching {package}")
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=cache) as temporary:
            root = unpack(temporary, *download(temporary, package))
            release = os.listdir(os.path.join(root, "lib", "modules"))[0]
            os.rename(root, os.path.join(folder, release))
        return existing(folder, flavour)
