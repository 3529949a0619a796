"""One look at a model: everything new is judged, nothing twice, and what it comes to is shown on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seaway.core import chance, extend
from seaway.core.bundle import PROFILE, Bundle
from seaway.core.metrics import METRICS
from seaway.core.project import Project
from seaway.core.protocols import Task
from seaway.core.settings import MonitorSettings
from seaway.core.verdict import Outcome, Verdict, worst
from seaway.monitor import checks, judgements, reference, report
from seaway.monitor.judgements import Judgement
from seaway.monitor.look import Look, Release
from seaway.monitor.window import Case, Joins, Window, Windows

BACKLOG = 200
"""A first look at an old log judges the newest windows only: older ones would raise alarms that nobody can act on."""
LOOKS = 5
"""Performance is judged on the labels of this many looks together: one alone has too few to tell a real fall."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a look found. `verdicts` are about the newest windows, `windows` every judgement on the release, oldest first."""

    model: str
    release: str
    verdicts: tuple[Verdict, ...]
    windows: tuple[Judgement, ...]
    joins: Joins
    filling: int
    made: str
    page: Path

    @property
    def outcome(self) -> Outcome:
        """The gravest of the verdicts."""
        return worst(self.verdicts)


def monitor(project: Project, model: str, bundle: Bundle, settings: MonitorSettings) -> Report:
    """Judge what a release answered and what came true since the last look, keep the verdicts, and write the page."""
    release = release_of(bundle)
    folder = project.windows / model
    with open_windows(project, model, settings) as windows:
        windows.refresh()
        before = [one for one in judgements.read(folder) if one.release == release.digest]
        fresh = [
            *_new_windows(windows, release, settings, before),
            *_new_labels(windows, release, settings, before),
        ]
        judgements.append(folder, fresh)
        filling = _look(windows, release, settings, windows.releases().get(release.digest, 0))
        verdicts = _newest(windows, [*before, *fresh], fresh, filling)
        joins = windows.joins()
    made = chance.now()
    page = report.write(project, model, release, verdicts, [*before, *fresh], filling, made)
    return Report(
        model=model,
        release=release.digest,
        verdicts=tuple(verdicts),
        windows=(*before, *fresh),
        joins=joins,
        filling=filling.window.cases,
        made=chance.stamp(made),
        page=page,
    )


def open_windows(project: Project, model: str, settings: MonitorSettings) -> Windows:
    """Open the windows of a model as monitoring and the update loop share them."""
    return Windows(project.log, model, state=project.windows, window=settings.window)


def release_of(bundle: Bundle) -> Release:
    """Return what a verified bundle promised."""
    task: Task = extend.load("task", bundle.contract.task)()
    scores = bundle.manifest.scores
    # The metric that a person chose stands in the lineage; else the task's first one decides.
    chosen = bundle.manifest.lineage.get("settings", {}).get("train", {}).get("metric", "")
    names = [name for name in (chosen, *task.metrics(bundle.contract)) if f"test.{name}" in scores]
    deciding = f"test.{names[0]}" if names else ""
    return Release(
        digest=bundle.digest,
        contract=bundle.contract,
        reference=reference.read(bundle.files[PROFILE], bundle.contract),
        metric=METRICS.get(names[0]) if names else None,
        score=scores[deciding] if names else None,
        by_step={_steps(name): one for name, one in scores.items() if names and name.startswith(f"{deciding}@")},
    )


def _steps(name: str) -> tuple[int, int]:
    """Return the first and the last step that a score is over."""
    first, _, last = name.rpartition("@")[2].partition("-")
    return int(first), int(last)


def _new_windows(
    windows: Windows, release: Release, settings: MonitorSettings, before: Sequence[Judgement]
) -> Iterator[Judgement]:
    known = {one.number for one in before if one.kind == "window"}
    full = windows.releases().get(release.digest, 0)
    for number in range(max(0, full - BACKLOG), full):
        if number not in known:
            look = _look(windows, release, settings, number)
            window = look.window
            yield Judgement(
                kind="window",
                release=release.digest,
                number=number,
                first=window.first,
                last=window.last,
                cases=window.cases,
                stamp=chance.stamp(),
                verdicts=tuple(checks.run(look, "window", "open")),
                measures=_measures(look),
                psi={finding.shift.column: finding.shift.effect.value for finding in look.findings},
            )


