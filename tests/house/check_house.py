#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rules of the house (docs/style.md) that a program can check."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FILE_LINES = 500
FUNCTION_LINES = 60
# What a folder may include from, beside itself: the layers below it.
LAYERS = {
    "common": [],
    "protocol": ["common"],
    "guest-capture": ["common", "protocol"],
    "host-viewer": ["common", "protocol"],
}
CODE = (".c", ".h", ".py", ".pml", ".sh")
SCRIPTS = ("demo", "check", "vm/guest", ".ci/install", ".ci/run")


def tracked():
    """Every file of the project, as paths relative to its root."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    return [pathlib.Path(name) for name in listed.splitlines() if (ROOT / name).is_file()]


def read(path):
    """A file's text."""
    return (ROOT / path).read_text(encoding="utf-8")


def functions(text):
    """(name, lines) of each C function: from the line of '{' in the first column to its '}'."""
    start = None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield lines[start - 1], number - start + 1
            start = None


class House(unittest.TestCase):
    """Each test is one rule; it names every file that breaks it."""

    def setUp(self):
        self.files = tracked()
        self.code = [path for path in self.files
                     if path.suffix in CODE or str(path) in SCRIPTS]
        self.c = [path for path in self.files if path.suffix in (".c", ".h")]

    def test_formatted(self):
        """clang-format has nothing to change."""
        found = subprocess.run(["clang-format-14", "--dry-run", "--Werror"] +
                               [str(ROOT / path) for path in self.c],
                               capture_output=True, text=True)
        self.assertEqual(found.returncode, 0, found.stderr[:4000])

    def test_file_length(self):
        """No file is longer than FILE_LINES."""
        long = [f"{path}: {len(read(path).splitlines())}" for path in self.code
                if len(read(path).splitlines()) > FILE_LINES]
        self.assertEqual(long, [])

    def test_function_length(self):
        """No C function is longer than FUNCTION_LINES."""
        long = [f"{path}: {name}: {lines}" for path in self.c
                for name, lines in functions(read(path)) if lines > FUNCTION_LINES]
        self.assertEqual(long, [])

    def test_spdx(self):
        """Every source says its licence at the top."""
        without = [str(path) for path in self.code
                   if "SPDX-License-Identifier: MIT" not in "\n".join(read(path).splitlines()[:3])]
        self.assertEqual(without, [])

    def test_layers(self):
        """A folder includes only from itself and from the layers below it."""
        where = {path.name: path.parts[0] for path in self.files
                 if path.suffix == ".h" and path.parts[0] in LAYERS}
        wrong = []
        for path in self.c:
            if path.parts[0] not in LAYERS:
                continue
            for name in re.findall(r'#include "([^"]+)"', read(path)):
                folder = where.get(name, path.parts[0])
                if folder != path.parts[0] and folder not in LAYERS[path.parts[0]]:
                    wrong.append(f"{path} includes {folder}/{name}")
        self.assertEqual(wrong, [])

    def test_headers_alone(self):
        """Every header compiles by itself, with its own layer's include paths."""
        compiler = os.environ.get("CC", "gcc")
        flags = subprocess.run(["pkg-config", "--cflags", "libdrm", "jansson", "sdl2",
                                "SDL2_ttf", "fontconfig"], capture_output=True, text=True,
                               check=True).stdout.split()
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "version.h").write_text('#define ORIEL_COMMIT ""\n')
            for path in self.c:
                if path.suffix != ".h" or path.parts[0] not in LAYERS:
                    continue
                below = [f"-I{ROOT / name}" for name in [path.parts[0]] + LAYERS[path.parts[0]]]
                done = subprocess.run(
                    [compiler, "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                     "-fsyntax-only", f"-I{folder}", *below, *flags, "-x", "c", str(ROOT / path)],
                    capture_output=True, text=True)
                with self.subTest(header=str(path)):
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_shared_words(self):
        """The member of a shared word is named in shared.h only."""
        word = "touched_by" + "_shared_h_only"
        elsewhere = [str(path) for path in self.files
                     if path.suffix in (".c", ".h") and path.name != "shared.h" and word in read(path)]
        self.assertEqual(elsewhere, [])

    def test_no_notes_to_self(self):
        """What is not done stands in the issues, not in the code."""
        word = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
        notes = [f"{path}:{number}" for path in self.code
                 for number, line in enumerate(read(path).splitlines(), 1) if word.search(line)]
        self.assertEqual(notes, [])


if __name__ == "__main__":
    sys.exit(unittest.main())
