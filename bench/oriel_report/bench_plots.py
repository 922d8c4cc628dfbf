# SPDX-License-Identifier: MIT
"""Plots of bench.json: each function takes its measurements and returns a figure, None: no data."""
from . import style
from .measurements import median_of, sizes_in, spread_of

DIGEST_ORDER = ("none", "xxh3", "xxh64", "sha256")
WAY_ORDER = ("oriel", "gstreamer", "pipe", "socket", "vmsplice", "memcpy-ring",
             "gstreamer-in-place", "memcpy-ring-in-place", "memcpy-ring-no-digest")
WAY_LABELS = {"gstreamer-in-place": "gstreamer, in place",
              "memcpy-ring-in-place": "memcpy-ring, in place",
              "memcpy-ring-no-digest": "memcpy-ring, no digest"}


def bars(axis, names, found, colours=None):
    """Medians with least and most as whiskers. found: (median, least, most) each, None: NA."""
    for i, values in enumerate(found):
        if values is None:
            axis.text(i, 0, "NA", ha="center", va="bottom", color="#555555")
            continue
        middle, least, most = values
        axis.bar(i, middle, width=0.65, color=colours[i] if colours else style.COLOURS[0])
        axis.errorbar(i, middle, yerr=[[middle - least], [most - middle]], color="black",
                      capsize=4, linewidth=1)
    style.spread_of_names(axis, names)
    axis.set_xlim(-0.6, len(names) - 0.4)
    axis.set_ylim(bottom=0)


def rows_of_bars(axis, names, found, colours):
    """As bars(), lying: for names that are long."""
    for i, values in enumerate(found):
        if values is None:
            axis.text(0, i, " NA", va="center", color="#555555")
            continue
        middle, least, most = values
        axis.barh(i, middle, height=0.65, color=colours[i])
        axis.errorbar(middle, i, xerr=[[middle - least], [most - middle]], color="black",
                      capsize=4, linewidth=1)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlim(left=0)


def peers(table):
    """The ways side by side, a row a size: frames a second, and CPU time a frame."""
    rows = table[table["part"] == "peers"]
    sizes = sizes_in(rows)
    if not sizes:
        return None
    figure, axes = style.grid(len(sizes), 2, 1.0 + 0.26 * len(set(rows["way"])))
    for pair, size in zip(axes, sizes):
        here = rows[rows["size"] == size]
        ways = [way for way in WAY_ORDER if way in set(here["way"])]
        colours = [style.COLOURS[WAY_ORDER.index(way)] for way in ways]
        names = [WAY_LABELS.get(way, way) for way in ways]
        rows_of_bars(pair[0], names, [spread_of(here[here["way"] == way]["frames_per_second"])
                                      for way in ways], colours)
        pair[0].set(title=f"{size}: flat out", xlabel="frames/s")
        rows_of_bars(pair[1], [""] * len(ways), [spread_of(here[here["way"] == way]["cpu_ms"])
                                                 for way in ways], colours)
        pair[1].set(title=f"{size}: CPU time, both sides", xlabel="ms a frame")
    return figure


def limits(table):
    """What a frame costs by each copy and digest alone."""
    rows = table[(table["part"].isin(["limits", "quick limits"])) & (table["format"] == "xrgb8888")]
    sizes = sizes_in(rows)
    if not sizes:
        return None
    here = rows[rows["size"] == sizes[-1]]
    costs = {}
    for one in here["rows_ns"]:
        for name, value in (one if isinstance(one, dict) else {}).items():
            costs.setdefault(name, []).append(value / 1e6)
    names = sorted(costs, key=lambda name: median_of(costs[name]))
    if not names:
        return None
    figure, axes = style.grid(1, 1, 0.8 + 0.26 * len(names))
    axis = axes[0][0]
    kinds = {"in:": ("copy in", 0), "out:": ("copy out", 4), "in+": ("copy in and digest", 1),
             "out+": ("copy out and digest", 5), "": ("digest alone", 2)}
    for row, name in enumerate(names):
        label, colour = next(kinds[kind] for kind in ("in:", "out:", "in+", "out+", "")
                             if name.startswith(kind))
        middle, least, most = spread_of(costs[name])
        axis.barh(row, middle, color=style.COLOURS[colour], label=label, height=0.7)
        axis.errorbar(middle, row, xerr=[[middle - least], [most - middle]], color="black",
                      capsize=3, linewidth=1)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel="ms a frame (log)", xscale="log",
             title=f"limits of this machine, one thread, {sizes[-1]} xrgb8888")
    style.plain_log(axis.xaxis)
    axis.invert_yaxis()
    style.legend(figure, axes)
    return figure


