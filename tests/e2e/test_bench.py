#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Producer and --bench: what they count, what they write down, and how they come and go."""

import itertools
import json
import os
import random
import signal
import time

from oriel_e2e import CAPTURE, DEADLINE, GOOD, NO_PEER, OTHER, VIEWER, Case, main

PERCENTILES = {'p50', 'p90', 'p95', 'p99', 'p999', 'max'}


class Bench(Case):
    """Helpers: both programs with all their files."""

    def files(self, side):
        return ('--csv', self.path(f'{side}.csv'), '--summary', self.path(f'{side}.json'))

    def summary(self, side):
        with open(self.path(f'{side}.json'), encoding='utf-8') as file:
            return json.load(file)

    def rows(self, side):
        return self.read_rows(self.path(f'{side}.csv'))

    def run_both(self, capture_arguments, viewer_arguments=(), size='64M'):
        """The producer waits for the viewer; both end by themselves."""
        viewer = self.start_view('--bench', f'--create={size}', *self.files('consumer'),
                                 *viewer_arguments)
        viewer.wait_for_line('waiting')
        result = self.capture('--wait', '30', *self.files('producer'), *capture_arguments)
        self.assert_code(result, GOOD)
        result = viewer.wait()
        self.assert_code(result, GOOD)
        return result

    def check_counts(self):
        """Both sides' counts, and the CSVs frame by frame."""
        counts = self.summary('consumer')['counts']
        self.assertTrue(counts['reconcile'], counts)
        self.assertEqual(counts['published'], sum(counts[name] for name in (
            'verified', 'skipped', 'torn', 'stale', 'bad', 'in_ring')), counts)
        self.assertEqual(counts['bad'], 0, counts)
        produced = {(row['epoch'], row['sequence']): row for row in self.rows('producer')}
        self.assertEqual(len(produced), self.summary('producer')['counts']['published'])
        consumed = self.rows('consumer')
        self.assertEqual(len({(row['epoch'], row['sequence']) for row in consumed}),
                         len(consumed), 'a frame twice')
        for row in consumed:
            other = produced[row['epoch'], row['sequence']]
            for name in ('width_px', 'height_px', 'format', 'payload_bytes', 'digest'):
                self.assertEqual(row[name], other[name], row)
        verified = [row for row in consumed if row['result'] == 'verified']
        self.assertEqual(len(verified), counts['verified'])
        self.assertEqual(sum(int(row['skipped_before']) for row in consumed), counts['skipped'])
        return counts


class Streams(Bench):

    def test_lossless_takes_every_frame_with_each_digest(self):
        for digest in ('xxh3', 'xxh64', 'sha256', 'none'):
            with self.subTest(digest):
                self.run_both(('--mode', 'lossless', '--hash', digest, '--fps', '0', '--frames',
                               '60', '--res', '640x480', '--pattern', 'random'),
                              ('--mode', 'lossless'))
                counts = self.check_counts()
                self.assertEqual((counts['verified'], counts['skipped'], counts['published']),
                                 (60, 0, 60))
                self.assertEqual(self.summary('consumer')['digest'], digest)

    def test_latest_counts_what_it_skips(self):
        self.run_both(('--fps', '0', '--frames', '2000', '--res', '320x240', '--hash', 'xxh3'))
        counts = self.check_counts()
        self.assertEqual(counts['published'], 2000)
        self.assertGreater(counts['verified'], 0)

    def test_formats_in_both_modes(self):
        for name, mode in (('rgb888', 'latest'), ('rgb565', 'lossless'),
                           ('xrgb2101010', 'lossless')):
            with self.subTest(name):
                self.run_both(('--format', name, '--res', '61x47', '--frames', '30', '--mode',
                               mode), ('--mode', mode))
                self.check_counts()
                self.assertEqual({row['format'] for row in self.rows('consumer')}, {name})

    def test_a_list_of_sizes(self):
        result = self.run_both(('--res', '1080p,64x48,1440p,1x1,720p', '--frames', '8',
                                '--mode', 'lossless', '--fps', '0', '--pattern', 'counter'),
                               ('--mode', 'lossless'))
        self.check_counts()
        sizes = [(1920, 1080), (64, 48), (2560, 1440), (1, 1), (1280, 720)]
        for side in ('producer', 'consumer'):
            self.assertEqual([(row['width'], row['height'], row['frames'])
                              for row in self.summary(side)['sizes']],
                             [size + (8,) for size in sizes])
            seen = [(int(row['width_px']), int(row['height_px'])) for row in self.rows(side)]
            self.assertEqual([size for size, _ in itertools.groupby(seen)], sizes)
        self.assertIn('1920x1080', result.out)

    def test_durations_count_for_each_size(self):
        self.run_both(('--res', '64x48,32x24', '--duration', '0.3'))
        self.check_counts()
        self.assertEqual(len(self.summary('producer')['sizes']), 2)


