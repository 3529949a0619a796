"""ROC and precision-recall curves of binary scores, exact under ties, drawn thin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from seaway.report.figures.axes import x_axis, y_axis, y_room
from seaway.report.figures.canvas import HALF, draw, empty, frame
from seaway.report.figures.legend import Key, colour
from seaway.report.figures.paths import polyline
from seaway.report.figures.scale import linear
from seaway.report.figures.values import Values, dropped_note, finite_rows
from seaway.report.markup import Html, tag
from seaway.report.text import fixed

Floats = npt.NDArray[np.float64]
Curve = tuple[Floats, Floats, float]  # x, y, area

_STEPS = 400  # points a curve is thinned to, even along its length


def roc(
    scores: Mapping[str, tuple[Values, Values]], *, title: str = "ROC curve", width: float = HALF, height: float = 390
) -> Html:
    """True against false positive rate; for each named model (truth 0 or 1, score), the higher the likelier 1."""
    return _curves(
        scores, roc_points, title, ("false positive rate", "true positive rate"), "AUC", width=width, height=height
    )


def precision_recall(
    scores: Mapping[str, tuple[Values, Values]],
    *,
    title: str = "Precision and recall",
    width: float = HALF,
    height: float = 390,
) -> Html:
    """Precision against recall; the dashed line is what guessing reaches."""
    return _curves(scores, precision_recall_points, title, ("recall", "precision"), "AP", width=width, height=height)


def roc_points(truth: Floats, score: Floats) -> Curve:
    """(false positive rate, true positive rate, area); equal scores make one slanted step (Fawcett 2006)."""
    hits, misses = _cumulated(truth, score)
    x, y = misses / misses[-1], hits / hits[-1]
    return x, y, float(np.trapezoid(y, x))


def precision_recall_points(truth: Floats, score: Floats) -> Curve:
    """(recall, precision, average precision); the area is a sum of steps, as interpolating it is optimistic (Davis 2006)."""
    hits, misses = _cumulated(truth, score)
    recall = hits[1:] / hits[-1]
    precision = hits[1:] / (hits[1:] + misses[1:])
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return np.concatenate([[0.0], recall]), np.concatenate([precision[:1], precision]), area


def _cumulated(truth: Floats, score: Floats) -> tuple[Floats, Floats]:
    """True and false positives above each distinct score, from none to all."""
    order = np.argsort(-score, kind="stable")
    is_true = truth[order] > 0.5
    last_of_score = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(is_true)[last_of_score].astype(np.float64)
    misses = np.cumsum(~is_true)[last_of_score].astype(np.float64)
    return np.concatenate([[0.0], hits]), np.concatenate([[0.0], misses])


def _curves(
    scores: Mapping[str, tuple[Values, Values]],
    points: Callable[[Floats, Floats], Curve],
    title: str,
    axes: tuple[str, str],
    area_name: str,
    *,
    width: float,
    height: float,
) -> Html:
    rows, dropped = {}, 0
    for name, (truth, score) in scores.items():
        (truths, values), gone = finite_rows(truth, score)
        rows[name], dropped = (truths, values), dropped + gone
    rows = {name: pair for name, pair in rows.items() if 0 < int((pair[0] > 0.5).sum()) < len(pair[0])}
    if not rows:
        return empty(title, "Needs rows of both classes", width=width)
    curves = {name: points(*pair) for name, pair in rows.items()}
    keys = [
        Key(f"{name} ({area_name} {fixed(curve[2], 3)})", "line", colour(place), place % 3)
        for place, (name, curve) in enumerate(curves.items())
    ]
    unit = linear(0.0, 1.0, count=5)
    area = frame(
        title,
        width=width,
        height=height,
        left=y_room(unit),
        keys=keys,
        x_label=axes[0],
        y_label=axes[1],
        notes=dropped_note(dropped),
    )
    x, y = area.x(unit), area.y(unit)
    guess = float(np.mean(next(iter(rows.values()))[0] > 0.5))
    ends = (0.0, 1.0) if points is roc_points else (guess, guess)
    chance = tag("line", x1=x(0.0), x2=x(1.0), y1=y(ends[0]), y2=y(ends[1]), class_="reference")
    paths = (
        tag(
            "path",
            tag("title", key.name),
            d=_path(curve, x.many, y.many),
            class_=f"line-{key.colour} curve pattern-{key.pattern}",
        )
        for key, curve in zip(keys, curves.values(), strict=True)
    )
    return draw(area, ", ".join(key.name for key in keys), y_axis(area, y), x_axis(area, x), chance, *paths)


def _path(curve: Curve, x: Callable[[Floats], Floats], y: Callable[[Floats], Floats]) -> str:
    across, up, _ = curve
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(across)) + np.abs(np.diff(up)))])
    if len(way) > _STEPS:
        kept = np.unique(np.searchsorted(way, np.linspace(0.0, way[-1], _STEPS)).clip(0, len(way) - 1))
        across, up = across[kept], up[kept]
    return polyline(x(across), y(up))
