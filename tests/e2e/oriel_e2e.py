# SPDX-License-Identifier: MIT
"""
What the end-to-end tests have in common: the programs, a folder of each test's own, and processes
that never outlive their test.

Meson says where the programs are: ORIEL_CAPTURE, ORIEL_VIEWER, ORIEL_DRAW (draw_pattern.c) and
ORIEL_FORGE (forge_region.c). Every wait has a deadline that only a hang reaches; nothing is
concluded from how long anything took.
"""

import csv
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

CAPTURE = os.environ.get('ORIEL_CAPTURE', 'guest-capture')
VIEWER = os.environ.get('ORIEL_VIEWER', 'host-viewer')
DRAW = os.environ.get('ORIEL_DRAW', 'draw_pattern')
FORGE = os.environ.get('ORIEL_FORGE', 'forge_region')

GOOD, OTHER, USAGE, REGION, NO_PEER, INTEGRITY, OTHER_VERSION = range(7)
FORMATS = ('xrgb8888', 'argb8888', 'xbgr8888', 'abgr8888', 'rgb888', 'bgr888', 'rgb565',
           'xrgb2101010')
PATTERNS = ('random', 'bars', 'gradient', 'motion', 'counter')
DEADLINE = 60  # seconds; a hang, nothing else
MIB = 1 << 20


def environment(extra=None):
    """Ours without a display and in the C locale; a value of None removes a variable."""
    result = {name: value for name, value in os.environ.items()
              if name not in ('DISPLAY', 'WAYLAND_DISPLAY', 'SDL_VIDEODRIVER', 'ARGP_HELP_FMT')}
    result['LC_ALL'] = 'C'
    result.update(extra or {})
    return result


class Result:
    """What a program that has ended left: code, out and err as text."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __repr__(self):
        return f'{" ".join(self.arguments)}\n  ended with {self.code}\n{self.out}{self.err}'


class Program:
    """A running program whose lines are collected as they come."""

    def __init__(self, arguments, stdin=subprocess.DEVNULL, env=None, **keywords):
        self.arguments = [str(argument) for argument in arguments]
        self.lines = {'out': [], 'err': []}
        self.news = threading.Condition()
        self.process = subprocess.Popen(
            self.arguments, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment(env), **keywords)
        self.pid = self.process.pid
        self.readers = [
            threading.Thread(target=self._collect, args=(stream, name), daemon=True)
            for stream, name in ((self.process.stdout, 'out'), (self.process.stderr, 'err'))]
        for reader in self.readers:
            reader.start()

    def _collect(self, stream, name):
        for line in stream:
            with self.news:
                self.lines[name].append(line.decode(errors='replace'))
                self.news.notify_all()
        stream.close()

    def wait_for_line(self, pattern, after=None, timeout=DEADLINE):
        """
        Returns the match in the first line, of either stream, that has the pattern; on standard
        error behind the first line that has the pattern after, where one is given.
        """
        end = time.monotonic() + timeout
        with self.news:
            while True:
                match = self._find(pattern, after)
                if match:
                    return match
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None
                                 and not any(reader.is_alive() for reader in self.readers)):
                    raise AssertionError(f'no line with "{pattern}" in:\n{self.text()}')
                self.news.wait(min(left, 0.1))

    def _find(self, pattern, after):
        lines = self.lines['err'] + ([] if after else self.lines['out'])
        while after and lines and not re.search(after, lines.pop(0)):
            pass
        return next(filter(None, (re.search(pattern, line) for line in lines)), None)

    def text(self):
        return f'{" ".join(self.arguments)}\n' + ''.join(self.lines['out'] + self.lines['err'])

    def send(self, number):
        self.process.send_signal(number)

    def is_running(self):
        return self.process.poll() is None

    def wait(self, timeout=DEADLINE):
        """Until it ends by itself; returns a Result."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f'still running after {timeout} s:\n{self.text()}') from None
        for reader in self.readers:
            reader.join(DEADLINE)
        return Result(self.arguments, code, ''.join(self.lines['out']),
                      ''.join(self.lines['err']))

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.wait()

    def end(self):
        """However it stands. Fine for one that has ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()
        for reader in self.readers:
            reader.join(DEADLINE)


class Case(unittest.TestCase):
    """A test with a folder of its own, in memory where there is such a thing."""

    maxDiff = 2000

    def setUp(self):
        parent = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix='oriel-e2e-', dir=parent)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.region = self.path('region')

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *arguments, **keywords):
        program = Program(arguments, **keywords)
        self.addCleanup(program.end)
        return program

    def run_program(self, *arguments, timeout=DEADLINE, **keywords):
        return self.start(*arguments, **keywords).wait(timeout)

    def capture(self, *arguments, **keywords):
        """guest-capture on this test's region, to its end."""
        return self.run_program(CAPTURE, '--region', self.region, *arguments, **keywords)

    def view(self, *arguments, **keywords):
        return self.run_program(VIEWER, '--region', self.region, *arguments, **keywords)

    def start_capture(self, *arguments, size='4M', **keywords):
        """A small producer without an end of its own, once it publishes."""
        program = self.start(CAPTURE, '--region', self.region, f'--create={size}',
                             '--res', '160x120', *arguments, **keywords)
        program.wait_for_line('mapped as')
        return program

    def start_view(self, *arguments, **keywords):
        return self.start(VIEWER, '--region', self.region, *arguments, **keywords)

    def start_forge(self, what, size=4 * MIB):
        """A producer with a fault: see forge_region.c. It runs until the test ends."""
        if not os.path.exists(self.region):
            self.make_file(self.region, size)
        program = self.start(FORGE, self.region, what, stdin=subprocess.PIPE)
        program.wait_for_line('ready')
        return program

    def make_file(self, path, size):
        with open(path, 'wb') as file:
            file.truncate(size)

    def draw(self, pattern, pixel_format, size, epoch, sequence, how='rgb'):
        """The frame again: 3 bytes a pixel, or how='raw' as ffmpeg would write it."""
        return subprocess.run(
            [DRAW, pattern, pixel_format, size, str(epoch), str(sequence), how],
            check=True, stdout=subprocess.PIPE, timeout=DEADLINE).stdout

    def read_rows(self, path):
        """A CSV as dicts, after its bytes were seen to be RFC 4180 with LF."""
        with open(path, 'rb') as file:
            data = file.read()
        self.assertTrue(data.endswith(b'\n'), f'{path} does not end at a whole line')
        self.assertNotIn(b'\r', data)
        self.assertFalse(data.startswith(b'#'))
        lines = list(csv.reader(data.decode('ascii').splitlines(), strict=True))
        for line in lines:
            self.assertEqual(len(line), len(lines[0]), f'{path}: {line}')
            self.assertNotIn('', line, f'{path}: an empty cell; missing is NA')
        self.assertEqual(lines[0][:2], ['sequence', 'epoch'])
        return [dict(zip(lines[0], line)) for line in lines[1:]]

    def assert_code(self, result, code):
        self.assertEqual(result.code, code, result)

    def assert_refused(self, result, code, *words):
        """One line that names the thing, the value and the cure; nothing else."""
        self.assertEqual(result.code, code, result)
        self.assertEqual(result.out, '', result)
        self.assertEqual(result.err.count('\n'), 1, f'not one line: {result}')
        self.assertTrue(result.err.endswith('\n'), result)
        self.assertRegex(result.err, r'^(guest-capture|host-viewer): ', result)
        for word in words:
            self.assertIn(word, result.err, result)


def main():
    unittest.main(verbosity=2)
