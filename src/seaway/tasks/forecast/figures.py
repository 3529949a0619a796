"""What a forecaster looks at: some forecasts beside what came true, the error and the coverage by step, and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seaway.core.batch import Array
from seaway.core.candidate import Candidate
from seaway.core.contract import LEVELS
from seaway.core.protocols import Drawing
from seaway.report import figures as chart
from seaway.report.figures import Interval, Line
from seaway.tasks.forecast.finish import coverage_by_step
from seaway.tasks.forecast.outcomes import Judged, backtest_lines, baseline, horizon, judged, kept_lines
from seaway.tasks.forecast.words import ahead

SHOWN = ((0.5, "a usual"), (0.9, "a hard"), (0.1, "an easy"))
"""Which series are drawn: where they stand in the order of their errors, and what that makes them."""


def figures(candidate: Candidate) -> list[Drawing]:
    """Return the drawings, the most telling first."""
    lines = judged(candidate)
    drawn: list[Drawing] = []
    if len(lines):
        both = {"test steps": kept_lines(candidate), "backtests": backtest_lines(candidate)}
        told = {name: one for name, one in both.items() if len(one)}
        drawn = [*_fans(candidate, lines), *_errors(candidate, told), *_coverage(candidate, told), _residuals(lines)]
    return [*drawn, *_importance(candidate.figures.get("members", ()))]


FEATURES = 15
"""Features shown."""


def _fans(candidate: Candidate, lines: Judged) -> list[Drawing]:
    """Draw the newest forecasts of an easy, a usual and a hard series; the past is what backtests saw come true."""
    unit, reach = candidate.contract.outputs[0].unit, ahead(candidate.contract)
    drawn = []
    for series, kind in _chosen(lines):
        here = _newest(lines, series)
        order = here[np.argsort(lines.outcomes.step[here], kind="stable")]
        step = lines.outcomes.step[order]
        past = _past(candidate, lines, series)
        drawn.append(
            Drawing(
                title=f"Forecast of {kind} series",
                svg=chart.fan(
                    -np.arange(len(past) - 1, -1, -1),
                    past,
                    step,
                    {level: lines.quantiles[order, place] for place, level in enumerate(LEVELS)},
                    actual=lines.truth[order],
                    title=f"Forecast of {kind} series",
                    unit=unit,
                ),
                note=f"Series {series + 1} of the data, {reach} ahead, in steps from its last known value; "
                f"{_place(kind)} on {len(lines)} {lines.rows}.",
            )
        )
    return drawn


def _place(kind: str) -> str:
    return {"a usual": "its error is the median one", "a hard": "nine in ten do better"}.get(
        kind, "one in ten does better"
    )


def _chosen(lines: Judged) -> list[tuple[int, str]]:
    """Return the series at each place of the order of scaled errors, no series twice."""
    gap = np.abs(lines.truth - lines.mean)
    if lines.outcomes.scale is not None:
        gap = gap / np.where(lines.outcomes.scale > 0, lines.outcomes.scale, np.nan)
    known = np.isfinite(gap)
    series, place = np.unique(lines.outcomes.case[known], return_inverse=True)
    if not len(series):
        return []
    error = np.bincount(place, weights=gap[known]) / np.bincount(place)
    order = series[np.argsort(error, kind="stable")]
    found: dict[int, str] = {}
    for share, kind in SHOWN:
        found.setdefault(int(order[round(share * (len(order) - 1))]), kind)
    return list(found.items())


def _newest(lines: Judged, series: int) -> Array:
    """Return the lines of the newest forecast of a series: the last one of each step."""
    mine = np.flatnonzero(lines.outcomes.case == series)
    _, last = np.unique(lines.outcomes.step[mine][::-1], return_index=True)
    return np.asarray(mine[len(mine) - 1 - last])


def _past(candidate: Candidate, lines: Judged, series: int) -> Array:
    """Return what is known to have come true just before a test forecast: the truth of the newest backtest."""
    if lines.rows != "test steps":
        return np.zeros(0)
    backtest = backtest_lines(candidate)
    here = _newest(backtest, series)
    return np.asarray(backtest.truth[here[np.argsort(backtest.outcomes.step[here], kind="stable")]])


def _errors(candidate: Candidate, told: Mapping[str, Judged]) -> list[Drawing]:
    """Draw the error by step, scaled where the series have a scale."""
    scaled = all(one.outcomes.scale is not None for one in told.values())
    name = "MASE" if scaled else "WAPE"
    curves = {label: error_by_step(one, horizon(candidate.contract)) for label, one in told.items()}
    naive = baseline(candidate.trials, name.lower())
    steps = np.arange(1, horizon(candidate.contract) + 1)
    return [
        Drawing(
            title="Error by step",
            svg=chart.lines(
                [Line(name=label, x=steps, y=curve) for label, curve in curves.items()],
                title="Error by step",
                unit=name,
                x_label="steps ahead",
                limits={} if naive is None else {"seasonal naive": naive},
            ),
            note="How the error grows with the distance; the limit is what repeating the last season errs in the "
            "backtests over all steps.",
        )
    ]


def error_by_step(lines: Judged, steps: int) -> Array:
    """Return MASE by step (steps,), or WAPE where the lines have no scale; NaN where nothing is known."""
    scale = np.abs(lines.truth) if lines.outcomes.scale is None else lines.outcomes.scale
    known = np.flatnonzero((scale > 0) & (lines.outcomes.step >= 1))
    gap, scale, place = np.abs(lines.truth - lines.mean)[known], scale[known], lines.outcomes.step[known] - 1
    if lines.outcomes.scale is None:
        error, size = np.bincount(place, gap, minlength=steps), np.bincount(place, scale, minlength=steps)
    else:
        error, size = np.bincount(place, gap / scale, minlength=steps), np.bincount(place, minlength=steps)
    return np.where(size > 0, error / np.where(size > 0, size, 1.0), np.nan)


def _coverage(candidate: Candidate, told: Mapping[str, Judged]) -> list[Drawing]:
    """Draw the share of truths in the 90 % interval by step, on lines that the intervals were not fitted on."""
    steps = horizon(candidate.contract)
    curves = {label: coverage_by_step(one.quantiles, one.outcomes, steps) for label, one in told.items()}
    if not any(np.isfinite(curve).any() for curve in curves.values()):
        return []
    return [
        Drawing(
            title="Coverage by step",
            svg=chart.lines(
                [Line(name=label, x=np.arange(1, steps + 1), y=curve) for label, curve in curves.items()],
                title="Coverage by step",
                x_label="steps ahead",
                is_percent=True,
                limits={"90 % wanted": 0.9},
            ),
            note="How often the truth lay inside the 90 % interval; each backtest has intervals fitted on the others.",
        )
    ]


def _residuals(lines: Judged) -> Drawing:
    """Draw the distribution of what the forecast missed, in the scale of each series where it has one."""
    gap, scale = lines.truth - lines.mean, lines.outcomes.scale
    shown = gap if scale is None else gap / np.where(scale > 0, scale, np.nan)
    return Drawing(
        title="Residuals",
        svg=chart.histogram({"truth - mean": shown}, title="Residuals", unit="" if scale is None else "seasonal error"),
        note="What the forecast missed; off the middle, it is too high or too low on the whole.",
    )


def _importance(members: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """Draw the largest shares of the design's features: the past of a series as the models see it, the calendar, the columns."""
    shares: dict[str, float] = {}
    total = sum(member["weight"] for member in members if "told" in member)
    for member in members:
        for name, share in member.get("told", {}).get("design", {}).items():
            shares[name] = shares.get(name, 0.0) + share * member["weight"] / total
    if not any(shares.values()):
        return []
    largest = sorted(shares, key=lambda name: -shares[name])[:FEATURES]
    return [
        Drawing(
            title="Importance",
            svg=chart.importance(
                {name: Interval(shares[name]) for name in largest}, x_label="share of what the models learnt"
            ),
            note=f"The {len(largest)} features that took away most of the error in training, averaged over the models that learn.",
        )
    ]
