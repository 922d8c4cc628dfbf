# SPDX-License-Identifier: MIT
"""bench/report: a results folder in, report.html and report.txt out."""
import argparse
import os
import pathlib
import re
import sys

from . import bench_plots, frame_plots, frames, load, measurements, page, style, text

EPILOG = """\
Exit codes: 0 written (what is missing is said in the report), 1 it could not be, 2 usage or nothing
there to report."""
BENCH_PLOTS = (("Limits", bench_plots.limits), ("The ring", bench_plots.matrix),
               ("Peers side by side", bench_plots.peers), ("Guests", bench_plots.guests),
               ("Load", bench_plots.machine_load))
FRAME_PLOTS = (("Latency histograms", frame_plots.histograms),
               ("Latency over time", frame_plots.over_time),
               ("Percentiles", frame_plots.percentile_curves),
               ("Bandwidth by size", frame_plots.bandwidth),
               ("Stages", frame_plots.stage_stack))


class Parser(argparse.ArgumentParser):
    """Refuses in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def parse_arguments(words):
    """The command line."""
    parser = Parser(prog="bench/report", description="Turns a results folder of bench/run, of "
                    "demo, or one with producer.csv and consumer.csv, into report.html (with its "
                    "plots inside) and report.txt.", epilog=EPILOG, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--output", type=pathlib.Path, metavar="DIR",
                        help="where the report goes (default: into the same folder)")
    parser.add_argument("--plots", action="store_true", help="also leave each plot as a PNG")
    return parser.parse_args(words)


def pictures_of(table, all_frames, count_rows):
    """(title, PNG) of every plot that has data."""
    drawn = []
    if table is not None:
        drawn += [(title, draw(table)) for title, draw in BENCH_PLOTS]
    groups = [("", all_frames)] if all_frames is not None else []
    if all_frames is not None and all_frames["is_classic"].any():
        groups = [(", the classic run" if is_classic else "", group) for is_classic, group
                  in all_frames.groupby("is_classic")]
    for suffix, group in groups:
        drawn += [(title + suffix, draw(group)) for title, draw in FRAME_PLOTS]
    drawn.append(("Drops", frame_plots.drops(count_rows)))
    return [(title, style.png(figure)) for title, figure in drawn if figure is not None]


def write(path, data):
    """Whole, or not at all."""
    temporary = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def report(arguments):
    """Reads, draws, writes; returns what was written."""
    folder = load.read_folder(arguments.folder)
    table = measurements.table_of(folder.bench, folder.remarks)
    all_frames = frames.table_of(folder.runs)
    count_rows = frames.counts_of(folder.runs)
    if all_frames is None:
        folder.remarks.append("no frames: there is no CSV with a row that can be used")
    pictures = pictures_of(table, all_frames, count_rows)
    sections = text.sections(folder, table, all_frames, count_rows)
    output = arguments.output or arguments.folder
    output.mkdir(parents=True, exist_ok=True)
    write(output / "report.html", page.render(sections, pictures).encode())
    write(output / "report.txt", text.as_text(sections).encode())
    if arguments.plots:
        for title, data in pictures:
            name = re.sub(r"[^a-z0-9]+", "-", title.lower())
            write(output / f"plot-{name}.png", data)
    return folder, output


def main(words=None):
    """Returns the exit code."""
    arguments = parse_arguments(words)
    try:
        folder, output = report(arguments)
    except load.Unusable as error:
        print(f"bench/report: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"bench/report: {error.filename}: {error.strerror}; name another folder with "
              "--output", file=sys.stderr)
        return 1
    for remark in folder.remarks:
        print(f"bench/report: {remark}", file=sys.stderr)
    print(f"{output / 'report.html'}\n{output / 'report.txt'}")
    return 0
