"""The rows of a rebuild: what the champion learnt from, and what the log teaches since; the newest of it only judges.

The cut is a moment: what was asked up to it may teach, what was asked after it judges. It never goes back from one update to the next, so
what judges now has taught neither the champion nor the challenger. Series grow by all that is known, and their newest rows judge as in
any training, so that the newest of the others teach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.project import Project
from seaway.core.protocols import Rows
from seaway.core.settings import Settings
from seaway.core.verdict import Verdict
from seaway.data import build, files, infer, prepared, read
from seaway.data.joined import joined
from seaway.data.rows import Table
from seaway.data.sources import address
from seaway.update import lessons
from seaway.update.lessons import Lesson

JUDGES = 50
"""Fewer judging cases than this score a candidate too loosely; then a share of all rows does, as in the first training."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What teaches: lessons asked up to sequence `asked`, with what was known up to sequence `told`."""

    told: int
    asked: int

    def teaches(self, lesson: Lesson) -> bool:
        """Say whether the lesson may be learnt from."""
        return lesson.asked <= self.asked and lesson.told <= self.told

    def judges(self, lesson: Lesson) -> bool:
        """Say whether the lesson may judge."""
        return lesson.asked > self.asked


def cut(found: Sequence[Lesson], judging: int, earlier: int) -> Cut:
    """Keep the newest `judging` lessons for judgement, at most half of those that are new; `earlier` is the cut of the last update."""
    told = max((one.told for one in found), default=0)
    asked = sorted(one.asked for one in found if one.asked > earlier)
    kept = min(judging, (len(asked) + 1) // 2)
    if not asked:
        return Cut(told=told, asked=earlier)
    # Cases of one request were asked at once and stay together: they teach only if all of them are before the cut.
    first = asked[len(asked) - kept]
    return Cut(told=told, asked=max((one for one in asked if one < first), default=earlier))


def cut_of_series(found: Sequence[Lesson], horizon: int, earlier: int) -> Cut:
    """Return the cut of moments: what was asked when a value of the newest `horizon` moments was known judges, as those moments do."""
    told = max((one.told for one in found), default=0)
    moments = sorted({one.moment for one in found})
    if len(moments) <= horizon:
        return Cut(told=told, asked=earlier)
    judging = min(one.asked for one in found if one.moment >= moments[-horizon])
    return Cut(told=told, asked=max(judging - 1, earlier))


def source(project: Project, settings: Settings) -> Dataset:
    """Return the data that people gave the project, as the first training sees them."""
    return build.dataset(
        prepared.table(address.within(settings.project.data, project.folder), settings),
        files.load(project),
        settings,
        source=str(address.of(settings.project.data)),
        test=_test(project, settings),
    )


def _test(project: Project, settings: Settings) -> Rows | None:
    """Return the rows that people set apart for judgement, if they did."""
    return (
        prepared.table(address.within(settings.project.test, project.folder), settings)
        if settings.project.test
        else None
    )


def same_source(found: str, learnt: str) -> Verdict:
    """Say whether the source rows are still those that the model's first release learnt from."""
    holds = found == learnt
    return Verdict(
        code="U010",
        outcome="pass" if holds else "fail",
        subject="source",
        message="The source rows are those that the champion learnt from"
        if holds
        else f"The source rows have changed since the champion learnt from them ({found[:12]}, then {learnt[:12]})",
        fix=""
        if holds
        else "Rows added by hand may hold what is to judge: `seaway train` and `seaway release` take them in knowingly.",
        evidence={"found": found, "learnt": learnt},
    )


def dataset(project: Project, settings: Settings, found: Sequence[Lesson], known: Cut) -> Dataset:
    """Return old and new rows under a contract wide enough for both; of a table the judging lessons are its test rows."""
    contract = files.load(project)
    old = prepared.table(address.within(settings.project.data, project.folder), settings)
    is_series = contract.series is not None
    new = _table([one for one in found if (one.told <= known.told if is_series else known.teaches(one))])
    wide = infer.measure(contract, new) if new is not None else contract
    judging = _table([one for one in found if known.judges(one) and one.told <= known.told])
    is_enough = not is_series and judging is not None and len(judging) >= JUDGES
    return build.dataset(
        joined(old, new, wide),
        wide,
        settings,
        source=f"{address.of(settings.project.data)} and {0 if new is None else len(new)} {_noun(contract)}",
        test=judging if is_enough else _test(project, settings),
    )


def newest(data: Dataset) -> int:
    """Return the newest moment of series that teaches, in nanoseconds since 1970; 0 for tables."""
    if data.contract.series is None:
        return 0
    (time,) = data.contract.having("time")
    return lessons.newest(data.rows.take(data.split.train).column(time.name)[0])


def _noun(contract: Contract) -> str:
    if contract.series is not None:
        return "moments that came true"
    return "labelled cases" if contract.truth is not None else "answered cases"


def _table(found: Sequence[Lesson]) -> Table | None:
    return read.table([one.record for one in found]) if found else None
