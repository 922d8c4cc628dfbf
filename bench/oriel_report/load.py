# SPDX-License-Identifier: MIT
"""Reads a results folder of bench/run, of demo, or of a pair of CSV files. Nothing in it is trusted:
what cannot be used is left out, and named in one line."""
import dataclasses
import json

import pandas

RESULTS = ("verified", "torn", "stale", "bad")
DURATIONS = {
    "producer": ("fill_ns", "wait_ns", "copy_ns", "publish_ns"),
    "consumer": ("notify_ns", "verify_ns", "present_ns", "frame_latency_ns", "due_latency_ns"),
}
SPANS = ("notify_ns", "frame_latency_ns", "due_latency_ns")
COLUMNS = {
    "producer": ("sequence", "epoch", "width_px", "height_px", "payload_bytes", "warmup",
                 "claimed_ns", "published_ns", *DURATIONS["producer"]),
    "consumer": ("sequence", "epoch", "result", "width_px", "height_px", "payload_bytes", "warmup",
                 "skipped_before", "seen_ns", "verified_ns", "interval_ns",
                 *DURATIONS["consumer"]),
}
TEXTS = ("epoch", "result")
CENTRES = ("ring", "quick")  # parts whose frames are plotted; the others' are in the tables
RUNS_MAX = 2000  # of a folder; more are left out, and that is said


class Unusable(Exception):
    """Nothing can be reported; one line that names the thing, its value and the cure."""


@dataclasses.dataclass
class Run:
    """One producer and one consumer, or the first of several. Either table may be None."""

    label: str
    folder: object
    whole: dict  # run.json, {} without one
    producer: object = None
    consumer: object = None

    @property
    def case(self):
        """How bench/run asked for it."""
        found = self.whole.get("case")
        return found if isinstance(found, dict) else {}

    def consumer_counts(self):
        """Of each consumer that left a summary with counts."""
        others = self.whole.get("other_consumers")
        summaries = [self.whole.get("consumer"), *(others if isinstance(others, list) else [])]
        found = [one.get("counts") for one in summaries if isinstance(one, dict)]
        return [counts for counts in found if isinstance(counts, dict) and counts]


@dataclasses.dataclass
class Folder:
    """All of a results folder."""

    path: object
    bench: dict
    runs: list
    remarks: list  # what is missing or cannot be used


def read_json(path, remarks):
    """An object, {} where there is none that can be used."""
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        remarks.append(f"{path.name}: cannot be read ({one_line(error)}); left out")
        return {}
    if not isinstance(found, dict):
        remarks.append(f"{path.name}: holds no object; left out")
        return {}
    return found


def one_line(error):
    """An exception's text, without line breaks and of bounded length."""
    return " ".join(str(error).split())[:160] or type(error).__name__


def read_table(path, side, remarks):
    """A CSV with the columns that a report needs as numbers; None where it cannot be used."""
    if not path.exists():
        return None
    name = f"{path.parent.name}/{path.name}"
    try:
        table = pandas.read_csv(path, dtype=str, na_values=["NA"], keep_default_na=False,
                                on_bad_lines="skip", encoding="utf-8", encoding_errors="replace",
                                usecols=lambda column: column in COLUMNS[side])
    except pandas.errors.EmptyDataError:
        remarks.append(f"{name}: is empty; left out")
        return None
    except (OSError, ValueError, pandas.errors.ParserError) as error:
        remarks.append(f"{name}: cannot be read ({one_line(error)}); left out")
        return None
    missing = [column for column in ("sequence", "epoch") if column not in table]
    if missing:
        remarks.append(f"{name}: has no column {missing[0]}; left out")
        return None
    return clean(table, side, name, remarks)


def clean(table, side, name, remarks):
    """Numbers where numbers belong; rows without a sequence are no rows."""
    for column in COLUMNS[side]:
        if column not in table:
            table[column] = pandas.NA
        if column not in TEXTS:
            table[column] = pandas.to_numeric(table[column], errors="coerce").astype("float64")
    good = table["sequence"].notna() & table["epoch"].notna()
    if side == "consumer":
        good &= table["result"].isin(RESULTS)
    # What spans both sides is right to the clocks' bound, and may be less than nothing.
    negative = (table[list(DURATIONS[side])].drop(columns=list(SPANS), errors="ignore") < 0).any(
        axis=1) & good
    bad = int((~good).sum() + negative.sum())
    if bad:
        remarks.append(f"{name}: {bad} rows make no sense; left out")
    table = table[good & ~negative]
    if table.empty:
        remarks.append(f"{name}: holds no frame")
    return table.reset_index(drop=True)


def read_run(folder, label, remarks):
    """What lies in one folder."""
    whole = read_json(folder / "run.json", remarks)
    run = Run(label, folder, whole)
    for side in ("producer", "consumer"):
        setattr(run, side, read_table(folder / f"{side}.csv", side, remarks))
        summary = folder / f"{side}.json"
        if side not in whole and summary.exists():
            whole[side] = read_json(summary, remarks)
    return run


def is_run(folder):
    """Is there anything of a run?"""
    return any((folder / name).exists() for name in ("producer.csv", "consumer.csv", "run.json"))


def is_centre(path):
    """The case that all others differ from in one thing."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["case"]["is_centre"] is True
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def read_folder(path):
    """A Folder, or Unusable."""
    if not path.exists():
        raise Unusable(f"{path}: is not there; name a results folder of bench/run or demo")
    if not path.is_dir():
        raise Unusable(f"{path}: is no folder; name the one that holds its files")
    remarks = []
    bench = read_json(path / "bench.json", remarks)
    runs = [read_run(path, "run", remarks)] if is_run(path) else []
    found = sorted(folder for folder in (path / "runs").glob("*/*/*") if is_run(folder))
    if len(found) > RUNS_MAX:
        remarks.append(f"runs: {len(found)} of them; only the first {RUNS_MAX} are read")
    for folder in found[:RUNS_MAX]:
        part, case, _ = folder.relative_to(path / "runs").parts
        if part == "classic" or (part in CENTRES and is_centre(folder / "run.json")):
            runs.append(read_run(folder, f"{part} {case}", remarks))
        else:
            runs.append(Run(f"{part} {case}", folder, read_json(folder / "run.json", remarks)))
    if not bench and not runs:
        raise Unusable(f"{path}: holds no bench.json, run.json, producer.csv or consumer.csv; name "
                       "a results folder of bench/run or demo")
    return Folder(path, bench, runs, remarks)
