"""What is measured about one released project, each figure from the bundle that answers: score, latency, throughput, size."""

from __future__ import annotations

import http.client
import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import polars
from sklearn import metrics

import seaway as sw
from seaway.core.batch import Array
from seaway.workflow import dataset
from seaway.workflow.workspace import open_project

Row = Mapping[str, Any]
WARM = 200
BOOTSTRAP = 500


def seaway(folder: Path, *arguments: object, exits: Sequence[int] = (0,)) -> dict[str, Any]:
    """Run one verb of the command line in `folder`; returns its document."""
    done = subprocess.run(
        [sys.executable, "-m", "seaway.cli", *map(str, arguments), "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in exits:
        sys.exit(
            f"`seaway {' '.join(map(str, arguments))}` ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr}"
        )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def judging_rows(folder: Path) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the rows that were kept from training, as a client sends them, and what came true."""
    workspace = open_project(folder)
    data = dataset.load(workspace)
    target = data.contract.target
    assert target is not None
    records = data.rows.records(data.split.test)
    return [{k: v for k, v in row.items() if k != target.name} for row in records], [
        row[target.name] for row in records
    ]


# ---------------------------------------------------------------------------------------------------------- scores


def scores(
    folder: Path, work: Path, figures: Sequence[str], positive: str, digest: str
) -> dict[str, tuple[float, float, float]]:
    """Score the judging rows with `seaway score` and compute each figure with scikit-learn: (value, low, high) at 95 %."""
    rows, truth = judging_rows(folder)
    source, target = work / "judging.csv", work / "answers.parquet"
    polars.DataFrame(rows, infer_schema_length=None).write_csv(source)
    done = seaway(folder, "score", source, "-o", target)
    assert done["release"] == digest
    assert done["refused"] == 0, done["cells"]
    answers = polars.read_parquet(target)
    assert answers.height == len(rows)
    if "value" in answers.columns:
        y, p, labels = np.asarray(truth, dtype=float), answers["value"].to_numpy(), ()
    else:
        labels = tuple(name.removeprefix("probabilities.") for name in answers.columns if name.startswith("prob"))
        y = np.array([labels.index(_class_name(value)) for value in truth])
        p = answers.select(f"probabilities.{name}" for name in labels).to_numpy()
    code = labels.index(positive) if positive else 1
    return {name: _with_interval(FIGURES[name], y, p, code) for name in figures}


def _class_name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _with_interval(
    figure: Callable[[Array, Array, int], float], y: Array, p: Array, code: int
) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)
    drawn = [figure(y[index], p[index], code) for index in rng.integers(0, len(y), (BOOTSTRAP, len(y)))]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return figure(y, p, code), float(low), float(high)


def _auc(y: Array, p: Array, code: int) -> float:
    return float(metrics.roc_auc_score(y == code, p[:, code])) if 0 < (y == code).sum() < len(y) else math.nan


FIGURES: Mapping[str, Callable[[Array, Array, int], float]] = {
    "roc_auc": _auc,
    "average_precision": lambda y, p, code: float(metrics.average_precision_score(y == code, p[:, code])),
    "accuracy": lambda y, p, _: float((p.argmax(axis=1) == y).mean()),
    "f1": lambda y, p, code: float(metrics.f1_score(y == code, p.argmax(axis=1) == code, zero_division=0.0)),
    "f1_weighted": lambda y, p, _: float(metrics.f1_score(y, p.argmax(axis=1), average="weighted", zero_division=0.0)),
    "log_loss": lambda y, p, _: float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1)).mean()),
    "rmse": lambda y, p, _: float(np.sqrt(((y - p) ** 2).mean())),
    "rmsle": lambda y, p, _: float(np.sqrt(((np.log1p(y) - np.log1p(np.clip(p, 0, None))) ** 2).mean())),
    "r2": lambda y, p, _: float(metrics.r2_score(y, p)),
}


# ------------------------------------------------------------------------------------------------ latency, throughput


class Server:
    """`seaway serve` with the settings as they come: one worker, answers leave after their record is on disk."""

    def __init__(self, folder: Path) -> None:
        self._serving = folder / ".seaway" / "serving"
        shutil.rmtree(self._serving, ignore_errors=True)
        command = [sys.executable, "-m", "seaway.cli", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> http.client.HTTPConnection:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for path in self._serving.glob("*.json"):
                worker = json.loads(path.read_text())
                if worker.get("ready"):
                    return http.client.HTTPConnection("127.0.0.1", int(worker["port"]), timeout=30)
            time.sleep(0.05)
        self._process.kill()
        sys.exit("the server did not get ready in 60 s")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(30)


def http_latency(folder: Path, rows: Sequence[Row], count: int, digest: str) -> dict[str, float]:
    """Ask one row at a time over one keep-alive connection; milliseconds from the first byte sent to the last one read."""
    bodies = [json.dumps({"rows": [row]}).encode() for row in rows]
    taken = []
    with Server(folder) as connection:
        for number in range(WARM + count):
            body = bodies[number % len(bodies)]
            began = time.perf_counter()
            connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
            answer = connection.getresponse().read()
            taken.append(time.perf_counter() - began)
            if number < len(bodies):
                assert json.loads(answer)["release"] == digest, answer[:500]
        connection.close()
    return _milliseconds(taken[WARM:])


def in_process_latency(bundle: Path, rows: Sequence[Row], count: int) -> dict[str, float]:
    """Answer one row at a time in this process, from the row as an object to the prediction as an object."""
    release = sw.load(bundle)
    taken = []
    for number in range(WARM + count):
        row = rows[number % len(rows)]
        began = time.perf_counter()
        release.predict(row)
        taken.append(time.perf_counter() - began)
    return _milliseconds(taken[WARM:])


def _milliseconds(taken: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.quantile(taken, (0.5, 0.99)) * 1000
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3), "requests": len(taken)}


def batch_rate(folder: Path, work: Path, rows: Sequence[Row], count: int, digest: str) -> float:
    """Return the rows per second of `seaway score` from CSV to Parquet, over `count` rows (the judging rows, repeated)."""
    frame = polars.DataFrame(rows, infer_schema_length=None)
    repeated = polars.concat([frame] * (count // frame.height + 1)).head(count)
    repeated.write_csv(work / "batch.csv")
    done = seaway(folder, "score", work / "batch.csv", "-o", work / "batch.parquet")
    assert done["release"] == digest
    assert done["rows"] == count
    return round(count / float(done["seconds"]), 1)


def bundle_bytes(bundle: Path) -> int:
    """Return the size of everything in the bundle."""
    return sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
