#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pixels: what --screenshot saves and what --input takes is the frame, bit for bit."""

import os
import shutil
import signal
import struct
import subprocess
import threading
import zlib

from oriel_e2e import (CAPTURE, FORMATS, GOOD, OTHER, PATTERNS, VIEWER, DEADLINE, Case, main)

BYTES = {'rgb888': 3, 'bgr888': 3, 'rgb565': 2}


def read_png(path):
    """(width, height, rgb) of an 8 bit RGB PNG without interlace, checksums checked."""
    with open(path, 'rb') as file:
        data = file.read()
    if data[:8] != b'\x89PNG\r\n\x1a\n' or data[-8:-4] != b'IEND':
        raise AssertionError(f'{path} is no whole PNG')
    at, packed, header = 8, b'', None
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if zlib.crc32(kind + body) != struct.unpack('>I', data[at + 8 + length:at + 12 + length])[0]:
            raise AssertionError(f'{path}: checksum of {kind}')
        header = body if kind == b'IHDR' else header
        packed += body if kind == b'IDAT' else b''
        at += 12 + length
    width, height, depth, color, _, _, interlace = struct.unpack('>IIBBBBB', header)
    if (depth, color, interlace) != (8, 2, 0):
        raise AssertionError(f'{path}: {header}')
    return width, height, unfilter(zlib.decompress(packed), width * 3, height)


def unfilter(data, row_bytes, height):
    """PNG's five filters of 3 byte pixels undone."""
    above, result = bytearray(row_bytes), bytearray()
    for y in range(height):
        kind = data[y * (row_bytes + 1)]
        row = bytearray(data[y * (row_bytes + 1) + 1:(y + 1) * (row_bytes + 1)])
        if kind == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, above))
        elif kind:
            for x in range(row_bytes):
                left = row[x - 3] if x >= 3 else 0
                up, corner = above[x], above[x - 3] if x >= 3 else 0
                if kind == 1:
                    guess = left
                elif kind == 3:
                    guess = (left + up) // 2
                else:
                    rough = left + up - corner
                    guess = min((left, up, corner), key=lambda value: abs(rough - value))
                row[x] = (row[x] + guess) & 255
        result += row
        above = row
    return bytes(result)


class Screenshots(Case):

    def take(self, name='shot.png'):
        """A screenshot of whoever produces now; (width, height, rgb) and its row of the CSV."""
        result = self.view('--screenshot', self.path(name), '--csv', self.path('csv'), '--quiet')
        self.assert_code(result, GOOD)
        self.assertEqual(result.out + result.err, '')
        rows = self.read_rows(self.path('csv'))
        self.assertEqual(rows[-1]['result'], 'verified')
        return read_png(self.path(name)), rows[-1]

    def test_every_pattern_and_format(self):
        for pattern in PATTERNS:
            for pixel_format in FORMATS:
                with self.subTest(pattern=pattern, format=pixel_format):
                    self.compare(pattern, pixel_format, '161x120')

    def test_odd_and_large_sizes(self):
        for size in ('1x1', '3x2', '1366x3', '7x701', '640x480'):
            with self.subTest(size):
                self.compare('random', 'bgr888', size)

    def compare(self, pattern, pixel_format, size):
        producer = self.start(CAPTURE, '--region', self.region, '--create=8M', '--pattern',
                              pattern, '--format', pixel_format, '--res', size, '--takeover')
        producer.wait_for_line('mapped as')
        (width, height, rgb), row = self.take()
        producer.end()
        self.assertEqual(f'{width}x{height}', size)
        self.assertTrue(rgb == self.draw(pattern, pixel_format, size, row['epoch'],
                                         row['sequence']), 'other pixels')

    def test_imagemagick_reads_the_same(self):
        convert = shutil.which('convert')
        if not convert:
            self.skipTest('no ImageMagick (convert)')
        self.start_capture('--pattern', 'gradient')
        (width, height, rgb), _ = self.take()
        other = subprocess.run([convert, self.path('shot.png'), '-depth', '8', 'rgb:-'],
                               check=True, stdout=subprocess.PIPE, timeout=DEADLINE).stdout
        self.assertEqual((width, height), (160, 120))
        self.assertTrue(other == rgb, 'two readers, two pictures')

    def test_a_screenshot_replaces_a_file_and_leaves_nothing_beside_it(self):
        self.start_capture()
        with open(self.path('shot.png'), 'w', encoding='ascii') as file:
            file.write('an older one')
        self.take()
        self.assertEqual(sorted(os.listdir(self.folder)), ['csv', 'region', 'shot.png'])

    def test_a_full_disk_is_said(self):
        self.start_capture()
        result = self.view('--screenshot', '/dev/full', '--quiet')
        self.assert_refused(result, OTHER, '--screenshot', '/dev/full', 'No space left')


