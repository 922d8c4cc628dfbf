#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
--wakeup: who sleeps is rung, through a doorbell-server and after its death, in either direction;
nobody is rung who does not sleep; a doorbell that is no good is left alone.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

import oriel_e2e
from ivshmem_peer import Peer, Server, wait_until
from oriel_e2e import CAPTURE, GOOD, REGION, USAGE, VIEWER

SIZE = '64x48'
FRAME_BYTES = 64 * 48 * 4
STRACE = shutil.which('strace')


class WakeupCase(oriel_e2e.Case):
    """Both programs on a doorbell-server's memory."""

    program = None

    def setUp(self):
        super().setUp()
        socket = self.path('bell.sock')
        self.server = Server(self.program, socket, '--quiet', '--size', '1M')
        self.addCleanup(self.server.__exit__)
        self.server.started()
        self.region = f'server:{socket}'

    def start_capture(self, *arguments, before=(), **keywords):
        """A producer that waits for a viewer; its summary goes to capture.json."""
        return self.start(*before, CAPTURE, '--region', self.region, '--res', SIZE, '--pattern',
                          'counter', '--wait', '60', '--summary', self.path('capture.json'),
                          *arguments, **keywords)

    def start_view(self, *arguments, **keywords):
        """A viewer that only counts; its summary goes to view.json."""
        return super().start_view('--bench', '--wait', '60', '--summary', self.path('view.json'),
                                  *arguments, **keywords)

    def summary(self, name):
        """What a program that has ended left."""
        with open(self.path(name + '.json'), encoding='utf-8') as file:
            return json.load(file)

    def end_well(self, *programs):
        """All of them end by themselves; returns both summaries, whose sums are right."""
        for program in programs:
            self.assert_code(program.wait(), GOOD)
        capture, view = self.summary('capture'), self.summary('view')
        counts = view['counts']
        self.assertTrue(counts['reconcile'], counts)
        self.assertEqual(counts['torn'] + counts['stale'] + counts['bad'], 0, counts)
        self.assertEqual(capture['counts']['published'],
                         counts['verified'] + counts['skipped'] + counts['in_ring'], counts)
        self.assertLessEqual(capture['wakeup']['rings_sent'], view['wakeup']['sleeps'])
        return capture, view

    def feed(self, capture, frames):
        """Frames through a pipe, with time to fall asleep in between."""
        for _ in range(frames):
            capture.process.stdin.write(bytes(FRAME_BYTES))
            capture.process.stdin.flush()
            time.sleep(0.003)


class Ways(WakeupCase):
    """Each word does what it says, and run.json says it."""

    def run_both(self, way):
        """A stream that leaves time to sleep."""
        capture = self.start_capture('--frames', '100', '--fps', '200', '--wakeup', way)
        return self.end_well(self.start_view('--wakeup', way), capture)

    def assert_way(self, summary, asked, way):
        """What was asked for, and what became of it."""
        self.assertEqual((summary['wakeup']['asked'], summary['wakeup']['way']), (asked, way))

    def test_doorbell(self):
        """The consumer's sleeps are ended by rings, and it says hello once."""
        for asked in ('auto', 'doorbell'):
            with self.subTest(asked):
                capture, view = self.run_both(asked)
                for summary in (capture, view):
                    self.assert_way(summary, asked, 'doorbell')
                    self.assertEqual(summary['wakeup']['doorbell'], 'server')
                    self.assertIsNone(summary['wakeup']['why_no_doorbell'])
                self.assertGreater(view['wakeup']['rung'], 0)
                self.assertLessEqual(view['wakeup']['rung'], capture['wakeup']['rings_sent'])
                self.assertEqual(view['wakeup']['rings_sent'], 1)
                self.assertNotEqual(view['wakeup']['peer'], capture['wakeup']['peer'])

    def test_poll(self):
        """Nobody asks to be rung, so nobody rings, although there is a doorbell."""
        capture, view = self.run_both('poll')
        for summary in (capture, view):
            self.assert_way(summary, 'poll', 'poll')
            self.assertEqual(summary['wakeup']['rung'], 0)
        self.assertEqual(capture['wakeup']['rings_sent'], 0)
        self.assertGreater(view['wakeup']['sleeps'], 0)

    def test_spin(self):
        """Nobody sleeps."""
        capture, view = self.run_both('spin')
        for summary in (capture, view):
            self.assert_way(summary, 'spin', 'spin')
            self.assertEqual(summary['wakeup']['sleeps'], 0)
        self.assertEqual(capture['wakeup']['rings_sent'], 0)

    def test_a_file_has_none(self):
        """auto polls there, and says why."""
        self.region = self.path('region')
        capture = self.start_capture('--frames', '20', '--create=1M')
        capture, view = self.end_well(self.start_view(), capture)
        for summary in (capture, view):
            self.assert_way(summary, 'auto', 'poll')
            self.assertIsNone(summary['wakeup']['doorbell'])
            self.assertIn('doorbell-server', summary['wakeup']['why_no_doorbell'])

    def test_refusals(self):
        """A word that is none; a doorbell where none can be."""
        for program in (CAPTURE, VIEWER):
            bench = ['--bench'] if program == VIEWER else []
            for word in ('bell', '', 'SPIN'):
                self.assert_refused(
                    self.run_program(program, *bench, '--region', self.region, '--wakeup', word),
                    USAGE, '--wakeup', f"'{word}'", 'auto, doorbell, poll or spin')
            file = self.path('region')
            self.make_file(file, 1 << 20)
            self.assert_refused(
                self.run_program(program, *bench, '--region', file, '--wakeup', 'doorbell'),
                REGION, file, 'no doorbell', 'doorbell-server')


