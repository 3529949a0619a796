"""What a person looks at to judge a table's model: on the test rows where there are any, else out of fold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seaway.core.batch import Array, Outcomes
from seaway.core.candidate import Candidate
from seaway.core.protocols import Drawing
from seaway.report import figures as chart
from seaway.report.figures import Interval
from seaway.tasks.tabular.start import problem


def figures(candidate: Candidate) -> list[Drawing]:
    """Return the drawings, the most telling first."""
    outcomes, rows = _judged(candidate)
    classes = candidate.contract.classes
    drawn: list[Drawing] = []
    if len(outcomes):
        by_problem = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}
        drawn += by_problem[problem(candidate.contract)](outcomes, classes, rows, candidate.contract.outputs[0].unit)
    return [*drawn, *_importance(candidate.figures.get("importance", {}))]


def _judged(candidate: Candidate) -> tuple[Outcomes, str]:
    for outcomes, rows in ((candidate.test, "test rows"), (candidate.oof, "out-of-fold rows")):
        if outcomes.truth is not None and len(outcomes):
            known = ~np.isnan(outcomes.truth)
            if known.any():
                return outcomes.take(known), f"{int(known.sum())} {rows}"
    return candidate.test.take(np.zeros(0, dtype=np.int64)), ""


def _binary(outcomes: Outcomes, classes: tuple[str, ...], rows: str, unit: str) -> list[Drawing]:
    truth, p = _truth(outcomes), outcomes.answer["probabilities"][:, 1]
    model = {"model": (truth, p)}
    return [
        Drawing(
            title="ROC curve",
            svg=chart.roc(model),
            note=f"How many of class {classes[1]!r} are found at the price of how many false alarms, on {rows}.",
        ),
        Drawing(
            title="Precision and recall",
            svg=chart.precision_recall(model),
            note=f"How many alarms are right at how many of class {classes[1]!r} found.",
        ),
        Drawing(
            title="Calibration",
            svg=chart.calibration(model),
            note="On the diagonal a probability means what it says.",
        ),
        _confusion(outcomes, classes, rows),
    ]


def _multiclass(outcomes: Outcomes, classes: tuple[str, ...], rows: str, unit: str) -> list[Drawing]:
    truth, p = _truth(outcomes), outcomes.answer["probabilities"]
    chosen = p.argmax(axis=1)
    sure = {"model": ((chosen == truth).astype(np.float64), p.max(axis=1))}
    return [
        _confusion(outcomes, classes, rows),
        Drawing(
            title="Calibration of the chosen class",
            svg=chart.calibration(sure, title="Calibration of the chosen class"),
            note="On the diagonal the probability of the chosen class is how often it is right.",
        ),
    ]


def _regression(outcomes: Outcomes, classes: tuple[str, ...], rows: str, unit: str) -> list[Drawing]:
    truth, value = _truth(outcomes), outcomes.answer["value"]
    return [
        Drawing(
            title="Predicted and actual",
            svg=chart.predicted_vs_actual(value, truth, unit=unit),
            note=f"On the dashed line the model is right; {rows}.",
        ),
        Drawing(
            title="Residuals",
            svg=chart.residuals(value, truth, unit=unit),
            note="What is left to explain; a shape here is something the model missed.",
        ),
    ]


def _confusion(outcomes: Outcomes, classes: tuple[str, ...], rows: str) -> Drawing:
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (_truth(outcomes).astype(np.int64), outcomes.answer["label"].astype(np.int64)), 1)
    return Drawing(
        title="Confusion", svg=chart.confusion(classes, counts), note=f"True classes by predicted ones, on {rows}."
    )


def _importance(shares: Mapping[str, float]) -> list[Drawing]:
    if not any(shares.values()):
        return []
    estimates = {name: Interval(float(share)) for name, share in shares.items()}
    return [
        Drawing(
            title="Importance",
            svg=chart.importance(estimates, x_label="share of what the models learnt"),
            note="How much each column moves the answer, averaged over the members by weight.",
        )
    ]


def _truth(outcomes: Outcomes) -> Array:
    if outcomes.truth is None:
        raise TypeError("figures compare answers with the truth")
    return outcomes.truth
