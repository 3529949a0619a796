"""The whole path on eight real tables, each from `seaway new` with nothing edited by hand: what comes out, and how fast.

    python benchmarks/path.py [--budget 60s] [--sets german_credit,adult] [--requests 2000] [--batch 100000]

Each table is walked alone and with the real command line: check, train, release, verify, serve, score. All figures of a
line come from one bundle. `results/path.json` and `results/path.md` hold the figures, the machine, the command and the date.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the script also runs by its path

from benchmarks import measure
from benchmarks.sets import ROOT, SETS, Set, data_folder
from seaway.core import chance


def main() -> None:
    """Walk the path on each table and write what was measured."""
    given = _arguments()
    folder = data_folder()
    if folder is None:
        print("skipped: there is no folder shared/data beside the checkout; set SEAWAY_SHARED_DATA")
        return
    lines = []
    for name in given.sets.split(",") if given.sets else SETS:
        with tempfile.TemporaryDirectory(prefix="seaway-path-") as work:
            lines.append(one(name, SETS[name], folder, Path(work), given))
            print(json.dumps(lines[-1]), flush=True)
    document = {"date": chance.stamp(), "command": " ".join(sys.argv), **machine(), "sets": lines}
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "path.json").write_text(json.dumps(document, indent=1) + "\n")
    (given.output / "path.md").write_text(table(document))
    print(table(document))
    silent = {line["set"]: line["not_pointed_out"] for line in lines if line["not_pointed_out"]}
    if silent:
        sys.exit(f"`seaway check` did not point out: {silent}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="60s", help="time to train by, for each table")
    parser.add_argument("--sets", default="", help=f"some of: {', '.join(SETS)}")
    parser.add_argument("--requests", type=int, default=2000, help="requests of one row that are timed")
    parser.add_argument("--batch", type=int, default=100_000, help="rows that `seaway score` is timed over")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the results")
    given = parser.parse_args()
    unknown = [name for name in given.sets.split(",") if given.sets and name not in SETS]
    if unknown:
        parser.error(f"no table is called {', '.join(unknown)}; there are: {', '.join(SETS)}")
    return given


def one(name: str, table: Set, data: Path, work: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Walk the path on one table; every figure comes from the same bundle."""
    print(f"\n{name}: {table.file}", flush=True)
    silent = not_pointed_out(table, data, work)
    source = data / table.file
    measure.seaway(work, "new", name, "--data", source, "--target", table.target, *table.options(data))
    folder = work / name
    checked = measure.seaway(folder, "check", exits=(0, 1))
    trained = measure.seaway(folder, "train", "--budget", given.budget)
    released = measure.seaway(folder, "release")
    verified = measure.seaway(folder, "verify", released["folder"])
    digest, bundle = released["digest"], Path(released["folder"])
    rows, _ = measure.judging_rows(folder)
    return {
        "set": name,
        "rows": checked["rows"],
        "judging_rows": len(rows),
        "release": digest,
        "scores": measure.scores(folder, work, table.figures, table.positive, digest),
        "published": table.published,
        "train_s": round(trained["seconds"], 1),
        "trials": len(trained["trials"]),
        "http": measure.http_latency(folder, rows, given.requests, digest),
        "in_process": measure.in_process_latency(bundle, rows, given.requests),
        "batch_rows_per_s": measure.batch_rate(folder, work, rows, given.batch, digest),
        "bundle_bytes": measure.bundle_bytes(bundle),
        "verified": all(verdict["outcome"] in ("pass", "not-applicable") for verdict in verified["verdicts"]),
        "left_out": [*table.ids, *table.leaks],
        "not_pointed_out": silent,
    }


def not_pointed_out(table: Set, data: Path, work: Path) -> list[str]:
    """Make a project that is told the target alone; return the identifiers and leaks `seaway check` is silent about.

    An identifier counts as pointed out also where it was kept from the model already and the check says so.
    """
    wanted = [*table.ids, *table.leaks]
    if not wanted:
        return []
    measure.seaway(work, "new", "untold", "--data", data / table.file, "--target", table.target)
    found = measure.seaway(work / "untold", "check", exits=(0, 1))["verdicts"]
    said = [one for one in found if one["outcome"] in ("warn", "fail") or one["code"] == IDENTIFIER]
    return [name for name in wanted if not any(_names(one, name) for one in said)]


IDENTIFIER = "D001"


def _names(verdict: Mapping[str, Any], column: str) -> bool:
    named = re.compile(rf"(^|[^\w]){re.escape(column)}($|[^\w])")
    return bool(named.search(verdict["subject"]) or named.search(verdict["message"]))


# --------------------------------------------------------------------------------------------------------- the page


def machine() -> dict[str, Any]:
    """Say on what and with what it was measured."""
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    versions = {
        name: _version(name) for name in ("numpy", "onnxruntime", "lightgbm", "scikit-learn", "polars", "msgspec")
    }
    cpu = re.search(r"model name\s*:\s*(.+)", _text("/proc/cpuinfo"))
    cores = len(re.findall(r"^processor\s*:", _text("/proc/cpuinfo"), re.MULTILINE))
    return {
        "cpu": cpu.group(1) if cpu else platform.processor(),
        "cores": cores,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": versions,
        "commit": git.stdout.strip(),
    }


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:  # not Linux
        return ""


def table(document: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    head = (
        "| set | score on rows kept apart (95 %) | published | train s | HTTP p50 / p99 ms | in process p50 / p99 ms "
        "| batch rows/s | bundle MB |"
    )
    lines = [_line(one) for one in document["sets"]]
    made = (
        f"{document['date']}, `{document['command']}`, commit {document['commit']}, {document['cores']} x {document['cpu']}, "
        f"Python {document['python']}."
    )
    return "\n".join(["# The path on real tables", "", made, "", head, "|---|---|---|---|---|---|---|---|", *lines, ""])


def _line(one: Mapping[str, Any]) -> str:
    figures = "; ".join(
        f"{name} {value:.4g} ({low:.4g} to {high:.4g})" for name, (value, low, high) in one["scores"].items()
    )
    cells: Sequence[object] = (
        one["set"],
        f"{figures}; n = {one['judging_rows']:,}",
        one["published"],
        one["train_s"],
        f"{one['http']['p50_ms']} / {one['http']['p99_ms']}",
        f"{one['in_process']['p50_ms']} / {one['in_process']['p99_ms']}",
        f"{one['batch_rows_per_s']:,.0f}",
        f"{one['bundle_bytes'] / 1e6:.2f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
