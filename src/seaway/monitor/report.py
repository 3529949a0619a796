"""The page of a look: what was found, how it came about over time, and what the alarmed columns look like then and now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from seaway.core import durable
from seaway.core.project import Project
from seaway.core.verdict import Verdict, worst
from seaway.monitor.judgements import Judgement
from seaway.monitor.look import Look, Release
from seaway.report import elements, figures
from seaway.report.figures import Line
from seaway.report.markup import Html
from seaway.report.page import Section, page, section
from seaway.report.text import count, integer, interval, number, percent
from seaway.report.verdicts import verdict_list

NAME = "monitor.html"
COLUMNS = 6
"""Lines in the timeline of effects: more cannot be told apart."""


def write(
    project: Project,
    model: str,
    release: Release,
    verdicts: Sequence[Verdict],
    judged: Sequence[Judgement],
    filling: Look,
    made: float,
) -> Path:
    """Write the page durably and return where it is."""
    windows = [one for one in judged if one.kind == "window"]
    labels = [one for one in judged if one.kind == "labels"]
    sections = [
        _now(windows, labels, filling),
        section("Findings", verdict_list(verdicts)),
        *_moved(verdicts),
        *_performance(labels),
        *_timeline(windows),
        *_requests(windows),
    ]
    text = page(
        f"Monitoring {model}",
        f"Release {release.digest[:12]} since it began to answer.",
        sections,
        kind="Monitoring",
        project=project.folder.name,
        made=made,
        outcome=worst(verdicts),
    )
    project.reports.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = project.reports / NAME
    durable.write(path, text.encode())
    return path


def _now(windows: Sequence[Judgement], labels: Sequence[Judgement], filling: Look) -> Section:
    size = filling.settings.window
    joins = filling.joins
    tiles = [
        elements.Tile(
            label="windows judged",
            value=integer(len(windows)),
            note=f"{count(filling.window.cases, 'case')} of {size} in the next",
        ),
        elements.Tile(
            label="labels",
            value=integer(joins.joined if joins else 0),
            note=f"judged every {filling.settings.labels}, {len(labels)} times so far",
        ),
    ]
    if windows:
        measures = windows[-1].measures
        tiles += [
            elements.Tile(
                label="refused", value=percent(measures["refused"]), note="of the requests of the newest window"
            ),
            elements.Tile(
                label="99th percentile", value=number(measures["p99_ms"], unit="ms"), note="of the newest window"
            ),
        ]
    return section("Now", elements.tiles(*tiles))


def _moved(verdicts: Sequence[Verdict]) -> list[Section]:
    drawn = [_then_and_now(verdict) for verdict in verdicts if verdict.outcome in ("warn", "fail")]
    shown = [figure for figure in drawn if figure is not None]
    if not shown:
        return []
    return [
        section(
            "Then and now",
            elements.gallery(*shown),
            intro="Shares in training and in the window that raised the alarm.",
        )
    ]


def _then_and_now(verdict: Verdict) -> Html | None:
    evidence = verdict.evidence
    if not isinstance(evidence.get("then"), list):
        return None
    names = evidence.get("categories") or _intervals(evidence["edges"])
    shares = {"training": evidence["then"], "now": evidence["now"]}
    series = {name: dict(zip(names, values, strict=True)) for name, values in shares.items()}
    return figures.bars(series, title=verdict.subject, order="given")


def _intervals(edges: Sequence[float]) -> list[str]:
    """Name the bins between edges; edges that read alike are told apart by their place."""
    if not edges:
        return ["all"]
    shown = [number(edge, 4) for edge in edges]
    names = [f"to {shown[0]}", *(f"{low} to {high}" for low, high in pairwise(shown)), f"above {shown[-1]}"]
    return [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names)]


def _performance(labels: Sequence[Judgement]) -> list[Section]:
    told = [
        (one, verdict)
        for one in labels
        for verdict in one.verdicts
        if verdict.code == "M010" and verdict.value is not None
    ]
    if not told:
        return []
    evidence: list[Mapping[str, Any]] = [verdict.evidence for _, verdict in told]
    newest = told[-1][1]
    line = Line(
        name=newest.subject,
        x=[one.number for one, _ in told],
        y=[verdict.value for _, verdict in told],
        low=[one["low"] for one in evidence],
        high=[one["high"] for one in evidence],
        alarms=[verdict.outcome == "fail" for _, verdict in told],
    )
    limits = {"when tested": evidence[-1]["test"], "limit": newest.limit or 0.0}
    shown = interval(newest.value or 0.0, evidence[-1]["low"], evidence[-1]["high"])
    drawing = figures.lines([line], title=f"{newest.subject}, now {shown}", x_label="look at new labels", limits=limits)
    return [
        section("Performance", elements.figure(drawing), intro="On cases whose truth is known, with the 95 % interval.")
    ]


def _timeline(windows: Sequence[Judgement]) -> list[Section]:
    if not windows:
        return []
    largest = {
        name: max(one.psi.get(name, 0.0) for one in windows) for name in {key for one in windows for key in one.psi}
    }
    names = sorted(largest, key=lambda name: (-largest[name], name))[:COLUMNS]
    if not names:
        return []
    limit = next(
        (
            verdict.limit
            for one in windows
            for verdict in one.verdicts
            if verdict.code in ("M001", "M002", "M005") and verdict.limit
        ),
        0.1,
    )
    alarmed = {
        (one.number, verdict.subject)
        for one in windows
        for verdict in one.verdicts
        if verdict.outcome in ("warn", "fail")
    }
    drawn = [
        Line(
            name=name,
            x=[one.number for one in windows],
            y=[one.psi.get(name, float("nan")) for one in windows],
            alarms=[(one.number, name) in alarmed for one in windows],
        )
        for name in names
    ]
    drawing = figures.lines(drawn, title="Effect (PSI) by window", x_label="window", limits={"limit": limit})
    return [section("Over time", elements.figure(drawing), intro="The columns that moved most.")]


def _requests(windows: Sequence[Judgement]) -> list[Section]:
    if not windows:
        return []
    numbers = [one.number for one in windows]

    def line(name: str, measure: str) -> Line:
        return Line(name=name, x=numbers, y=[one.measures[measure] for one in windows])

    shares = figures.lines(
        [line("refused", "refused"), line("failed", "failed")],
        title="Requests that got no answer",
        x_label="window",
        is_percent=True,
    )
    latency = figures.lines(
        [line("median", "p50_ms"), line("99th percentile", "p99_ms")],
        title="Time to answer",
        unit="ms",
        x_label="window",
    )
    return [section("Requests", elements.figure(shares), elements.figure(latency))]
