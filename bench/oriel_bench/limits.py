# SPDX-License-Identifier: MIT
"""What this machine can do: copies and digests on the ring's own mapping, and wake-ups."""
import json
import subprocess

from .programs import LIMIT_S, read_json


class NotMeasured(Exception):
    """Why a part has no figure on this machine."""


def output_of(stage, *words, limit_s=LIMIT_S, **popen):
    """What a program printed as JSON."""
    child = stage.start(*words, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                   "text": True, **popen})
    try:
        out, err = child.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise NotMeasured(f"{words[0]} did not end within {limit_s} s") from error
    if child.returncode != 0:
        last = err.strip().splitlines() or [f"ended with {child.returncode}"]
        raise NotMeasured(last[-1])
    return json.loads(out)


def shape(found):
    """copy-limits' answer as columns, in ns a frame by p50."""
    rows = {name: row["p50"] for name, row in found["rows"].items() if row["p50"] is not None}
    best = {side: min((name for name in rows if name.startswith(f"{side}:")), key=rows.get)
            for side in ("in", "out")}
    return {
        "rows_ns": rows, "payload_bytes": found["bytes"],
        "memcpy_in_ns": rows["in:memcpy"], "memcpy_out_ns": rows["out:memcpy"],
        "best_in": best["in"].split(":")[1], "best_in_ns": rows[best["in"]],
        "best_nt_ns": min([rows[name] for name in rows if name.startswith("in:nt-")]
                          or [rows[best["in"]]]),
        "best_out": best["out"].split(":")[1], "best_out_ns": rows[best["out"]],
    }


def of_copies(stage, region, case, seconds, digests):
    """One size on one mapping."""
    found = output_of(stage, stage.build / "bench" / "copy-limits", region, case.size,
                      case.format, seconds, ",".join(digests))
    return {"width": case.width, "height": case.height, "format": case.format, **shape(found)}


def of_wakes(stage, samples=100):
    """eventfd and cache line between two processes, p50 in ns."""
    path = stage.folder / "wakes.json"
    child = stage.start(stage.build / "bench" / "wake-latency", "--only", "eventfd", "--only",
                        "line", "--rounds", 1, "--samples", samples, "--json", path)
    if child.wait(LIMIT_S) != 0:
        raise NotMeasured(f"wake-latency ended with {child.returncode}")
    figures = read_json(path)["figures"]
    return {f"{name}_p50_ns": figures[name]["p50_ns"][0] for name in ("eventfd", "line")}


def describe(row):
    """A line about copies."""
    return (f"{row['width']}x{row['height']}: memcpy {row['memcpy_in_ns'] / 1e6:.2f} ms, best in "
            f"{row['best_in_ns'] / 1e6:.2f} ms ({row['best_in']}), best out "
            f"{row['best_out_ns'] / 1e6:.2f} ms ({row['best_out']})")
