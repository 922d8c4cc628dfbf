#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs spin over every model of the ring, good configurations and mutants alike.

Each run states its verdict beforehand: `pass`, or the one kind of error, and for an assertion a
part of its text, that the mutant must be caught by. A mutant caught by something else, a good
model that fails and a search cut short by a limit are all mismatches. Prints TAP 13.
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

MODELS = pathlib.Path(__file__).resolve().parent

# What pan can be asked. Invalid end states are only looked for by `safety`, so what must neither
# stop nor spin is run twice. `ltl` goes without weak fairness: with it, pan does not see a claim
# violated by a run that simply ends.
SAFETY = "safety"
PROGRESS = "progress"
LTL = "ltl"
COMPILE = {SAFETY: ["-DSAFETY"], PROGRESS: ["-DNP", "-DNFAIR=3"], LTL: []}
SEARCH = {SAFETY: [], PROGRESS: ["-l", "-f"], LTL: ["-a"]}

PASS = "pass"
TORN = "assertion violated ((v0=="
LEASE = "assertion violated (g_stolen||"
STOLEN = "assertion violated  !(g_stolen)"
MAILBOX_LEASE = "assertion violated g_stolen"
GAP = "assertion violated (revocations[c]!=r)"
STALE_GRANT = "assertion violated (next>="
HEADER = "assertion violated ((v0==session)"
STUCK = "non-progress cycle"
UNSETTLED = "acceptance cycle"
ASLEEP = "invalid end state"
AHEAD = "assertion violated (((ahead_q!="
WHOLE = "assertion violated ((v0==q)"
HALVES = "assertion violated (v0==v1)"
OTHER_SHAPE = "assertion violated (v0=="
OUTSIDE = "assertion violated ((asked<=time)"


class Run(NamedTuple):
    name: str
    model: str
    macros: str
    search: str
    verdict: str
    long: bool = False
    compile: str = ""


