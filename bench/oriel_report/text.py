# SPDX-License-Identifier: MIT
"""The report's words and tables: a list of sections, each (title, remarks, header, rows)."""
from . import frames as of_frames
from .measurements import PARTS, QUICK, groups_of, spread_of

FRAME_COLUMNS = ("count", "p50", "p90", "p95", "p99", "p99.9", "max")


def number(value, digits=3):
    """NA for what is not there."""
    if value is None or value != value:
        return "NA"
    if abs(value) >= 10 ** digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def spread(values, factor=1):
    """Median, and least to most where they differ."""
    found = spread_of(values)
    if found is None:
        return "NA"
    middle, least, most = (value * factor for value in found)
    return number(middle) if least == most else f"{number(middle)} ({number(least)}-{number(most)})"


def overview(folder):
    """Where, when, on what."""
    first = folder.bench or next((run.whole for run in folder.runs if run.whole), {})
    machine = first.get("machine") if isinstance(first.get("machine"), dict) else {}
    rows = [("folder", folder.path.name), ("commit", first.get("commit", "NA"))]
    rows += [(name, machine.get(name, "NA")) for name in ("cpu", "cores", "kernel")]
    if folder.bench:
        rows.append(("bench/run ended", folder.bench.get("ended", "NA")))
    rows.append(("runs", len(folder.runs)))
    rows = [(name, " ".join(str(value).split())[:120]) for name, value in rows]
    not_measured = folder.bench.get("not_measured")
    missing = [f"not measured: {name}: {why}" for name, why in not_measured.items()] \
        if isinstance(not_measured, dict) else []
    return ("What this is", [*missing, *folder.remarks], ("", ""), rows)


def limit_of(goal):
    """What is asked for; nothing where a figure is told beside the others."""
    if goal.get("limit") is None:
        return ""
    return f"{'<=' if goal.get('at_most') else '>='} {goal.get('limit')}"


