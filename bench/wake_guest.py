#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast a real guest's frame wakes a viewer of the host, and the other way round.

Boots a guest with a doorbell. Rounds of: the raw wake-up of a host process by another (write to an
eventfd -> poll() returned), guest-capture in the guest and a sleeping host-viewer on the host, and
the same with the sides changed. published is the producer's clock just before the frame becomes
visible, seen the viewer's when it found it.

The raw wake-up is judged between two cores, for a guest's core does not fall asleep with its ring
as a process does that has nothing else to do; the same where the scheduler chooses, which may be
one core for both, is told beside it.

The two clocks have no common origin. clock-pair measures their offset through the shared memory
right before and right after each stream, and what lies between the two is interpolated. An offset
is right to half the shortest round trip; how far the clocks may wander in between is judged by the
offset in the middle of each round against the line through its neighbours. The sum of both is the
bound told.
"""
import argparse
import contextlib
import csv
import json
import os
import statistics
import subprocess
import sys

from oriel_bench.programs import ROOT, Stage, add_build, read_json

GUEST = ROOT / "vm" / "guest"
GOAL = 2.0
WARM = 20  # frames; attaching and learning are not what is measured
PCI = "pci:auto"


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_build(parser)
    parser.add_argument("--accel", default="auto", help="auto (default), kvm or tcg")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fps", type=int, default=250, help="of each stream (default 250)")
    parser.add_argument("--frames", type=int, default=750, help="of each stream (default 750)")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    return parser.parse_args()


class Guest:
    """A guest with a doorbell, and the host's programs on its memory.

    options: of the launcher; stream: of guest-capture for stream_out() and stream_in()"""

    def __init__(self, stage, accel, options, stream=()):
        self.stage = stage
        self.bench = stage.build / "bench"
        self.stream = stream
        self.name = f"bench-{os.getpid()}"
        self.verb("start", "--accel", accel, "--doorbell", "--lifetime", "1800", *options)
        stage.callback(self.stop)
        self.status = json.loads(self.verb("status", "--json"))
        self.region = self.status["region"]["path"]
        self.verb("put", self.bench / "clock-pair", "/bin/clock-pair")
        self.run("chmod", "+x", "/bin/clock-pair")

    def command(self, verb, *words):
        """A command line of the launcher."""
        return [str(word) for word in (GUEST, verb, "--name", self.name, *words)]

    def verb(self, verb, *words):
        """What a verb of the launcher printed."""
        done = subprocess.run(self.command(verb, *words), stdout=subprocess.PIPE, text=True,
                              timeout=300, check=False)
        if done.returncode != 0:
            raise SystemExit(f"guest {verb} ended with {done.returncode}")
        return done.stdout

    def run(self, *words):
        """A command in the guest."""
        return self.verb("run", "--timeout", "60", "--", *words)

    def start(self, *words):
        """A command in the guest that goes on."""
        return self.stage.start(*self.command("run", "--timeout", "120", "--", *words),
                                stderr=None)

    def stop(self):
        """Nothing of it is left."""
        with contextlib.suppress(SystemExit):
            self.verb("stop")

    def clock(self):
        """(when, guest's clock - host's, bound), all ns."""
        answers = self.start("clock-pair", "answer", PCI)
        done = subprocess.run([self.bench / "clock-pair", "ask", self.region], text=True,
                              stdout=subprocess.PIPE, check=True, timeout=60)
        wait_good(answers, "clock-pair in the guest")
        said = json.loads(done.stdout)
        return said["at_ns"], said["offset_ns"], said["bound_ns"]

    def fetch(self, name):
        """A file of the guest's."""
        self.verb("fetch", f"/tmp/{name}", self.stage.folder / name)

    def stream_out(self):
        """Guest to host; returns the consumer's counts of wake-ups."""
        viewer = self.stage.view(self.region, "--bench", "--wait", "60", "--wakeup", "doorbell",
                                 "--csv", self.stage.folder / "consumer.csv", stderr=None)
        self.run("guest-capture", "--quiet", *self.stream, "--csv", "/tmp/producer.csv")
        wait_good(viewer, "host-viewer")
        self.fetch("producer.csv")
        return read_json(self.stage.folder / "consumer.json")["wakeup"]

    def stream_in(self):
        """Host to guest."""
        viewer = self.start("host-viewer", "--quiet", "--bench", "--region", PCI, "--wait", "60",
                            "--wakeup", "doorbell", "--csv", "/tmp/consumer.csv", "--summary",
                            "/tmp/consumer.json")
        capture = self.stage.capture(self.region, *self.stream, "--csv",
                                     self.stage.folder / "producer.csv", stderr=None)
        wait_good(capture, "guest-capture")
        wait_good(viewer, "host-viewer in the guest")
        self.fetch("consumer.csv")
        self.fetch("consumer.json")
        return read_json(self.stage.folder / "consumer.json")["wakeup"]

    def raw(self, *options):
        """p50 of the raw wake-up between two host processes, us."""
        path = self.stage.folder / "raw.json"
        subprocess.run([self.bench / "wake-latency", "--only", "eventfd", "--rounds", "1",
                        "--json", path, *options], check=True, timeout=120,
                       stdout=subprocess.DEVNULL)
        return read_json(path)["figures"]["eventfd"]["p50_ns"][0] / 1e3

    def notices(self):
        """(published, seen) of each frame that both sides have noted, by their own clocks."""
        rows = {}
        for side in ("producer", "consumer"):
            with open(self.stage.folder / f"{side}.csv", encoding="ascii", newline="") as file:
                rows[side] = {(row["epoch"], row["sequence"]): row for row in csv.DictReader(file)}
        return [(int(rows["producer"][key]["published_ns"]), int(row["seen_ns"]))
                for key, row in rows["consumer"].items()
                if row["result"] == "verified" and key in rows["producer"]][WARM:]


