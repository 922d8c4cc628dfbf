#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Drives vm/guest as a user does, with real guests. Run: python3 tests/vm/test_guest_launcher.py

Uses guest names, a cache and a state folder of its own. Deadlines are generous
and no result depends on how fast anything is.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from launcher_case import (GUEST, LIMIT_S, NAME, REGION, Case, Environment, Sandbox, background,
                           description, eventually, guest, png_is_whole, read_line, run, start)

BIG_BYTES = 16 << 20
SANDBOX = Sandbox()


def setUpModule():
    """One image for all tests."""
    Environment.sandbox = SANDBOX
    done = guest("build", "--programs", SANDBOX.programs)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())


def tearDownModule():
    """Whatever a failed test left running is stopped by its name."""
    for line in guest("status", "--json").stdout.splitlines():
        guest("stop", "--name", json.loads(line)["name"])
    SANDBOX.remove()


class WithoutGuest(Case):
    """What can be said without booting."""

    def test_build_is_idempotent_and_sees_changes(self):
        first = guest("build", "--programs", SANDBOX.programs)
        self.assertIn(b"unchanged", first.stdout)
        script = os.path.join(SANDBOX.programs, "new-program")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho new\n")
        os.chmod(script, 0o755)
        self.assertIn(b"(made", guest("build", "--programs", SANDBOX.programs).stdout)
        os.unlink(script)
        self.assertIn(b"(made", guest("build", "--programs", SANDBOX.programs).stdout)
        self.assertIn(b"unchanged", guest("build", "--programs", SANDBOX.programs).stdout)

    def test_builds_at_once(self):
        os.utime(os.path.join(SANDBOX.programs, "dynamic-program"))
        builds = [background("build", "--programs", SANDBOX.programs) for _ in range(4)]
        outputs = [build.communicate(timeout=LIMIT_S)[0] for build in builds]
        self.assertEqual([build.returncode for build in builds], [0] * 4)
        self.assertEqual(sum(b"(made" in output for output in outputs), 1)

    def test_programs_missing(self):
        self.assert_line(guest("build", "--programs", "/nonexistent"), 3, "--programs")

    def test_bad_sizes(self):
        for size in ("48M", "0", "512K", "fast", "-1M", "3G"):
            done = guest("start", "--name", NAME, f"--size={size}")
            self.assert_line(done, 2, "--size", size)
        self.assert_no_trace(NAME)

    def test_bad_names(self):
        for name in ("", "../x", "A", ".hidden", "x" * 33, "a.lock"):
            for verb in ("start", "stop"):
                self.assert_line(guest(verb, f"--name={name}"), 2, "--name")

    def test_no_room(self):
        free = os.statvfs("/dev/shm")
        size = 1 << (free.f_bavail * free.f_frsize).bit_length()
        done = start(NAME, "--size", str(size))
        self.assert_line(done, 3, REGION, "no room", "free")
        self.assert_no_trace(NAME)

    def test_regions_that_are_refused(self):
        path = os.path.join(SANDBOX.folder, "region")
        with open(path, "wb") as file:
            file.truncate(3 << 20)
        self.assert_line(start(NAME, "--region", path), 3, path, "power of two")
        self.assertTrue(os.path.exists(path))
        os.unlink(path)
        os.symlink("/etc/passwd", path)
        self.assert_line(start(NAME, "--region", path), 3, path, "symbolic link")
        os.unlink(path)

    def test_verbs_without_guest(self):
        for verb in (["run", "true"], ["stop"], ["reboot"], ["status"], ["logs"],
                     ["fetch", "/init"], ["put", "/etc/passwd", "/tmp/x"], ["screenshot"]):
            done = guest(verb[0], "--name", NAME, *verb[1:])
            self.assert_line(done, 4, "not running", "guest start")
        self.assertEqual(guest("status").returncode, 4)

    def test_usage(self):
        self.assertEqual(guest("nonsense").returncode, 2)
        self.assertEqual(guest().returncode, 2)

    def test_state_folder_of_others_is_refused(self):
        other = os.path.join(SANDBOX.folder, "other")
        os.makedirs(os.path.join(other, "oriel"))
        os.chmod(os.path.join(other, "oriel"), 0o777)
        done = subprocess.run([GUEST, "status"], capture_output=True, timeout=LIMIT_S, check=False,
                              env={**SANDBOX.environment, "XDG_RUNTIME_DIR": other})
        self.assert_line(done, 1, "0700")


