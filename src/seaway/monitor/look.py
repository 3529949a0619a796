"""What a check sees: one release, its window or its labelled cases, and what they are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from seaway.core.batch import Outcomes
from seaway.core.candidate import Score
from seaway.core.contract import Contract
from seaway.core.metrics.figure import Figure
from seaway.core.settings import MonitorSettings
from seaway.core.verdict import Verdict
from seaway.monitor import budget, comparables, judged
from seaway.monitor.comparables import Shown
from seaway.monitor.decode import Values
from seaway.monitor.drift import family
from seaway.monitor.drift.family import Finding
from seaway.monitor.reference import Reference
from seaway.monitor.window import Case, Joins, Window

Stage = Literal["window", "open", "labels", "log"]
"""When a check runs: on a full window; on that and on the window that fills; on labelled cases; at every look."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """What a release promised: its contract, the reference it was trained on, and the score that decides.

    `by_step` holds that score over parts of the horizon, by first and last step.
    """

    digest: str
    contract: Contract
    reference: Reference
    metric: Figure | None
    score: Score | None
    by_step: Mapping[tuple[int, int], Score] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Look:
    """One subject of the checks. `answered` counts all cases of the time that the labelled `cases` span."""

    release: Release
    settings: MonitorSettings
    window: Window
    cases: Sequence[Case] = ()
    answered: int = 0
    joins: Joins | None = None
    damage: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def shown(self) -> Shown:
        """What the window shows of its columns and answers."""
        return comparables.shown(self.window, self.release.contract)

    @property
    def columns(self) -> Mapping[str, Values]:
        """The logged features."""
        return self.shown.columns

    @cached_property
    def findings(self) -> list[Finding]:
        """All comparisons of the window with the reference."""
        return family.judge(
            self.shown.moving,
            self.shown.answers,
            self.release.reference,
            rate=budget.part(self.settings.false_discovery, budget.DRIFT),
            least=self.settings.psi,
        )

    @cached_property
    def outcomes(self) -> Outcomes:
        """The labelled cases as the table that metrics read."""
        return judged.outcomes(self.cases, self.release.contract)

    @cached_property
    def labels(self) -> int:
        """How many truths the table holds: one may settle several predictions."""
        if self.release.contract.truth is None:
            return 0
        return len({case.number for case in judged.judged(self.cases, self.release.contract)})


@dataclass(frozen=True)
class LookCheck:
    """One coded check: the first stage at which it can say something, and what it does."""

    code: str
    stage: Stage
    find: Callable[[Look], Sequence[Verdict]]

    def __call__(self, subject: Look) -> Sequence[Verdict]:
        """Return the findings; not-applicable where there is too little to look at."""
        return self.find(subject)
