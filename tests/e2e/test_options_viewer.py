#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""host-viewer's options: good values, their limits, bad ones, and every exit code."""

import json
import os
import signal
import time

from oriel_e2e import (GOOD, INTEGRITY, MIB, NO_PEER, OTHER, OTHER_VERSION, REGION, USAGE, VIEWER,
                       Case, main)


class Words(Case):
    """What needs no region."""

    def test_help_names_every_option_key_and_exit_code(self):
        result = self.run_program(VIEWER, '--help')
        self.assert_code(result, GOOD)
        self.assertEqual(result.err, '')
        for option in ('bench', 'csv', 'summary', 'frames', 'duration', 'mode', 'screenshot',
                       'region', 'create', 'wait', 'renderer', 'block', 'quiet', 'help', 'usage',
                       'version'):
            self.assertIn(f'--{option}', result.out)
        self.assertIn('F fullscreen, O overlay, S screenshot, Q or Esc', result.out)
        self.assertIn('Exit codes: 0 good', result.out)

    def test_usage_and_version(self):
        result = self.run_program(VIEWER, '--usage')
        self.assert_code(result, GOOD)
        self.assertIn('[--screenshot=FILE]', result.out)
        result = self.run_program(VIEWER, '--version')
        self.assert_code(result, GOOD)
        self.assertRegex(result.out, r'^oriel \d+\.\d+\.\d+ \(.+\)\n$')

    def test_bad_usage_is_one_line_with_option_value_and_cure(self):
        for arguments, words in (
                (('--bogus',), ("'--bogus'", '--help')),
                (('--bench=3',), ("'--bench=3'", '--help')),
                (('--csv',), ("'--csv'", '--help')),
                (('-x',), ("'-x'", '--help')),
                (('stray',), ("'stray'", 'begin with --')),
                (('--mode', 'fast'), ('--mode', "'fast'", 'latest, lossless or observe')),
                (('--mode', ''), ('--mode', "''", 'latest, lossless or observe')),
                (('--bench', '--screenshot', 'x'), ('--bench', '--screenshot', 'one of them')),
                (('--bench', '--renderer', 'software'), ('--renderer', 'window')),
                (('--bench', '--mode', 'observe', '--wakeup', 'doorbell'),
                 ('--wakeup doorbell', 'observes', '--mode latest')),
                (('--create=3M',), ('--create', "'3M'", '4M')),
                (('--create=',), ('--create', "''", '128M')),
        ):
            with self.subTest(arguments):
                self.assert_refused(self.run_program(VIEWER, *arguments), USAGE, *words)

    def test_bad_numbers(self):
        nothing = ('', ' 5', '-1', '+1', '1e3', '0x10', 'five', '1,5', 'nan')
        for option, values, cure in (
                ('--frames', nothing + ('0', '1.5', '72057594037927936'), 'from 1 to'),
                ('--block', nothing + ('8', '4294967296'), 'from 0 to 7'),
                ('--duration', nothing + ('0', '31536001'), 'seconds'),
                ('--wait', nothing + ('0', '31536001'), 'seconds')):
            for value in values:
                with self.subTest(option=option, value=value):
                    self.assert_refused(self.run_program(VIEWER, '--bench', option, value), USAGE,
                                        option, f"'{value}'", cure)

    def test_a_long_value_does_not_push_the_cure_out(self):
        for option, cure in (('--mode', 'observe'), ('--frames', 'from 1'), ('--wait', 'seconds'),
                             ('--create', '128M'), ('--region', '255'), ('--x', '--help')):
            with self.subTest(option):
                result = self.run_program(VIEWER, '--bench', f'{option}={"y" * 5000}')
                self.assert_refused(result, REGION if option == '--region' else USAGE, option,
                                    'yyyy', cure)

    def test_control_characters_do_not_reach_the_terminal(self):
        for option in ('--mode', '--frames', '--region', '--bo\x1bgus'):
            with self.subTest(option):
                result = self.run_program(VIEWER, '--bench', option, 'a\x1b[31m\nb')
                self.assertNotEqual(result.code, GOOD)
                self.assertNotIn('\x1b', result.err, result)
                self.assertEqual(result.err.count('\n'), 1, result)


class Runs(Case):
    """With a producer that goes on for as long as the test."""

    def test_frames_and_quiet(self):
        self.start_capture()
        result = self.view('--bench', '--frames', '3', '--quiet', '--summary', self.path('s'))
        self.assert_code(result, GOOD)
        self.assertEqual(result.out + result.err, '')
        with open(self.path('s'), encoding='utf-8') as file:
            self.assertEqual(json.load(file)['counts']['verified'], 3)

    def test_says_how_it_went_without_quiet(self):
        self.start_capture()
        result = self.view('--bench', '--frames', '3')
        self.assert_code(result, GOOD)
        self.assertRegex(result.out, r'160x120 +xrgb8888 +3 frames')
        self.assertIn('the counts reconcile', result.out)
        self.assertIn('live', result.err)

    def test_duration(self):
        self.start_capture()
        self.assert_code(self.view('--bench', '--duration', '0.3'), GOOD)

    def test_each_mode(self):
        self.start_capture('--mode', 'lossless')
        for mode in ('latest', 'lossless', 'observe'):
            with self.subTest(mode):
                result = self.view('--bench', '--mode', mode, '--frames', '3', '--summary',
                                   self.path('s'))
                self.assert_code(result, GOOD)
                with open(self.path('s'), encoding='utf-8') as file:
                    self.assertEqual(json.load(file)['mode'], mode)

    def test_blocks(self):
        self.start_capture()
        for block in ('0', '7'):
            self.assert_code(self.view('--bench', '--block', block, '--frames', '2'), GOOD)
        first = self.start_view('--bench', '--block', '3')
        first.wait_for_line('live')
        result = self.view('--bench', '--block', '3', '--wait', '0.5', '--quiet')
        self.assert_refused(result, OTHER, self.region, 'block 3 is in use', '--block')
        self.assertTrue(first.is_running())

    def test_create_makes_a_region_that_a_producer_takes(self):
        viewer = self.start_view('--bench', '--create', '--frames', '3')
        viewer.wait_for_line('waiting')
        self.assertEqual(os.path.getsize(self.region), 128 * MIB)
        self.start_capture(size='128M')
        self.assert_code(viewer.wait(), GOOD)


