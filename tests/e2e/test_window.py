#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The window on a real X server: its pixels, words, keys, title and picture files."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

from oriel_e2e import DEADLINE, GOOD, INTEGRITY, NO_PEER, OTHER, VIEWER, Case, main
from test_pictures import read_png

SIZE = (640, 480)
SCREEN = (1280, 1024)
TOOLS = ('Xvfb', 'xdotool', 'xwininfo', 'xprop', 'import')
MISSING = [tool for tool in TOOLS if not shutil.which(tool)]
# Where to put what was seen, for people to look at: ORIEL_LOOK=/some/folder
LOOK = os.environ.get('ORIEL_LOOK')


@unittest.skipIf(MISSING, f'not installed: {", ".join(MISSING)}')
class Window(Case):
    """A screen of its own for each test, and tools to look at it."""

    def setUp(self):
        super().setUp()
        read_end, write_end = os.pipe()
        self.server = subprocess.Popen(
            ['Xvfb', '-displayfd', str(write_end), '-screen', '0', f'{SCREEN[0]}x{SCREEN[1]}x24',
             '-nolisten', 'tcp', '-noreset'],
            pass_fds=(write_end,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(write_end)
        self.addCleanup(self.end_server)
        with os.fdopen(read_end) as number:
            line = number.readline().strip()
        if not line:
            self.skipTest('Xvfb does not start here')
        self.env = {'DISPLAY': f':{line}', 'XAUTHORITY': '/dev/null', 'HOME': self.folder,
                    'SDL_AUDIODRIVER': 'dummy', 'XDG_RUNTIME_DIR': self.folder}

    def end_server(self):
        self.server.terminate()
        try:
            self.server.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()

    def open_window(self, *arguments):
        """The viewer, started in this test's folder, and the id of its window."""
        viewer = self.start(VIEWER, '--region', self.region, '--renderer', 'software',
                            *arguments, env=self.env, cwd=self.folder)
        viewer.window = self.until(lambda: self.find_window(viewer), 'a window')
        return viewer

    def find_window(self, viewer):
        if not viewer.is_running():
            self.fail(f'no window:\n{viewer.wait()}')
        tree = self.tool('xwininfo', '-root', '-tree')
        match = re.search(r'^ +(0x[0-9a-f]+) "Oriel', tree, re.MULTILINE)
        return match and match.group(1)

    def tool(self, *arguments):
        return subprocess.run(
            arguments, env={**os.environ, **self.env}, check=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=DEADLINE).stdout.decode()

    def until(self, question, what):
        """What the question says once it is true."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            answer = question()
            if answer:
                return answer
            time.sleep(0.1)
        self.look(f'no-{what.replace(" ", "-")}')
        raise AssertionError(f'never saw {what}')

    def title(self, viewer):
        return self.tool('xdotool', 'getwindowname', viewer.window).strip()

    def wait_for_title(self, viewer, words):
        self.until(lambda: words in self.title(viewer), f'title {words}')

    def place(self, viewer):
        """(x, y, width, height) of the window's inside on the screen."""
        info = self.tool('xwininfo', '-id', viewer.window)
        return tuple(int(re.search(rf'{name}: +(-?\d+)', info).group(1)) for name in (
            'Absolute upper-left X', 'Absolute upper-left Y', 'Width', 'Height'))

    def press(self, viewer, key):
        self.tool('xdotool', 'windowfocus', '--sync', viewer.window)
        self.tool('xdotool', 'key', key)

    def screen(self, name):
        """(width, height, rgb) of all that is on the screen."""
        path = self.path(f'{name}.png')
        self.tool('import', '-window', 'root', '-depth', '8', 'PNG24:' + path)
        if LOOK:
            shutil.copy(path, os.path.join(LOOK, f'{self._testMethodName}-{name}.png'))
        return read_png(path)

    def look(self, name):
        if LOOK:
            self.screen(name)

    def inside(self, viewer, name):
        """Rows of the window's pixels on the screen."""
        x, y, width, height = self.place(viewer)
        screen_width, screen_height, rgb = self.screen(name)
        self.assertLessEqual(0, x)
        self.assertLessEqual(x + width, screen_width)
        self.assertLessEqual(y + height, screen_height)
        return b''.join(rgb[3 * ((y + row) * screen_width + x):][:3 * width]
                        for row in range(height))

    def start_one_frame(self, pattern='bars', size=SIZE):
        """A producer of one frame that then stays alive: fed through a pipe of ours."""
        text = f'{size[0]}x{size[1]}'
        frame = self.draw(pattern, 'xrgb8888', text, 7, 1, 'raw')
        producer = self.start_capture('--input', '-', '--res', text, stdin=subprocess.PIPE,
                                      size='16M' if size == SIZE else '64M')
        producer.process.stdin.write(frame)
        producer.process.stdin.flush()
        return producer, self.draw(pattern, 'xrgb8888', text, 7, 1)

    def wait_for_picture(self, viewer, rgb, name='picture'):
        self.until(lambda: self.place(viewer)[2:] == SIZE, 'the size of the picture')
        self.until(lambda: self.inside(viewer, name) == rgb, 'the picture')


class Pixels(Window):

    def test_every_pixel_one_to_one(self):
        _, rgb = self.start_one_frame('random')
        viewer = self.open_window()
        self.wait_for_picture(viewer, rgb)
        self.wait_for_title(viewer, 'Oriel - 640x480 - ')
        self.assert_code(viewer.stop(), GOOD)

    def test_a_picture_larger_than_the_screen_is_fitted(self):
        self.start_one_frame('gradient', (2560, 1440))
        viewer = self.open_window()
        self.wait_for_title(viewer, '2560x1440')
        x, y, width, height = self.until(
            lambda: self.place(viewer) if self.place(viewer)[2] != 960 else None, 'a size')
        self.assertLessEqual(x + width, SCREEN[0])
        self.assertLessEqual(y + height, SCREEN[1])
        self.assertAlmostEqual(width / height, 16 / 9, delta=0.01)
        self.look('fitted')
        self.assert_code(viewer.stop(), GOOD)

    def test_frames_and_duration_close_it(self):
        self.start_capture()
        for limit in (('--frames', '5'), ('--duration', '0.3')):
            viewer = self.start(VIEWER, '--region', self.region, '--renderer', 'software', *limit,
                                env=self.env)
            self.assert_code(viewer.wait(), GOOD)


class Words(Window):
    """Never a frozen picture without a word."""

    def assert_words(self, viewer, title, name, least=200):
        """The title says so, and so does the picture: some pixels are white, none of ours is."""
        self.wait_for_title(viewer, title)
        white = self.until(
            lambda: self.inside(viewer, name).count(b'\xff\xff\xff') >= least, f'words {name}')
        self.assertTrue(white)

    def test_waiting_and_then_a_picture(self):
        viewer = self.open_window('--create=16M')
        self.assert_words(viewer, 'waiting for a producer', 'waiting')
        _, rgb = self.start_one_frame('random')
        self.wait_for_picture(viewer, rgb)
        self.assert_code(viewer.stop(signal.SIGINT), GOOD)

    def test_a_dead_producer(self):
        producer, rgb = self.start_one_frame('gradient')
        viewer = self.open_window()
        self.wait_for_picture(viewer, rgb)
        producer.end()
        self.assert_words(viewer, 'stale', 'stale')
        self.assertNotEqual(self.inside(viewer, 'dark'), rgb)
        self.assert_words(viewer, 'gone', 'gone')
        self.start_capture('--pattern', 'bars', size='16M')
        self.wait_for_title(viewer, '160x120')
        self.assert_code(viewer.stop(), GOOD)

    def test_a_stopped_producer_comes_back(self):
        producer, rgb = self.start_one_frame('gradient')
        viewer = self.open_window()
        self.wait_for_picture(viewer, rgb)
        producer.send(signal.SIGSTOP)
        self.assert_words(viewer, 'stale', 'stale')
        producer.send(signal.SIGCONT)
        self.wait_for_picture(viewer, rgb, 'again')

    def test_the_end(self):
        producer, rgb = self.start_one_frame('gradient')
        viewer = self.open_window()
        self.wait_for_picture(viewer, rgb)
        self.assert_code(producer.stop(), GOOD)
        self.assert_words(viewer, 'the producer ended', 'ended')
        self.assertTrue(viewer.is_running())

    def test_states_of_the_producer(self):
        for what, words in (('other-version', 'another version'), ('needs-features', 'version'),
                            ('no-signal', 'no signal'), ('paused', 'paused'),
                            ('fault', 'fault'), ('all-bad', 'quarantined'),
                            ('damaged', 'waiting')):
            with self.subTest(what):
                forge = self.start_forge(what)
                viewer = self.open_window()
                self.assert_words(viewer, words, what)
                self.assertTrue(viewer.is_running())
                result = viewer.stop()
                self.assert_code(result, INTEGRITY if what == 'all-bad' else GOOD)
                forge.end()

    def test_a_region_that_went_away(self):
        producer, rgb = self.start_one_frame('gradient')
        viewer = self.open_window()
        self.wait_for_picture(viewer, rgb)
        producer.end()
        os.truncate(self.region, 0)
        self.assert_words(viewer, 'lost', 'lost')
        self.assertTrue(viewer.is_running())

    def test_wait_ends_a_window_too(self):
        result = self.view('--create=1M', '--wait', '0.5', '--quiet', '--renderer', 'software',
                           env=self.env)
        self.assert_refused(result, NO_PEER, self.region, 'no producer')


class Keys(Window):

    def setUp(self):
        super().setUp()
        self.producer, self.rgb = self.start_one_frame('gradient')
        self.viewer = self.open_window()
        self.wait_for_picture(self.viewer, self.rgb)

    def test_q_and_escape_end_it(self):
        self.press(self.viewer, 'q')
        self.assert_code(self.viewer.wait(), GOOD)
        self.viewer = self.open_window()
        self.wait_for_picture(self.viewer, self.rgb)
        self.press(self.viewer, 'Escape')
        self.assert_code(self.viewer.wait(), GOOD)

    def test_o_shows_numbers_and_hides_them(self):
        self.press(self.viewer, 'o')
        self.until(lambda: self.inside(self.viewer, 'overlay') != self.rgb, 'the overlay')
        pixels = self.inside(self.viewer, 'overlay')
        below = len(pixels) * 2 // 3
        self.assertEqual(pixels[below:], self.rgb[below:], 'the overlay is larger than it should')
        self.press(self.viewer, 'o')
        self.until(lambda: self.inside(self.viewer, 'plain') == self.rgb, 'no overlay')

    def test_s_saves_the_frame(self):
        self.press(self.viewer, 's')
        path = self.viewer.wait_for_line(r'saved (\S+\.png)').group(1)
        self.assertRegex(path, r'^\./oriel-\d{8}-\d{6}-1\.png$')
        self.assertTrue(read_png(self.path(path)) == SIZE + (self.rgb,), 'other pixels')
        self.until(lambda: self.inside(self.viewer, 'saved') != self.rgb, 'the message')
        self.until(lambda: self.inside(self.viewer, 'plain') == self.rgb, 'no message')

    def test_other_keys_do_nothing(self):
        for key in ('a', 'ctrl+q', 'alt+f', 'space', 'F1'):
            self.press(self.viewer, key)
        self.assertEqual(self.inside(self.viewer, 'plain'), self.rgb)
        self.assertTrue(self.viewer.is_running())


@unittest.skipUnless(shutil.which('openbox'), 'not installed: openbox, a window manager')
class Managed(Window):
    """With a window manager: without one no program of SDL's can fill the screen."""

    def setUp(self):
        super().setUp()
        self.start('openbox', '--sm-disable', env=self.env)
        self.until(lambda: 'window id' in self.tool('xprop', '-root', '_NET_SUPPORTING_WM_CHECK'),
                   'a window manager')

    def test_f_fills_the_screen_and_escape_leaves_it(self):
        _, rgb = self.start_one_frame('gradient')
        viewer = self.open_window()
        self.wait_for_picture(viewer, rgb)
        for leave in ('Escape', 'f'):
            self.press(viewer, 'f')
            self.until(lambda: self.place(viewer) == (0, 0) + SCREEN, 'fullscreen')
            # 640x480 fits 1280x1024 twice, with 32 rows to spare above and below.
            line = b''.join(rgb[3 * x:3 * x + 3] * 2 for x in range(SIZE[0]))
            row = 3 * SCREEN[0]
            self.until(lambda: self.inside(viewer, 'full')[32 * row:34 * row] == line * 2,
                       'the picture at twice its size')
            self.press(viewer, leave)
            self.until(lambda: self.place(viewer)[2:] == SIZE, 'a window')
            self.until(lambda: self.inside(viewer, 'back') == rgb, 'the picture')
        self.assertTrue(viewer.is_running())

    def test_its_close_button_ends_it(self):
        viewer = self.open_window('--create=1M')
        self.wait_for_title(viewer, 'waiting')
        self.until(lambda: self.close(viewer), 'the window closed')
        self.assert_code(viewer.wait(), GOOD)

    def close(self, viewer):
        """Again if need be: openbox says that it is there before it listens to keys."""
        if viewer.is_running():
            try:
                self.press(viewer, 'alt+F4')
            except subprocess.CalledProcessError:
                pass  # the window went between the two
        return not viewer.is_running()


class NoWindow(Window):

    def test_a_renderer_that_is_none(self):
        result = self.view('--create=1M', '--renderer', 'crayon', '--quiet', env=self.env)
        self.assert_refused(result, OTHER, 'crayon', 'software')

    def test_a_display_that_is_none(self):
        for variable in ({'DISPLAY': ':987'}, {'DISPLAY': 'nonsense'}):
            result = self.view('--create=1M', '--quiet', env={**self.env, **variable})
            self.assert_refused(result, OTHER, 'no display', '--bench')

    def test_a_server_that_dies(self):
        self.start_one_frame()
        viewer = self.open_window()
        self.server.kill()
        result = viewer.wait()
        self.assertNotEqual(result.code, GOOD)
        self.assertGreater(result.code, 0, f'died of a signal: {result}')


if __name__ == '__main__':
    main()
