# SPDX-License-Identifier: MIT
"""The ring between two processes of this host: one producer, some consumers, one case."""
import csv
import json
import os
import signal
import statistics
import subprocess
import time

from .limits import NotMeasured
from .programs import LIMIT_S, read_json

ATTACH_S = 20
RING_COUNTS = ("verified", "skipped", "torn", "stale", "bad", "in_ring")


def wait_with_cpu(child, limit_s, name, good=(0,)):
    """CPU seconds of a child that has ended well within the limit."""
    end = time.monotonic() + limit_s
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > end:
            raise NotMeasured(f"{name} did not end within {limit_s:.0f} s")
        time.sleep(0.01)
    child.returncode = os.waitstatus_to_exitcode(status)
    with child.stderr:
        said = child.stderr.read().strip().splitlines()
    if child.returncode not in good:
        raise NotMeasured(said[-1] if said else f"{name} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def wait_for_summary(capture, folder, limit_s):
    """Until a producer that we started has left its files; one that fails first says why."""
    end = time.monotonic() + limit_s
    while not (folder / "producer.json").exists():
        if os.waitid(os.P_PID, capture.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            wait_with_cpu(capture, limit_s, "guest-capture")
            raise NotMeasured("guest-capture left no summary")
        if time.monotonic() > end:
            raise NotMeasured(f"guest-capture did not end within {limit_s:.0f} s")
        time.sleep(0.01)


def see_off(capture, limit_s):
    """CPU seconds of a producer whose files are whole and whose consumers are gone. All that it would
    do is to beat on for a second, for who comes late; in that time nothing is measured."""
    os.kill(capture.pid, signal.SIGKILL)
    return wait_with_cpu(capture, limit_s, "guest-capture", good=(0, -signal.SIGKILL))


def start(stage, program, folder, name, *words, **popen):
    """One of the two programs, with all of its files."""
    return stage.start(stage.build / program / program, "--quiet", *words, "--csv",
                       folder / f"{name}.csv", "--summary", folder / f"{name}.json",
                       **{"stderr": subprocess.PIPE, "text": True, **popen})


def consumer_names(count):
    """Of the files: consumer, consumer-2, ..."""
    return ["consumer"] + [f"consumer-{number}" for number in range(2, count + 1)]


def run(stage, region, region_bytes, case, seconds, folder):
    """A measurement's columns; the run's files lie in folder."""
    names = consumer_names(case.consumers)
    limit_s = LIMIT_S + 4 * seconds
    viewers = [start(stage, "host-viewer", folder, name, "--bench", "--mode", case.mode,
                     f"--create={region_bytes}", "--region", region, "--wait", ATTACH_S)
               for name in names]
    capture = start(stage, "guest-capture", folder, "producer", "--region", region,
                    f"--create={region_bytes}", "--takeover", "--wait", ATTACH_S,
                    *case.capture_words(seconds))
    wait_for_summary(capture, folder, limit_s)
    consumer_cpu_s = [wait_with_cpu(viewer, limit_s, "host-viewer") for viewer in viewers]
    producer_cpu_s = see_off(capture, limit_s)
    producer = read_json(folder / "producer.json")
    consumers = [read_json(folder / f"{name}.json") for name in names]
    record = {**case.record(), **columns(producer, consumers, folder),
              "producer_cpu_s": producer_cpu_s, "consumer_cpu_s": sum(consumer_cpu_s),
              **whole_latency(folder, producer)}
    write_run(folder, case, producer, consumers, is_one_clock=True)
    return record


def warm_rate(path):
    """(frames, bytes) a second of a consumer that is warm, (None, None): too few frames."""
    with open(path, newline="", encoding="ascii") as file:
        rows = [row for row in csv.DictReader(file) if row["result"] == "verified"
                and row["warmup"] == "0" and row["interval_ns"] != "NA"]
    seconds = sum(int(row["interval_ns"]) for row in rows) / 1e9
    if not seconds:
        return None, None
    return len(rows) / seconds, sum(int(row["payload_bytes"]) for row in rows) / seconds


def columns(producer, consumers, folder):
    """What the files of one run say."""
    counts = {name: sum(one["counts"][name] for one in consumers)
              for name in (*RING_COUNTS, "skipped_before_first")}
    rates = [warm_rate(folder / f"{name}.csv") for name in consumer_names(len(consumers))]
    slowest = (None, None) if (None, None) in rates else min(rates)
    if not all(one["counts"]["reconcile"] for one in consumers) or counts["bad"]:
        raise SystemExit(f"bench: not every frame was good: {counts}")
    return {
        **counts, "reconcile": True, "digest_used": producer["digest"],
        "published": producer["counts"]["published"],
        "not_published": producer["counts"]["not_published"],
        "frames_per_second": slowest[0], "bytes_per_second": slowest[1],
        "producer_frames_per_second": producer["throughput"]["frames_per_second"],
        **{f"{stage}_p50_ns": p50(producer, stage) for stage in ("fill", "copy")},
        "verify_p50_ns": p50(consumers[0], "verify"),
    }


def p50(summary, stage):
    """None: not measured."""
    found = summary["latency_ns"].get(stage)
    return found["p50"] if found else None


def rows_of(path):
    """{(epoch, sequence): row} of one side."""
    with open(path, newline="", encoding="ascii") as file:
        return {(row["epoch"], row["sequence"]): row for row in csv.DictReader(file)}


def whole_latency(folder, producer):
    """From the begin of the copy in to the whole frame verified; both stamps of one clock."""
    produced = rows_of(folder / "producer.csv")
    if len(produced) != producer["counts"]["published"]:
        raise NotMeasured(f"producer.csv has {len(produced)} of "
                          f"{producer['counts']['published']} frames")
    consumed = rows_of(folder / "consumer.csv")
    found = sorted(int(row["verified_ns"]) - int(produced[key]["claimed_ns"])
                   for key, row in consumed.items() if key in produced
                   and row["result"] == "verified" and row["warmup"] == "0")
    return {"whole_p50_ns": statistics.median_low(found) if found else None}


def write_run(folder, case, producer, consumers, **more):
    """run.json as demo has it; the summaries are in there."""
    whole = {
        "schema_version": 1, "commit": consumers[0]["commit"],
        "machine": consumers[0]["machine"], "mode": producer["mode"],
        "digest": producer["digest"], "case": case.record(), **more,
        "producer": producer, "consumer": consumers[0], "other_consumers": consumers[1:]}
    (folder / "run.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    for path in [folder / "producer.json"] + [folder / f"{name}.json" for name
                                              in consumer_names(len(consumers))]:
        path.unlink(missing_ok=True)


def describe(record):
    """A line about a run."""
    rate = record["frames_per_second"]
    text = f"{record['case']}: "
    text += f"{rate:.0f} fps verified" if rate else f"{record['verified']} frames verified"
    if record["skipped"]:
        text += f", {record['skipped']} skipped"
    return text
