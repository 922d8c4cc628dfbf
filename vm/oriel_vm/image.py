# SPDX-License-Identifier: MIT
"""Makes the guest's initramfs and remembers from what it was made."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass

from . import programs
from .desktop import settings
from .errors import MISSING, GuestError
from .kernel import ensure_kernel, find_program, run_tool
from .places import cache_dir, file_lock, project_root
from .vkms import ensure_vkms

# Loaded in this order by guest-init; what they depend on is found in modules.dep.
BOOT_MODULES = ("virtio_pci", "virtio_console")
# Loaded by guest-init where there is an IOMMU: for being rung.
DOORBELL_MODULES = ("vfio_iommu_type1", "vfio_pci")
# Of the full kernel; guest-init loads one of them, as --display says.
DISPLAY_MODULES = ("bochs", "virtio_gpu")
# Loaded by guest-init where there is a disk with a root file system.
DISK_MODULES = ("virtio_blk", "crc32c_generic", "ext4")
FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "dev", "proc", "sys", "tmp",
           "run", "etc", "root", "lib64", "lib/x86_64-linux-gnu")
COMPANIONS = "/run/oriel"  # where guest-init puts /oriel on the disk


@dataclass(frozen=True)
class Variant:
    """What differs between the images of a checkout."""

    flavour: str  # of the kernel
    modules: tuple
    vkms: bool = False  # the module is not Debian's and is built first
    disk: bool = False  # whether a desktop may be started with it


VARIANTS = {
    "cloud": Variant("cloud", BOOT_MODULES + DOORBELL_MODULES),
    "full": Variant("full", BOOT_MODULES + DOORBELL_MODULES + DISPLAY_MODULES + DISK_MODULES,
                    disk=True),
    "vkms": Variant("full", BOOT_MODULES + DOORBELL_MODULES + DISK_MODULES + ("vkms",),
                    vkms=True, disk=True),
}


@dataclass(frozen=True)
class Image:
    """What QEMU boots."""

    kernel: str
    initramfs: str
    release: str
    inputs: str  # digest of everything it was made from


def image_folder():
    """One folder for each checkout: two of them do not disturb each other."""
    key = hashlib.sha256(project_root().encode()).hexdigest()[:12]
    folder = os.path.join(cache_dir(), f"image-{key}")
    os.makedirs(folder, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(folder, mode=fcntl.LOCK_EX):
    """Builders exclude each other and whoever starts a guest from the files."""
    with file_lock(os.path.join(folder, "lock"), mode):
        yield


def manifest_of(folder, variant):
    """Names the image of a variant that was made last."""
    return os.path.join(folder, f"image-{variant}.json")


def current(folder, variant):
    """The image of a variant that was made last, or None."""
    try:
        with open(manifest_of(folder, variant), encoding="utf-8") as file:
            image = Image(**json.load(file))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    whole = os.path.exists(image.kernel) and os.path.exists(image.initramfs)
    return image if whole else None


def build(variant, programs_dir=None, tell=lambda text: None):
    """Returns (image, made): made is False when nothing had changed.

    The other variants that are there get the same programs: whichever is booted next has them.
    """
    folder = image_folder()
    kernel_for(variant, tell)
    with locked(folder):
        chosen = programs.collect(programs_dir, folder)
        files = guest_files(chosen)
        others = [name for name in VARIANTS if name != variant and current(folder, name)]
        for name in others:
            build_variant(folder, name, files, tell)
        image, made = build_variant(folder, variant, files, tell)
        remove_others(folder)
        return image, made


def kernel_for(variant, tell):
    """The kernel, fetched and completed if need be."""
    kernel = ensure_kernel(cache_dir(), VARIANTS[variant].flavour, tell)
    if VARIANTS[variant].vkms:
        ensure_vkms(cache_dir(), kernel, tell)
    return kernel


def build_variant(folder, variant, files, tell):
    """Makes the image of one variant unless it is as it should be."""
    kernel = kernel_for(variant, tell)
    if VARIANTS[variant].disk:
        files = {**files, **settings()}
    inputs = digest_of_inputs(kernel, files)
    image = current(folder, variant)
    if image and image.inputs == inputs:
        return image, False
    path = os.path.join(folder, f"initramfs-{variant}-{inputs[:16]}.cpio")
    with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as temporary:
        tree = os.path.join(temporary, "tree")
        make_tree(tree, kernel, files, VARIANTS[variant].modules)
        if VARIANTS[variant].disk:
            make_companions(tree, files)
        archive = os.path.join(temporary, "initramfs")
        write_archive(tree, archive)
        os.replace(archive, path)
        image = Image(kernel.vmlinuz, path, kernel.release, inputs)
        manifest = os.path.join(temporary, "image.json")
        with open(manifest, "w", encoding="utf-8") as file:
            json.dump(asdict(image), file)
        os.replace(manifest, manifest_of(folder, variant))
    return image, True


def guest_files(chosen):
    """A dictionary: path in the guest -> path on the host, libraries included.

    Libraries lie flat in the loader's default folder, under the name the program
    asks for: so it needs no cache and no search path.
    """
    files = {"/init": os.path.join(project_root(), "vm", "guest-init"),
             "/bin/busybox": programs.find_busybox()}
    for name, path in chosen.items():
        files[f"/bin/{name}"] = path
        for wanted, library in programs.libraries(path).items():
            if wanted.startswith("/"):
                files[wanted] = library
            else:
                files[f"/lib/x86_64-linux-gnu/{wanted}"] = library
    return files


def digest_of_inputs(kernel, files):
    """Changes when any input file does, and when this recipe does."""
    digest = hashlib.sha256()
    recipe = {f"recipe/{name}": os.path.join(os.path.dirname(__file__), name)
              for name in ("image.py", "kernel.py", "programs.py")}
    kernels = {"kernel": kernel.vmlinuz, "modules": os.path.join(kernel.modules, "modules.dep")}
    for target, path in sorted({**files, **recipe, **kernels}.items()):
        try:
            info = os.stat(path)
        except OSError as error:
            raise GuestError("program", path, error.strerror, "build it first", MISSING) from error
        stamp = (target, path, info.st_size, info.st_mtime_ns, info.st_ino, info.st_mode)
        digest.update(repr(stamp).encode())
    return digest.hexdigest()


def make_tree(tree, kernel, files, modules):
    """Lays out the guest's root folder."""
    for folder in FOLDERS:
        os.makedirs(os.path.join(tree, folder))
    for target, path in files.items():
        place = tree + target
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy(path, place)
    os.chmod(f"{tree}/init", 0o755)
    for applet in programs.applets(files["/bin/busybox"]):
        link = os.path.join(tree, applet)
        if f"/bin/{os.path.basename(applet)}" in files:
            continue  # the real program is meant, wherever PATH looks first
        os.makedirs(os.path.dirname(link), exist_ok=True)
        if not os.path.lexists(link):
            os.symlink("/bin/busybox", link)
    with open(f"{tree}/etc/passwd", "w", encoding="utf-8") as file:
        file.write("root:x:0:0:root:/root:/bin/sh\n")
    with open(f"{tree}/etc/group", "w", encoding="utf-8") as file:
        file.write("root:x:0:\n")
    with open(f"{tree}/etc/modules", "w", encoding="utf-8") as file:
        file.write("\n".join(BOOT_MODULES) + "\n")
    copy_modules(tree, kernel, modules)