class Files(Bench):

    def test_csv_and_summary_say_what_they_promise(self):
        self.run_both(('--frames', '40', '--res', '64x48', '--mode', 'lossless'),
                      ('--mode', 'lossless'))
        self.check_counts()
        for side in ('producer', 'consumer'):
            rows = self.rows(side)
            for row in rows:
                self.assertRegex(row['epoch'], '^[0-9a-f]{16}$')
                self.assertEqual(row['payload_bytes'], str(64 * 48 * 4))
                for name, value in row.items():
                    if name.endswith(('_ns', '_bytes', '_px')):
                        self.assertRegex(value, r'^(\d+|NA)$', name)
            self.assertEqual([int(row['sequence']) for row in rows],
                             sorted(int(row['sequence']) for row in rows))
        for row in self.rows('consumer'):
            self.assertGreaterEqual(int(row['verified_ns']), int(row['seen_ns']))
        self.assertEqual(self.rows('consumer')[0]['interval_ns'], 'NA')
        self.check_summary('producer', {'published', 'not_published'}, {'fill', 'copy', 'publish'})
        self.check_summary('consumer',
                           {'published', 'verified', 'skipped', 'torn', 'stale', 'bad'},
                           {'notify', 'verify', 'present', 'frame', 'due'})

    def test_latencies_across_the_border_are_told_with_their_bound(self):
        """Two processes of one clock: what is told is known exactly, from the two files."""
        producer = self.start_capture('--res', '64x48', '--fps', '500', *self.files('producer'))
        viewer = self.start_view('--bench', *self.files('consumer'))
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and not self.knows_a_latency():
            time.sleep(0.1)
        self.assert_code(viewer.stop(), GOOD)
        self.assert_code(producer.stop(), GOOD)
        sent = {(row['epoch'], row['sequence']): row for row in self.rows('producer')}
        known = [row for row in self.rows('consumer') if row['notify_ns'] != 'NA']
        self.assertGreater(len(known), 0)
        for row in known:
            other = sent[row['epoch'], row['sequence']]
            bound = int(row['notify_bound_ns'])
            self.assertLessEqual(bound, 10 ** 6 + 1000)
            for name, since, until in (('notify_ns', 'published_ns', 'seen_ns'),
                                       ('frame_latency_ns', 'captured_ns', 'verified_ns'),
                                       ('due_latency_ns', 'due_ns', 'verified_ns')):
                truth = int(row[until]) - int(other[since])
                # Its own part in 10000: what lies further back is known less well.
                self.assertLessEqual(abs(int(row[name]) - truth), bound + truth / 10 ** 4 + 1, row)
            self.assertLessEqual(int(row['notify_ns']), int(row['frame_latency_ns']))
        warm = [row for row in known if row['warmup'] == '0']
        summary = self.summary('consumer')
        for name in ('notify', 'frame', 'due'):
            self.assertEqual(summary['latency_ns'][name]['count'], len(warm))
        self.assertEqual(summary['clock_bound_ns'],
                         max(int(row['notify_bound_ns']) for row in warm))

    def knows_a_latency(self):
        """The viewer has, of a frame that is not cold."""
        return os.path.exists(self.path('consumer.csv')) and any(
            row['notify_ns'] != 'NA' and row['warmup'] == '0' for row in self.rows('consumer'))

    def test_who_cannot_ask_knows_no_latency(self):
        """An observer writes nothing, so it asks nothing: missing, not 0."""
        self.start_capture()
        self.assert_code(self.view('--bench', '--mode', 'observe', '--frames', '30',
                                   *self.files('consumer')), GOOD)
        for row in self.rows('consumer'):
            self.assertEqual({row[name] for name in (
                'notify_ns', 'notify_bound_ns', 'frame_latency_ns', 'due_latency_ns')}, {'NA'})
        summary = self.summary('consumer')
        self.assertIsNone(summary['clock_bound_ns'])
        self.assertEqual([summary['latency_ns'][name] for name in ('notify', 'frame', 'due')],
                         [None] * 3)

    def check_summary(self, side, counts, stages):
        summary = self.summary(side)
        for name in ('schema_version', 'version', 'commit', 'command', 'machine', 'region',
                     'mode', 'digest', 'counts', 'throughput', 'latency_ns', 'sizes'):
            self.assertIn(name, summary)
        self.assertLessEqual(counts, set(summary['counts']))
        self.assertLessEqual(stages, set(summary['latency_ns']))
        self.assertLessEqual({'frames_per_second', 'bytes_per_second'},
                             set(summary['throughput']))
        self.assertGreater(summary['throughput']['frames_per_second'], 0)
        for stage in stages - {'notify', 'frame', 'due'}:
            values = summary['latency_ns'][stage]
            self.assertLessEqual(PERCENTILES, set(values))
            self.assertLessEqual(values['p50'], values['max'])
            self.assertIsNone(values['p999'], 'of less than 1000 samples')
            self.assertEqual(values['count'] + summary['counts']['warmup_frames'], 40)
        self.assertIn('--frames', summary['command'] if side == 'producer' else '--frames')
        self.assertEqual(summary['region']['size_bytes'], 64 << 20)

    def test_a_full_disk_costs_the_file_not_a_frame(self):
        for side in ('producer', 'consumer'):
            with self.subTest(side):
                viewer = self.start_view(
                    '--bench', '--create=64M', *self.files('consumer'), '--mode', 'lossless',
                    *(('--csv', '/dev/full') if side == 'consumer' else ()))
                viewer.wait_for_line('waiting')
                capture = self.capture(
                    '--wait', '30', '--frames', '50', '--res', '8x8', '--mode', 'lossless',
                    *self.files('producer'),
                    *(('--csv', '/dev/full') if side == 'producer' else ()))
                results = {'producer': capture, 'consumer': viewer.wait()}
                for name, result in results.items():
                    self.assert_code(result, OTHER if name == side else GOOD)
                    self.assertEqual(result.err.count('/dev/full'), 1 if name == side else 0,
                                     result)
                self.assertIn('No space left', results[side].err)
                self.assertEqual(self.summary('consumer')['counts']['verified'], 50)
                self.assertEqual(self.summary('producer')['counts']['published'], 50)

    def test_a_summary_that_cannot_be_written(self):
        self.start_capture()
        result = self.view('--bench', '--frames', '5', '--csv', self.path('consumer.csv'),
                           '--summary', '/dev/full', '--quiet')
        self.assert_refused(result, OTHER, '--summary', '/dev/full', 'No space left')
        self.assertEqual(len(self.rows('consumer')), 5)
        result = self.capture('--frames', '2', '--res', '8x8', '--takeover', '--summary',
                              '/dev/full', '--quiet')
        self.assert_refused(result, OTHER, '--summary', '/dev/full', 'No space left')

    def test_a_file_that_fills_up_ends_at_a_whole_line(self):
        viewer = self.start_view('--bench', '--create=4M', '--mode', 'lossless', '--summary',
                                 self.path('consumer.json'))
        viewer.wait_for_line('waiting')
        result = self.run_program(
            '/bin/sh', '-c', 'ulimit -f 16; exec "$@"', 'sh', CAPTURE, '--region', self.region,
            '--wait', '30', '--frames', '400', '--fps', '0', '--res', '8x8', '--mode', 'lossless',
            '--csv', self.path('producer.csv'))
        self.assert_code(result, OTHER)
        self.assertIn('File too large', result.err)
        rows = self.rows('producer')
        self.assertTrue(0 < len(rows) < 400, len(rows))
        self.assert_code(viewer.wait(), GOOD)
        self.assertEqual(self.summary('consumer')['counts']['verified'], 400)


    def test_without_standard_descriptors_no_file_takes_their_place(self):
        self.start_capture()
        for closed in ('<&- >&- 2>&-', '>&- 2>&-', '2>&-'):
            with self.subTest(closed):
                result = self.run_program(
                    '/bin/sh', '-c', f'exec "$@" {closed}', 'sh', VIEWER, '--bench', '--region',
                    self.region, '--frames', '5', *self.files('consumer'))
                self.assert_code(result, GOOD)
                self.assertEqual([row['result'] for row in self.rows('consumer')],
                                 ['verified'] * 5)
                self.assertEqual(self.summary('consumer')['counts']['verified'], 5)