RUNS = [
    # The mailbox.
    Run("ring", "ring", "FRAMES=4", SAFETY, PASS),
    Run("ring-two-readers", "ring", "CONSUMERS=2 SLOTS=4 FRAMES=2", SAFETY, PASS),
    Run("ring-expiry", "ring", "FRAMES=4 EXPIRY", SAFETY, PASS),
    Run("ring-two-readers-expiry", "ring", "CONSUMERS=2 SLOTS=4 FRAMES=2 EXPIRY", SAFETY, PASS),
    Run("ring-observer", "ring", "FRAMES=4 OBSERVER", SAFETY, PASS),
    Run("ring-observer-restart", "ring", "RESTARTS=1 FRAMES=2 OBSERVER", SAFETY, PASS),
    Run("ring-deaths", "ring", "DEATHS=2", SAFETY, PASS),
    Run("ring-restart", "ring", "RESTARTS=1 FRAMES=2", SAFETY, PASS),
    Run("ring-restart-deaths-expiry", "ring", "RESTARTS=1 FRAMES=2 EXPIRY DEATHS=1", SAFETY, PASS),
    Run("ring-hostile", "ring", "HOSTILE FRAMES=2", SAFETY, PASS),
    Run("ring-watch", "ring", "WATCH FRAMES=4", SAFETY, PASS),
    Run("ring-waitfree-deaths", "ring", "DEATHS=1", PROGRESS, PASS),
    Run("ring-waitfree-hostile", "ring", "HOSTILE FRAMES=1", PROGRESS, PASS),
    Run("ring-witness", "ring", "WITNESS", SAFETY, "assertion violated (q!="),
    Run("ring-two-slots", "ring", "SLOTS=2", SAFETY, STOLEN),
    Run("ring-two-readers-three-slots", "ring", "CONSUMERS=2 FRAMES=4", SAFETY, STOLEN,
        compile="-O1"),
    Run("ring-no-claim-fence", "ring", "NO_CLAIM_FENCE", SAFETY, LEASE),
    Run("ring-no-rescan", "ring", "NO_RESCAN", SAFETY, LEASE),
    Run("ring-no-writing-fence", "ring", "EXPIRY NO_WRITING_FENCE", SAFETY, TORN),
    Run("ring-one-bit", "ring", "ONE_BIT", SAFETY, LEASE),
    Run("ring-no-publish-fence", "ring", "NO_PUBLISH_FENCE", SAFETY, TORN),
    Run("ring-late-epoch", "ring", "RESTARTS=1 FRAMES=2 LATE_EPOCH", SAFETY, LEASE),
    Run("ring-late-epoch-observer", "ring", "RESTARTS=1 FRAMES=2 LATE_EPOCH OBSERVER", SAFETY,
        HEADER, compile="-O1"),
    Run("ring-no-attach-fence", "ring", "FRAMES=4 WATCH NO_ATTACH_FENCE", SAFETY, LEASE),
    Run("ring-rare-tend", "ring", "FRAMES=4 WATCH RARE_TEND", SAFETY, LEASE),
    Run("ring-no-backoff-limit", "ring", "HOSTILE FRAMES=2 NO_BACKOFF_LIMIT", PROGRESS, STUCK),
    Run("ring-no-lease-fence", "ring", "NO_LEASE_FENCE", SAFETY, LEASE),
    Run("ring-no-recheck-fence", "ring", "EXPIRY NO_RECHECK_FENCE", SAFETY, TORN),
    Run("ring-no-ctl-recheck", "ring", "EXPIRY NO_CTL_RECHECK", SAFETY, TORN),
    Run("ring-no-epoch-recheck", "ring", "RESTARTS=1 FRAMES=2 NO_EPOCH_RECHECK", SAFETY, TORN),
    Run("ring-read-twice", "ring", "RESTARTS=1 FRAMES=2 READ_TWICE", SAFETY, HEADER,
        compile="-O1"),
    Run("ring-two-readers-long", "ring", "CONSUMERS=2 SLOTS=4 FRAMES=3", SAFETY, PASS, True),
    Run("ring-two-readers-expiry-long", "ring", "CONSUMERS=2 SLOTS=4 EXPIRY", SAFETY, PASS, True),
    Run("ring-restart-long", "ring", "RESTARTS=1", SAFETY, PASS, True),
    Run("ring-restarts-long", "ring", "RESTARTS=2 FRAMES=1", SAFETY, PASS, True),
    Run("ring-restart-watch-long", "ring", "RESTARTS=1 WATCH", SAFETY, PASS, True),
    Run("ring-waitfree-hostile-long", "ring", "HOSTILE FRAMES=2", PROGRESS, PASS, True),
    Run("ring-unreduced-long", "ring", "FRAMES=4", SAFETY, PASS, True, "-DNOREDUCE"),

    # Lossless, and both kinds of reader together.
    Run("lossless", "lossless", "", SAFETY, PASS),
    Run("lossless-alive", "lossless", "", PROGRESS, PASS),
    Run("lossless-two-slots", "lossless", "SLOTS=2", SAFETY, PASS),
    Run("lossless-patience", "lossless", "PATIENCE", SAFETY, PASS),
    Run("lossless-two-slots-patience", "lossless", "SLOTS=2 PATIENCE FRAMES=6", SAFETY, PASS),
    Run("lossless-deaths-patience", "lossless", "DEATHS=2 PATIENCE", SAFETY, PASS),
    Run("lossless-deaths", "lossless", "DEATHS=1", SAFETY, PASS),
    Run("lossless-deaths-alive", "lossless", "DEATHS=1", PROGRESS, PASS),
    Run("lossless-two-readers", "lossless", "LOSSLESS=2 SLOTS=2 FRAMES=4", SAFETY, PASS),
    Run("lossless-two-readers-patience", "lossless", "LOSSLESS=2 SLOTS=2 FRAMES=3 PATIENCE", SAFETY,
        PASS),
    Run("lossless-mailbox", "lossless", "MAILBOX=1 FRAMES=4", SAFETY, PASS),
    Run("lossless-hostile", "lossless", "HOSTILE SLOTS=2 FRAMES=3", SAFETY, PASS),
    Run("lossless-from-latest", "lossless", "FROM_LATEST", SAFETY, PASS),
    Run("lossless-from-latest-patience", "lossless", "FROM_LATEST PATIENCE DEATHS=1", SAFETY, PASS),
    Run("lossless-witness-last", "lossless", "WITNESS_LAST", SAFETY, "assertion violated (next!="),
    Run("lossless-witness-gap", "lossless", "WITNESS_GAP PATIENCE", SAFETY,
        "assertion violated (from_q[c]=="),
    Run("lossless-mailbox-few-slots", "lossless", "MAILBOX=1 SLOTS=2 FRAMES=4", SAFETY, STOLEN),
    Run("lossless-short-index", "lossless", "INDEX_LENGTH=2", SAFETY, GAP),
    Run("lossless-self-readmit", "lossless", "SLOTS=2 PATIENCE SELF_READMIT", SAFETY, GAP),
    Run("lossless-from-late", "lossless", "PATIENCE FROM_LATE", SAFETY, STALE_GRANT),
    Run("lossless-late-baseline", "lossless", "PATIENCE LATE_BASELINE", SAFETY, GAP),
    Run("lossless-no-cursor-reset", "lossless", "NO_CURSOR_RESET", SAFETY, GAP),
    Run("lossless-cursor-early", "lossless", "CURSOR_EARLY", SAFETY, GAP),
    Run("lossless-no-ctl-recheck", "lossless", "PATIENCE NO_CTL_RECHECK", SAFETY, TORN),
    Run("lossless-no-revoke", "lossless", "DEATHS=1 NO_REVOKE", PROGRESS, STUCK),
    Run("lossless-late-revoke", "lossless", "PATIENCE LATE_REVOKE", SAFETY, GAP),
    Run("lossless-cursor-blind", "lossless", "CURSOR_BLIND", SAFETY, GAP),
    Run("lossless-lease-blind", "lossless", "MAILBOX=1 LEASE_BLIND", SAFETY, MAILBOX_LEASE),
    Run("lossless-no-rescan", "lossless", "MAILBOX=1 NO_RESCAN", SAFETY, MAILBOX_LEASE),
    Run("lossless-steal-any", "lossless", "MAILBOX=1 STEAL_ANY FRAMES=4", SAFETY, GAP),
    Run("lossless-steal-early", "lossless", "MAILBOX=1 STEAL_EARLY FRAMES=4", SAFETY, STOLEN),
    Run("lossless-long", "lossless", "FRAMES=9 PATIENCE DEATHS=2", SAFETY, PASS, True),
    Run("lossless-two-readers-long", "lossless", "LOSSLESS=2 FRAMES=4", SAFETY, PASS, True),
    Run("lossless-two-readers-patience-long", "lossless", "LOSSLESS=2 SLOTS=2 FRAMES=4 PATIENCE",
        SAFETY, PASS, True),
    Run("lossless-mailbox-patience-long", "lossless", "MAILBOX=1 FRAMES=4 PATIENCE", SAFETY, PASS,
        True),
    Run("lossless-mailbox-alive-long", "lossless", "MAILBOX=1 FRAMES=4", PROGRESS, PASS, True),
    Run("lossless-mailbox-deaths-long", "lossless", "MAILBOX=1 FRAMES=4 DEATHS=1 PATIENCE",
        SAFETY, PASS, True),
    Run("lossless-hostile-long", "lossless", "HOSTILE FRAMES=3", SAFETY, PASS, True),
    Run("lossless-hostile-alive-long", "lossless", "HOSTILE SLOTS=2 FRAMES=3", PROGRESS, PASS,
        True),
    Run("lossless-unreduced-long", "lossless", "PATIENCE", SAFETY, PASS, True, "-DNOREDUCE"),

    # Attach and restart.
    Run("handshake", "handshake", "", LTL, PASS),
    Run("handshake-fresh-memory", "handshake", "STALE=0", LTL, PASS),
    Run("handshake-reused-epoch", "handshake", "REUSED_EPOCH", LTL, UNSETTLED),
    Run("handshake-look-once", "handshake", "LOOK_ONCE", LTL, UNSETTLED),
    Run("handshake-grant-once", "handshake", "GRANT_ONCE", LTL, UNSETTLED),
    Run("handshake-trust-leftover", "handshake", "TRUST_LEFTOVER", LTL, UNSETTLED),
    Run("handshake-long", "handshake", "RESTARTS=3", LTL, PASS, True),

    # Waking the consumers.
    Run("wake", "wake", "", SAFETY, PASS),
    Run("wake-spurious", "wake", "SPURIOUS=2", SAFETY, PASS),
    Run("wake-refusals", "wake", "REFUSALS=2 TIMEOUTS=2", SAFETY, PASS),
    Run("wake-attach", "wake", "ATTACH REFUSALS=1 TIMEOUTS=1", SAFETY, PASS),
    Run("wake-two-readers", "wake", "READERS=2 FRAMES=2 ATTACH", SAFETY, PASS),
    Run("wake-lossy-timeout", "wake", "LOSSY TIMEOUT FRAMES=2 REFUSALS=1", SAFETY, PASS),
    Run("wake-lossy-timeout-alive", "wake", "LOSSY TIMEOUT FRAMES=2 REFUSALS=1", PROGRESS, PASS),
    Run("wake-no-writer-fence", "wake", "NO_WRITER_FENCE", SAFETY, ASLEEP),
    Run("wake-no-reader-fence", "wake", "NO_READER_FENCE", SAFETY, ASLEEP),
    Run("wake-no-recheck", "wake", "NO_RECHECK", SAFETY, ASLEEP),
    Run("wake-early-ring", "wake", "EARLY_RING", SAFETY, ASLEEP),
    Run("wake-late-drain", "wake", "LATE_DRAIN", SAFETY, ASLEEP),
    Run("wake-exact", "wake", "REFUSALS=1 EXACT", SAFETY, ASLEEP),
    Run("wake-no-count", "wake", "REFUSALS=1 SLEEPS=1", SAFETY, ASLEEP),
    Run("wake-short-count", "wake", "REFUSALS=1 TIMEOUTS=1 SLEEPS=2", SAFETY, ASLEEP),
    Run("wake-known-only", "wake", "ATTACH KNOWN_ONLY", SAFETY, ASLEEP),
    Run("wake-lossy", "wake", "LOSSY", SAFETY, ASLEEP),
    Run("wake-lossy-blind", "wake", "LOSSY TIMEOUT FRAMES=2 REFUSALS=1 BLIND", PROGRESS, STUCK),
    Run("wake-refusals-long", "wake", "REFUSALS=2 TIMEOUTS=2 SPURIOUS=1", SAFETY, PASS, True),
    Run("wake-two-readers-long", "wake", "READERS=2 FRAMES=2 ATTACH REFUSALS=1", SAFETY, PASS,
        True),
    Run("wake-lossy-timeout-long", "wake", "LOSSY TIMEOUT SPURIOUS=1 REFUSALS=1", SAFETY, PASS,
        True),
    Run("wake-lossy-timeout-alive-long", "wake", "LOSSY TIMEOUT REFUSALS=1", PROGRESS, PASS, True),

    Run("wake-pointer", "wake", "POINTER=2 FRAMES=2", SAFETY, PASS),
    Run("wake-pointer-spurious", "wake", "POINTER=2 FRAMES=1 SPURIOUS=1 TIMEOUTS=1", SAFETY, PASS),
    Run("wake-pointer-two-readers", "wake", "POINTER=1 FRAMES=1 READERS=2 ATTACH", SAFETY, PASS),
    Run("wake-pointer-no-ring", "wake", "POINTER=2 FRAMES=1 NO_POINTER_RING", SAFETY, ASLEEP),
    Run("wake-pointer-number", "wake", "POINTER=2 FRAMES=1 POINTER_NUMBER", SAFETY, ASLEEP),
    Run("wake-pointer-no-fence", "wake", "POINTER=2 FRAMES=0 NO_WRITER_FENCE", SAFETY, ASLEEP),
    Run("wake-pointer-no-recheck", "wake", "POINTER=2 FRAMES=1 NO_POINTER_RECHECK", SAFETY,
        ASLEEP),
    Run("wake-pointer-long", "wake", "POINTER=3 FRAMES=2 REFUSALS=1 SPURIOUS=1", SAFETY, PASS,
        True),

    # The pointer's shapes.
    Run("pointer", "pointer", "LOOKS=4", SAFETY, PASS),
    Run("pointer-restart", "pointer", "SESSIONS=2 LOOKS=4 SHAPES=3", SAFETY, PASS),
    Run("pointer-witness", "pointer", "WITNESS", SAFETY, "assertion violated (got!="),
    Run("pointer-no-writing-fence", "pointer", "NO_WRITING_FENCE", SAFETY, HALVES),
    Run("pointer-no-publish-fence", "pointer", "NO_PUBLISH_FENCE", SAFETY, HALVES),
    Run("pointer-no-recheck", "pointer", "NO_RECHECK", SAFETY, OTHER_SHAPE),
    Run("pointer-no-recheck-fence", "pointer", "NO_RECHECK_FENCE", SAFETY, HALVES),
    Run("pointer-no-epoch-recheck", "pointer", "SESSIONS=2 SHAPES=2 NO_EPOCH_RECHECK", SAFETY,
        OTHER_SHAPE),
    Run("pointer-late-wipe", "pointer", "SESSIONS=2 SHAPES=2 LATE_WIPE", SAFETY, OTHER_SHAPE),
    Run("pointer-long", "pointer", "SESSIONS=3 SHAPES=5 LOOKS=8", SAFETY, PASS, True),

    # Reading a frame while it is written.
    Run("early", "early", "", SAFETY, PASS),
    Run("early-hostile", "early", "HOSTILE", SAFETY, PASS),
    Run("early-witness", "early", "WITNESS", SAFETY, "assertion violated ((ahead_q!="),
    Run("early-no-progress-fence", "early", "NO_PROGRESS_FENCE", SAFETY, AHEAD),
    Run("early-no-reset", "early", "NO_RESET", SAFETY, PASS),
    Run("early-no-sequence", "early", "NO_RESET NO_SEQUENCE", SAFETY, AHEAD),
    Run("early-no-digest", "early", "HOSTILE NO_DIGEST", SAFETY, WHOLE),
    Run("early-no-forget", "early", "NO_FORGET", SAFETY, WHOLE),
    Run("early-no-control", "early", "NO_CONTROL", SAFETY, WHOLE),
    Run("early-long", "early", "FRAMES=8 LOOKS=8 HOSTILE", SAFETY, PASS, True),
    Run("wake-announce", "wake", "ANNOUNCE", SAFETY, PASS),
    Run("wake-announce-two-readers", "wake", "ANNOUNCE READERS=2 FRAMES=1", SAFETY, PASS),
    Run("wake-announce-refusals", "wake", "ANNOUNCE FRAMES=2 REFUSALS=1 TIMEOUTS=1", SAFETY, PASS),
    Run("wake-announce-no-count", "wake", "ANNOUNCE FRAMES=2 SLEEPS=1", SAFETY, ASLEEP),
    Run("wake-announce-only", "wake", "ANNOUNCE FRAMES=2 ANNOUNCE_ONLY", SAFETY, ASLEEP),

    # The clocks' questions and answers.
    Run("clock", "clock", "", SAFETY, PASS),
    Run("clock-witness", "clock", "WITNESS", SAFETY, "assertion violated (owner!="),
    Run("clock-no-ask-order", "clock", "NO_ASK_ORDER", SAFETY, OUTSIDE),
    Run("clock-no-answer-order", "clock", "NO_ANSWER_ORDER", SAFETY, OUTSIDE),
    Run("clock-no-publish-fence", "clock", "NO_PUBLISH_FENCE", SAFETY, OUTSIDE),
    Run("clock-no-seen-order", "clock", "NO_SEEN_ORDER", SAFETY, OUTSIDE),
    Run("clock-no-collect-fence", "clock", "NO_COLLECT_FENCE", SAFETY, OUTSIDE),
    Run("clock-reused-numbers", "clock", "REUSED_NUMBERS", SAFETY, OUTSIDE),

    # Waking the producer.
    Run("space", "space", "", SAFETY, PASS),
    Run("space-two-readers", "space", "READERS=2", SAFETY, PASS),
    Run("space-two-readers-detach", "space", "READERS=2 FRAMES=3 DETACH", SAFETY, PASS),
    Run("space-two-readers-stop", "space", "READERS=2 FRAMES=3 STOP", SAFETY, PASS),
    Run("space-drops", "space", "SLOTS=3 DROPS=1 STOP", SAFETY, PASS),
    Run("space-timeouts", "space", "STOP TIMEOUTS=2 SPURIOUS=1", SAFETY, PASS),
    Run("space-both-sleep", "space", "BOTH DETACH", SAFETY, PASS),
    Run("space-lossy-timeout", "space", "LOSSY TIMEOUT FRAMES=3", SAFETY, PASS),
    Run("space-lossy-timeout-alive", "space", "LOSSY TIMEOUT FRAMES=3", PROGRESS, PASS),
    Run("space-no-writer-fence", "space", "NO_WRITER_FENCE", SAFETY, ASLEEP),
    Run("space-no-reader-fence", "space", "NO_READER_FENCE", SAFETY, ASLEEP),
    Run("space-no-recheck", "space", "NO_RECHECK", SAFETY, ASLEEP),
    Run("space-early-ring", "space", "STOP EARLY_RING", SAFETY, ASLEEP),
    Run("space-no-detach-ring", "space", "DETACH NO_DETACH_RING", SAFETY, ASLEEP),
    Run("space-no-drop-ring", "space", "SLOTS=3 DROPS=1 STOP NO_DROP_RING", SAFETY, ASLEEP),
    Run("space-no-count", "space", "READERS=2 SLEEPS=1", SAFETY, ASLEEP),
    Run("space-no-count-drops", "space", "SLOTS=3 DROPS=2 STOP SLEEPS=1", SAFETY, ASLEEP),
    Run("space-lossy", "space", "LOSSY", SAFETY, ASLEEP),
    Run("space-two-readers-detach-long", "space", "READERS=2 DETACH", SAFETY, PASS, True),
    Run("space-two-readers-stop-long", "space", "READERS=2 STOP", SAFETY, PASS, True),
    Run("space-two-readers-slots-long", "space", "SLOTS=3 FRAMES=5 READERS=2", SAFETY, PASS, True),
    Run("space-drops-long", "space", "SLOTS=3 DROPS=2 STOP", SAFETY, PASS, True),

    # Compare-and-swap, refuted.
    Run("cas-nobody-dies", "cas_refuted", "", PROGRESS, PASS),
    Run("cas-overwrite-nobody-dies", "cas_refuted", "OVERWRITE", PROGRESS, PASS),
    Run("cas-dead-readers", "cas_refuted", "DEATHS=2", PROGRESS, STUCK),
    Run("cas-overwrite-dead-readers", "cas_refuted", "OVERWRITE DEATHS=2", PROGRESS, STUCK),
    Run("cas-reclaim", "cas_refuted", "RECLAIM", SAFETY, "assertion violated (v0==v1)"),
]