def make_companions(tree, files):
    """Lays out /oriel, which goes along when a disk becomes the root: see guest-init.

    The disk has its own libc, older or newer than the one the programs were built with; so
    they take theirs along, and its loader, which each is started by.
    """
    libraries = {os.path.basename(target): target for target in files if target.startswith("/lib")}
    places = {"lib": libraries, "programs": {}}
    for target, path in files.items():
        name = os.path.basename(target)
        if os.path.dirname(target) != "/bin" or name == "busybox":
            continue
        needs = programs.libraries(path)
        loader = next((wanted for wanted in needs if wanted.startswith("/")), None)
        if loader is None:
            os.symlink(target, f"{tree}/oriel/bin/{name}")
            continue
        places["programs"][name] = target
        with open(f"{tree}/oriel/bin/{name}", "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nexec {COMPANIONS}/lib/{os.path.basename(loader)} "
                       f"--library-path {COMPANIONS}/lib {COMPANIONS}/programs/{name} \"$@\"\n")
        os.chmod(f"{tree}/oriel/bin/{name}", 0o755)
    for folder, links in places.items():
        os.mkdir(f"{tree}/oriel/{folder}")
        for name, target in links.items():
            os.symlink(target, f"{tree}/oriel/{folder}/{name}")


def copy_modules(tree, kernel, modules):
    """Copies the guest's modules with what they depend on, and indexes them."""
    goal = os.path.join(tree, "lib", "modules", kernel.release)
    os.makedirs(goal)
    for path in needed_modules(kernel, modules):
        place = os.path.join(goal, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy(os.path.join(kernel.modules, path), place)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(os.path.join(kernel.modules, name), goal)
    run_tool([find_program("depmod", "kmod"), "-b", tree, kernel.release])


def needed_modules(kernel, modules):
    """Paths of the guest's modules and their dependencies, which modules.dep has in full.

    A module that a later kernel has built in is not there, and need not be.
    """
    wanted = {}
    with open(os.path.join(kernel.modules, "modules.dep"), encoding="utf-8") as file:
        for line in file:
            module, _, needs = line.partition(":")
            name = os.path.basename(module).partition(".ko")[0].replace("-", "_")
            if name in modules:
                wanted.update(dict.fromkeys([module, *needs.split()]))
    return sorted(wanted)


def write_archive(tree, path):
    """cpio as the kernel wants it; uncompressed, for it boots no slower so."""
    names = [os.path.relpath(os.path.join(folder, name), tree)
             for folder, folders, files in os.walk(tree) for name in folders + files]
    listing = "\0".join(sorted(names)).encode() + b"\0"
    cpio = find_program("cpio", "cpio")
    with open(path, "wb") as file:
        done = subprocess.run([cpio, "--null", "--create", "--format=newc", "--owner=0:0",
                               "--reproducible", "--quiet"], cwd=tree, input=listing, stdout=file,
                              stderr=subprocess.PIPE, check=False, timeout=60)
    if done.returncode != 0:
        raise GuestError("initramfs", path, done.stderr.decode(errors="replace").strip(),
                         "see whether the cache has room")


def remove_others(folder):
    """Archives that no manifest names go; a guest that booted one has it in its memory."""
    images = filter(None, (current(folder, variant) for variant in VARIANTS))
    keep = {image.initramfs for image in images}
    for entry in os.scandir(folder):
        if entry.name.startswith("initramfs-") and entry.path not in keep:
            os.unlink(entry.path)
