# SPDX-License-Identifier: MIT
"""Frames of all runs as one table, and what is told of them: percentiles, rates, counts."""
import math

import pandas

PERCENTILES = (50, 90, 95, 99, 99.9)
P999_LEAST = 1000
STAGES = (("fill_ns", "fill"), ("wait_ns", "wait"), ("copy_ns", "copy"),
          ("publish_ns", "publish"), ("notify_ns", "notify"), ("verify_ns", "verify"),
          ("present_ns", "present"))
LATENCIES = (("copy_ns", "copy in and digest"), ("verify_ns", "copy out and verify"),
             ("notify_ns", "published to seen"), ("whole_ns", "copy start to verified"),
             ("frame_latency_ns", "captured to verified"), ("due_latency_ns", "due to verified"))
COUNTS = ("verified", "skipped", "torn", "stale", "bad", "in_ring")
SIZES_MAX = 4  # that a plot can tell apart


def percentile(values, percent):
    """Nearest rank, as the programs have it; None: too few. values are sorted, without NA."""
    if len(values) == 0 or (percent > 99 and len(values) < P999_LEAST):
        return None
    return float(values[max(0, math.ceil(len(values) * percent / 100) - 1)])


def describe(values):
    """Count, percentiles and extremes of a column."""
    ordered = values.dropna().sort_values().to_numpy()
    found = {f"p{percent:g}": percentile(ordered, percent) for percent in PERCENTILES}
    ends = {"min": None, "max": None} if len(ordered) == 0 else {
        "min": float(ordered[0]), "max": float(ordered[-1])}
    return {"count": len(ordered), **found, **ends}


def size_name(width, height):
    """Of a geometry; None where it is not known."""
    return f"{width:.0f}x{height:.0f}" if width == width and height == height else None


def join(run):
    """The frames of one run that both sides know, or those of the one side there is."""
    key = ["epoch", "sequence"]
    if run.producer is None or run.consumer is None:
        table = run.consumer if run.producer is None else run.producer
        return None if table is None else table.assign(is_joined=False)
    consumer = run.consumer.drop_duplicates(key)
    own = run.producer.drop_duplicates(key)[key + ["claimed_ns", "published_ns", "fill_ns",
                                                  "wait_ns", "copy_ns", "publish_ns"]]
    return consumer.merge(own, on=key, how="left").assign(is_joined=True)


def table_of(runs):
    """Frames of all runs, with size, time within the run, and rate; None: there are none."""
    found = []
    for run in runs:
        table = join(run)
        if table is None or table.empty:
            continue
        table = table.assign(run=run.label, is_classic=run.label.startswith("classic"))
        for column in ("result", "interval_ns", "verified_ns", "published_ns", "skipped_before",
                       "claimed_ns", *(name for name, _ in STAGES), "frame_latency_ns",
                       "due_latency_ns"):
            if column not in table:
                table[column] = math.nan
        clock = table["verified_ns"].fillna(table["published_ns"])
        table["at_s"] = (clock - clock.min()) / 1e9
        is_one_clock = run.whole.get("is_one_clock") is True
        table["whole_ns"] = table["verified_ns"] - table["claimed_ns"] if is_one_clock else math.nan
        found.append(table)
    if not found:
        return None
    frames = pandas.concat(found, ignore_index=True)
    frames["size"] = [size_name(width, height) for width, height
                      in zip(frames["width_px"], frames["height_px"])]
    frames["area"] = frames["width_px"] * frames["height_px"]
    frames["rate"] = frames["payload_bytes"] / frames["interval_ns"].where(
        frames["interval_ns"] > 0)
    frames["is_timed"] = (frames["warmup"] == 0) & frames["result"].isin(["verified", math.nan])
    return frames


def sizes_of(frames):
    """Their names, smallest first, and how many were left out."""
    areas = frames.dropna(subset=["size"]).groupby("size")["area"].max().sort_values()
    names = list(areas.index)
    if len(names) <= SIZES_MAX:
        return names, 0
    common = frames["size"].value_counts().index[:SIZES_MAX]
    return [name for name in names if name in set(common)], len(names) - SIZES_MAX


def reconcile(run):
    """A row of counts, and whether they add up; None where there is nothing to count."""
    consumers = run.consumer_counts()
    before_first = 0
    if consumers:
        values = {name: total(consumers, name) for name in COUNTS}
        published = total(consumers, "published")
        before_first = min(total(consumers, "skipped_before_first") or 0, values["skipped"] or 0)
        source = "summary"
    elif run.consumer is not None and not run.consumer.empty:
        values = {name: int((run.consumer["result"] == name).sum()) for name in
                  ("verified", "torn", "stale", "bad")}
        values["skipped"] = int(run.consumer["skipped_before"].fillna(0).sum())
        values["in_ring"] = None
        published = None
        source = "consumer.csv"
    else:
        return None
    known = published is not None and all(value is not None for value in values.values())
    return {"run": run.label, "published": published, **values, "source": source,
            "before_first": before_first,
            "adds_up": published == sum(values.values()) if known else None}


def total(consumers, name):
    """Of a count over all consumers; None where one does not say."""
    values = [whole(counts.get(name)) for counts in consumers]
    return None if None in values else sum(values)


def whole(value):
    """A count, None for anything else."""
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if good else None


def counts_of(runs):
    """All rows of reconcile(), those of the same label added up."""
    rows = [row for row in (reconcile(run) for run in runs) if row]
    if not rows:
        return []
    merged = {}
    for row in rows:
        into = merged.setdefault(row["run"], {**row, "runs": 0, **{
            name: 0 for name in ("published", *COUNTS)}, "before_first": 0, "adds_up": True})
        into["runs"] += 1
        into["before_first"] += row["before_first"]
        for name in ("published", *COUNTS):
            into[name] = None if row[name] is None or into[name] is None else into[name] + row[name]
        if row["adds_up"] is not True and into["adds_up"] is not False:
            into["adds_up"] = row["adds_up"]
    return list(merged.values())