class Result(NamedTuple):
    run: Run
    problem: str        # empty when the verdict is the one stated
    states: int
    seconds: float


def search(run, directory, limits):
    """Builds the verifier of one run in directory and returns what it printed."""
    macros = [f"-D{macro}" for macro in run.macros.split()]
    # What fails does so early: most mutants take longer to build than to search. -O2 builds longer
    # than -O1 and searches no faster.
    optimise = "-O1" if run.verdict == PASS else "-O0"
    steps = [
        ["spin", *macros, "-a", str(MODELS / f"{run.model}.pml")],
        ["cc", optimise, "-w", "-DCOLLAPSE", "-DVECTORSZ=4096", f"-DMEMLIM={limits.memory_mib}",
         *COMPILE[run.search], *run.compile.split(), "-o", "pan", "pan.c"],
        ["./pan", f"-m{limits.depth}", *SEARCH[run.search]],
    ]
    for step in steps:
        done = subprocess.run(step, cwd=directory, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=limits.seconds)
        output = done.stdout + done.stderr
        if step is not steps[-1] and (done.returncode != 0 or "rror:" in output):
            raise RuntimeError(f"{step[0]}: {output.strip()}")
    return output


def judge(run, output):
    """Says what is wrong with the output of pan, or nothing."""
    for limit in ("max search depth too small", "MEMLIM", "out of memory", "hash table full"):
        if limit in output:
            return f"search cut short: {limit}"
    errors = re.search(r"errors: (\d+)", output)
    if errors is None:
        return "pan gave no verdict"
    found = re.search(r"^pan:1: (.*?)(?: \(at depth \d+\))?$", output, re.MULTILINE)
    if run.verdict == PASS:
        if found is not None:
            return f"must pass, but: {found.group(1)}"
        if errors.group(1) != "0" or "Search not completed" in output:
            return "search not completed"
        return ""
    if found is None:
        return f"must fail with '{run.verdict}', but passes"
    if not found.group(1).startswith(run.verdict):
        return f"must fail with '{run.verdict}', but: {found.group(1)}"
    return ""


