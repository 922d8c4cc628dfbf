#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Regions as people have them: missing, of the wrong kind or size, not theirs, full, taken."""

import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import time
import unittest

from oriel_e2e import (CAPTURE, DEADLINE, GOOD, MIB, NO_PEER, OTHER, REGION, VIEWER, Case, main)

SIDES = ((CAPTURE, ()), (VIEWER, ('--bench', '--wait', '0.3')))
NOBODY = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')


class BadRegions(Case):
    """The same file for both programs."""

    def refuse(self, address, *words, code=REGION, sides=SIDES):
        for program, arguments in sides:
            with self.subTest(os.path.basename(program), address=address):
                result = self.run_program(program, *arguments, '--quiet', '--region', address)
                self.assert_refused(result, code, '--region', address, *words)

    def refuse_long(self, address):
        """Shown up to where an address may end."""
        for program, arguments in SIDES:
            result = self.run_program(program, *arguments, '--quiet', '--region', address)
            self.assert_refused(result, REGION, '--region', address[:255], '1 to 255 characters')

    def test_missing(self):
        self.refuse(self.region, 'no such file', '--create')
        self.refuse(self.path('no/folder'), 'no such file', '--create')
        self.refuse('', '1 to 255 characters')
        self.refuse_long('/dev/shm/' + 'x' * 300)

    def test_kinds_of_files(self):
        os.mkfifo(self.path('fifo'))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path('socket'))
        self.refuse(self.folder, 'a directory', '/dev/shm/oriel')
        self.refuse(self.path('fifo'), 'a FIFO', '/dev/shm/oriel')
        self.refuse(self.path('socket'), 'a socket', '/dev/shm/oriel')
        self.refuse('/dev/null', 'a device', '/dev/shm/oriel')

    def test_creating_over_another_kind_of_file(self):
        for program, arguments in SIDES:
            result = self.run_program(program, *arguments, '--create=1M', '--region', self.folder,
                                      '--quiet')
            self.assert_refused(result, REGION, '--create', self.folder, 'a directory')

    def test_sizes(self):
        for size, words in ((0, ('0 bytes', '--create')), (4096, ('4K', 'between 1M and 1T')),
                            (MIB - 4096, ('1020K', 'between 1M')),
                            (4 * MIB - 4096, ('4092K', 'no power of two', 'with 4M')),
                            (4 * MIB + 1, ('4194305', 'no power of two', 'with 8M')),
                            (3 * MIB, ('3M', 'no power of two', 'with 4M')),
                            (2 ** 41, ('2T', 'between 1M and 1T'))):
            self.make_file(self.region, size)
            self.refuse(self.region, *words)
            os.unlink(self.region)

    def test_links(self):
        os.symlink(self.path('nowhere'), self.path('dangling'))
        os.symlink(self.path('loop'), self.path('loop'))
        self.refuse(self.path('dangling'), 'no such file')
        self.refuse(self.path('loop'), 'cannot be opened')
        self.make_file(self.region, MIB)
        os.symlink(self.region, self.path('link'))
        result = self.run_program(CAPTURE, '--region', self.path('link'), '--res', '8x8',
                                  '--frames', '1')
        self.assert_code(result, GOOD)

    def test_devices_that_are_not_there(self):
        for address in ('pci:zz', 'pci:', 'pci:ffff:ff:1f.7'):
            self.refuse(address)
        self.refuse('pci:ffff:ff:1f.7', 'ffff:ff:1f.7')
        result = self.run_program(CAPTURE, '--create=1M', '--region', 'pci:auto', '--quiet')
        self.assert_refused(result, REGION, '--create', 'pci:auto', 'ivshmem-plain')

    def test_other_things_in_memory(self):
        for seed in range(4):
            with open(self.region, 'wb') as file:
                file.write(random.Random(seed).randbytes(MIB))
            self.refuse(self.region, "not Oriel's", '--takeover')
        result = self.capture('--takeover', '--res', '8x8', '--frames', '1')
        self.assert_code(result, GOOD)

    def test_four_gibibytes_are_not_touched_by_a_viewer(self):
        self.make_file(self.region, 4 << 30)
        result = self.view('--bench', '--wait', '0.3', '--quiet')
        self.assert_refused(result, NO_PEER, self.region)