def matrix(table):
    """The ring at each size in both modes; then one thing changed at a time."""
    rows = table[table["part"] == "ring"]
    sizes = sizes_in(rows)
    if not sizes:
        return None
    largest = rows[rows["size"] == sizes[-1]]
    figure, axes = style.grid(2, 2, 3.2)
    flat = rows[(rows["fps"] == 0) & (rows["digest"] == "xxh3") & (rows["damage"] == 100)
                & (rows["consumers"] == 1)]
    draw_modes(axes[0][0], flat, sizes)
    centre = largest[(largest["fps"] == 0) & (largest["mode"] == "lossless")]
    draw_factor(axes[0][1], centre, "consumers", {"digest": "xxh3", "damage": 100}, sizes[-1],
                "producer_frames_per_second", "consumers", "published frames/s")
    draw_factor(axes[1][0], centre, "digest", {"consumers": 1, "damage": 100}, sizes[-1],
                "frames_per_second", "digest", "verified frames/s")
    draw_factor(axes[1][1], centre, "damage", {"consumers": 1, "digest": "xxh3"}, sizes[-1],
                "frames_per_second", "% of each frame that changes", "verified frames/s (log)")
    axes[1][1].set_yscale("log")
    axes[1][1].set_ylim(1, 2 * axes[1][1].get_ylim()[1])
    style.plain_log(axes[1][1].yaxis)
    style.legend(figure, axes)
    return figure


def draw_modes(axis, rows, sizes):
    """Two bars a size."""
    for i, mode in enumerate(("lossless", "latest")):
        for at, size in enumerate(sizes):
            values = spread_of(rows[(rows["size"] == size) & (rows["mode"] == mode)]
                               ["bytes_per_second"] / 1e9)
            if values is None:
                continue
            middle, least, most = values
            axis.bar(at + 0.36 * i - 0.18, middle, width=0.34, color=style.COLOURS[i], label=mode)
            axis.errorbar(at + 0.36 * i - 0.18, middle, color="black", capsize=4, linewidth=1,
                          yerr=[[middle - least], [most - middle]])
    axis.set_xticks(range(len(sizes)), sizes)
    axis.set(title="flat out, verified", ylabel="GB/s")


def draw_factor(axis, rows, factor, fixed, size, column, xlabel, ylabel):
    """One thing changed, all else as in the centre."""
    for name, value in fixed.items():
        rows = rows[rows[name] == value]
    values = sorted(rows[factor].dropna().unique(), key=lambda value: (
        DIGEST_ORDER.index(value) if value in DIGEST_ORDER else 0, str(value)
        if isinstance(value, str) else value))
    bars(axis, [value if isinstance(value, str) else f"{value:g}" for value in values],
         [spread_of(rows[rows[factor] == value][column]) for value in values])
    axis.set(title=f"{size}, lossless, flat out, by {factor}", xlabel=xlabel, ylabel=ylabel)


def guests(table):
    """A guest and its host, by direction."""
    rows = table[table["part"] == "guest"]
    sizes = sizes_in(rows)
    if not sizes:
        return None
    directions = sorted(rows["direction"].dropna().unique())
    figure, axes = style.grid(1, len(directions), 3.4)
    for axis, direction in zip(axes[0], directions):
        here = rows[rows["direction"] == direction]
        for i, mode in enumerate(("lossless", "latest")):
            for at, size in enumerate(sizes):
                values = spread_of(here[(here["size"] == size) & (here["mode"] == mode)]
                                   ["frames_per_second"])
                if values is None:
                    continue
                middle, least, most = values
                axis.bar(at + 0.36 * i - 0.18, middle, width=0.34, color=style.COLOURS[i],
                         label=mode)
                axis.errorbar(at + 0.36 * i - 0.18, middle, color="black", capsize=4, linewidth=1,
                              yerr=[[middle - least], [most - middle]])
        axis.set_xticks(range(len(sizes)), sizes)
        accel = here["accel"].dropna().unique()
        axis.set(title=f"{direction} ({', '.join(accel)}), flat out, verified", ylabel="frames/s")
    style.legend(figure, axes)
    return figure


def machine_load(table):
    """How busy the machine was, over the whole run."""
    rows = table.dropna(subset=["at_s", "load"])
    if len(rows) < 2:
        return None
    figure, axes = style.grid(1, 1, 2.0)
    axes[0][0].plot(rows["at_s"], rows["load"], color=style.COLOURS[0])
    axes[0][0].set(title="load of the machine (1 minute)", xlabel="seconds since bench/run began",
                   ylabel="runnable tasks")
    axes[0][0].set_ylim(bottom=0)
    return figure
