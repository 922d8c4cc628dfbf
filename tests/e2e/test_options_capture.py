#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""guest-capture's options: good values, their limits, bad ones, and every exit code."""

import json
import os
import signal

from oriel_e2e import (CAPTURE, FORMATS, GOOD, MIB, NO_PEER, OTHER, OTHER_VERSION, PATTERNS,
                       REGION, USAGE, Case, main)


class Words(Case):
    """What needs no region."""

    def test_help_names_every_option_and_exit_code(self):
        result = self.run_program(CAPTURE, '--help')
        self.assert_code(result, GOOD)
        self.assertEqual(result.err, '')
        for option in ('pattern', 'damage', 'input', 'res', 'format', 'fps', 'frames', 'duration', 'slots',
                       'mode', 'hash', 'region', 'create', 'csv', 'summary', 'wait', 'takeover',
                       'quiet', 'help', 'usage', 'version'):
            self.assertIn(f'--{option}', result.out)
        for name in FORMATS + PATTERNS:
            self.assertIn(name, result.out)
        self.assertIn('Exit codes: 0 good', result.out)

    def test_usage_and_version(self):
        result = self.run_program(CAPTURE, '--usage')
        self.assert_code(result, GOOD)
        self.assertIn('[--frames=N]', result.out)
        result = self.run_program(CAPTURE, '--version')
        self.assert_code(result, GOOD)
        self.assertRegex(result.out, r'^oriel \d+\.\d+\.\d+ \(.+\)\n$')

    def test_bad_usage_is_one_line_with_option_value_and_cure(self):
        for arguments, words in (
                (('--bogus',), ("'--bogus'", '--help')),
                (('--quiet=3',), ("'--quiet=3'", '--help')),
                (('--fps',), ("'--fps'", '--help')),
                (('-x',), ("'-x'", '--help')),
                (('--f', '3'), ("'--f'", '--help')),
                (('stray',), ("'stray'", 'begin with --')),
                (('--pattern', 'plaid'), ('--pattern', "'plaid'", 'random, bars')),
                (('--pattern', ''), ('--pattern', "''", 'random, bars')),
                (('--format', 'yuv420'), ('--format', "'yuv420'", 'xrgb8888')),
                (('--format', 'XRGB8888 '), ('--format', "'XRGB8888 '", 'xrgb8888')),
                (('--damage', '0.09', '--pattern', 'random'), ('--damage', "'0.09'", '0.1 to 100')),
                (('--damage', '100.1', '--pattern', 'random'), ('--damage', "'100.1'", '100')),
                (('--damage', 'some', '--pattern', 'random'), ('--damage', "'some'", '100')),
                (('--damage', '1', '--pattern', 'bars'), ('--damage', '--pattern random')),
                (('--damage', '1', '--input', 'x'), ('--damage', '--pattern random')),
                (('--mode', 'fast'), ('--mode', "'fast'", 'latest or lossless')),
                (('--mode', 'observe'), ('--mode', "'observe'", 'latest or lossless')),
                (('--hash', 'md5'), ('--hash', "'md5'", 'sha256')),
                (('--input', 'x', '--res', '8x8,9x9'), ('--input', 'one size', '--res')),
        ):
            with self.subTest(arguments):
                self.assert_refused(self.run_program(CAPTURE, *arguments), USAGE, *words)

    def test_bad_sizes(self):
        for value in ('', '0x0', '1x', 'x1', '1x1x1', '-1x5', '16385x1', '1x16385', '8k', '640*480',
                      '1080p,', ',1080p', '1080p,,4k', ' 4k', '4 k', '99999999999999999999x1',
                      '0x10x10', '640x480 '):
            with self.subTest(value):
                self.assert_refused(self.run_program(CAPTURE, '--res', value), USAGE, '--res',
                                    "'", '1440p', 'WIDTHxHEIGHT')

    def test_bad_numbers(self):
        nothing = ('', ' 5', '5 ', '-1', '+1', '1e3', '0x10', 'five', '1,5', 'nan', 'inf')
        for option, values, cure in (
                ('--frames', nothing + ('0', '1.5', '72057594037927936'), 'from 1 to'),
                ('--slots', nothing + ('0', '2', '33', '4294967299'), 'from 3 to 32'),
                ('--fps', nothing + ('100001', '..', '1.2.3'), 'frames a second from 0'),
                ('--duration', nothing + ('0', '0.0', '31536001'), 'seconds'),
                ('--wait', nothing + ('0', '31536001'), 'seconds')):
            for value in values:
                with self.subTest(option=option, value=value):
                    self.assert_refused(self.run_program(CAPTURE, option, value), USAGE, option,
                                        f"'{value}'", cure)

    def test_bad_create_sizes(self):
        for value, cure in (('', '128M'), ('0', '128M'), ('64', '128M'), ('512K', '128M'),
                            ('3M', 'the next is 4M'), ('1T1', '128M'), ('2T', '128M'),
                            ('-64M', '128M'), ('64MB', '128M'), ('64 M', '128M'),
                            ('18446744073709551616', '128M'), ('17179869184G', '128M')):
            with self.subTest(value):
                self.assert_refused(
                    self.run_program(CAPTURE, '--region', self.region, f'--create={value}'),
                    USAGE, '--create', f"'{value}'", cure)
                self.assertFalse(os.path.exists(self.region))

    def test_a_long_value_does_not_push_the_cure_out(self):
        for option, cure in (('--res', 'WIDTHxHEIGHT'), ('--pattern', 'bars'), ('--format', 'rgb565'),
                             ('--mode', 'lossless'), ('--hash', 'sha256'), ('--fps', 'from 0'),
                             ('--frames', 'from 1'), ('--wait', 'seconds'), ('--slots', '32'),
                             ('--create', '128M'), ('--region', '255'), ('--x', '--help')):
            with self.subTest(option):
                result = self.run_program(CAPTURE, f'{option}={"y" * 5000}')
                self.assert_refused(result, REGION if option == '--region' else USAGE, option,
                                    'yyyy', cure)

    def test_control_characters_do_not_reach_the_terminal(self):
        for option in ('--res', '--pattern', '--format', '--fps', '--region', '--bo\x1bgus'):
            with self.subTest(option):
                result = self.run_program(CAPTURE, option, 'a\x1b[31m\nb')
                self.assertNotEqual(result.code, GOOD)
                self.assertNotIn('\x1b', result.err, result)
                self.assertEqual(result.err.count('\n'), 1, result)