class ComingAndGoing(Bench):

    def test_producer_first(self):
        self.start_capture()
        self.assert_code(self.view('--bench', '--frames', '5'), GOOD)

    def test_viewer_first_even_before_the_region(self):
        viewer = self.start_view('--bench', '--frames', '5', '--wait', '30')
        viewer.wait_for_line('waiting for the region')
        self.start_capture()
        self.assert_code(viewer.wait(), GOOD)

    def test_either_first_whatever_the_memory_holds(self):
        for memory, first in itertools.product(
                ('nothing', 'an end', 'a death', 'another version'), ('producer', 'viewer')):
            with self.subTest(memory=memory, first=first):
                self.leave_behind(memory)
                if first == 'producer':
                    producer = self.start_capture()
                viewer = self.start_view('--bench', '--frames', '5', '--wait', '30',
                                         *self.files('consumer'))
                if first == 'viewer':
                    viewer.wait_for_line('waiting')
                    producer = self.start_capture()
                self.assert_code(viewer.wait(), GOOD)
                producer.end()
                # Nothing of what was left behind was taken for a stream.
                self.assertEqual(len({row['epoch'] for row in self.rows('consumer')}), 1)
                self.assertEqual(self.summary('consumer')['counts']['sessions'], 1)
                os.unlink(self.region)

    def leave_behind(self, memory):
        """A region of 4 MiB with what somebody was done with."""
        self.make_file(self.region, 4 << 20)
        if memory == 'an end':
            self.assert_code(self.capture('--frames', '1', '--res', '8x8'), GOOD)
        elif memory == 'a death':
            self.start_forge('still').end()
        elif memory == 'another version':
            self.start_forge('other-version').end()

    def test_end_of_stream_ends_the_viewer(self):
        result = self.run_both(('--frames', '10', '--res', '8x8'))
        self.assertIn('ended', result.err)
        self.check_counts()

    def test_what_a_dead_producer_left_is_no_stream(self):
        producer = self.start_capture()
        self.assert_code(self.view('--bench', '--frames', '3'), GOOD)
        producer.end()
        result = self.view('--bench', '--wait', '0.5', '--quiet')
        self.assert_refused(result, NO_PEER, 'no producer')

    def test_producer_killed_and_started_again(self):
        viewer = self.start_view('--bench', '--create=4M', '--wait', '30',
                                 *self.files('consumer'))
        for session in range(4):
            producer = self.start_capture('--fps', '500')
            self.wait_for_sessions(session + 1)
            producer.end()
        self.assert_code(viewer.stop(), GOOD)
        counts = self.summary('consumer')['counts']
        self.assertEqual(counts['sessions'], 4)
        self.assertTrue(counts['reconcile'])
        self.assertEqual(counts['bad'], 0)

    def wait_for_sessions(self, count):
        """Until the consumer's CSV knows of so many epochs."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            if os.path.exists(self.path('consumer.csv')) and \
                    len({row['epoch'] for row in self.rows('consumer')}) >= count:
                return
            time.sleep(0.05)
        self.fail(f'no {count} sessions')

    def test_viewer_killed_and_started_again(self):
        producer = self.start_capture('--mode', 'lossless', '--fps', '0')
        for _ in range(4):
            viewer = self.start_view('--bench', '--mode', 'lossless')
            viewer.wait_for_line('verified')
            viewer.end()
        self.assert_code(self.view('--bench', '--mode', 'lossless', '--frames', '50'), GOOD)
        self.assert_code(producer.stop(), GOOD)

    def test_a_stopped_producer_is_waited_for(self):
        producer = self.start_capture()
        viewer = self.start_view('--bench', '--wait', '30', *self.files('consumer'))
        viewer.wait_for_line('live')
        producer.send(signal.SIGSTOP)
        viewer.wait_for_line('stale')
        producer.send(signal.SIGCONT)
        viewer.wait_for_line('live', after='stale')
        self.assert_code(viewer.stop(), GOOD)
        self.assertEqual(self.summary('consumer')['counts']['sessions'], 1)

    def test_a_stopped_viewer_holds_nobody_up_for_long(self):
        for mode in ('latest', 'lossless'):
            with self.subTest(mode):
                producer = self.start_capture('--mode', mode, '--fps', '300',
                                              *self.files('producer'))
                viewer = self.start_view('--bench', '--mode', mode, *self.files('consumer'))
                viewer.wait_for_line('verified')
                viewer.send(signal.SIGSTOP)
                # A lossless producer waits for the silent one first, and then no more.
                result = self.view('--bench', '--frames', '300', '--wait', '30')
                self.assert_code(result, GOOD)
                viewer.send(signal.SIGCONT)
                before = viewer.wait_for_line(r' (\d+) verified').group(1)
                viewer.wait_for_line(rf' (?!{before} )\d+ verified')
                self.assert_code(viewer.stop(), GOOD)
                self.assert_code(producer.stop(), GOOD)
                counts = self.check_counts()
                self.assertEqual(counts['sessions'], 1)
                self.assertGreater(counts['skipped'], 0)
                revocations = self.summary('producer')['counts']['revocations']
                self.assertEqual(revocations, 1 if mode == 'lossless' else 0)

    def test_signals_at_any_moment_leave_whole_files(self):
        chance = random.Random(1)
        for number in (signal.SIGINT, signal.SIGTERM) * 3:
            for side in ('producer', 'consumer'):
                with self.subTest(number=number, side=side):
                    self.stop_one(number, side, chance.uniform(0, 0.3))

    def stop_one(self, number, side, delay):
        mode = ('--mode', 'lossless')
        programs = {
            'producer': self.start(CAPTURE, '--region', self.region, '--create=4M', '--res',
                                   '64x48', '--fps', '0', *mode, *self.files('producer')),
            'consumer': self.start(VIEWER, '--bench', '--region', self.region, '--wait', '30',
                                   *mode, *self.files('consumer'))}
        for program in programs.values():
            program.wait_for_line('mapped as')
        time.sleep(delay)
        self.assert_code(programs.pop(side).stop(number), GOOD)
        rows = self.rows(side)
        counts = self.summary(side)['counts']
        self.assertEqual(len(rows), counts['published' if side == 'producer' else 'verified'])
        for other in programs.values():
            self.assert_code(other.stop(), GOOD)


if __name__ == '__main__':
    main()