class WithGuest(Case):
    """One guest, many verbs."""

    @classmethod
    def setUpClass(cls):
        done = start()
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode())
        cls.started = done

    @classmethod
    def tearDownClass(cls):
        guest("stop", "--name", NAME)

    def test_start_line(self):
        line = self.started.stdout.decode()
        self.assertEqual(line.count("\n"), 1)
        for word in ("tcg", " s ", REGION):
            self.assertIn(word, line)
        info = os.stat(REGION)
        self.assertEqual(info.st_mode & 0o777, 0o600)
        self.assertEqual(info.st_size, 4 << 20)
        self.assertGreaterEqual(info.st_blocks * 512, 4 << 20)

    def test_exit_codes(self):
        for script, code in (("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137),
                             ("kill -TERM $$", 143)):
            self.assertEqual(run("sh", "-c", script).returncode, code)
        missing = run("no-such-program")
        self.assertEqual(missing.returncode, 127)
        self.assertIn(b"no-such-program", missing.stderr)
        self.assertEqual(run("/etc").returncode, 126)

    def test_streams_are_separate(self):
        done = run("sh", "-c", "printf 'out\\000\\377'; printf 'err\\001' >&2")
        self.assertEqual((done.stdout, done.stderr), (b"out\0\xff", b"err\1"))

    def test_what_is_left_in_the_pipe_at_the_end(self):
        # The agent sleeps while the command fills the pipe and ends.
        script = ("kill -STOP $PPID; { sleep 1; kill -CONT $PPID; } >/dev/null 2>&1 & "
                  "head -c 65536 /dev/zero")
        self.assertEqual(run("sh", "-c", script).stdout, bytes(65536))

    def test_background_children_are_not_waited_for(self):
        done = run("sh", "-c", "{ echo early; sleep 1000; } & sleep 1; exit 3")
        self.assertEqual((done.stdout, done.returncode), (b"early\n", 3))

    def test_arguments_travel_as_they_are(self):
        words = ["a b", "$HOME", '"', "'", "", "*", "\\", "line\nline", "-x", "\u00e9"]
        done = run("printf", "%s|", *words)
        self.assertEqual(done.stdout.decode(), "|".join(words) + "|")
        long = "x" * 100000
        self.assertEqual(run("printf", "%s", long).stdout.decode(), long)

    def test_programs_and_libraries(self):
        self.assertIn(b"XZ", run("dynamic-program", "--version").stdout)

    def test_shared_memory_device(self):
        script = ("cd /sys/bus/pci/devices/0000:00:10.0; cat enable; "
                  "head -c 4 resource2_wc >/dev/null 2>&1; wc -c < resource2; hostname")
        done = run("sh", "-c", script)
        self.assertEqual(done.stdout.split()[0], b"1")
        self.assertIn(NAME.encode(), done.stdout)

    def test_stdin(self):
        self.assertEqual(run("cat").stdout, b"")
        data = os.urandom(1 << 20)
        done = guest("run", "--name", NAME, "-i", "--", "cat", input=data)
        self.assertEqual(done.stdout, data)
        done = guest("run", "--name", NAME, "-i", "--", "head", "-c", "3", input=data)
        self.assertEqual(done.stdout, data[:3])

    def test_large_files_both_ways(self):
        there = os.path.join(SANDBOX.folder, "there")
        back = os.path.join(SANDBOX.folder, "back")
        data = os.urandom(BIG_BYTES - 3)
        with open(there, "wb") as file:
            file.write(data)
        os.chmod(there, 0o751)
        digest = hashlib.sha256(data).hexdigest().encode()
        self.assertEqual(guest("put", "--name", NAME, there, "/tmp/big").returncode, 0)
        self.assertTrue(run("sha256sum", "/tmp/big").stdout.startswith(digest))
        self.assertEqual(run("stat", "-c", "%a", "/tmp/big").stdout, b"751\n")
        streamed = run("cat", "/tmp/big").stdout
        self.assertEqual(hashlib.sha256(streamed).hexdigest().encode(), digest)
        self.assertEqual(guest("fetch", "--name", NAME, "/tmp/big", back).returncode, 0)
        with open(back, "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest().encode(), digest)
        run("rm", "/tmp/big")

    def test_transfers_that_fail_leave_nothing(self):
        goal = os.path.join(SANDBOX.folder, "goal")
        self.assert_line(guest("fetch", "--name", NAME, "/none", goal), 1, "/none")
        self.assertFalse(os.path.exists(goal))
        self.assert_line(guest("put", "--name", NAME, "/none", "/tmp/x"), 3, "/none")
        self.assert_line(guest("put", "--name", NAME, GUEST, "/none/x"), 1, "/none/x")
        leftovers = [name for name in os.listdir(SANDBOX.folder) if name.startswith(".oriel-")]
        self.assertEqual(leftovers, [])

    def test_signals_are_passed_on(self):
        for number, name in ((signal.SIGINT, "INT"), (signal.SIGTERM, "TERM")):
            script = f"trap 'echo got {name}; exit 5' {name}; echo up; while :; do sleep 0.1; done"
            client = background("run", "--name", NAME, "--", "sh", "-c", script)
            self.assertEqual(read_line(client), b"up\n")
            client.send_signal(number)
            output, _ = client.communicate(timeout=LIMIT_S)
            self.assertEqual((output, client.returncode), (f"got {name}\n".encode(), 5))

    def test_killed_client_ends_its_command(self):
        client = background("run", "--name", NAME, "--", "sh", "-c", "echo up; exec sleep 54321")
        self.assertEqual(read_line(client), b"up\n")
        client.kill()
        client.communicate(timeout=LIMIT_S)
        self.assertTrue(eventually(lambda: b"54321" not in run("ps").stdout))

    def test_killed_transfers_do_not_harm_the_next_client(self):
        big = os.path.join(SANDBOX.folder, "zeros")
        with open(big, "wb") as file:
            file.truncate(64 << 20)
        for _ in range(10):
            client = background("put", "--name", NAME, big, "/tmp/zeros")
            eventually(lambda: b"zeros.oriel" in run("ls", "/tmp").stdout)
            client.kill()
            client.communicate(timeout=LIMIT_S)
        for number in range(10):
            self.assertEqual(run("echo", str(number)).stdout, f"{number}\n".encode())
        self.assertEqual(run("ls", "/tmp/zeros").returncode, 1)
        self.assertTrue(eventually(lambda: b"zeros" not in run("ls", "/tmp").stdout))

    def test_time_limit(self):
        done = guest("run", "--name", NAME, "--timeout", "1", "--", "sleep", "1000")
        self.assert_line(done, 124, "sleep")
        done = guest("run", "--name", NAME, "--timeout", "1", "--", "sh", "-c",
                     "trap '' TERM; while :; do sleep 1; done")
        self.assertEqual(done.returncode, 124)

    def test_many_at_once(self):
        clients = [background("run", "--name", NAME, "--", "sh", "-c", f"sleep 1; echo {number}")
                   for number in range(12)]
        outputs = [client.communicate(timeout=LIMIT_S)[0] for client in clients]
        self.assertEqual(outputs, [f"{number}\n".encode() for number in range(12)])

    def test_reader_that_goes_away(self):
        client = background("run", "--name", NAME, "--", "yes")
        self.assertEqual(read_line(client), b"y\n")
        client.stdout.close()
        client.stderr.close()
        self.assertEqual(client.wait(timeout=LIMIT_S), 141)

    def test_agent_that_dies(self):
        self.assert_line(run("sh", "-c", "kill -9 $PPID"), 4, "agent")
        self.assertEqual(run("echo", "alive").stdout, b"alive\n")

    def test_screenshot(self):
        path = os.path.join(SANDBOX.folder, "screen.png")
        self.assertEqual(guest("screenshot", "--name", NAME, path).returncode, 0)
        self.assertTrue(png_is_whole(path))

    def test_status_qmp_logs(self):
        state = description()
        self.assertEqual((state["state"], state["accel"]), ("ready", "tcg"))
        self.assertIn(NAME.encode(), guest("status").stdout)
        self.assertIn(b"running", guest("qmp", "--name", NAME, "query-status").stdout)
        self.assertEqual(guest("qmp", "--name", NAME, "nonsense").returncode, 1)
        self.assertIn(b"Linux version", guest("logs", "--name", NAME).stdout)

    def test_build_while_a_guest_runs(self):
        self.assertEqual(guest("build", "--programs", SANDBOX.programs).returncode, 0)

    def test_second_start_is_refused(self):
        self.assert_line(start(), 1, NAME, "running already", "guest stop")
        self.assertEqual(run("echo", "still").stdout, b"still\n")

    def test_reboot(self):
        run("touch", "/tmp/before")
        client = background("run", "--name", NAME, "--", "sh", "-c", "echo up; sleep 1000")
        self.assertEqual(read_line(client), b"up\n")
        done = guest("reboot", "--name", NAME)
        self.assertEqual(done.returncode, 0, done.stderr)
        client.communicate(timeout=LIMIT_S)
        self.assertEqual(client.returncode, 4)
        self.assertEqual(run("ls", "/tmp/before").returncode, 1)
        self.assertEqual(run("reboot", "-f").returncode, 4)
        self.assertEqual(run("echo", "again").stdout, b"again\n")


class Accelerators(Case):
    """KVM as it may be on other machines, played by a QEMU in front of the true one."""

    def setUp(self):
        self.name = f"{NAME}-accel"
        self.folder = tempfile.mkdtemp(dir=SANDBOX.folder)

    def play(self, when_kvm, wanted):
        """Starts with a QEMU that runs these shell lines when it is asked for KVM."""
        true = shutil.which("qemu-system-x86_64")
        path = os.path.join(self.folder, "qemu-system-x86_64")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/bash
case "$*" in
--version) echo "{self.folder}";;
*"-accel kvm"*) {when_kvm};;
*) exec {true} "$@";;
esac
""")
        os.chmod(path, 0o755)
        environment = {**SANDBOX.environment, "TRUE": true,
                       "PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = subprocess.run([GUEST, "start", "--name", self.name, "--size", "4M", "--accel",
                               wanted], env=environment, capture_output=True, timeout=LIMIT_S,
                              check=False)
        guest("stop", "--name", self.name)
        self.assert_no_trace(self.name)
        return done

    def test_kvm_that_boots(self):
        # -cpu host becomes -cpu max: TCG knows no host.
        script = 'set -- "${@/#kvm/tcg}"; exec "$TRUE" "${@/#host/max}"'
        done = self.play(script, "kvm")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"under kvm", done.stdout)

    def test_kvm_that_fails_when_demanded(self):
        self.assert_line(self.play("echo no such luck; exit 1", "kvm"), 4, "KVM", "no such luck")

    @unittest.skipUnless(os.access("/dev/kvm", os.R_OK | os.W_OK), "no /dev/kvm")
    def test_fall_back_and_verdict(self):
        for script, words in (("echo no such luck; exit 1", b"no such luck"),
                              ("exec sleep 1000", b"no word from the kernel")):
            first = self.play(script, "auto")
            self.assertEqual(first.returncode, 0, first.stderr)
            self.assertIn(b"under tcg", first.stdout)
            self.assertEqual(first.stderr.count(b"\n"), 1)
            self.assertIn(words, first.stderr)
            second = self.play("exit 99", "auto")
            self.assertIn(words, second.stderr)
            self.assertIn(b"remembered", second.stderr)
            self.folder = tempfile.mkdtemp(dir=SANDBOX.folder)


class Endings(Case):
    """Each way to end a guest leaves nothing."""

    def begin(self, *more):
        """A guest of this test's own; what it is called is known to tearDown."""
        self.name = f"{NAME}-{self.id().rpartition('_')[2]}"
        done = start(self.name, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return description(self.name)

    def ended(self, state):
        """Checks that nothing is left."""
        self.assert_process_gone(state["pid"])
        self.assert_no_trace(self.name)
        self.assertIsNone(description(self.name))

    def test_stop(self):
        state = self.begin()
        self.assertEqual(guest("stop", "--name", self.name).returncode, 0)
        self.assertFalse(os.path.exists(state["region"]["path"]))
        self.ended(state)

    def test_region_that_was_there_stays(self):
        path = os.path.join("/dev/shm", f"oriel-{NAME}-given")
        with open(path, "wb") as file:
            file.write(b"mine")
            file.truncate(2 << 20)
        try:
            state = self.begin("--region", path)
            self.assertEqual(state["region"]["size"], 2 << 20)
            guest("stop", "--name", self.name)
            self.ended(state)
            with open(path, "rb") as file:
                self.assertEqual(file.read(4), b"mine")
        finally:
            os.unlink(path)

    def test_killed_supervisor(self):
        state = self.begin()
        os.kill(state["supervisor"][0], signal.SIGKILL)
        self.ended(state)

    def test_killed_janitor(self):
        state = self.begin()
        os.kill(state["janitor"][0], signal.SIGKILL)
        self.assertEqual(guest("stop", "--name", self.name).returncode, 0)
        self.ended(state)

    def test_killed_both(self):
        state = self.begin()
        os.kill(state["janitor"][0], signal.SIGKILL)
        os.kill(state["supervisor"][0], signal.SIGKILL)
        self.assert_process_gone(state["pid"])
        self.assertIsNone(description(self.name))
        self.ended(state)

    def test_killed_qemu(self):
        state = self.begin()
        client = background("run", "--name", self.name, "--", "sh", "-c", "echo up; sleep 1000")
        self.assertEqual(read_line(client), b"up\n")
        os.kill(state["pid"], signal.SIGKILL)
        _, words = client.communicate(timeout=LIMIT_S)
        self.assertEqual(client.returncode, 4)
        self.assertIn(b"signal 9", words)
        self.ended(state)

    def test_panic(self):
        state = self.begin()
        done = run("sh", "-c", "echo c > /proc/sysrq-trigger", name=self.name)
        self.assert_line(done, 4, "kernel panic")
        self.ended(state)

    def test_poweroff(self):
        state = self.begin()
        done = run("poweroff", "-f", name=self.name)
        self.assert_line(done, 4, "ended by itself")
        self.ended(state)

    def test_lifetime(self):
        state = self.begin("--lifetime", "30")
        done = run("sleep", "1000", name=self.name)
        self.assert_line(done, 4, "lifetime")
        self.ended(state)

    def interrupted(self, number, whole_group):
        """Interrupts a start when its guest's folder has appeared."""
        self.name = f"{NAME}-{self.id().rpartition('_')[2]}"
        client = background("start", "--name", self.name, "--accel", "tcg", "--size", "4M",
                            start_new_session=True)
        region = f"/dev/shm/oriel-{self.name}"
        self.assertTrue(eventually(lambda: os.path.exists(region)))
        if whole_group:
            os.killpg(client.pid, number)
        else:
            client.send_signal(number)
        client.communicate(timeout=LIMIT_S)
        self.assertNotEqual(client.returncode, 0)
        self.assert_no_trace(self.name)

    def test_start_and_control_c(self):
        self.interrupted(signal.SIGINT, True)

    def test_start_killed(self):
        self.interrupted(signal.SIGKILL, False)

    def test_start_too_late(self):
        self.name = f"{NAME}-late"
        self.assert_line(start(self.name, "--timeout", "0.2"), 4, "not ready after")
        self.assert_no_trace(self.name)

    def test_started_with_a_pipe_does_not_hold_it(self):
        self.name = f"{NAME}-pipe"
        reader, writer = os.pipe()
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, reader)
            client = background("start", "--name", self.name, "--accel", "tcg", "--size", "4M",
                                pass_fds=[writer])
            os.close(writer)
            client.communicate(timeout=LIMIT_S)
            self.assertEqual(os.read(reader, 1), b"")
        state = description(self.name)
        guest("stop", "--name", self.name)
        self.ended(state)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
