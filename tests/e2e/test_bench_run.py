#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench/run as people use it: what it refuses, what it leaves behind, how it is interrupted; and how
goals are judged. How fast anything was decides nothing.

test_bench_run.py BUILD
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RUN = ROOT / 'bench' / 'run'
LIMIT_S = 120
BUILD = None

sys.path.insert(0, str(ROOT / 'bench'))

from oriel_bench import goals, plan  # noqa: E402


def processes_of(session):
    """{pid: command line} of a session."""
    found = {}
    for folder in pathlib.Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError, ProcessLookupError):
            fields = (folder / 'stat').read_text().rsplit(')', 1)[1].split()
            if int(fields[3]) == session and fields[0] != 'Z':
                found[int(folder.name)] = (folder / 'cmdline').read_bytes().decode()
    return found


class Case(unittest.TestCase):
    """A folder of the test's own; nothing of bench/run outlives a test."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='oriel-e2e-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *words):
        """bench/run in a session of its own, on the programs as they are built."""
        child = subprocess.Popen(
            [str(word) for word in (RUN, '--build', BUILD, *words)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        """Whatever is left of a session that the test itself began."""
        for pid in processes_of(child.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        child.stderr.close()

    def run_it(self, *words):
        """(exit code, standard output, standard error)"""
        child = self.start(*words)
        out, err = child.communicate(timeout=LIMIT_S)
        return child.returncode, out, err

    def bench(self, results=None):
        """bench.json."""
        return json.loads(((results or self.folder / 'results') / 'bench.json').read_text())


class Words(Case):

    def test_bad_options_are_one_line_with_the_cure(self):
        full = self.folder / 'full'
        full.mkdir()
        (full / 'file').touch()
        for words, said in (
                (('--res', '8k'), "'8k' is no size; use 720p, 1080p, 1440p, 4k or WxH"),
                (('--res', '0x9'), 'is no size'),
                (('--res', '1080p,'), 'is no size'),
                (('--rounds', '0'), "'0' is no whole number from 1 to 99"),
                (('--rounds', '²'), 'is no whole number'),
                (('--seconds', 'nan'), "'nan' is not from 0.1 to 600 seconds"),
                (('--stress', '0'), "'0' is not from 0.1 to 86400 seconds"),
                (('--stress', '5', '--quick'), 'not allowed with'),
                (('--part', 'all'), 'choose from'),
                (('--bogus',), '--bogus'),
                (('--results', full), 'is not an empty folder; name a new one'),
                (('--results', full / 'file'), 'is not an empty folder'),
                (('--results', full / 'file' / 'x'), 'name another one'),
                (('--build', full), 'holds no bench/copy-limits; build there first'),
        ):
            with self.subTest(words):
                code, out, err = self.run_it(*words)
                self.assertEqual((code, out, err.count('\n')), (2, '', 1), err)
                self.assertRegex(err, '^bench/run: ')
                self.assertIn(said, err)

    def test_help_names_each_part(self):
        code, out, _ = self.run_it('--help')
        self.assertEqual(code, 0)
        for name in ('limits', 'ring', 'classic', 'peers', 'window', 'guest', '--quick', '--stress',
                     'Exit codes'):
            self.assertIn(name, out)


class Runs(Case):

    def test_a_tiny_run_leaves_everything(self):
        code, _, err = self.run_it('--part', 'classic', '--part', 'peers', '--res', '64x48,32x32',
                                   '--rounds', '1', '-s', '0.1', '--results',
                                   self.folder / 'results')
        self.assertEqual(code, 0, err)
        whole = self.bench()
        self.assertEqual(whole['ended'], 'complete')
        found = [(row['part'], row.get('way'), row['width']) for row in whole['measurements']]
        for size in (64, 32):
            self.assertIn(('limits', None, size), found)
            self.assertIn(('classic', None, size), found)
            self.assertIn(('peers', None, size), found)
            for way in ('pipe', 'socket', 'vmsplice', 'memcpy-ring', 'memcpy-ring-in-place',
                        'memcpy-ring-no-digest'):
                self.assertIn(('peers', way, size), found)
        if not any(way == 'gstreamer' for _, way, _ in found):
            self.assertIn('peers, gstreamer', whole['not_measured'])
        for row in whole['measurements']:
            self.assertGreaterEqual(row['load'], 0)
            if row['part'] == 'classic':
                self.assertEqual((row['verified'], row['published'], row['digest'], row['format']),
                                 (10, 10, 'sha256', 'rgb888'))
                self.assertGreater(row['producer_cpu_s'] + row['consumer_cpu_s'], 0)
        runs = sorted((self.folder / 'results' / 'runs').glob('*/*/*'))
        self.assertEqual(len(runs), 4)
        for run in runs:
            self.assertEqual(sorted(path.name for path in run.iterdir()),
                             ['consumer.csv', 'producer.csv', 'run.json'])

    def test_stress_accounts_for_every_frame(self):
        code, _, err = self.run_it('--stress', '3', '--res', '64x48,33x7', '--results',
                                   self.folder / 'results')
        self.assertEqual(code, 0, err)
        rows = self.bench()['measurements']
        self.assertGreater(len(rows), 0)
        for row in rows:
            self.assertTrue(row['reconcile'])
            self.assertEqual(row['bad'], 0)

    def test_interrupted_it_leaves_whole_files_and_nothing_else(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                self.interrupt(number, code, self.folder / str(code))

    def interrupt(self, number, code, results):
        child = self.start('--stress', '100', '--res', '64x48', '--results', results)
        stage = self.wait_for_frames(child, results)
        child.send_signal(number)
        _, err = child.communicate(timeout=LIMIT_S)
        self.assertEqual(child.returncode, code, err)
        self.assertNotIn('Traceback', err)
        self.assertEqual(self.bench(results)['ended'], f'interrupted by signal {int(number)}')
        self.assertEqual(processes_of(child.pid), {})
        self.assertFalse(os.path.exists(stage), stage)
        for path in results.rglob('*'):
            self.assertNotIn('.new', path.name)
            if path.suffix == '.csv':
                self.assertTrue(path.read_bytes().endswith(b'\n'), path)
                self.check_summary(path)

    def check_summary(self, path):
        """A program that has counted frames has said how many, unless its run is whole."""
        if path.read_bytes().count(b'\n') > 1 and not (path.parent / 'run.json').exists():
            self.assertTrue(path.with_suffix('.json').exists(), path)

    def wait_for_frames(self, child, results):
        """Until frames are being counted; the folder in which its programs work."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end and child.poll() is None:
            running = ' '.join(processes_of(child.pid).values())
            stage = re.search(r'/dev/shm/oriel-bench-\w+', running)
            if stage and 'guest-capture' in running and 'host-viewer' in running and any(
                    path.stat().st_size > 1000 and not (path.parent / 'run.json').exists()
                    for path in results.glob('runs/*/*/*/consumer.csv')):
                return stage[0]
            time.sleep(0.02)
        self.fail('no frames')