class Input(Case):
    """Raw frames, as ffmpeg -f rawvideo writes them."""

    size = '61x40'

    def frames(self, pixel_format, count, pattern='random'):
        return [self.draw(pattern, pixel_format, self.size, 7, sequence, 'raw')
                for sequence in range(1, count + 1)]

    def write(self, data):
        with open(self.path('input'), 'wb') as file:
            file.write(data)
        return self.path('input')

    def start_viewer(self, *arguments):
        viewer = self.start(VIEWER, '--region', self.region, '--create=4M', '--csv',
                            self.path('csv'), '--wait', '30', *arguments)
        viewer.wait_for_line('waiting')
        return viewer

    def feed(self, *arguments, **keywords):
        return self.start(CAPTURE, '--region', self.region, '--res', self.size, '--wait', '30',
                          '--input', *arguments, **keywords)

    def test_files_of_every_format(self):
        for pixel_format in FORMATS:
            with self.subTest(pixel_format):
                frame = self.frames(pixel_format, 1)[0]
                self.assertEqual(len(frame), 61 * 40 * BYTES.get(pixel_format, 4))
                viewer = self.start_viewer('--screenshot', self.path('shot.png'))
                producer = self.feed(self.write(frame), '--format', pixel_format)
                self.assert_code(viewer.wait(), GOOD)
                producer.end()
                self.assertTrue(read_png(self.path('shot.png'))[2] == self.draw(
                    'random', pixel_format, self.size, 7, 1), 'other pixels')

    def run_input(self, value, count, feeder=None, warning=None):
        """Every frame arrives, once; returns what the producer said."""
        viewer = self.start_viewer('--bench', '--mode', 'lossless')
        producer = self.feed(value, '--mode', 'lossless', '--fps', '0',
                             stdin=subprocess.PIPE if feeder else subprocess.DEVNULL)
        if feeder:
            feeder(producer.process.stdin)
        result = producer.wait()
        self.assert_code(result, GOOD)
        self.assert_code(viewer.wait(), GOOD)
        self.assertEqual([row['sequence'] for row in self.read_rows(self.path('csv'))],
                         [str(i + 1) for i in range(count)])
        if warning:
            self.assertIn(warning, result.err)
        else:
            self.assertNotIn('ends inside', result.err)

    def test_a_file_of_many_frames(self):
        self.run_input(self.write(b''.join(self.frames('xrgb8888', 12))), 12)

    def test_a_file_that_ends_inside_a_frame(self):
        data = b''.join(self.frames('xrgb8888', 3))
        self.run_input(self.write(data[:-100]), 2, warning='100 of its 9760 bytes are missing')

    def test_a_pipe_in_pieces(self):
        data = b''.join(self.frames('xrgb8888', 8))

        def feeder(pipe):
            for at in range(0, len(data), 1234):
                pipe.write(data[at:at + 1234])
                pipe.flush()
            pipe.close()
        self.run_input('-', 8, feeder)

    def test_a_pipe_that_ends_inside_a_frame(self):
        data = b''.join(self.frames('xrgb8888', 3))

        def feeder(pipe):
            pipe.write(data[:-1])
            pipe.close()
        self.run_input('-', 2, feeder, 'standard input ends inside frame 3')

    def test_a_fifo(self):
        os.mkfifo(self.path('fifo'))
        data = b''.join(self.frames('xrgb8888', 4))

        def write():
            with open(self.path('fifo'), 'wb') as file:
                file.write(data)
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        self.run_input(self.path('fifo'), 4)
        writer.join(DEADLINE)

    def test_less_than_a_frame(self):
        for value, stdin in ((self.write(b'x' * 9759), subprocess.DEVNULL),
                             ('-', subprocess.DEVNULL)):
            with self.subTest(value):
                result = self.capture('--create=1M', '--res', self.size, '--input', value,
                                      '--quiet', stdin=stdin)
                self.assert_refused(result, OTHER, '--input', '9760', '--res', '--format')

    def test_a_pipe_that_stays_silent_can_be_stopped(self):
        viewer = self.start_viewer('--bench')
        producer = self.feed('-', stdin=subprocess.PIPE)
        producer.process.stdin.write(b'x' * 100)
        producer.process.stdin.flush()
        viewer.wait_for_line('live')
        self.assert_code(producer.stop(signal.SIGINT), GOOD)
        self.assert_code(viewer.wait(), GOOD)

    def test_frames_limit_an_endless_pipe(self):
        with open('/dev/zero', 'rb') as zero:
            result = self.capture('--create=1M', '--res', self.size, '--input', '-', '--frames',
                                  '5', stdin=zero)
        self.assert_code(result, GOOD)


if __name__ == '__main__':
    main()
