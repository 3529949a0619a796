"""Segments of real customers, from transactions to a released bundle: how many, how clear, and whether they are found again.

    python benchmarks/segments.py [--trials 40] [--bootstraps 50]

The chosen model is fitted again on bootstrap samples of the customers, and each fit is asked about all of them: the adjusted
Rand index, by scikit-learn, says how far it agrees with the answers of the released bundle. A second run in another folder
has to come to the same digest. `results/segments.json` and `results/segments.md` hold the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the script also runs by its path

import msgspec
import numpy as np
from sklearn.metrics import adjusted_rand_score

import seaway as sw
from benchmarks import measure
from benchmarks.path import machine
from benchmarks.sets import ROOT, data_folder
from seaway.core import chance, extend
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Outcomes, Sample
from seaway.core.contract import Contract
from seaway.data import prepared
from seaway.data.validate import validate
from seaway.workflow.workspace import open_project

FILE = "retail/online_retail_france.csv"


def main() -> None:
    """Walk the path and write what was measured."""
    given = _arguments()
    folder = data_folder()
    if folder is None:
        print("skipped: there is no folder shared/data beside the checkout; set SEAWAY_SHARED_DATA")
        return
    with tempfile.TemporaryDirectory(prefix="seaway-segments-") as work:
        found = one(folder / FILE, Path(work), given)
    document = {"date": chance.stamp(), "command": " ".join(sys.argv), **machine(), **found}
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "segments.json").write_text(json.dumps(document, indent=1) + "\n")
    (given.output / "segments.md").write_text(page(document))
    print(page(document))
    if not found["is_repeated"]:
        sys.exit("The second run came to another candidate")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40, help="trials of the search")
    parser.add_argument("--bootstraps", type=int, default=50, help="fits on resampled customers")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the results")
    return parser.parse_args()


def one(source: Path, work: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Walk the path twice; every figure comes from the first bundle."""
    runs = [trained(source, work, name, given.trials) for name in ("first", "second")]
    folder, run = work / "first", runs[0]
    released = measure.seaway(folder, "release")
    bundle = sw.load(Path(released["folder"]))
    winner = max(run["trials"], key=lambda trial: float(trial["weight"]))
    workspace = open_project(folder)
    rows = validate(prepared.table(source, workspace.settings), workspace.contract).whole
    settled = msgspec.json.decode((Path(released["folder"]) / "contract.json").read_bytes(), type=Contract)
    segment = settled.output("segment")
    own = np.array([segment.labels.index(one["segment"]) for one in bundle.predict(rows.records())])
    agreement = found_again(folder, source, own, winner, given.bootstraps)
    return {
        "customers": len(rows),
        "release": released["digest"],
        "candidate": run["digest"],
        "is_repeated": run["digest"] == runs[1]["digest"],
        "model": winner["model"],
        "params": winner["params"],
        "segments": len(segment.labels),
        "sizes": np.bincount(own, minlength=len(segment.labels)).tolist(),
        "scores": {name: (score["value"], score["low"], score["high"]) for name, score in run["scores"].items()},
        "bootstraps": given.bootstraps,
        "adjusted_rand": {"mean": float(np.mean(agreement)), "least": float(np.min(agreement))},
        "notes": list(segment.notes),
        "train_s": round(run["seconds"], 1),
    }


def trained(source: Path, work: Path, name: str, trials: int) -> dict[str, Any]:
    """Make a project and train it; the work is fixed, so that a second run has to repeat it."""
    measure.seaway(work, "new", name, "--data", source, "--recipe", "customer-behaviour")
    return measure.seaway(work / name, "train", "--trials", trials)


def found_again(folder: Path, source: Path, own: Array, winner: Mapping[str, Any], count: int) -> list[float]:
    """Return the adjusted Rand index of each fit on resampled customers with the released answers."""
    workspace = open_project(folder)
    contract, task = workspace.contract, extend.load("task", workspace.settings.project.task)()
    rows = validate(prepared.table(source, workspace.settings), contract).whole
    batch = encoder_of(contract).batch(rows)
    model = next(model for model in task.models(contract, "balanced") if model.name == winner["model"])
    generator, found = chance.rng("segments benchmark"), []
    for turn in range(count):
        drawn = np.sort(generator.integers(0, batch.cases, batch.cases))
        sample = Sample(batch=batch.take(drawn), case=drawn)
        fitted = model.fit(sample, None, contract=contract, params=winner["params"], seed=turn, until=math.inf)
        margin = fitted.predict(batch)["margin"]
        finish = task.finish(Outcomes.of_rows({"margin": margin}, None), contract, {"calibrate": False})
        found.append(float(adjusted_rand_score(own, finish.apply({"margin": margin})["segment"])))
    return found


def page(document: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    made = (
        f"{document['date']}, `{document['command']}`, commit {document['commit']}, {document['cores']} x {document['cpu']}, "
        f"Python {document['python']}."
    )
    scores = [
        f"| {name} | {value:.3f} ({low:.3f} to {high:.3f}) |" for name, (value, low, high) in document["scores"].items()
    ]
    rand = document["adjusted_rand"]
    summary = (
        f"{FILE}: {document['customers']} customers, {document['segments']} segments by {document['model']} "
        f"{document['params']}, sizes {document['sizes']}; the second run came to "
        f"{'the same' if document['is_repeated'] else 'another'} candidate."
    )
    return "\n".join(
        [
            "# Segments of real customers",
            "",
            made,
            "",
            summary,
            "",
            "| figure | value (95 %) |",
            "|---|---|",
            *scores,
            f"| adjusted Rand index over {document['bootstraps']} bootstraps | {rand['mean']:.3f}, least {rand['least']:.3f} |",
            "",
            *(f"- {number}: {note}" for number, note in enumerate(document["notes"], start=1)),
            "",
        ]
    )


if __name__ == "__main__":
    main()