def goals(folder):
    """The table of bench/run --quick."""
    found = folder.bench.get("goals")
    rows = [(row.get("name"), limit_of(row),
             number(as_number(row.get("value"))), f"{number(as_number(row.get('least')))} to "
             f"{number(as_number(row.get('most')))}", row.get("verdict"))
            for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return ("Goals", [], ("ratio, within one round", "goal", "median", "spread", "verdict"), rows)


def as_number(value):
    """None for what is none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else None


def limits(table):
    """Copies alone, and wake-ups."""
    rows = []
    for part in ("limits", "quick limits", "guest limits", "quick guest_limits"):
        here = table[table["part"] == part]
        for key, group in here.groupby(["width", "size", "format"], sort=True):
            rows.append((part, key[1], key[2], spread(group["memcpy_in_ns"], 1e-6),
                         spread(group["best_in_ns"], 1e-6), group["best_in"].iloc[-1],
                         spread(group["best_out_ns"], 1e-6), group["best_out"].iloc[-1]))
    wakes = table[table["part"] == "wakes"]
    remarks = []
    if not wakes.empty:
        remarks.append(f"eventfd wake p50 {spread(wakes['eventfd_p50_ns'], 1e-3)} us, cache line "
                       f"p50 {spread(wakes['line_p50_ns'], 1e-3)} us")
    return ("Limits of this machine: ms a frame, one thread, same mapping", remarks,
            ("part", "size", "format", "memcpy in", "best in", "by", "best out", "by"), rows)


def cases(table, part):
    """A row a case: medians of the rounds, spread in brackets."""
    rows = [(name, len(group), spread(group["frames_per_second"]),
             spread(group["bytes_per_second"], 1e-9), spread(group["to_best_copy"]),
             spread(group["verify_p50_ns"], 1e-6), spread(group["skipped"]),
             spread(group["not_published"]), spread(group["producer_cpu_ms"]),
             spread(group["consumer_cpu_ms"]), spread(group["load"]))
            for name, group in groups_of(table, part)]
    return (f"{part}: median of the rounds (least-most)",
            ["fps: verified by every consumer. x copy: share of what the best copy in alone would "
             "allow, in the same round. CPU: ms of each side a verified frame."] if rows else [],
            ("case", "rounds", "fps", "GB/s", "x copy", "verify p50 ms", "skipped",
             "not published", "CPU producer", "CPU consumer", "load"), rows)


def quick(table):
    """What the goals were judged by."""
    rows = [(part[len(QUICK):].replace("_", " "), len(group), spread(group["frames_per_second"]),
             spread(group["copy_p50_ns"], 1e-6), spread(group["verify_p50_ns"], 1e-6),
             spread(group["skipped"]), spread(group["not_published"]), spread(group["load"]))
            for part, group in table[table["part"].str.startswith(QUICK)
                                     & table["frames_per_second"].notna()].groupby("part")]
    return ("quick: median of the rounds (least-most)", [],
            ("run", "rounds", "fps", "copy p50 ms", "verify p50 ms", "skipped", "not published",
             "load"), rows)


def windows(table):
    """The window beside SDL alone: frames a second, and ratios within a round."""
    here = table[table["part"].isin(["window", f"{QUICK}window"])]
    rows = []
    for size, group in here.groupby("size", sort=False):
        rate, fed, own = (group[name] for name in ("frames_per_second", "fed_frames_per_second",
                                                   "limit_frames_per_second"))
        rows.append((size, len(group), spread(rate), spread(fed), spread(rate / fed), spread(own),
                     spread(rate / own), spread(group["load"])))
    return ("The window beside SDL's upload and present",
            ["fed: by another process, a memcpy a frame. own: frames that lie ready, and nobody "
             "else is busy."] if rows else [],
            ("size", "rounds", "window fps", "SDL fed fps", "ratio", "SDL own fps", "ratio",
             "load"), rows)


def latencies(frames):
    """Percentiles of every stage, by size, in ms."""
    rows = []
    names, left_out = of_frames.sizes_of(frames)
    columns = dict([*of_frames.STAGES, *of_frames.LATENCIES])
    for size in names:
        timed = frames[frames["is_timed"] & (frames["size"] == size)]
        for column, name in columns.items():
            found = of_frames.describe(timed[column])
            values = [found[key] for key in FRAME_COLUMNS[1:]]
            rows.append((size, name, found["count"], *(
                "NA" if value is None else number(value / 1e6) for value in values)))
    remarks = ["Without warm-up frames. p99.9 from 1000 frames on. NA: not measured."]
    if left_out:
        remarks.append(f"{left_out} more sizes are not shown: the {len(names)} most frequent are.")
    return ("Latency by stage, ms", remarks, ("size", "stage", *FRAME_COLUMNS), rows)


def counts(rows):
    """Each run's counts, reconciled."""
    verdicts = {True: "yes", False: "NO", None: "cannot be told"}
    return ("Counts: published = verified + skipped + torn + stale + bad + in ring", [],
            ("run", "runs", "published", *of_frames.COUNTS, "adds up"),
            [(row["run"], row["runs"], number(row["published"], 12),
              *(number(row[name], 12) for name in of_frames.COUNTS), verdicts[row["adds_up"]])
             for row in rows])


def sections(folder, table, frames, count_rows):
    """All that hold anything."""
    found = [overview(folder), goals(folder)]
    if table is not None:
        found.append(limits(table))
        found.append(quick(table))
        found += [cases(table, part) for part in PARTS]
        found.append(windows(table))
    if frames is not None:
        found.append(latencies(frames))
    found.append(counts(count_rows))
    return [section for section in found if section[1] or section[3]]


def as_text(all_sections):
    """Plain text, columns aligned."""
    lines = ["Oriel: report of a benchmark", ""]
    for title, remarks, header, rows in all_sections:
        lines += [title, "-" * len(title), *remarks]
        cells = [[str(cell) for cell in row] for row in ([header] if any(header) else []) + rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(header))] if cells else []
        lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                  for row in cells]
        lines.append("")
    return "\n".join(lines)