class Creation(Case):
    """--create, twice, at once, and where there is no room."""

    def test_twice_with_the_same_and_another_size(self):
        self.assert_code(self.capture('--create=2M', '--res', '8x8', '--frames', '1'), GOOD)
        for program, arguments in SIDES:
            result = self.run_program(program, *arguments, '--region', self.region, '--quiet',
                                      '--create=4M')
            self.assert_refused(result, REGION, '--create', self.region, '2M', '4M')
        self.assert_code(self.capture('--create=2M', '--res', '8x8', '--frames', '1'), GOOD)
        self.assertEqual(os.path.getsize(self.region), 2 * MIB)

    def test_both_sides_at_once(self):
        for i in range(3):
            region = self.path(f'region{i}')
            viewer = self.start(VIEWER, '--bench', '--region', region, '--create=4M',
                                '--frames', '5')
            producer = self.start(CAPTURE, '--region', region, '--create=4M', '--res', '8x8')
            self.assert_code(viewer.wait(), GOOD)
            self.assert_code(producer.stop(), GOOD)
        self.assertEqual(len(os.listdir(self.folder)), 3, 'something was left behind')

    def test_limit_on_file_sizes(self):
        for program, arguments in SIDES:
            result = self.run_program(
                program, *arguments, '--region', self.region, '--create=4M', '--quiet',
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB)))
            self.assert_refused(result, REGION, '--create', self.region, '4M', 'too large')
            self.assertEqual(os.listdir(self.folder), [])


@unittest.skipUnless(os.geteuid() == 0, 'only root may mount a small tmpfs')
class FullMemory(Case):
    """A tmpfs of 8 MiB."""

    def setUp(self):
        super().setUp()
        self.small = self.path('small')
        os.mkdir(self.small)
        mount = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', self.small],
                               check=False, capture_output=True)
        if mount.returncode != 0:
            self.skipTest(f'cannot mount a tmpfs here: {mount.stderr.decode()}')
        self.addCleanup(subprocess.run, ['umount', '-l', self.small], check=False)
        self.region = os.path.join(self.small, 'region')

    def test_no_room_to_create(self):
        for program, arguments in SIDES:
            result = self.run_program(program, *arguments, '--region', self.region,
                                      '--create=64M', '--quiet')
            self.assert_refused(result, REGION, '--create', self.region, '64M', 'only 8M',
                                'remount')
            self.assertEqual(os.listdir(self.small), [])

    def test_a_sparse_file_without_the_room(self):
        self.make_file(self.region, 2 << 30)
        result = self.capture('--quiet')
        self.assert_refused(result, REGION, '--region', self.region, '2G', 'smaller')
        os.unlink(self.region)
        self.assert_code(self.capture('--create=4M', '--res', '8x8', '--frames', '1'), GOOD)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which('setpriv'),
                     'only root, with setpriv, can become nobody')
class Permissions(Case):
    """Files of root, programs of nobody."""

    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        self.make_file(self.region, MIB)
        # The build may lie where nobody can go.
        self.sides = []
        for program, arguments in SIDES:
            copy = self.path(os.path.basename(program))
            shutil.copy(program, copy)
            os.chmod(copy, 0o755)
            self.sides.append((copy, arguments))
        self.capture_copy, self.viewer_copy = self.sides[0][0], self.sides[1][0]

    def run_as_nobody(self, program, *arguments):
        return self.run_program(*NOBODY, program, '--region', self.region, '--quiet', *arguments)

    def test_no_access(self):
        os.chmod(self.region, 0o600)
        for program, arguments in self.sides:
            result = self.run_as_nobody(program, *arguments)
            self.assert_refused(result, REGION, self.region, 'may not write it', 'root (uid 0)',
                                'mode 0600', "'chmod a+rw")
            self.assertNotIn('observe', result.err)

    def test_read_only(self):
        os.chmod(self.region, 0o644)
        for program, arguments in self.sides:
            result = self.run_as_nobody(program, *arguments)
            self.assert_refused(result, REGION, self.region, 'mode 0644', "'chmod a+rw")
        self.assertIn('--mode observe', result.err)

    def test_an_observer_only_reads(self):
        os.chmod(self.region, 0o644)
        self.start_capture(size='1M')
        result = self.run_as_nobody(self.viewer_copy, '--bench', '--mode', 'observe', '--frames',
                                    '3')
        self.assert_code(result, GOOD)
        os.chmod(self.region, 0o600)
        result = self.run_as_nobody(self.viewer_copy, '--bench', '--mode', 'observe')
        self.assert_refused(result, REGION, self.region, 'may not read it', "'chmod a+r ")

    def test_a_folder_on_the_way(self):
        inner = self.path('inner')
        os.mkdir(inner, 0o700)
        self.region = os.path.join(inner, 'region')
        self.make_file(self.region, MIB)
        for program, arguments in self.sides:
            self.assert_refused(self.run_as_nobody(program, *arguments), REGION, self.region,
                                'a folder on the way', 'a+x')
            result = self.run_as_nobody(program, *arguments, '--create=1M')
            self.assert_refused(result, REGION, self.region, 'Permission denied', 'folder')