class Goals(unittest.TestCase):
    """Judged on figures of our own making."""

    def found(self, **changes):
        """A round in which every goal just holds."""
        found = {
            'limits': {'rows_ns': {'in+xxh3': 105, 'out+xxh3': 50}, 'best_nt_ns': 100,
                       'best_in_ns': 100},
            'sha256_limits': {'rows_ns': {'sha256': 100, 'in+sha256': 101, 'out+sha256': 102}},
            'paced': {'whole_p50_ns': 110, 'copy_p50_ns': 50},
            'flat': {'frames_per_second': 0.9e7, 'producer_frames_per_second': 100},
            'sha256': {'frames_per_second': 0.951e7},
            'damage': {'copy_p50_ns': 1, 'verify_p50_ns': 2},
            'four': {'producer_frames_per_second': 90},
            'four_60': {'skipped': 7, 'skipped_before_first': 7, 'not_published': 0, 'torn': 0,
                        'stale': 0},
            'gstreamer': {'frames_per_second': 0.45e7},
            'gstreamer_in_place': {'frames_per_second': 0.9e7},
            'window': {'frames_per_second': 90, 'fed_frames_per_second': 100,
                       'limit_frames_per_second': 110},
            'guest': {'frames_per_second': 30, 'fill_p50_ns': 2e7},
            'guest_limits': {'best_in_ns': 0.9e7},
        }
        for name, change in changes.items():
            found[name] = {**found[name], **change}
        return found

    def test_at_the_limit_all_hold(self):
        rows = goals.judge([self.found()], {})
        self.assertEqual({row['verdict'] for row in rows if row['limit'] is not None}, {'holds'})
        self.assertEqual({row['verdict'] for row in rows if row['limit'] is None}, {'no goal'})
        self.assertEqual(goals.exit_code(rows), 0)

    def test_each_goal_can_be_missed(self):
        worse = [
            {'limits': {'rows_ns': {'in+xxh3': 106, 'out+xxh3': 50}}},
            {'paced': {'whole_p50_ns': 111}},
            {'flat': {'frames_per_second': 0.899e7}},
            {'sha256': {'frames_per_second': 0.949e7}},
            {'damage': {'copy_p50_ns': 2}},
            {'four': {'producer_frames_per_second': 89}},
            {'four_60': {'skipped': 8}},
            {'gstreamer': {'frames_per_second': 0.46e7}},
            {'window': {'frames_per_second': 89}},
            {'guest': {'fill_p50_ns': 1e7}},
            {'guest': {'frames_per_second': 29.9, 'fill_p50_ns': 3e7}},
        ]
        judged = [goal for goal in goals.GOALS if goal.limit is not None]
        self.assertEqual(len(worse), len(judged))
        for goal, change in zip(judged, worse):
            with self.subTest(goal.name):
                row = goals.judge([self.found(**change)], {})[goals.GOALS.index(goal)]
                few = len(os.sched_getaffinity(0)) < goal.needs_cores
                self.assertEqual(row['verdict'].split(':')[0], 'not judged' if few else 'missed')

    def test_the_median_of_the_rounds_is_judged(self):
        rounds = [self.found(paced={'whole_p50_ns': value}) for value in (105, 900, 109)]
        row = goals.judge(rounds, {})[1]
        self.assertEqual((row['value'], row['least'], row['most'], row['verdict']),
                         (1.09, 1.05, 9, 'holds'))

    def test_what_was_not_measured_is_said(self):
        found = self.found()
        del found['gstreamer']
        found['guest']['frames_per_second'] = None
        rows = goals.judge([found], {'gstreamer': 'no such element'})
        missing = [row for row in rows if row['verdict'] == 'not measured']
        self.assertEqual([row['name'].split()[0] for row in missing],
                         ['verified', 'emulated', 'emulated'])
        self.assertEqual(goals.exit_code(rows), 3)
        self.assertIn('no such element', missing[0]['why'])
        self.assertIn('NA', '\n'.join(goals.table(rows)))
        self.assertEqual(goals.exit_code(rows + [{'verdict': 'missed'}]), 1)


class Plan(unittest.TestCase):

    def test_the_star_changes_one_thing_at_a_time(self):
        cases = plan.star([(1920, 1080), (3840, 2160)])
        self.assertEqual(len(cases), len(set(cases)))
        self.assertEqual(sum(case.is_centre for case in cases), 2)
        for case in cases:
            odd = (case.consumers != 1) + (case.digest != 'xxh3') + (case.damage != 100)
            self.assertLessEqual(odd, 1, case)
        self.assertEqual({case.damage for case in cases}, {100, 10, 1, 0.1})

    def test_the_full_plan_has_every_combination(self):
        cases = plan.everything([(1920, 1080)])
        self.assertEqual(len(cases), 2 * 4 * 2 * 4 * 3)
        self.assertEqual(len({case.name for case in cases}), len(cases))

    def test_a_region_holds_its_frames(self):
        self.assertEqual(plan.region_bytes([(3840, 2160)]), 128 << 20)
        self.assertEqual(plan.region_bytes([(8, 8)]), 64 << 20)


if __name__ == '__main__':
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
