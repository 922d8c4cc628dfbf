#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench/report on results of all manners: whole, partial, empty, huge, malformed. It never fails with
a traceback, and what is missing is said."""
import contextlib
import io
import json
import pathlib
import random
import shutil
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'bench'))

try:
    from oriel_report import cli, frames, load, measurements, text
except ImportError as missing:
    print(f'report: skipped: {missing}; install python3-pandas and python3-matplotlib')
    sys.exit(77)

EPOCH = '00000000000000ab'
MS = 1000000


def producer_rows(count):
    """A frame a ms, each with its own duration."""
    for i in range(1, count + 1):
        yield {'sequence': i, 'epoch': EPOCH, 'width_px': 64, 'height_px': 48,
               'format': 'xrgb8888', 'payload_bytes': 12288, 'digest': 'xxh3',
               'warmup': int(i <= 4), 'due_ns': 'NA', 'captured_ns': i * MS,
               'filled_ns': i * MS + 10, 'claimed_ns': i * MS + 20,
               'published_ns': i * MS + 1020, 'fill_ns': 10, 'wait_ns': 10, 'copy_ns': 1000,
               'publish_ns': 1}


def consumer_rows(count, between='NA'):
    """The same frames, verified i ns after they were seen."""
    for i in range(1, count + 1):
        yield {'sequence': i, 'epoch': EPOCH, 'result': 'verified', 'width_px': 64,
               'height_px': 48, 'format': 'xrgb8888', 'payload_bytes': 12288, 'digest': 'xxh3',
               'warmup': int(i <= 4), 'skipped_before': 0, 'seen_ns': i * MS + 2000,
               'verified_ns': i * MS + 2000 + i, 'presented_ns': i * MS + 2001 + i,
               'verify_ns': i, 'present_ns': 1, 'interval_ns': 'NA' if i == 1 else MS + 1,
               'notify_ns': between, 'notify_bound_ns': between, 'frame_latency_ns': between,
               'due_latency_ns': between}


def summary(**counts):
    """What a report reads of one."""
    return {'counts': counts}


class Case(unittest.TestCase):

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='oriel-report-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def table(self, name, rows):
        """A CSV as the programs write it."""
        rows = list(rows)
        lines = [','.join(rows[0])] + [','.join(map(str, row.values())) for row in rows]
        (self.folder / name).write_text('\n'.join(lines) + '\n', encoding='ascii')

    def write(self, name, value):
        """A file of any bytes, or JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())

    def report(self, *words, is_drawn=False):
        """(exit code, standard error); plots take most of the time, and only some tests need them"""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as around:
            around.enter_context(contextlib.redirect_stdout(out))
            around.enter_context(contextlib.redirect_stderr(err))
            if not is_drawn:
                around.enter_context(mock.patch.object(cli, 'pictures_of', return_value=[]))
            try:
                code = cli.main([str(self.folder), *words])
            except SystemExit as error:
                code = error.code
        return code, err.getvalue()

    def words(self):
        """report.txt, after both files were seen to be whole."""
        page = (self.folder / 'report.html').read_text(encoding='utf-8')
        self.assertTrue(page.endswith('</html>\n'))
        self.assertNotIn('src="http', page)
        return (self.folder / 'report.txt').read_text(encoding='utf-8')

    def pictures(self):
        """How many plots the page holds."""
        page = (self.folder / 'report.html').read_text(encoding='utf-8')
        return page.count('src="data:image/png;base64,')

    def row(self, title):
        """Words of the first row of report.txt that begins so."""
        return next(line for line in self.words().splitlines() if line.startswith(title)).split()


