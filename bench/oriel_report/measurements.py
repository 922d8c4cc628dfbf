# SPDX-License-Identifier: MIT
"""bench.json's measurements as one table, and their medians over the rounds."""
import statistics

import pandas

NUMBERS = ("round", "at_s", "load", "width", "height", "fps", "damage", "consumers",
           "frames_per_second", "bytes_per_second", "producer_frames_per_second", "published",
           "verified", "skipped", "torn", "stale", "bad", "not_published", "copy_p50_ns",
           "verify_p50_ns", "whole_p50_ns", "producer_cpu_s", "consumer_cpu_s", "to_best_copy",
           "to_memcpy", "frames", "limit_frames_per_second", "fed_frames_per_second", "best_in_ns", "memcpy_in_ns",
           "best_out_ns", "eventfd_p50_ns", "line_p50_ns", "latency_p50_ns")
WORDS = ("part", "case", "mode", "digest", "format", "way", "direction", "accel", "best_in",
         "best_out", "rows_ns")
PARTS = ("ring", "classic", "peers", "window", "guest", "stress")
QUICK = "quick "  # begins the parts of bench/run --quick


def table_of(bench, remarks):
    """All measurements; None where there are none that can be used."""
    found = bench.get("measurements")
    rows = [row for row in found if isinstance(row, dict) and isinstance(row.get("part"), str)] \
        if isinstance(found, list) else []
    if found and (not isinstance(found, list) or len(rows) != len(found)):
        remarks.append("bench.json: some measurements cannot be read; left out")
    if not rows:
        return None
    table = pandas.DataFrame([{name: row.get(name) for name in (*NUMBERS, *WORDS)}
                              for row in rows])
    for name in NUMBERS:
        table[name] = pandas.to_numeric(table[name], errors="coerce").astype("float64")
    for name in WORDS[:-1]:
        table[name] = [value if isinstance(value, str) else None for value in table[name]]
    known = table["width"].notna() & table["height"].notna()
    table["size"] = [f"{width:.0f}x{height:.0f}" if is_known else None for width, height, is_known
                     in zip(table["width"], table["height"], known)]
    is_ours = (table["part"] == "peers") & table["way"].isna()
    table.loc[is_ours, "way"] = "oriel"
    frames = table["verified"].fillna(table["frames"])
    cpu_s = table["producer_cpu_s"] + table["consumer_cpu_s"]
    table["cpu_ms"] = 1e3 * cpu_s / frames.where(frames > 0)
    for side in ("producer", "consumer"):
        table[f"{side}_cpu_ms"] = 1e3 * table[f"{side}_cpu_s"] / frames.where(frames > 0)
    return table


def sizes_in(table):
    """Sizes, smallest first."""
    known = table.dropna(subset=["size"])
    return list((known["width"] * known["height"]).groupby(known["size"]).max().sort_values().index)


def median_of(values):
    """Of a list that holds something."""
    return statistics.median(values)


def spread_of(values):
    """(median, least, most) of what is there; None: nothing."""
    kept = [float(value) for value in values if value == value and value is not None]
    return (statistics.median(kept), min(kept), max(kept)) if kept else None


def groups_of(table, part):
    """(name, rows of all rounds) of a part, in the order in which they were measured."""
    rows = table[table["part"] == part]
    words = zip(*(rows[name].fillna("") for name in ("case", "way", "direction")))
    names = pandas.Series([" ".join(word for word in row if word) for row in words],
                          index=rows.index, dtype=str)
    for name in names.drop_duplicates():
        yield name, rows[names == name]