class Lives(WakeupCase):
    """Servers and viewers come and go."""

    def test_the_servers_death_changes_nothing(self):
        """Who knows each other goes on ringing, to the last frame."""
        capture = self.start_capture('--input', '-', '--mode', 'lossless',
                                     stdin=subprocess.PIPE)
        view = self.start_view('--mode', 'lossless', '--wakeup', 'doorbell')
        self.server.has(2)
        self.feed(capture, 20)
        self.server.end(signal.SIGKILL)
        # Long enough for both to hear of it: they listen once a second.
        self.feed(capture, 600)
        capture.process.stdin.close()
        summary, seen = self.end_well(view, capture)
        self.assertEqual(summary['counts']['published'], 620)
        self.assertEqual(seen['counts']['verified'], 620)
        # The first 20 alone would not do.
        self.assertGreater(seen['wakeup']['rung'], 40)

    def test_a_viewer_that_was_killed_is_followed_by_another(self):
        """The next one has an id of its own and is rung by it."""
        capture = self.start_capture('--fps', '100')
        first = self.start_view()
        first.wait_for_line('[1-9][0-9]* verified')
        known = {peer['pid']: peer['id'] for peer in self.server.status()['peers']}
        first.stop(signal.SIGKILL)
        view = self.start_view('--frames', '50')
        self.assert_code(view.wait(), GOOD)
        capture.stop()
        wakeup = self.summary('view')['wakeup']
        self.assertNotIn(wakeup['peer'], known.values())
        self.assertEqual(wakeup['way'], 'doorbell')
        self.assertGreater(wakeup['rung'], 0)
        self.assertLess(wakeup['lost'], 3)
        self.assertEqual(wakeup['masks'], 0)

    def test_a_storm_is_sat_out(self):
        """Somebody rings the viewer as fast as a loop can: it polls, and loses nothing by it."""
        over = threading.Event()
        capture = self.start_capture('--frames', '40', '--fps', '20', '--mode', 'lossless')
        self.server.has(1)
        with Peer(self.server.path) as peer:
            peer.greet(len(self.server.status()['peers'][0]['vectors']))
            view = self.start_view('--mode', 'lossless')
            victim, _ = peer.take_news()
            wait_until(lambda: [peer['pid'] for peer in self.server.status()['peers']
                                if peer['id'] == victim] == [view.pid], 'the viewer is known')

            def storm():
                while not over.is_set():
                    for _ in range(1000):
                        peer.ring(victim, 0)

            stormer = threading.Thread(target=storm)
            stormer.start()
            try:
                _, seen = self.end_well(view, capture)
            finally:
                over.set()
                stormer.join()
        self.assertEqual(seen['counts']['verified'], 40)
        self.assertGreaterEqual(seen['wakeup']['masks'], 1)
        self.assertGreater(seen['wakeup']['spurious'], 2000)
        self.assertEqual(seen['wakeup']['way'], 'poll')


class Space(WakeupCase):
    """A lossless producer sleeps until its viewer lets go of a slot."""

    def test_a_producer_is_rung_for_space(self):
        """The viewer stands still now and then; nothing is lost, nobody is given up."""
        capture = self.start_capture('--frames', '3000', '--fps', '0', '--mode', 'lossless',
                                     '--wakeup', 'doorbell')
        view = self.start_view('--mode', 'lossless')
        self.server.has(2)
        for _ in range(3):
            time.sleep(0.1)
            view.send(signal.SIGSTOP)
            time.sleep(0.2)
            view.send(signal.SIGCONT)
        summary, seen = self.end_well(view, capture)
        self.assertEqual(seen['counts']['verified'], 3000)
        self.assertEqual(summary['counts']['revocations'], 0)
        self.assertGreater(summary['counts']['waited_for_space'], 0)
        # More than the hello.
        self.assertGreater(summary['wakeup']['rung'], 1)
        self.assertGreater(seen['wakeup']['rings_sent'], 1)


class Calls(WakeupCase):
    """Two sides that are awake need no kernel."""

    @unittest.skipUnless(STRACE, 'no strace')
    def test_a_stream_to_who_is_awake_makes_no_calls(self):
        """All calls of the producer, its start and its end included."""
        frames = 40000
        if subprocess.run([STRACE, '-o', os.devnull, 'true'], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            self.skipTest('strace may not trace here')
        table = self.path('calls')
        capture = self.start_capture('--frames', str(frames), '--fps', '0', '--wakeup', 'spin',
                                     before=(STRACE, '-f', '-c', '-o', table))
        summary, _ = self.end_well(self.start_view('--wakeup', 'spin'), capture)
        self.assertEqual(summary['counts']['published'], frames)
        with open(table, encoding='utf-8') as file:
            total = re.search(r'^\s*100\.00\s.*?(\d+)(?:\s+\d+)?\s+total$', file.read(), re.M)
        self.assertLess(int(total.group(1)), frames / 4)


if __name__ == '__main__':
    WakeupCase.program = sys.argv.pop(1)
    oriel_e2e.main()