class Company(Case):
    """More than one of a kind, and memory that changes under a running program."""

    def test_seven_viewers_and_no_eighth(self):
        self.start_capture()
        viewers = [self.start_view('--bench') for _ in range(7)]
        for viewer in viewers:
            viewer.wait_for_line('live')
        result = self.view('--bench', '--wait', '0.5', '--quiet')
        self.assert_refused(result, OTHER, self.region, 'all consumer blocks', '--mode observe')
        result = self.view('--bench', '--mode', 'observe', '--frames', '3')
        self.assert_code(result, GOOD)
        late = self.start_view('--bench', '--frames', '3')
        late.wait_for_line('all consumer blocks')
        viewers[3].send(signal.SIGKILL)
        self.assert_code(late.wait(), GOOD)
        for viewer in viewers[:3] + viewers[4:]:
            self.assertTrue(viewer.is_running())
            self.assert_code(viewer.stop(), GOOD)

    def test_takeover(self):
        first = self.start_capture()
        viewer = self.start_view('--bench', '--csv', self.path('csv'))
        viewer.wait_for_line(r'verified')
        second = self.start_capture('--takeover')
        result = first.wait()
        self.assert_code(result, OTHER)
        self.assertIn('another producer took over', result.err)
        self.assert_code(self.view('--bench', '--frames', '5'), GOOD)
        self.assert_code(viewer.stop(), GOOD)
        self.assertEqual(self.count_epochs(), 2)
        self.assert_code(second.stop(), GOOD)

    def test_truncated_under_both(self):
        for size in (0, 4096, 2 * MIB):
            with self.subTest(size):
                producer = self.start_capture('--fps', '200')
                viewer = self.start_view('--bench', '--wait', '1')
                viewer.wait_for_line('live')
                os.truncate(self.region, size)
                result = producer.wait()
                self.assert_code(result, REGION)
                self.assertIn('truncated', result.err)
                result = viewer.wait()
                self.assert_code(result, REGION)
                self.assertIn(self.region, result.err)
                os.unlink(self.region)

    def test_truncated_where_only_the_heartbeat_writes(self):
        """
        The viewer's main thread is kept in a write to a log that is full, so that its heartbeat is
        the first to find the memory gone. Were it not kept, this would find less, not fail.
        """
        self.start_forge('idle')
        read_end, write_end = os.pipe()
        log = os.fdopen(read_end, 'rb')
        self.addCleanup(log.close)
        viewer = subprocess.Popen([VIEWER, '--bench', '--region', self.region], stderr=write_end,
                                  stdout=subprocess.DEVNULL)
        self.addCleanup(viewer.wait)
        self.addCleanup(viewer.kill)
        self.assertTrue(any(b'verified' in line for line in log))
        os.set_blocking(write_end, False)
        for size in (4096, 1):
            try:
                while True:
                    os.write(write_end, b'\n' * size)
            except BlockingIOError:
                pass
        os.set_blocking(write_end, True)
        os.close(write_end)
        time.sleep(1.5)  # a line of progress comes each second
        os.truncate(self.region, 2 * MIB)
        time.sleep(0.5)  # a heartbeat each tenth
        self.assertIsNone(viewer.poll(), 'it is dead')
        self.assertTrue(any(b'region lost' in line for line in log))
        viewer.send_signal(signal.SIGTERM)
        self.assertEqual(viewer.wait(DEADLINE), GOOD)

    def test_truncated_and_made_anew(self):
        producer = self.start_capture()
        viewer = self.start_view('--bench', '--csv', self.path('csv'))
        viewer.wait_for_line('verified')
        os.truncate(self.region, 0)
        self.assert_code(producer.wait(), REGION)
        viewer.wait_for_line('region lost')
        os.unlink(self.region)
        self.start_capture(size='8M')
        self.wait_for_epochs(viewer, 2)

    def test_made_anew_under_a_viewer(self):
        for number in (signal.SIGKILL, signal.SIGSTOP):
            with self.subTest(number):
                producer = self.start_capture()
                viewer = self.start_view('--bench', '--csv', self.path('csv'))
                viewer.wait_for_line('verified')
                producer.send(number)
                os.unlink(self.region)
                second = self.start_capture(size='8M')
                self.wait_for_epochs(viewer, 2)
                second.end()
                producer.end()
                os.unlink(self.region)

    def wait_for_epochs(self, viewer, count):
        """The viewer went on with another session; then it is told to stop."""
        viewer.wait_for_line('live$', after='region lost')
        end = time.monotonic() + DEADLINE
        while self.count_epochs() < count and time.monotonic() < end:
            time.sleep(0.05)
        self.assert_code(viewer.stop(), GOOD)
        self.assertEqual(self.count_epochs(), count)

    def count_epochs(self):
        return len({row['epoch'] for row in self.read_rows(self.path('csv'))})


if __name__ == '__main__':
    main()