class Runs(Case):
    """What each option does to a short run that nobody watches."""

    def run_each(self, *runs, size='16M'):
        """One frame of each, all at once, in regions of their own; their summaries."""
        programs = []
        for i, arguments in enumerate(runs):
            programs.append(self.start(
                CAPTURE, '--region', self.path(f'region{i}'), f'--create={size}', '--frames', '1',
                '--summary', self.path(f'summary{i}'), '--quiet', *arguments))
        summaries = []
        for i, program in enumerate(programs):
            result = program.wait()
            self.assert_code(result, GOOD)
            self.assertEqual(result.out + result.err, '', 'not quiet')
            with open(self.path(f'summary{i}'), encoding='utf-8') as file:
                summaries.append(json.load(file))
        return summaries

    def test_formats(self):
        summaries = self.run_each(*(('--format', name, '--res', '61x7') for name in FORMATS))
        for name, summary in zip(FORMATS, summaries):
            self.assertEqual([(row['width'], row['height'], row['format'], row['frames'])
                              for row in summary['sizes']], [(61, 7, name, 1)])

    def test_patterns(self):
        self.run_each(*(('--pattern', name, '--res', '61x7') for name in PATTERNS))

    def test_digests(self):
        names = ('xxh3', 'xxh64', 'sha256', 'none')
        summaries = self.run_each(*(('--hash', name, '--res', '8x8') for name in names),
                                  ('--hash', 'auto', '--res', '8x8'))
        for name, summary in zip(names, summaries):
            self.assertEqual(summary['digest'], name)
        self.assertIn(summaries[-1]['digest'], ('xxh3', 'xxh64'))

    def test_sizes_by_name_number_and_list(self):
        sizes = {'1080P': [(1920, 1080)], '1440p': [(2560, 1440)], '4k': [(3840, 2160)],
                 '720p': [(1280, 720)], '1x1': [(1, 1)], '16384x1': [(16384, 1)],
                 '1x16384': [(1, 16384)], '007X8': [(7, 8)], '8x8,720p': [(8, 8), (1280, 720)]}
        # Alone, a producer publishes a frame a second: a list takes as long.
        summaries = self.run_each(*(('--res', value, '--format', 'rgb565') for value in sizes),
                                  size='128M')
        for value, summary in zip(sizes, summaries):
            self.assertEqual([(row['width'], row['height']) for row in summary['sizes']],
                             sizes[value], value)

    def test_limits_of_numbers(self):
        summaries = self.run_each(
            ('--slots', '3', '--res', '8x8'), ('--slots', '32', '--res', '8x8'),
            ('--fps', '100000', '--res', '8x8', '--mode', 'lossless'),
            ('--fps', '0.5', '--res', '8x8', '--duration', '31536000'),
            ('--res', '8x8', '--res', '9x9'))
        self.assertEqual([summary['slots'] for summary in summaries], [3, 32, 4, 4, 4])
        self.assertEqual(summaries[2]['mode'], 'lossless')
        self.assertEqual(summaries[4]['sizes'][0]['width'], 9, 'the later option wins')

    def test_short_options(self):
        result = self.run_program(CAPTURE, '-q', '-R', self.region, '--create=1M', '-r', '8x8',
                                  '-f', 'rgb888', '-p', 'bars', '--frames', '1')
        self.assert_code(result, GOOD)
        self.assertEqual(result.out + result.err, '')

    def test_duration_ends_it(self):
        result = self.capture('--create=1M', '--res', '8x8', '--duration', '0.2')
        self.assert_code(result, GOOD)
        self.assertRegex(result.err, r'\d+ frames published')

    def test_create_chooses_a_size_that_fits(self):
        result = self.capture('--create', '--res', '1080p', '--frames', '1')
        self.assert_code(result, GOOD)
        self.assertEqual(os.path.getsize(self.region), 32 * MIB)
        self.assertEqual(os.stat(self.region).st_mode & 0o777, 0o600)

    def test_says_how_it_goes_without_quiet(self):
        result = self.capture('--create=1M', '--res', '8x8', '--frames', '1')
        self.assertIn('mapped as file', result.err)
        self.assertIn('1 frames published', result.err)
        self.assertEqual(result.out, '')