class Whole(Case):

    def test_a_run_of_demo(self):
        self.table('producer.csv', producer_rows(1005))
        self.table('consumer.csv', consumer_rows(1005, between=5000000))
        self.write('run.json', {
            'commit': 'abc', 'machine': {'cpu': 'C', 'cores': 2, 'kernel': 'K'},
            'producer': summary(published=1004),
            'consumer': summary(published=1010, verified=1004, skipped=3, torn=0, stale=1, bad=0,
                                in_ring=2)})
        code, err = self.report('--plots', is_drawn=True)
        self.assertEqual((code, err), (0, ''))
        self.assertEqual(self.pictures(), 6)
        self.assertEqual(len(list(self.folder.glob('plot-*.png'))), 6)
        # 1001 timed frames take 5 to 1005 ns: nearest rank, warm-up frames left out.
        line = self.row('64x48  copy out and verify')
        self.assertEqual(line[5], '1001')
        self.assertEqual([float(cell) for cell in line[6:]],
                         [0.000505, 0.000905, 0.000955, 0.000995, 0.001, 0.00101])
        self.assertEqual(self.row('64x48  captured to verified')[4:6], ['1001', '5'])
        self.assertEqual(self.row('run  1 ')[2:],
                         ['1010', '1004', '3', '0', '1', '0', '2', 'yes'])

    def test_p999_needs_a_thousand_frames(self):
        self.table('consumer.csv', consumer_rows(1003))
        self.assertEqual(self.report()[0], 0)
        line = self.row('64x48  copy out and verify')
        self.assertEqual((line[5], line[10]), ('999', 'NA'))

    def test_counts_that_do_not_add_up(self):
        self.table('consumer.csv', consumer_rows(10))
        self.write('run.json', {'consumer': summary(published=11, verified=10, skipped=0, torn=0,
                                                    stale=0, bad=0, in_ring=0)})
        self.assertEqual(self.report()[0], 0)
        self.assertEqual(self.row('run  1 ')[-1], 'NO')

    def test_counts_are_those_of_all_consumers(self):
        self.table('consumer.csv', consumer_rows(10))
        other = summary(published=10, verified=6, skipped=4, torn=0, stale=0, bad=0, in_ring=0)
        self.write('run.json', {'consumer': summary(published=10, verified=10, skipped=0, torn=0,
                                                    stale=0, bad=0, in_ring=0),
                                'other_consumers': [other, 'no summary']})
        self.assertEqual(self.report()[0], 0)
        self.assertEqual(self.row('run  1 ')[2:5] + self.row('run  1 ')[-1:],
                         ['20', '16', '4', 'yes'])

    def test_without_a_summary_nothing_is_claimed(self):
        rows = list(consumer_rows(10))
        rows[5]['result'] = 'torn'
        rows[7]['skipped_before'] = 3
        self.table('consumer.csv', rows)
        self.assertEqual(self.report()[0], 0)
        self.assertEqual(self.row('run  1 ')[2:],
                         ['NA', '9', '3', '1', '0', '0', 'NA', 'cannot', 'be', 'told'])

    def test_rounds_of_one_case_are_added_up(self):
        good = {'published': 6, 'verified': 5, 'skipped': 1, 'torn': 0, 'stale': 0, 'bad': 0,
                'in_ring': 0}
        runs = [load.Run('a', None, {'consumer': {'counts': counts}}) for counts in
                (good, {**good, 'published': 7, 'in_ring': 1})]
        rows = frames.counts_of(runs)
        self.assertEqual([(row['runs'], row['published'], row['verified'], row['adds_up'])
                          for row in rows], [(2, 13, 10, True)])
        runs.append(load.Run('a', None, {'consumer': {'counts': {**good, 'bad': 1}}}))
        self.assertIs(frames.counts_of(runs)[0]['adds_up'], False)


class Partial(Case):

    def test_nothing_to_report(self):
        code, err = self.report()
        self.assertEqual((code, err.count('\n')), (2, 1))
        self.assertIn('holds no bench.json, run.json, producer.csv or consumer.csv', err)
        shutil.rmtree(self.folder)
        code, err = self.report()
        self.assertEqual((code, err.count('\n')), (2, 1))
        self.assertIn('is not there', err)
        self.folder.write_bytes(b'')
        self.addCleanup(self.folder.unlink)
        code, err = self.report()
        self.assertEqual((code, err.count('\n')), (2, 1))
        self.assertIn('is no folder', err)

    def test_bad_options(self):
        for words in (('--bogus',), ('more',)):
            code, err = self.report(*words)
            self.assertEqual((code, err.count('\n')), (2, 1), err)

    def test_one_side_alone(self):
        self.table('producer.csv', producer_rows(20))
        self.assertEqual(self.report(is_drawn=True)[0], 0)
        self.assertEqual(self.row('64x48  copy in and digest')[5], '16')
        self.assertGreater(self.pictures(), 0)

    def test_headers_without_rows(self):
        for name, rows in (('producer.csv', producer_rows(1)), ('consumer.csv', consumer_rows(1))):
            self.write(name, (','.join(next(rows)) + '\n').encode())
        code, err = self.report(is_drawn=True)
        self.assertEqual(code, 0)
        self.assertIn('consumer.csv: holds no frame', err)
        self.assertIn('no frames', self.words())
        self.assertEqual(self.pictures(), 0)

    def test_empty_files(self):
        for name in ('producer.csv', 'consumer.csv', 'run.json', 'bench.json'):
            self.write(name, b'')
        code, err = self.report()
        self.assertEqual(code, 0, err)
        self.assertIn('is empty; left out', self.words())

    def test_a_last_line_that_was_cut(self):
        self.table('consumer.csv', consumer_rows(50))
        data = (self.folder / 'consumer.csv').read_bytes()
        self.write('consumer.csv', data[:-40])
        self.assertEqual(self.report()[0], 0)
        self.assertIn(self.row('64x48  copy out and verify')[5], ('45', '46'))

    def test_a_run_of_bench_that_was_interrupted(self):
        self.write('bench.json', {
            'ended': 'interrupted by signal 2', 'machine': {'cpu': 'C'},
            'not_measured': {'guest': 'no qemu'}, 'goals': [],
            'measurements': [{'part': 'limits', 'round': 0, 'width': 64, 'height': 48,
                              'format': 'xrgb8888', 'memcpy_in_ns': 1e6, 'best_in_ns': 1e6,
                              'best_in': 'memcpy', 'best_out_ns': 2e6, 'best_out': 'memcpy',
                              'rows_ns': {'in:memcpy': 1e6, 'xxh3': 5e5}, 'load': 1,
                              'at_s': 1}]})
        self.assertEqual(self.report(is_drawn=True)[0], 0)
        said = self.words()
        self.assertIn('interrupted by signal 2', said)
        self.assertIn('not measured: guest: no qemu', said)
        self.assertEqual(self.pictures(), 1)

    def test_a_folder_that_cannot_be_written(self):
        self.table('consumer.csv', consumer_rows(5))
        code, err = self.report('--output', '/proc/nowhere')
        self.assertEqual((code, err.count('\n')), (1, 1), err)
        self.assertIn('/proc/nowhere', err)


