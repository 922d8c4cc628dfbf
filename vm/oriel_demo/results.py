# SPDX-License-Identifier: MIT
"""run.json, and the verdict."""

import csv
import json
import sys

from .steps import DemoError, run, say

INTEGRITY = 5
NOTHING_CAME = 4


def write_run(streamed):
    """run.json: both summaries, and what they ran on."""
    folder = streamed.folder
    producer = json.loads((folder / "producer.json").read_text())
    consumer = json.loads((folder / "consumer.json").read_text())
    qemu = run(["qemu-system-x86_64", "--version"], 30, "qemu").splitlines()[0]
    whole = {
        "schema_version": consumer["schema_version"],
        "commit": consumer["commit"],
        "commands": {"demo": sys.argv, "producer": producer["command"],
                     "consumer": consumer["command"]},
        "machine": consumer["machine"],
        "guest": {"machine": producer["machine"], "accelerator": streamed.status.get("accel"),
                  "qemu": qemu},
        "bar2": producer["region"],
        "mode": producer["mode"],
        "digest": producer["digest"],
        "clock_bound_ns": consumer["clock_bound_ns"],
        "producer": producer,
        "consumer": consumer,
    }
    (folder / "run.json").write_text(json.dumps(whole, indent=2) + "\n")
    for name in ("producer.json", "consumer.json"):
        (folder / name).unlink()
    return whole


def judge_rows(folder):
    """Every verified row of the consumer has its row at the producer, once."""
    def rows(name):
        with open(folder / name, newline="", encoding="ascii") as file:
            return list(csv.DictReader(file))
    published = {(row["epoch"], row["sequence"]) for row in rows("producer.csv")}
    verified = [(row["epoch"], row["sequence"]) for row in rows("consumer.csv")
                if row["result"] == "verified"]
    if len(set(verified)) != len(verified) or not set(verified) <= published:
        raise DemoError("producer.csv and consumer.csv do not join on epoch and sequence",
                        INTEGRITY)


def judge(whole, folder):
    """Frames arrived, every one verified, and the counts of both sides reconcile."""
    published = whole["producer"]["counts"]["published"]
    counts = whole["consumer"]["counts"]
    if not counts["verified"]:
        raise DemoError("no frame arrived", NOTHING_CAME)
    for name in ("bad", "torn", "stale"):
        if counts[name]:
            raise DemoError(f"{counts[name]} frames were {name}", INTEGRITY)
    if not counts["reconcile"] or published != counts["verified"] + counts["skipped"] + counts["in_ring"]:
        raise DemoError(f"the counts do not reconcile: {published} published, {counts}", INTEGRITY)
    judge_rows(folder)
    rate = whole["consumer"]["throughput"]["frames_per_second"]
    say(f"{published} frames published, {counts['verified']} verified"
        f"{f', {rate:.1f} a second' if rate else ''}; the counts reconcile")