class Failures(Case):
    """Bad values that only a run can find, and the other exit codes."""

    def test_a_mode_that_does_not_fit_names_the_size_that_would(self):
        result = self.capture('--create=16M', '--res', '1080p,4k', '--slots', '3', '--quiet')
        self.assert_refused(result, REGION, '--res', '3840x2160', '128M', '16M', self.region,
                            '--slots')

    def test_slots_that_do_not_fit_name_the_size_that_would(self):
        result = self.capture('--create=1M', '--res', '8x8', '--slots', '32', '--quiet')
        self.assert_refused(result, REGION, '--slots', '32', '1M', '4M', self.region)

    def test_no_viewer_in_time(self):
        result = self.capture('--create=1M', '--res', '8x8', '--wait', '0.2', '--quiet')
        self.assert_refused(result, NO_PEER, self.region, '0.2 s', 'host-viewer', '--wait')

    def test_region_that_is_not_there(self):
        self.assert_refused(self.capture(), REGION, '--region', self.region, '--create')

    def test_a_second_producer(self):
        self.start_capture('--fps', '5')
        self.assert_refused(self.capture('--quiet'), OTHER, self.region, 'another producer',
                            '--takeover')

    def test_a_producer_of_another_version(self):
        self.start_forge('other-version')
        self.assert_refused(self.capture('--quiet'), OTHER_VERSION, self.region, '9.3', 'forged',
                            'one version', '--takeover')

    def test_files_that_cannot_be_written(self):
        for option in ('--csv', '--summary'):
            for value in (self.path('none/x'), self.folder, ''):
                with self.subTest(option=option, value=value):
                    result = self.capture('--create=1M', '--res', '8x8', '--frames', '1',
                                          '--quiet', option, value)
                    self.assert_refused(result, OTHER, option, value, 'name a file that can be')
                    self.assertEqual(result.err.count(value or option), 1, result)

    def test_input_that_cannot_be_read(self):
        short = self.path('short')
        self.make_file(short, 100)
        for value, words in ((self.path('none'), ('No such file', 'name a')),
                             (self.folder, ('a directory', 'name a')), ('', ('name a',)),
                             (short, ('100 bytes', '256', '8x8', '--res', '--format'))):
            with self.subTest(value):
                result = self.capture('--create=1M', '--res', '8x8', '--quiet', '--input', value)
                self.assert_refused(result, OTHER, '--input', *words)

    def test_signals_end_a_wait(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                program = self.start_capture('--wait', '1000')
                self.assert_code(program.stop(number), GOOD)


if __name__ == '__main__':
    main()
