# SPDX-License-Identifier: MIT
"""How every plot looks: colours that people with any eyes can tell apart, units, legends outside."""
import base64
import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plot  # noqa: E402

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7F7F7F", "#000000",
           "#B2A000")
RESULT_COLOURS = {"verified": "#009E73", "skipped": "#E69F00", "torn": "#D55E00",
                  "stale": "#CC79A7", "bad": "#000000", "in_ring": "#56B4E9",
                  "before_first": "#B0B0B0"}
RESULT_LABELS = {"in_ring": "in ring", "before_first": "before its first frame"}
WIDTH = 10  # inches; 100 dots each
ROW = 3.2
LEGEND_ROW = 0.32
PAD = 0.1
NAMES_ROOM = 40  # characters below an axis; more are turned
DENSE_SPAN = 300  # of a log axis that is labelled at 1, 2, 5
MARKERS_MAX = 5000  # of a scatter; more are thinned out

plot.rcParams.update({
    "figure.dpi": 100, "font.size": 10, "axes.titlesize": 11, "axes.grid": True,
    "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "legend.frameon": False, "axes.prop_cycle":
    matplotlib.cycler(color=COLOURS)})


def grid(rows, columns, row_inches=ROW):
    """A figure and its axes, always as rows of columns."""
    figure, axes = plot.subplots(rows, columns, squeeze=False, layout="constrained",
                                 figsize=(WIDTH, rows * row_inches + 0.6))
    figure.get_layout_engine().set(w_pad=PAD, h_pad=PAD)
    return figure, axes


def legend(figure, axes):
    """One for the whole figure, below everything."""
    entries = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels()):
            entries.setdefault(label, handle)
    if entries:
        columns = min(len(entries), 7)
        room = LEGEND_ROW * -(-len(entries) // columns) / figure.get_figheight()
        figure.get_layout_engine().set(rect=(0, room, 1, 1 - room))
        figure.legend(entries.values(), entries.keys(), loc="lower center", ncols=columns,
                      markerscale=4)


def milliseconds(values):
    """ns as ms."""
    return values / 1e6


def png(figure):
    """The file's bytes; the figure is gone afterwards."""
    into = io.BytesIO()
    figure.savefig(into, format="png")
    plot.close(figure)
    return into.getvalue()


def embedded(data):
    """As an address that HTML holds by itself."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def thin(table, most=MARKERS_MAX):
    """Every n-th row, so that a plot stays a plot."""
    step = -(-len(table) // most)
    return table.iloc[::step] if step > 1 else table


def spread_of_names(axis, names, angle=20):
    """Labels of bars that do not run into each other."""
    is_turned = sum(len(name) for name in names) > NAMES_ROOM
    axis.set_xticks(range(len(names)), names, rotation=angle if is_turned else 0,
                    ha="right" if is_turned else "center")


def plain_log(*axes):
    """Plain numbers on a log axis: one a decade, or three where there are few decades."""
    for axis in axes:
        low, high = axis.get_view_interval()
        is_short = low <= 0 or high / low < DENSE_SPAN
        axis.set_major_locator(matplotlib.ticker.LogLocator(
            subs=(1, 2, 5) if is_short else (1,), numticks=15))
        axis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(matplotlib.ticker.NullFormatter())
