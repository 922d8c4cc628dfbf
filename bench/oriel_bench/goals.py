# SPDX-License-Identifier: MIT
"""The goals: ratios within one round of one run, and whether they hold."""
import dataclasses
import os
import statistics
import typing

GUEST_FPS = 30  # of an emulated guest on two cores
CROWD_CORES = 5  # a producer and four consumers


@dataclasses.dataclass(frozen=True)
class Goal:
    """A ratio. of(round) takes {name: record} and returns it, None where a part is missing. One
    without a limit is told beside the others and judged by nobody."""

    name: str
    limit: float | None
    at_most: bool
    of: typing.Callable
    needs_cores: int = 1

    def holds(self, value):
        """Is it met?"""
        return value <= self.limit if self.at_most else value >= self.limit


def ratio(a, b):
    """None where either is missing."""
    return a / b if a is not None and b else None


def rate_over(name, limit_ns):
    """Frames a second of a run, over those that one limit alone would allow."""
    def of(found):
        rate = found[name]["frames_per_second"]
        return ratio(rate, 1e9 / limit_ns(found)) if rate else None
    return of


def over_peer(name):
    """The ring's rate over another way's."""
    return lambda found: ratio(found["flat"]["frames_per_second"],
                               found[name]["frames_per_second"])


def over_loop(column):
    """The window's rate over that of SDL alone."""
    return lambda found: ratio(found["window"]["frames_per_second"], found["window"][column])


def damage_ns(found):
    """What a frame costs both sides of which a part changed."""
    copy, verify = found["damage"]["copy_p50_ns"], found["damage"]["verify_p50_ns"]
    return copy + verify if copy is not None and verify is not None else None


def whole_ns(found):
    """What a whole frame costs both sides. The consumer's verify does not show it, for by then it
    has read most of the frame ahead: what a copy out with a digest takes stands for it."""
    copy, out = found["paced"]["copy_p50_ns"], found["limits"]["rows_ns"]["out+xxh3"]
    return copy + out if copy is not None else None


def lost(record):
    """Frames that were due and not shown to everybody."""
    return (record["skipped"] - record["skipped_before_first"] + record["not_published"] +
            record["torn"] + record["stale"])


def slower_sha256_ns(found):
    """What a frame takes on the slower of the two sides, by itself."""
    rows = found["sha256_limits"]["rows_ns"]
    return max(rows["in+sha256"], rows["out+sha256"])


def guest_bound_ns(found):
    """What a frame has to take in the guest: to be made, and to be copied."""
    return found["guest"]["fill_p50_ns"] + found["guest_limits"]["best_in_ns"]


GOALS = (
    Goal("copy in with digest / best non-temporal copy alone", 1.05, True,
         lambda found: ratio(found["limits"]["rows_ns"]["in+xxh3"], found["limits"]["best_nt_ns"])),
    Goal("whole frame verified after copy start, p50 / best copy alone", 1.10, True,
         lambda found: ratio(found["paced"]["whole_p50_ns"], found["limits"]["best_in_ns"])),
    Goal("frames per second, lossless, verified / 1 over best copy alone", 0.90, False,
         rate_over("flat", lambda found: found["limits"]["best_in_ns"])),
    Goal("same, SHA-256 / 1 over SHA-256 alone of the frame", 0.95, False,
         rate_over("sha256", lambda found: found["sha256_limits"]["rows_ns"]["sha256"])),
    Goal("same, SHA-256 / 1 over copy and SHA-256, the slower side alone", None, False,
         rate_over("sha256", slower_sha256_ns)),
    Goal("damage of 1 % : cost of a whole frame", 0.03, True,
         lambda found: ratio(damage_ns(found), whole_ns(found))),
    Goal("4 consumers: producer's frame rate / with 1", 0.90, False,
         lambda found: ratio(found["four"]["producer_frames_per_second"],
                             found["flat"]["producer_frames_per_second"]), needs_cores=CROWD_CORES),
    Goal("4 consumers at 60 fps: frames lost", 0, True,
         lambda found: lost(found["four_60"]), needs_cores=CROWD_CORES),
    Goal("verified fps / GStreamer shmsink doing the same work", 2.0, False,
         over_peer("gstreamer")),
    Goal("same / GStreamer's receiver digesting in place, keeping nothing", None, False,
         over_peer("gstreamer_in_place")),
    Goal("SDL window, 4K into 1080p: fps / upload-and-present loop fed by a process", 0.90, False,
         over_loop("fed_frames_per_second")),
    Goal("same / such a loop with frames of its own, and nobody else busy", None, False,
         over_loop("limit_frames_per_second")),
    Goal("emulated guest, 4K random: fps / 1 over (fill + best copy in that guest)", 0.85, False,
         rate_over("guest", guest_bound_ns)),
    Goal("emulated guest, 4K random: fps", GUEST_FPS, False,
         lambda found: found["guest"]["frames_per_second"], needs_cores=2),
)


def value_of(goal, found):
    """The goal's ratio in one round, None where something of it was not measured."""
    try:
        return goal.of(found)
    except (KeyError, TypeError):
        return None


def judge(rounds, why_not):
    """A row a goal: value (the median of the rounds), least, most, holds or why not.

    rounds:  a list of {name: record}
    why_not: {name: text} of what could not be measured
    """
    rows = []
    cores = len(os.sched_getaffinity(0))
    for goal in GOALS:
        values = [value for value in (value_of(goal, found) for found in rounds)
                  if value is not None]
        row = {"name": goal.name, "limit": goal.limit, "at_most": goal.at_most,
               "value": statistics.median(values) if values else None,
               "least": min(values, default=None), "most": max(values, default=None),
               "rounds": len(values), "verdict": "not measured"}
        if values and goal.limit is None:
            row["verdict"] = "no goal"
        elif values:
            row["verdict"] = "holds" if goal.holds(row["value"]) else "missed"
            if row["verdict"] == "missed" and cores < goal.needs_cores:
                row["verdict"] = f"not judged: {cores} cores, needs {goal.needs_cores}"
        elif why_not:
            row["why"] = "; ".join(sorted(f"{name}: {text}" for name, text in why_not.items()))
        rows.append(row)
    return rows


def number(value):
    """For a table; NA where it was not measured."""
    return "NA" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def limit_of(row):
    """A goal's limit, for a table."""
    if row["limit"] is None:
        return ""
    return f"{'<=' if row['at_most'] else '>='} {row['limit']:>5g}"


def table(rows):
    """Lines for people."""
    lines = [f"{'goal':<78} {'limit':>8} {'found':>7}  {'spread':<15} verdict"]
    for row in rows:
        spread = "" if row["value"] is None else f"{number(row['least'])} to {number(row['most'])}"
        lines.append(f"{row['name']:<78} {limit_of(row):>8} "
                     f"{number(row['value']):>7}  {spread:<15} {row['verdict']}")
    return lines


def exit_code(rows):
    """0: all that can be judged hold; 1: some are missed; 3: none is missed, some not measured."""
    verdicts = {row["verdict"] for row in rows}
    return 1 if "missed" in verdicts else 3 if "not measured" in verdicts else 0
