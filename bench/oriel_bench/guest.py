# SPDX-License-Identifier: MIT
"""The ring between a real guest and this host, in both directions."""
import contextlib
import json
import os
import subprocess

from . import ring
from .limits import NotMeasured, shape
from .programs import LIMIT_S, ROOT, read_json

GUEST = ROOT / "vm" / "guest"
PCI = "pci:auto"
BOOT_S = 180
DIRECTIONS = ("guest to host", "host to guest")


class Guest:
    """One guest; it ends with the stage, and takes its region along."""

    def __init__(self, stage, accel, region_bytes, lifetime_s):
        self.stage = stage
        self.name = f"bench-{os.getpid()}"
        self.region = f"/dev/shm/oriel-{self.name}"
        stage.callback(self.stop)
        self.verb("start", "--region", self.region, "--size", f"{region_bytes >> 20}M", "--accel",
                  accel, "--lifetime", f"{lifetime_s:.0f}", "--timeout", BOOT_S, limit_s=BOOT_S)
        self.status = json.loads(self.verb("status", "--json"))
        self.put("bench/copy-limits")

    def command(self, verb, *words):
        """A command line of the launcher."""
        return [str(word) for word in (GUEST, verb, "--name", self.name, *words)]

    def verb(self, verb, *words, limit_s=LIMIT_S):
        """What a verb of the launcher printed."""
        child = self.stage.start(*self.command(verb, *words), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            out, err = child.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise NotMeasured(f"guest {verb} did not end within {limit_s} s") from error
        if child.returncode != 0:
            raise NotMeasured((err.strip().splitlines() or [f"guest {verb} failed"])[-1])
        return out

    def put(self, program):
        """A program of the build folder into the guest's /bin."""
        name = os.path.basename(program)
        self.verb("put", self.stage.build / program, f"/bin/{name}")
        self.verb("run", "--", "chmod", "+x", f"/bin/{name}")

    def stop(self):
        """Nothing of it is left."""
        with contextlib.suppress(NotMeasured, KeyError):
            self.verb("stop")

    def cpu_s(self):
        """Of QEMU so far: the guest's programs and what it takes to run them."""
        fields = open(f"/proc/{self.status['pid']}/stat",
                      encoding="ascii").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def limits(self, case, seconds, digests):
        """Copies and digests in the guest, into BAR2."""
        out = self.verb("run", "--timeout", LIMIT_S, "--", "copy-limits", PCI, case.size,
                        case.format, seconds, ",".join(digests))
        return {"width": case.width, "height": case.height, "format": case.format,
                **shape(json.loads(out))}

    def inside(self, program, name, *words):
        """A program in the guest, with its files in the guest's /tmp."""
        return self.stage.start(
            *self.command("run", "--timeout", LIMIT_S, "--", program, "--quiet", "--region", PCI,
                          *words, "--csv", f"/tmp/{name}.csv", "--summary", f"/tmp/{name}.json"),
            stderr=subprocess.PIPE, text=True)

    def run(self, direction, case, seconds, folder):
        """A measurement's columns."""
        capture_words = ["--takeover", "--wait", ring.ATTACH_S, *case.capture_words(seconds)]
        viewer_words = ["--bench", "--mode", case.mode, "--wait", ring.ATTACH_S]
        limit_s = LIMIT_S + 4 * seconds
        before_s = self.cpu_s()
        if direction == DIRECTIONS[0]:
            viewer = ring.start(self.stage, "host-viewer", folder, "consumer", "--region",
                                self.region, *viewer_words)
            capture = self.inside("guest-capture", "producer", *capture_words)
        else:
            viewer = self.inside("host-viewer", "consumer", *viewer_words)
            capture = ring.start(self.stage, "guest-capture", folder, "producer", "--region",
                                 self.region, *capture_words)
        cpu_s = {"producer": ring.wait_with_cpu(capture, limit_s, "guest-capture"),
                 "consumer": ring.wait_with_cpu(viewer, limit_s, "host-viewer")}
        inside = "producer" if direction == DIRECTIONS[0] else "consumer"
        cpu_s[inside] = self.cpu_s() - before_s
        for ending in ("csv", "json"):
            self.verb("fetch", f"/tmp/{inside}.{ending}", folder / f"{inside}.{ending}")
        producer, consumer = (read_json(folder / f"{side}.json")
                              for side in ("producer", "consumer"))
        record = {"direction": direction, "accel": self.status["accel"], **case.record(),
                  **ring.columns(producer, [consumer], folder),
                  **{f"{side}_cpu_s": used for side, used in cpu_s.items()}}
        ring.write_run(folder, case, producer, [consumer], direction=direction,
                       guest={"accelerator": self.status["accel"]})
        return record


def build():
    """The guest's programs and its image."""
    done = subprocess.run([GUEST, "build"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=900, check=False)
    if done.returncode != 0:
        raise NotMeasured((done.stderr.strip().splitlines() or ["guest build failed"])[-1])
