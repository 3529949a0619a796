"""The model card, made of facts alone: nobody fills it in, so nothing in it can be out of date (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from seaway.core import metrics
from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Candidate, Score
from seaway.core.contract import Column, Contract
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.release import words
from seaway.release.calibration import coverage, reliability

ROUNDS, SEED = 200, 0
"""Resamples behind the baseline's intervals; the same as behind the model's."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the build knows and the candidate does not."""

    model: str
    version: int
    created: str
    expires: str
    parent: str
    tolerance: float
    proofs: Sequence[Verdict]


def card(candidate: Candidate, settings: Settings, facts: Facts) -> tuple[str, dict[str, Any]]:
    """Return the card for people (Markdown) and for programs (plain JSON values)."""
    contract = candidate.contract
    scores = _scores(candidate)
    document: dict[str, Any] = {
        "format": 1,
        "model": facts.model,
        "version": facts.version,
        "created": facts.created,
        "expires": facts.expires,
        "parent": facts.parent,
        "use": settings.release.use,
        "limits": settings.release.limits,
        "predicts": _predicts(contract),
        "columns": [_column(column) for column in contract.columns if column.role == "feature"],
        "data": _data(candidate),
        "scores": scores,
        "ahead": _ahead(candidate),
        "calibration": reliability(candidate.test, contract),
        "coverage": coverage(candidate.test, contract),
        "parity": {
            "tolerance": facts.tolerance,
            "proofs": [msgspec.to_builtins(proof) for proof in facts.proofs],
        },
        "cautions": _cautions(candidate, scores),
        "lineage": _lineage(candidate),
        "monitor": msgspec.to_builtins(settings.monitor),
        "update": msgspec.to_builtins(settings.update),
    }
    return words.markdown(document), document


def _predicts(contract: Contract) -> dict[str, Any]:
    truth = contract.truth
    return {
        "task": contract.task,
        "per": contract.per,
        "target": contract.target.name if contract.target else "",
        "unit": truth.unit if truth else "",
        "classes": list(contract.classes),
        "outputs": [output.name for output in contract.outputs],
        "series": msgspec.to_builtins(contract.series),
        "truth": truth is not None,
        "meanings": [
            {"output": output.name, "label": label, "note": note}
            for output in contract.outputs
            for label, note in zip(output.labels, output.notes, strict=False)
        ],
        "labels": _answered_labels(contract),
    }


def _answered_labels(contract: Contract) -> list[str]:
    """Return the labels that an answer can be where no truth names them."""
    return [label for output in contract.outputs if output.kind == "code" for label in output.labels]


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "unit": column.unit,
        "categories": len(column.categories),
        "range": list(column.range) if column.range else None,
        "missing": column.null,
        "unseen": column.unseen if column.kind == "category" else "",
        "outside": column.outside if column.range else "",
        "personal": column.personal,
        "protected": column.protected,
        "ahead": column.ahead,
    }


def _data(candidate: Candidate) -> dict[str, Any]:
    return {
        "fingerprint": candidate.lineage.fingerprint,
        "split": candidate.lineage.split,
        "train_cases": int(candidate.figures.get("training_rows", _cases(candidate.oof))),
        "searched_cases": _cases(candidate.oof),
        "test_cases": _cases(candidate.test),
        "classes": _shares(candidate),
    }


def _cases(outcomes: Outcomes) -> int:
    return len(np.unique(outcomes.case))


def _shares(candidate: Candidate) -> dict[str, float]:
    """Return the share of each class among the training rows whose truth is known."""
    classes, truth = candidate.contract.classes, candidate.oof.truth
    if not classes or truth is None or np.isnan(truth).all():
        return {}
    counts = np.bincount(truth[~np.isnan(truth)].astype(np.int64), minlength=len(classes))
    return {name: round(float(count / counts.sum()), 6) for name, count in zip(classes, counts, strict=True)}


def _scores(candidate: Candidate) -> list[dict[str, Any]]:
    """Return each metric on the test rows, out of fold, and of a model that ignores every column."""
    names = [name.removeprefix("test.") for name in candidate.scores if name.startswith("test.") and "@" not in name]
    guess = baseline(candidate)
    found = []
    for name in names:
        figure = metrics.METRICS.get(name)
        plain = metrics.score(figure, guess, rounds=ROUNDS, seed=SEED) if figure and guess else None
        found.append(
            {
                "metric": name,
                "unit": figure.unit if figure else "",
                "greater_is_better": figure.greater_is_better if figure else None,
                "test": _score(candidate.scores[f"test.{name}"]),
                "folds": _score(candidate.scores.get(f"oof.{name}")),
                "baseline": _score(plain),
            }
        )
    return found