def check(run, limits):
    began = time.monotonic()
    states = 0
    with tempfile.TemporaryDirectory(prefix="model-") as directory:
        try:
            output = search(run, directory, limits)
            problem = judge(run, output)
            stored = re.search(r"(\d+) states, stored", output)
            states = int(stored.group(1)) if stored else 0
        except subprocess.TimeoutExpired:
            problem = f"not finished within {limits.seconds} s"
        except (OSError, RuntimeError) as error:
            problem = " ".join(str(error).split())
    return Result(run, problem, states, time.monotonic() - began)


def print_tap(number, result):
    run = result.run
    if result.problem:
        print(f"not ok {number} - {run.name}: {result.problem}", flush=True)
        return
    print(f"ok {number} - {run.name}: {'passes' if run.verdict == PASS else 'fails as it must'}, "
          f"{result.states} states, {result.seconds:.1f} s", flush=True)


def print_row(result):
    run = result.run
    verdict = result.problem or ("passes" if run.verdict == PASS else f"fails: {run.verdict}")
    print(f"| {run.name} | {run.macros} | {run.search} | {verdict.replace('|', chr(92) + '|')} | "
          f"{result.states} | {result.seconds:.1f} |", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="also the larger configurations")
    parser.add_argument("--only", metavar="NAME", help="the one run of this name")
    parser.add_argument("--list", action="store_true", help="show the table of runs and stop")
    parser.add_argument("--markdown", action="store_true", help="print rows for README.md, not TAP")
    parser.add_argument("--seconds", type=int, metavar="N", help="limit of each step of a run")
    parser.add_argument("--memory-mib", type=int, metavar="N", help="limit of each run")
    parser.add_argument("--depth", type=int, default=1000000, metavar="N", help="limit of a path")
    options = parser.parse_args()
    options.seconds = options.seconds or (600 if options.long else 60)
    options.memory_mib = options.memory_mib or (6000 if options.long else 2000)
    return options


def main():
    options = parse_options()
    runs = [run for run in RUNS if options.long or options.only or not run.long]
    if options.only:
        runs = [run for run in runs if run.name == options.only]
        if not runs:
            sys.exit(f"no run named {options.only}; see --list")
    if options.list:
        for run in runs:
            print(f"{run.name}: {run.model}.pml {run.macros or '-'}; {run.search}; {run.verdict}")
        return 0

    good = True
    if not options.markdown:
        print(f"TAP version 13\n1..{len(runs)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for number, result in enumerate(pool.map(lambda run: check(run, options), runs), 1):
            good = good and not result.problem
            if options.markdown:
                print_row(result)
            else:
                print_tap(number, result)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