def wait_good(child, name):
    """Until it ends by itself."""
    if child.wait(120) != 0:
        raise SystemExit(f"{name} ended with {child.returncode}")


def offset_at(clocks, host_ns):
    """The guest's clock - the host's at that time, on the line through two measurements."""
    (first_ns, first, _), (last_ns, last, _) = clocks
    return first + (last - first) * (host_ns - first_ns) / (last_ns - first_ns)


def wandered(clocks):
    """How far the middle one of three offsets lies beside the line through the others."""
    return abs(clocks[1][1] - offset_at((clocks[0], clocks[2]), clocks[1][0]))


def percentiles(values):
    """{p50 p90 p99 max}, nearest rank."""
    ordered = sorted(values)
    found = {f"p{percent}": ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
             for percent in (50, 90, 99)}
    return {**found, "max": ordered[-1]}


def measure_round(guest):
    """All of it once, in us."""
    raw, raw_free = guest.raw(), guest.raw("--free")
    clocks = [guest.clock()]
    out_wakeup = guest.stream_out()
    clocks.append(guest.clock())
    out = [(seen - (published - offset_at(clocks[:2], seen))) / 1e3
           for published, seen in guest.notices()]
    in_wakeup = guest.stream_in()
    clocks.append(guest.clock())
    back = [(seen - offset_at(clocks[1:], published) - published) / 1e3
            for published, seen in guest.notices()]
    return {"raw_p50": raw, "raw_free_p50": raw_free, "out": percentiles(out),
            "in": percentiles(back), "out_wakeup": out_wakeup, "in_wakeup": in_wakeup,
            "bound": (max(clock[2] for clock in clocks) + wandered(clocks)) / 1e3}


def ratio(one, raw):
    """Guest -> host over raw, p50, in one round."""
    return one["out"]["p50"] / one[raw]


def middle(rounds, question):
    """The median of what the rounds answer."""
    return statistics.median(question(one) for one in rounds)


def describe(rounds, side):
    """A row of the table."""
    return "  ".join(f"{name} {middle(rounds, lambda one, name=name: one[side][name]):8.1f}"
                     for name in ("p50", "p90", "p99", "max"))


def tell(rounds, accel):
    """The table, and the goal; returns what is judged."""
    judged = middle(rounds, lambda one: ratio(one, "raw_p50"))
    print(f"guest under {accel}; medians of {len(rounds)} rounds, us; "
          f"load {os.getloadavg()[0]:.1f}")
    for name, raw in (("two cores", "raw_p50"), ("any cores", "raw_free_p50")):
        print(f"raw, host process -> host process, {name}  p50 "
              f"{middle(rounds, lambda one, raw=raw: one[raw]):8.1f}  guest -> host is "
              f"{middle(rounds, lambda one, raw=raw: ratio(one, raw)):.2f} of it")
    print(f"guest -> host, published -> seen             {describe(rounds, 'out')}\n"
          f"host -> guest, published -> seen             {describe(rounds, 'in')}\n"
          f"clocks are right to {middle(rounds, lambda one: one['bound']):.1f} us\n"
          f"goal: guest -> host / raw on two cores, p50: {judged:.2f}, at most {GOAL}: "
          f"{'holds' if judged <= GOAL else 'missed'}")
    return judged


def main():
    """Rounds, then what they came to; the exit code tells only whether it could be measured."""
    arguments = parse_arguments()
    rounds = []
    with Stage(arguments.build) as stage:
        guest = Guest(stage, arguments.accel, ("--size", "16M"),
                      ("--pattern", "counter", "--res", "64x64", "--hash", "xxh3", "--fps",
                       str(arguments.fps), "--frames", str(arguments.frames), "--wait", "30"))
        for number in range(arguments.rounds):
            one = measure_round(guest)
            rounds.append(one)
            print(f"round {number + 1}, us: raw {one['raw_p50']:.1f}; guest -> host p50 "
                  f"{one['out']['p50']:.1f}, ratio {ratio(one, 'raw_p50'):.2f}; host -> guest p50 "
                  f"{one['in']['p50']:.1f}; clocks to {one['bound']:.1f}; load "
                  f"{os.getloadavg()[0]:.1f}", flush=True)
        accel = guest.status["accel"]
    judged = tell(rounds, accel)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"schema_version": 1, "program": "wake_guest.py", "accel": accel,
                       "ratio": judged, "limit": GOAL, "holds": judged <= GOAL,
                       "rounds": rounds}, file, indent=2)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