class Failures(Case):
    """The other exit codes."""

    def test_region_that_is_not_there(self):
        self.assert_refused(self.view('--bench'), REGION, '--region', self.region, '--wait',
                            '--create')
        self.assert_refused(self.view('--bench', '--wait', '0.3', '--quiet'), REGION,
                            self.region)

    def test_no_doorbell_to_insist_on(self):
        result = self.view('--bench', '--create=1M', '--wakeup', 'doorbell')
        self.assert_refused(result, REGION, '--wakeup doorbell: ', self.region, 'server:')

    def test_no_producer_in_time(self):
        result = self.view('--bench', '--create=1M', '--wait', '0.3', '--quiet')
        self.assert_refused(result, NO_PEER, self.region, '0.3 s', 'guest-capture', '--wait')

    def test_no_display(self):
        result = self.view('--create=1M', '--quiet')
        if 'ORIEL_WINDOW' in os.environ:
            self.assert_refused(result, OTHER, 'no display', '--bench', 'DISPLAY')
        else:
            self.assert_refused(result, USAGE, 'without the window', '--bench')

    def test_another_version(self):
        for what, words in (('other-version', ('9.3', 'forged')), ('needs-features', ('forged',))):
            with self.subTest(what):
                forge = self.start_forge(what)
                # Long before --wait is over: a heart that beats is proof enough.
                began = time.monotonic()
                result = self.view('--bench', '--wait', '1000', '--quiet')
                self.assertLess(time.monotonic() - began, 60)
                self.assert_refused(result, OTHER_VERSION, self.region, 'one version', *words)
                forge.end()

    def test_what_another_version_left_behind_is_waited_out(self):
        self.start_forge('other-version-still')
        result = self.view('--bench', '--wait', '0.5', '--quiet')
        self.assert_refused(result, OTHER_VERSION, self.region, '9.3', 'one version')
        viewer = self.start_view('--bench', '--frames', '2')
        viewer.wait_for_line('waiting')
        self.start_capture()
        self.assert_code(viewer.wait(), GOOD)

    def test_headers_that_cannot_be_used(self):
        for what, word in (('damaged', 'damaged'), ('impossible', 'contradict'),
                           ('too-large', 'one size')):
            with self.subTest(what):
                forge = self.start_forge(what)
                result = self.view('--bench', '--wait', '0.5', '--quiet')
                self.assert_refused(result, REGION, self.region, word, '--takeover')
                forge.end()

    def test_a_header_without_a_heartbeat_is_nobody(self):
        self.start_forge('still')
        result = self.view('--bench', '--wait', '0.5', '--quiet')
        self.assert_refused(result, NO_PEER, self.region, 'no producer', 'guest-capture')

    def test_one_bad_frame(self):
        self.start_forge('one-bad')
        result = self.view('--bench', '--frames', '200', '--csv', self.path('csv'), '--quiet')
        self.assert_refused(result, INTEGRITY, self.region, 'bad', 'digest')
        results = [row['result'] for row in self.read_rows(self.path('csv'))]
        self.assertEqual(results.count('verified'), 200)
        self.assertGreater(results.count('bad'), 0)

    def test_nothing_but_bad_frames(self):
        self.start_forge('all-bad')
        result = self.view('--bench', '--quiet')
        self.assert_refused(result, INTEGRITY, self.region, 'quarantined', 'digest')
        result = self.view('--screenshot', self.path('x.png'), '--quiet')
        self.assert_refused(result, INTEGRITY, self.region, 'quarantined')
        self.assertFalse(os.path.exists(self.path('x.png')))

    def test_a_producer_that_failed(self):
        self.start_forge('fault')
        result = self.view('--bench', '--wait', '1', '--quiet')
        self.assert_refused(result, OTHER, self.region, 'fault')

    def test_files_that_cannot_be_written(self):
        self.start_capture()
        for option in ('--csv', '--summary', '--screenshot'):
            for value in (self.path('none/x'), self.folder, ''):
                with self.subTest(option=option, value=value):
                    arguments = (option, value) if option == '--screenshot' else \
                        ('--bench', option, value)
                    result = self.view('--frames', '1', '--quiet', *arguments)
                    self.assert_refused(result, OTHER, option, value, 'name a file')
                    if value:
                        self.assertEqual(result.err.count(value), 1, result)

    def test_signals_end_a_wait(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                program = self.start_view('--bench', '--create=1M', '--wait', '1000')
                program.wait_for_line('waiting')
                self.assert_code(program.stop(number), GOOD)

    def test_signals_end_a_wait_for_the_region(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                program = self.start_view('--bench', '--wait', '1000')
                program.wait_for_line('waiting for the region')
                result = program.stop(number)
                self.assert_code(result, GOOD)


if __name__ == '__main__':
    main()
