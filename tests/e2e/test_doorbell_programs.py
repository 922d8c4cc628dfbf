#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A real QEMU and the project's own programs as peers of the doorbell-server."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import unittest

from ivshmem_peer import PATIENCE_S, Peer, Place, wait_until

QEMU = shutil.which("qemu-system-x86_64")


@unittest.skipUnless(QEMU, "no qemu-system-x86_64")
class Qemu(Place):
    """The real one, stopped before its first instruction."""

    def start(self):
        """A QEMU that ends with the test."""
        process = subprocess.Popen(
            [QEMU, "-S", "-M", "pc,accel=tcg", "-m", "32", "-nodefaults", "-display", "none",
             "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
             "-chardev", f"socket,path={self.path},id=iv",
             "-device", "ivshmem-doorbell,chardev=iv,vectors=2,addr=0x10"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def qmp(self, command):
        """One command to QEMU."""
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(PATIENCE_S)
            channel.connect(f"{self.folder}/qmp")
            file = channel.makefile("rw")
            file.readline()
            for name in ("qmp_capabilities", command):
                file.write(json.dumps({"execute": name}) + "\n")
                file.flush()
                while "return" not in (answer := json.loads(file.readline())):
                    self.assertIn("event", answer)
        return answer["return"]

    def test_qemu_is_a_peer(self):
        """It takes the greeting, is introduced, takes rings, and its end is told."""
        with self.serve().started() as server, Peer(self.path) as host:
            host.greet(2)
            process = self.start()
            self.assertEqual({host.take_news()[0], host.take_news()[0]}, {host.id + 1})
            known = server.has(2)[1]
            self.assertEqual((known["pid"], known["id"]), (process.pid, host.id + 1))
            wait_until(lambda: os.path.exists(f"{self.folder}/qmp"), "QEMU's QMP")
            self.assertEqual(self.qmp("query-status")["status"], "prelaunch")
            self.assertEqual(server.ask("ring", str(known["id"]), "all").returncode, 0)
            host.ring(known["id"], 1)
            wait_until(lambda: all(vector["pending"] == 0
                                   for vector in server.status()["peers"][1]["vectors"]),
                       "QEMU takes its rings")
            self.qmp("quit")
            self.assertEqual(host.take_news(), (known["id"], False))
            self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_qemu_ends_when_there_is_no_room(self):
        """Instead of hanging in its start, as it does when the connection just ends."""
        with self.serve().started() as server:
            peers = [Peer(self.path) for _ in range(64)]
            server.has(64)
            process = self.start()
            said = process.communicate(timeout=PATIENCE_S)[1]
            self.assertNotEqual(process.returncode, 0)
            self.assertIn("version", said)
            for peer in peers:
                peer.close()


class Frames(Place):
    """The two programs, with --region server:."""

    capture = viewer = None

    def test_frames_through_the_server(self):
        """Every frame arrives and is verified; the server's death in between changes nothing."""
        with self.serve("--size", "16M").started() as server:
            capture = subprocess.Popen(
                [self.capture, "--region", "server:" + self.path, "--pattern", "counter", "--res",
                 "640x360", "--quiet"], stderr=subprocess.PIPE, text=True)
            try:
                summary = self.folder / "viewer.json"
                killer = threading.Timer(1.0, server.end, [signal.SIGKILL])
                server.has(1)
                killer.start()
                view = subprocess.run(
                    [self.viewer, "--bench", "--region", "server:" + self.path, "--duration", "2",
                     "--summary", str(summary), "--quiet"], capture_output=True, text=True,
                    timeout=60)
                killer.join()
                self.assertEqual(view.returncode, 0, view.stderr)
                self.assertIn('"server"', summary.read_text())
            finally:
                capture.terminate()
                said = capture.communicate(timeout=PATIENCE_S)[1]
            self.assertEqual(capture.returncode, 0, said)


if __name__ == "__main__":
    Place.program, Frames.capture, Frames.viewer = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
