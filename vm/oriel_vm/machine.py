# SPDX-License-Identifier: MIT
"""One QEMU process: its command line, its channels, its end."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess

from .kernel import find_program

PORTS = 8
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
# Early and with notices: the first line tells a live kernel from a hung one, and
# a panic is seen whenever it comes. tsc=reliable: else clock reads cost 1 us.
# no_timer_check: on a busy host the kernel takes a late tick for a broken timer, and panics.
KERNEL_LINE = ("console=tty0 console=ttyS0 earlyprintk=serial,ttyS0,115200 loglevel=6 edd=off "
               "panic=-1 tsc=reliable no_timer_check")


def qemu_program():
    """The emulator's path."""
    return find_program("qemu-system-x86_64", "qemu-system-x86")


def quoted(path):
    """QEMU's option parser takes a doubled comma for one."""
    return path.replace(",", ",,")


def accel_options(accel, cpu, doorbell):
    """What differs between the ways to run."""
    if accel == "kvm":
        # Interrupts that are remapped cannot all stay in the kernel.
        return ["-accel", "kvm,kernel-irqchip=split" if doorbell else "kvm", "-cpu", cpu]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def disk_options(path):
    """A disk that is as it was at each start: what the guest writes goes with QEMU."""
    if not path:
        return []
    return ["-drive", f"id=root,if=none,format=raw,snapshot=on,cache=unsafe,file={quoted(path)}",
            "-device", "virtio-blk-pci,drive=root"]


class Machine:
    """Starts QEMU; the caller watches pidfd and calls finish() after its end."""

    def __init__(self, options, image, region, doorbell, listeners, attempt):
        self.ours = {}
        theirs = {}
        for name in ("qmp", "mark", "console"):
            self.ours[name], theirs[name] = socket.socketpair()
        command = [qemu_program(), *self._fixed(options, image, doorbell),
                   *accel_options(attempt.accel, attempt.cpu, doorbell),
                   *self._memory(region, doorbell), *self._channels(theirs, listeners),
                   *options.qemu_args]
        inherited = [end.fileno() for end in (*theirs.values(), *listeners)]
        parent = os.getpid()
        self.error_log = os.path.join(options.directory, "qemu.log")
        with open(self.error_log, "wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, cwd="/",
                pass_fds=inherited, preexec_fn=lambda: die_with(parent))
        for end in theirs.values():
            end.close()
        self.pidfd = os.pidfd_open(self.process.pid)

    @staticmethod
    def _fixed(options, image, doorbell):
        line = f"{KERNEL_LINE} oriel_name={options.name} oriel_ports={PORTS}"
        # vfio-pci, which lets a process hear its device, needs an IOMMU.
        line += " intel_iommu=on" if doorbell else ""
        line += options.display.kernel_words()
        line += " oriel_root=/dev/vda" if options.disk else ""
        iommu = ["-device", "intel-iommu,intremap=on"] if doorbell else []
        return ["-name", f"oriel-{options.name}", "-nodefaults", "-no-user-config",
                "-machine", "q35", *iommu, "-smp", str(options.cpus), "-m", options.memory,
                "-display", "none", *options.display.qemu_options(), *disk_options(options.disk),
                "-action", "reboot=reset,shutdown=poweroff",
                "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny",
                "-kernel", image.kernel, "-initrd", image.initramfs, "-append", line]

    @staticmethod
    def _memory(region, doorbell):
        if doorbell:
            return ["-chardev", f"socket,id=doorbell,path={quoted(doorbell.socket)}",
                    "-device", "ivshmem-doorbell,chardev=doorbell,addr=0x10,"
                               f"vectors={doorbell.vectors}"]
        return ["-object", f"memory-backend-file,id=region,share=on,size={region.size},"
                           f"mem-path={quoted(region.path)}",
                "-device", "ivshmem-plain,memdev=region,addr=0x10"]

    @staticmethod
    def _channels(theirs, listeners):
        fds = {name: end.fileno() for name, end in theirs.items()}
        options = ["-chardev", f"socket,id=qmp,fd={fds['qmp']}",
                   "-mon", "chardev=qmp,mode=control",
                   "-chardev", f"socket,id=console,fd={fds['console']}",
                   "-serial", "chardev:console",
                   "-device", f"virtio-serial-pci,max_ports={PORTS + 2}",
                   "-chardev", f"socket,id=mark,fd={fds['mark']}",
                   "-device", "virtserialport,chardev=mark,id=mark,name=oriel.mark"]
        for number, listener in enumerate(listeners):
            options += ["-chardev", f"socket,id=run{number},fd={listener.fileno()},"
                                    "server=on,wait=off",
                        "-device", f"virtserialport,chardev=run{number},id=run{number},"
                                   f"name=oriel.run.{number}"]
        return options

    def kill(self):
        """At once; the pidfd makes it this process and no other."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def finish(self):
        """Reaps the process and says in words how it ended."""
        code = self.process.wait()
        os.close(self.pidfd)
        with open(self.error_log, encoding="utf-8", errors="replace") as file:
            words = [line.strip() for line in file if line.strip()]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"QEMU ended ({how})" + (f": {words[0]}" if words else "")


def die_with(parent):
    """Runs in the child before QEMU: no supervisor, no QEMU."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
