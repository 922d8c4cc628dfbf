# SPDX-License-Identifier: MIT
"""How a step runs, what it says and how it fails; and the first of them, building."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "host"
GUEST = str(ROOT / "vm" / "guest")
IMAGE_LIMIT_S = 2700  # it may fetch a kernel, and make a disk
END_LIMIT_S = 10


class DemoError(Exception):
    """Something went wrong; the text says what, and what to do."""

    def __init__(self, text, code=1):
        super().__init__(text)
        self.code = code


def say(text):
    """One line about how far we are."""
    print(f"demo: {text}", file=sys.stderr, flush=True)


def end(program):
    """Ends a program if it still runs; it is asked first, for it has something to undo, too."""
    if program.poll() is None:
        program.terminate()
        try:
            program.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def run(command, limit_s, what, speaks=False):
    """Runs a step to its end; returns its output, which matters otherwise only when it fails.

    speaks: it writes to stderr what the user should know, and its exit code is to be ours
    """
    with subprocess.Popen(list(map(str, command)), cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=None if speaks else subprocess.STDOUT,
                          text=True, errors="replace") as step:
        try:
            output, _ = step.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{what}: not done within {limit_s} s") from error
        finally:
            end(step)
    if step.returncode and speaks:
        raise DemoError(f"{what}: failed, see above", step.returncode)
    if step.returncode:
        raise DemoError(f"{what}: {' '.join(map(str, command))}\n{output[-4000:]}")
    return output


def build(image):
    """The host's programs, and what the guest boots."""
    say("building")
    if not (BUILD / "build.ninja").exists():
        run(["meson", "setup", BUILD, "-Dtests=disabled"], 300, "build")
    run(["meson", "compile", "-C", BUILD], 900, "build")
    run([GUEST, "build", *image], IMAGE_LIMIT_S, "guest image", speaks=True)
