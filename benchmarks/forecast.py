"""Forecasts on real series, each from `seaway new` to a released bundle: how far off, against repeating the last season.

    python benchmarks/forecast.py [--budget 60s] [--sets m4_hourly,air_passengers]

The last steps of each series are kept in a file of their own; the bundle is asked once for each series, with the newest rows
before them. All figures are worked out here from the predictions as a client reads them, by the formulas of the M4
competition, so that nothing judges itself. `results/forecast.json` and `results/forecast.md` hold them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the script also runs by its path

import numpy as np
import polars

import seaway as sw
from benchmarks import measure
from benchmarks.path import machine
from benchmarks.sets import ROOT, data_folder
from seaway.core import chance
from seaway.core.batch import Array


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One file of series; the last `horizon` rows of each judge. `season` is that of the scaled error and of the naive forecast."""

    file: str
    target: str
    time: str
    horizon: int
    season: int
    ids: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    day_first: bool = False
    published: str = ""

    def options(self) -> list[str]:
        """Return the options of `seaway new`: what the data's own notes say, nothing else."""
        named = [("--target", self.target), ("--time", self.time), ("--horizon", str(self.horizon))]
        named += [*(("--id", name) for name in self.ids), *(("--ahead", name) for name in self.ahead)]
        return [part for option in named for part in option]


SETS: Mapping[str, Panel] = {
    "m4_hourly": Panel(
        file="forecasting/m4_hourly.parquet",
        target="value",
        time="timestamp",
        ids=("series_id",),
        horizon=48,
        season=24,
        drop=("split",),
        published="sMAPE / MASE: winner (Smyl) 9.328 / 0.893, FFORMA 11.506 / 0.819, Naive2 18.383 / 2.395 "
        "[q: Makridakis 2020]; AutoARIMA MASE 0.92 to 1.02, ETS 1.61 to 1.82 [s: Nixtla]",
    ),
    "air_passengers": Panel(
        file="forecasting/air_passengers.csv", target="passengers", time="month", horizon=12, season=12
    ),
    "walmart_weekly": Panel(
        file="forecasting/walmart_weekly_sales.csv",
        target="Weekly_Sales",
        time="Date",
        ids=("Store",),
        ahead=("Holiday_Flag", "Temperature", "Fuel_Price", "CPI", "Unemployment"),
        horizon=13,
        season=52,
        day_first=True,
    ),
}


def main() -> None:
    """Walk each set and write what was measured."""
    given = _arguments()
    folder = data_folder()
    if folder is None:
        print("skipped: there is no folder shared/data beside the checkout; set SEAWAY_SHARED_DATA")
        return
    lines = []
    for name in given.sets.split(",") if given.sets else SETS:
        with tempfile.TemporaryDirectory(prefix="seaway-forecast-") as work:
            lines.append(one(name, SETS[name], folder, Path(work), given.budget))
            print(json.dumps(lines[-1]), flush=True)
    document = {"date": chance.stamp(), "command": " ".join(sys.argv), **machine(), "sets": lines}
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "forecast.json").write_text(json.dumps(document, indent=1) + "\n")
    (given.output / "forecast.md").write_text(table(document))
    print(table(document))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", default="60s", help="time to train by, for each set")
    parser.add_argument("--sets", default="", help=f"some of: {', '.join(SETS)}")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the results")
    given = parser.parse_args()
    unknown = [name for name in given.sets.split(",") if given.sets and name not in SETS]
    if unknown:
        parser.error(f"no set is called {', '.join(unknown)}; there are: {', '.join(SETS)}")
    return given


def one(name: str, panel: Panel, data: Path, work: Path, budget: str) -> dict[str, Any]:
    """Walk the path on one set; every figure comes from the same bundle."""
    print(f"\n{name}: {panel.file}", flush=True)
    known, judging = cut(panel, data / panel.file)
    known.write_parquet(work / "known.parquet")
    judging.write_parquet(work / "judging.parquet")
    files = ("--data", work / "known.parquet", "--test", work / "judging.parquet")
    measure.seaway(work, "new", name, "--task", "forecast", *files, *panel.options())
    folder = work / name
    trained = measure.seaway(folder, "train", "--budget", budget)
    released = measure.seaway(folder, "release")
    bundle = sw.load(Path(released["folder"]))
    assert bundle.digest == released["digest"]
    began = time.perf_counter()
    answers = [ask(bundle, panel, past, ahead) for past, ahead in series_of(panel, known, judging)]
    took = time.perf_counter() - began
    return {
        "set": name,
        "series": len(answers),
        "steps": panel.horizon,
        "release": released["digest"],
        **figures(panel, answers),
        "published": panel.published,
        "train_s": round(trained["seconds"], 1),
        "trials": len(trained["trials"]),
        "series_per_s": round(len(answers) / took, 1),
        "bundle_bytes": measure.bundle_bytes(Path(released["folder"])),
    }


