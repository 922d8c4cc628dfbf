# SPDX-License-Identifier: MIT
"""Plots of frames: each function takes the table of frames.py and returns a figure, None: no data."""
import numpy

from . import style
from .frames import LATENCIES, STAGES, sizes_of

BINS = 60
PLOTTED_STAGES = 6
CURVE_POINTS = 1000
RUNS_PLOTTED = 16
LOST = ("skipped", "torn", "stale", "bad")


def present(frames, columns, most=PLOTTED_STAGES):
    """Those of the columns that hold anything, the first few."""
    timed = frames[frames["is_timed"]]
    return [(column, name) for column, name in columns if timed[column].notna().any()][:most]


def by_size(frames):
    """(size, its timed frames, colour), smallest first."""
    names, _ = sizes_of(frames)
    timed = frames[frames["is_timed"]]
    return [(name, timed[timed["size"] == name], style.COLOURS[i])
            for i, name in enumerate(names)]


def latencies(frames):
    """The latencies to plot: those between the sides first, where they were measured."""
    found = present(frames, LATENCIES, len(LATENCIES))
    between = [one for one in found if one[0] not in ("copy_ns", "verify_ns")]
    return ([one for one in found if one not in between] + between)[:PLOTTED_STAGES]


def bins_of(values, is_log):
    """Edges; the last percent of a linear one is left to the log one."""
    if is_log:
        least, most = max(values.min(), 1e-6), max(values.max(), 2e-6)
        return numpy.geomspace(least, max(most, least * 1.1), BINS)
    most = numpy.percentile(values, 99)
    least = min(values.min(), most)
    return numpy.linspace(least, most if most > least else least + 1e-6, BINS)


def histograms(frames):
    """Each latency twice: linear up to p99, and all of it on log axes."""
    shown = latencies(frames)
    if not shown:
        return None
    figure, axes = style.grid(len(shown), 2)
    for row, (column, name) in zip(axes, shown):
        values = style.milliseconds(frames.loc[frames["is_timed"], column].dropna())
        for axis, is_log in zip(row, (False, True)):
            edges = bins_of(values, is_log)
            for size, table, colour in by_size(frames):
                kept = style.milliseconds(table[column].dropna())
                axis.hist(kept, bins=edges, color=colour, alpha=0.2)
                axis.hist(kept, bins=edges, color=colour, histtype="step", linewidth=1.6,
                          label=size)
            axis.set(xlabel="ms" + (" (log)" if is_log else ", up to p99"),
                     ylabel="frames" + (" (log)" if is_log else ""), title=name)
            if is_log:
                axis.set(xscale="log", yscale="log")
                style.plain_log(axis.xaxis, axis.yaxis)
    style.legend(figure, axes)
    return figure


def over_time(frames):
    """Each latency against the time since its run began."""
    shown = latencies(frames)
    if not shown:
        return None
    figure, axes = style.grid(len(shown), 1, 2.4)
    for axis, (column, name) in zip(axes[:, 0], shown):
        for size, table, colour in by_size(frames):
            table = style.thin(table.dropna(subset=[column]))
            axis.plot(table["at_s"], style.milliseconds(table[column]), ".", color=colour,
                      markersize=3, alpha=0.6, label=size)
        axis.set(xlabel="seconds since the run's first frame", ylabel="ms", title=name)
        axis.set_ylim(bottom=0)
    style.legend(figure, axes)
    return figure