def _ahead(candidate: Candidate) -> list[dict[str, Any]]:
    """Return the scores of parts of the horizon, which training names "test.metric@first-last"."""
    named = [(name.removeprefix("test.").partition("@"), score) for name, score in candidate.scores.items()]
    return [
        {"metric": metric, "steps": steps, "test": _score(score)}
        for (metric, at, steps), score in sorted(
            named, key=lambda one: (one[0][0], int(one[0][2].partition("-")[0] or 0))
        )
        if at
    ]


def baseline(candidate: Candidate) -> Outcomes | None:
    """Return the test cases as answered by the training rows' class shares or mean.

    None where truth is unknown, and for series, whose mean says nothing: their metrics are held against naive forecasts.
    """
    known, test = candidate.oof.truth, candidate.test
    if candidate.contract.series or known is None or test.truth is None or np.isnan(known).all():
        return None
    truth = known[~np.isnan(known)]
    rows = len(test)
    answer: dict[str, Array] = {}
    if candidate.contract.classes:
        shares = np.bincount(truth.astype(np.int64), minlength=len(candidate.contract.classes)) / len(truth)
        answer["probabilities"] = np.tile(shares, (rows, 1))
        answer["label"] = np.full(rows, shares.argmax(), dtype=np.int64)
    else:
        answer["value"] = np.full(rows, truth.mean())
    return test.answered(answer)


def _score(score: Score | None) -> dict[str, Any] | None:
    """Return a score as JSON numbers; what is not known is null."""
    if score is None:
        return None
    numbers = {"value": score.value, "low": score.low, "high": score.high}
    return {name: number if np.isfinite(number) else None for name, number in numbers.items()} | {"n": score.n}


def _cautions(candidate: Candidate, scores: Sequence[dict[str, Any]]) -> list[str]:
    """Return the limits that the facts themselves show, in plain words."""
    contract, found = candidate.contract, []
    features = [column for column in contract.columns if column.role == "feature"]
    if contract.truth is None:
        found.append(
            "Nobody knows the right answers: its figures say how clear and how stable they are, not how right."
        )
    elif len(candidate.test) < 1000:
        found.append(f"Judged on {_judged_on(candidate)} only: read the intervals, not the figures.")
    doubtful = [score["metric"] for score in scores if not _beats_baseline(score)]
    if doubtful:
        found.append(f"Not clearly better than a guess that ignores the row, by: {', '.join(doubtful)}.")
    rare = {name: share for name, share in _shares(candidate).items() if share < 0.05}
    if rare:
        listed = ", ".join(f"{name} ({share:.1%})" for name, share in rare.items())
        found.append(f"Rare in training, so answers about it are less certain: {listed}.")
    protected = [column.name for column in features if column.protected]
    if protected:
        found.append(f"Reads protected attributes: {', '.join(protected)}. Check that this is lawful where it is used.")
    personal = [column.name for column in features if column.personal]
    if personal:
        found.append(f"Reads personal data: {', '.join(personal)}.")
    if any(column.kind == "category" and column.unseen == "other" for column in features):
        found.append("A category never seen in training is answered as 'other', flagged and logged; watch how often.")
    if any(column.range and column.outside == "flag" for column in features):
        found.append("A number outside its training range is answered, flagged and logged: an extrapolation.")
    found.append(
        "Scores are about data like those it was judged on; where the incoming data change, the monitor says so."
    )
    return found


def _judged_on(candidate: Candidate) -> str:
    cases = _cases(candidate.test)
    if candidate.contract.series is None:
        return f"{cases} cases"
    return f"{len(candidate.test)} values of {cases} series"


def _beats_baseline(score: dict[str, Any]) -> bool:
    """Say whether the whole interval lies on the better side of the baseline; where nobody knows, nothing is doubted."""
    test, guess = score["test"], score["baseline"]
    if not guess or guess["value"] is None or test["low"] is None or test["high"] is None:
        return True
    return bool(test["low"] > guess["value"] if score["greater_is_better"] else test["high"] < guess["value"])


def _lineage(candidate: Candidate) -> dict[str, Any]:
    told = candidate.lineage
    return {
        "candidate": candidate.digest,
        "members": len(candidate.members),
        "trials": len(told.trials),
        "seed": told.seed,
        "commit": told.git.get("commit", ""),
        "packages": told.packages,
    }