def _new_labels(
    windows: Windows, release: Release, settings: MonitorSettings, before: Sequence[Judgement]
) -> Iterator[Judgement]:
    if release.contract.truth is None:
        return
    known = {one.number for one in before if one.kind == "labels"}
    due = windows.labelled_count(release.digest) // settings.labels
    for number in range(max(1, due - BACKLOG), due + 1):
        if number not in known:
            end = number * settings.labels
            start = max(0, end - LOOKS * settings.labels)
            cases = windows.labelled(release.digest, skip=start, count=end - start)
            look = _about(windows, release, settings, cases)
            yield Judgement(
                kind="labels",
                release=release.digest,
                number=number,
                first=min((case.asked for case in cases), default=0),
                last=max((case.told for case in cases), default=0),
                cases=len(cases),
                stamp=chance.stamp(),
                verdicts=tuple(checks.run(look, "labels")),
            )


def _look(windows: Windows, release: Release, settings: MonitorSettings, number: int) -> Look:
    return Look(
        release=release,
        settings=settings,
        window=windows.read(release.digest, number),
        joins=windows.joins(),
        damage=windows.damage(),
    )


def _about(windows: Windows, release: Release, settings: MonitorSettings, cases: Sequence[Case]) -> Look:
    """Return a look at labelled cases."""
    asked = [case.asked for case in cases]
    answered = windows.answered(release.digest, min(asked), max(asked)) if asked else 0
    window = Window(release=release.digest)
    return Look(release=release, settings=settings, window=window, cases=cases, answered=answered)


def _measures(look: Look) -> dict[str, float]:
    window = look.window
    requests = len(window.replies) + len(window.refusals)
    took = window.took_ms
    return {
        "refused": sum(refusal.status < 500 for refusal in window.refusals) / max(requests, 1),
        "failed": sum(refusal.status >= 500 for refusal in window.refusals) / max(requests, 1),
        "p50_ms": float(np.percentile(took, 50)) if len(took) else 0.0,
        "p99_ms": float(np.percentile(took, 99)) if len(took) else 0.0,
        "psi": max((finding.shift.effect.value for finding in look.findings), default=0.0),
    }


def _newest(windows: Windows, every: Sequence[Judgement], fresh: Sequence[Judgement], filling: Look) -> list[Verdict]:
    """Return the verdicts on the newest window and labels, and every alarm that nobody has seen yet."""
    last = next((one for one in reversed(every) if one.kind == "window"), None)
    labels = next((one for one in reversed(every) if one.kind == "labels"), None)
    # A window that fills is told about only when something is wrong with it already, or when there is no other.
    open_ones = checks.run(filling, "open")
    found = [
        *(last.verdicts if last else checks.run(filling, "window")),
        *((one for one in open_ones if one.outcome == "fail") if last else open_ones),
        *(labels.verdicts if labels else _too_few(windows, filling)),
        *checks.run(filling, "log"),
    ]
    seen = {(one.code, one.subject) for one in found if one.outcome in ("warn", "fail")}
    missed = [
        one
        for judgement in fresh
        if judgement is not last and judgement is not labels
        for one in judgement.verdicts
        if one.outcome in ("warn", "fail")
    ]
    for one in reversed(missed):
        if (one.code, one.subject) not in seen:
            seen.add((one.code, one.subject))
            found.append(one)
    return sorted(_each_once(found), key=lambda one: one.code)


def _too_few(windows: Windows, filling: Look) -> list[Verdict]:
    cases = windows.labelled(filling.release.digest) if filling.release.contract.truth else []
    return checks.run(_about(windows, filling.release, filling.settings, cases), "labels")


def _each_once(found: Sequence[Verdict]) -> list[Verdict]:
    """Keep one verdict per code and subject: a full window may say the same as the one that fills."""
    return list({(one.code, one.subject, one.outcome): one for one in found}.values())