def cut(panel: Panel, path: Path) -> tuple[polars.DataFrame, polars.DataFrame]:
    """Return the rows to learn from and the last `horizon` rows of each series, in the order of time."""
    frame = polars.read_parquet(path) if path.suffix == ".parquet" else polars.read_csv(path)
    if panel.day_first:
        frame = frame.with_columns(polars.col(panel.time).str.to_date("%d-%m-%Y"))
    frame = frame.with_columns(polars.col(name).cast(polars.String) for name in panel.ids)
    frame = frame.sort(*panel.ids, panel.time, maintain_order=True)
    place = polars.int_range(polars.len())
    back = (polars.len() - place).over(panel.ids) if panel.ids else polars.len() - place
    frame = frame.with_columns(back.alias("rows from the end"))
    is_last = polars.col("rows from the end") <= panel.horizon
    left = ("rows from the end", *panel.drop)
    return frame.filter(~is_last).drop(left), frame.filter(is_last).drop(left)


def series_of(
    panel: Panel, known: polars.DataFrame, judging: polars.DataFrame
) -> list[tuple[polars.DataFrame, polars.DataFrame]]:
    """Return (past, ahead) of each series."""
    if not panel.ids:
        return [(known, judging)]
    past = known.partition_by(panel.ids, as_dict=True)
    return [(past[key], ahead) for key, ahead in judging.partition_by(panel.ids, as_dict=True).items()]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one series did, what was said about it, and what repeating its last season says."""

    past: Array
    truth: Array
    mean: Array
    low: Array
    high: Array
    naive: Array


def ask(bundle: sw.Release, panel: Panel, past: polars.DataFrame, ahead: polars.DataFrame) -> Answer:
    """Ask the bundle about one series as a client would: its newest rows, and what is known of the rows ahead."""
    rows = _objects(past) + _objects(ahead.select(*panel.ids, panel.time, *panel.ahead))
    (told,) = bundle.predict(rows, horizon=panel.horizon)
    y = past[panel.target].to_numpy().astype(float)
    return Answer(
        past=y,
        truth=ahead[panel.target].to_numpy().astype(float),
        mean=np.array(told["mean"]),
        low=np.array(told["quantiles"]["0.05"]),
        high=np.array(told["quantiles"]["0.95"]),
        naive=np.resize(y[-panel.season :], panel.horizon),
    )


def _objects(frame: polars.DataFrame) -> list[dict[str, Any]]:
    texts = [
        polars.col(name).dt.to_string("iso:strict")
        if frame.schema[name] == polars.Datetime
        else polars.col(name).dt.to_string()
        for name in frame.columns
        if frame.schema[name].is_temporal()
    ]
    return frame.with_columns(texts).to_dicts()


def figures(panel: Panel, answers: Sequence[Answer]) -> dict[str, float]:
    """Return sMAPE (%), MASE, WAPE and coverage of the 90 % interval, and the same errors of the seasonal naive forecast."""
    found: dict[str, float] = {}
    for prefix in ("", "naive_"):
        told = [(one, one.naive if prefix else one.mean) for one in answers]
        found[f"{prefix}smape"] = float(np.mean([smape(one.truth, said) for one, said in told]))
        found[f"{prefix}mase"] = float(np.mean([mase(one.past, one.truth, said, panel.season) for one, said in told]))
        error, total = (sum(float(np.abs(part).sum()) for part in parts) for parts in _parts(told))
        found[f"{prefix}wape"] = error / total
    inside = np.concatenate([(one.low <= one.truth) & (one.truth <= one.high) for one in answers])
    found["coverage"] = float(inside.mean())
    return {name: round(value, 4) for name, value in found.items()}


def _parts(told: Sequence[tuple[Answer, Array]]) -> tuple[list[Array], list[Array]]:
    return [one.truth - said for one, said in told], [one.truth for one, _ in told]


def smape(truth: Array, said: Array) -> float:
    """Return 200 mean(|y - f| / (|y| + |f|)) (Makridakis et al. 2020)."""
    size = np.abs(truth) + np.abs(said)
    return float(200 * np.mean(np.divide(np.abs(truth - said), size, out=np.zeros_like(size), where=size > 0)))


def mase(past: Array, truth: Array, said: Array, season: int) -> float:
    """Return the mean error over the mean seasonal change of the past (Hyndman & Koehler 2006)."""
    return float(np.mean(np.abs(truth - said)) / np.mean(np.abs(past[season:] - past[:-season])))


def table(document: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    made = (
        f"{document['date']}, `{document['command']}`, commit {document['commit']}, {document['cores']} x {document['cpu']}, "
        f"Python {document['python']}."
    )
    head = (
        "| set | series x steps | sMAPE % (seasonal naive) | MASE (seasonal naive) | WAPE (seasonal naive) "
        "| in the 90 % interval | published | train s | trials | series/s | bundle MB |"
    )
    lines = [_line(one) for one in document["sets"]]
    return "\n".join(["# Forecasts on real series", "", made, "", head, "|" + "---|" * 11, *lines, ""])


def _line(one: Mapping[str, Any]) -> str:
    cells: Sequence[object] = (
        one["set"],
        f"{one['series']} x {one['steps']}",
        f"{one['smape']:.3f} ({one['naive_smape']:.3f})",
        f"{one['mase']:.3f} ({one['naive_mase']:.3f})",
        f"{one['wape']:.4f} ({one['naive_wape']:.4f})",
        f"{one['coverage']:.1%}",
        one["published"] or "none agreed",
        one["train_s"],
        one["trials"],
        f"{one['series_per_s']:,.0f}",
        f"{one['bundle_bytes'] / 1e6:.2f}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()
