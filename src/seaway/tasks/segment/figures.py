"""What a person looks at to judge segments: sizes, what sets each apart, and what other numbers of segments came to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seaway.core.batch import Json
from seaway.core.candidate import Candidate
from seaway.core.protocols import Drawing
from seaway.report import figures as chart
from seaway.report.figures import Interval, Line

SHOWN = 16
"""Columns in the profile, the most telling ones."""


def figures(candidate: Candidate) -> list[Drawing]:
    """Return the drawings, the most telling first."""
    told = next((member["told"] for member in candidate.figures.get("members", []) if "told" in member), None)
    drawn = [] if told is None else [_profile(candidate, told), _sizes(candidate, told)]
    return [*drawn, *_by_number(candidate), *_importance(candidate.figures.get("importance", {}))]


def _sizes(candidate: Candidate, told: Mapping[str, Json]) -> Drawing:
    names = candidate.contract.output("segment").labels
    return Drawing(
        title="Sizes",
        svg=chart.bars({"rows": dict(zip(names, told["counts"], strict=True))}, title="Sizes", order="given"),
        note="How many training rows each segment has.",
    )


def _profile(candidate: Candidate, told: Mapping[str, Json]) -> Drawing:
    """Draw how far each segment lies from all rows, in the columns that tell most."""
    apart, names = np.array(told["apart"]), candidate.contract.encoded
    telling = np.argsort(-np.abs(apart).max(axis=0), kind="stable")[:SHOWN]
    return Drawing(
        title="What sets each segment apart",
        svg=chart.differences(
            candidate.contract.output("segment").labels,
            [names[told["columns"][place]] for place in telling.tolist()],
            apart[:, telling],
            title="What sets each segment apart",
        ),
        note="Standard deviations from the mean of all training rows; of a category, the value that differs most.",
    )


def _by_number(candidate: Candidate) -> list[Drawing]:
    """Draw the best of each model's trials by number of segments."""
    name = str(candidate.figures["metric"])
    best: dict[str, dict[int, float]] = {}
    for trial in candidate.trials:
        count, score = trial["params"].get("segments"), trial["scores"].get(name)
        if count is not None and score is not None:
            of_model = best.setdefault(str(trial["model"]), {})
            of_model[int(count)] = max(float(score), of_model.get(int(count), -np.inf))
    if not any(len(of_model) > 1 for of_model in best.values()):
        return []
    series = [
        Line(name=model, x=sorted(of_model), y=[of_model[count] for count in sorted(of_model)])
        for model, of_model in best.items()
    ]
    return [
        Drawing(
            title="Quality by number of segments",
            svg=chart.lines(series, title="Quality by number of segments", x_label="segments"),
            note=f"{name} of the best trial of each model; the number of segments was chosen where it is highest.",
        )
    ]


def _importance(shares: Mapping[str, float]) -> list[Drawing]:
    if not any(shares.values()):
        return []
    estimates = {name: Interval(float(share)) for name, share in shares.items()}
    return [
        Drawing(
            title="Importance",
            svg=chart.importance(estimates, x_label="share of the variance between segments"),
            note="How much of the difference between segments lies in each column.",
        )
    ]