def percentile_curves(frames):
    """How much of all frames is no slower than so much; to the right, ever rarer ones."""
    shown = latencies(frames)
    if not shown:
        return None
    figure, axes = style.grid(-(-len(shown) // 2), 2, 3.4)
    for axis in axes.flat[len(shown):]:
        axis.set_visible(False)
    for axis, (column, name) in zip(axes.flat, shown):
        longest = 1
        for size, table, colour in by_size(frames):
            values = numpy.sort(style.milliseconds(table[column].dropna().to_numpy()))
            if len(values):
                # The i-th of n is exceeded by (n - i) / n; the slowest by less than one in n.
                behind = numpy.unique(numpy.geomspace(1, len(values), CURVE_POINTS).astype(int))
                axis.step(len(values) / behind, values[len(values) - behind], where="pre",
                          color=colour, label=size)
                longest = max(longest, len(values))
        marks = [mark for mark in ((1, "0"), (2, "50"), (10, "90"), (100, "99"), (1000, "99.9"),
                                   (10000, "99.99"), (100000, "99.999")) if mark[0] <= longest * 1.5]
        axis.set(xscale="log", ylabel="ms", xlabel="percentile", title=name)
        axis.set_xticks([mark for mark, _ in marks], [text for _, text in marks])
        axis.set_xticks([], minor=True)
        axis.set_ylim(bottom=0)
    style.legend(figure, axes)
    return figure


def bandwidth(frames):
    """By size: distribution, scaling, duration of a frame, success."""
    names, _ = sizes_of(frames)
    if not names:
        return None
    figure, axes = style.grid(2, 2, 3.4)
    groups = by_size(frames)
    draw_distribution(axes[0][0], groups)
    draw_scaling(axes[0][1], groups)
    draw_duration(axes[1][0], groups)
    draw_success(axes[1][1], frames, names)
    style.legend(figure, axes)
    return figure


def draw_boxes(axis, groups, column, factor):
    """Boxes from p25 to p75, whiskers from p5 to p95."""
    kept = [(size, table[column].dropna() * factor, colour) for size, table, colour in groups]
    kept = [one for one in kept if len(one[1])]
    if kept:
        boxes = axis.boxplot([values for _, values, _ in kept], whis=(5, 95), showfliers=False,
                             patch_artist=True, medianprops={"color": "black"})
        for box, (_, _, colour) in zip(boxes["boxes"], kept):
            box.set_facecolor(colour)
        axis.set_xticks(range(1, len(kept) + 1), [size for size, _, _ in kept])
    else:
        nothing(axis)
    axis.set_ylim(bottom=0)


def nothing(axis):
    """Says so where a plot would be."""
    axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", color="#555555")
    axis.set(xticks=[], yticks=[])


def draw_distribution(axis, groups):
    """Payload over the time between two frames."""
    draw_boxes(axis, groups, "rate", 1)  # bytes a nanosecond are GB a second
    axis.set(title="bandwidth: p5, p25, p50, p75, p95", ylabel="GB/s")


def draw_scaling(axis, groups):
    """Does a larger frame take more than its share?"""
    points = [(table["payload_bytes"].max() / 1e6, table["rate"].median(), colour)
              for _, table, colour in groups if table["rate"].notna().any()]
    if not points:
        nothing(axis)
    else:
        axis.plot([x for x, _, _ in points], [y for _, y, _ in points], "-", color="#7F7F7F")
        for x, y, colour in points:
            axis.plot(x, y, "o", color=colour, markersize=8)
        axis.set_xlim(0, 1.1 * max(x for x, _, _ in points))
        axis.set_ylim(0, 1.15 * max(y for _, y, _ in points) or 1)
    axis.set(title="scaling: median bandwidth", xlabel="MB a frame", ylabel="GB/s")


def draw_duration(axis, groups):
    """From one verified frame to the next."""
    draw_boxes(axis, groups, "interval_ns", 1e-6)
    axis.set(title="duration: from frame to frame", ylabel="ms")


def draw_success(axis, frames, names):
    """Of the frames that were looked at and those that were passed over."""
    bottom = numpy.zeros(len(names))
    known = frames[frames["result"].notna()]
    totals = {}
    for result in ("verified", "torn", "stale", "bad"):
        totals[result] = numpy.array([((known["size"] == name) & (known["result"] == result)).sum()
                                      for name in names], dtype=float)
    totals["skipped"] = numpy.array([known.loc[known["size"] == name, "skipped_before"].sum()
                                     for name in names], dtype=float)
    everything = sum(totals.values())
    for result, values in totals.items():
        share = 100 * numpy.divide(values, everything, out=numpy.zeros(len(names)),
                                   where=everything > 0)
        if share.any():
            axis.bar(range(len(names)), share, bottom=bottom, label=result, width=0.6,
                     color=style.RESULT_COLOURS[result])
            bottom += share
    style.spread_of_names(axis, names)
    axis.set_xlim(-0.8, len(names) - 0.2)
    axis.set(title="success: what became of each frame", ylabel="% of published frames",
             ylim=(0, 105))


def stage_stack(frames):
    """Where a frame's time goes: the stages' medians, one after the other."""
    shown = present(frames, STAGES, len(STAGES))
    groups = [one for one in by_size(frames) if len(one[1])]
    if not shown or not groups:
        return None
    figure, axes = style.grid(1, 1, 1.2 + 0.6 * len(groups))
    axis = axes[0][0]
    for row, (size, table, _) in enumerate(groups):
        left = 0
        for i, (column, name) in enumerate(shown):
            kept = table[column].dropna()
            if len(kept):
                value = style.milliseconds(kept.median())
                axis.barh(row, value, left=left, color=style.COLOURS[i], label=name, height=0.6)
                left += value
        axis.text(left, row, f" {left:.3g} ms", va="center")
    axis.margins(x=0.1)
    axis.set_yticks(range(len(groups)), [size for size, _, _ in groups])
    axis.set(xlabel="ms (p50 of each stage, one after the other; their sum is no p50)",
             title="stages of a frame")
    axis.invert_yaxis()
    style.legend(figure, axes)
    return figure


def drops(rows):
    """What became of all frames, by run."""
    rows = [row for row in rows if row["verified"]]
    title = "drops: what became of each frame"
    if len(rows) > RUNS_PLOTTED:
        rows = [row for row in rows if sum(row[name] or 0 for name in LOST)]
        title += f" (without the runs that lost none; at most {RUNS_PLOTTED})"
    rows = rows[:RUNS_PLOTTED]
    if not rows:
        return None
    figure, axes = style.grid(1, 1, 1.2 + 0.32 * len(rows))
    axis = axes[0][0]
    left = numpy.zeros(len(rows))
    parts = [{**row, "skipped": (row["skipped"] or 0) - row["before_first"]} for row in rows]
    totals = numpy.array([sum(part[name] or 0 for name in style.RESULT_COLOURS)
                          for part in parts])
    for name, colour in style.RESULT_COLOURS.items():
        share = numpy.array([100 * (part[name] or 0) for part in parts]) / totals
        if share.any():
            axis.barh(range(len(rows)), share, left=left, color=colour, height=0.7,
                      label=style.RESULT_LABELS.get(name, name))
            left += share
    axis.set_yticks(range(len(rows)), [row["run"] for row in rows], fontsize=8)
    axis.set(xlabel="% of published frames", title=title, xlim=(0, 100),
             ylim=(len(rows) - 0.4, -0.6))
    style.legend(figure, axes)
    return figure