class Malformed(Case):

    def test_files_that_are_something_else(self):
        noise = random.Random(1).randbytes(5000)
        for name, value in (('consumer.csv', noise), ('consumer.csv', b'a,b\n1,2\n'),
                            ('consumer.csv', b'"' * 999), ('run.json', noise),
                            ('run.json', b'[' * 100000), ('run.json', b'[1, 2]'),
                            ('bench.json', b'{"measurements": 7, "goals": 7, "not_measured": 7}'),
                            ('bench.json', b'{"measurements": [1, {"part": 2}, {"part": "ring"}]}')):
            with self.subTest(name=name, value=value[:20]):
                self.write(name, value)
                code, err = self.report()
                self.assertEqual(code, 0, err)
                self.words()
                (self.folder / name).unlink()

    def test_values_that_make_no_sense(self):
        rows = list(consumer_rows(30))
        for i, (column, value) in enumerate((
                ('verify_ns', -1), ('sequence', 'x'), ('result', 'perfect'), ('epoch', 'NA'),
                ('verify_ns', '1e308'), ('width_px', '9' * 40), ('height_px', 'inf'),
                ('payload_bytes', '<b>'), ('warmup', 7), ('interval_ns', 0),
                ('verified_ns', 'NA'), ('skipped_before', '-5'))):
            rows[10 + i][column] = value
        self.table('consumer.csv', rows)
        self.table('producer.csv', producer_rows(30))
        code, err = self.report(is_drawn=True)
        self.assertEqual(code, 0, err)
        self.assertIn('4 rows make no sense', self.words())

    def test_words_of_a_file_stay_words(self):
        self.write('run.json', {'machine': {'cpu': '<script>alert(1)</script>\n' * 50},
                                'commit': ['x'], 'consumer': {'counts': {'verified': True}}})
        self.assertEqual(self.report()[0], 0)
        self.assertNotIn('<script>', (self.folder / 'report.html').read_text(encoding='utf-8'))

    def test_rows_with_random_faults(self):
        self.table('consumer.csv', consumer_rows(40))
        self.table('producer.csv', producer_rows(40))
        good = {name: (self.folder / name).read_bytes() for name in ('consumer.csv',
                                                                     'producer.csv')}
        for seed in range(50):
            chance = random.Random(seed)
            for name, data in good.items():
                data = bytearray(data)
                for _ in range(chance.randrange(1, 30)):
                    data[chance.randrange(len(data))] = chance.choice(b'0123456789-,."\nNAx\0e')
                self.write(name, bytes(data))
            with self.subTest(seed=seed):
                folder = load.read_folder(self.folder)
                found = frames.table_of(folder.runs)
                text.as_text(text.sections(folder, measurements.table_of(folder.bench, []), found,
                                           frames.counts_of(folder.runs)))

    def test_plots_of_random_faults(self):
        self.table('consumer.csv', consumer_rows(40))
        good = (self.folder / 'consumer.csv').read_bytes()
        for seed in range(2):
            chance = random.Random(seed)
            data = bytearray(good)
            for _ in range(60):
                data[chance.randrange(200, len(data))] = chance.choice(b'0123456789-,N\n')
            self.write('consumer.csv', bytes(data))
            with self.subTest(seed=seed):
                self.assertEqual(self.report(is_drawn=True)[0], 0)


class Huge(Case):

    def test_two_hundred_thousand_rows(self):
        self.table('producer.csv', producer_rows(200000))
        self.table('consumer.csv', consumer_rows(200000))
        self.assertEqual(self.report(is_drawn=True), (0, ''))
        line = self.row('64x48  copy out and verify')
        self.assertEqual(line[5:7], ['199996', '0.1'])
        self.assertLess((self.folder / 'report.html').stat().st_size, 4 << 20)


if __name__ == '__main__':
    unittest.main(verbosity=2)
