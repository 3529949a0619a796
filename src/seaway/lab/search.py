"""Propose, train, record, stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seaway.core.chance import monotonic
from seaway.core.protocols import Model, Params
from seaway.lab import stop as stops
from seaway.lab.budget import Budget, mean_s, refit_s, together_s
from seaway.lab.exam import Exam, sit
from seaway.lab.journal import Journal, Recipe, Record, Trial
from seaway.lab.judge import Judge
from seaway.lab.progress import Progress
from seaway.lab.samplers import Sampler, Spaces, Tried, defaults
from seaway.lab.stop import Stop

MEMBERS_AHEAD = 2
"""The refit of so many of the best trials is kept time for while searching."""

LEAST_S = 0.3
"""Seconds that a model's defaults get even when there are none left."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a search works with. `models` by name, baselines (without hyper-parameters) first; `rows` to refit on.

    With a `recipe` nothing is proposed: the recorded trials are made again.
    """

    exam: Exam
    judge: Judge
    models: Mapping[str, Model]
    sampler: Sampler
    stops: Sequence[Stop]
    budget: Budget
    threads: int
    rows: int
    planned: int
    recipe: Recipe | None = None


def search(work: Search, journal: Journal, progress: Progress) -> str:
    """Fill the journal: baselines, the defaults of every model, then what the sampler proposes; return why it ended.

    Trials that the journal holds already are not repeated.
    """
    if work.recipe is not None:
        return _again(work, work.recipe, journal, progress)
    spaces = spaces_of(work)
    openings = [(name, defaults(space)) for name, space in spaces.items()]
    baselines = sum(not space for space in spaces.values())
    learners = {name: space for name, space in spaces.items() if space}
    while True:
        number = len(journal.trials)
        tried = _tried(work, journal.trials, learners)
        until = work.budget.search_until(_refit_ahead(work, journal.trials))
        if number < len(openings):
            # These run whatever the clock says, each within its share of what is left: a run has to end with a model.
            proposal: tuple[str, Params] | None = openings[number]
            until = monotonic() + max(LEAST_S, (until - monotonic()) / (len(openings) - number))
            reason = stops.first([s for s in work.stops if isinstance(s, stops.EnoughTrials)], _losses(tried), 0.0)
        else:
            next_s = mean_s([trial.record for trial in journal.trials[baselines:]])
            timed = [stops.TimeUp(until)] if work.budget.is_bounded else []
            reason = stops.first([*work.stops, *timed], _losses(tried), next_s)
            proposal = None if reason else work.sampler.propose(learners, tried, number, work.exam.seed)
        if reason or proposal is None:
            return reason or "there is nothing left to try"
        _show(work, journal, progress, proposal[0])
        _attempt(work, journal, number, *proposal, until=until)


def _again(work: Search, recipe: Recipe, journal: Journal, progress: Progress) -> str:
    for record in recipe.records[len(journal.trials) :]:
        _show(work, journal, progress, record.model)
        _attempt(work, journal, record.number, record.model, record.params, until=math.inf, learnt=record.learnt)
    return "every recorded trial was made again"


def spaces_of(work: Search) -> Spaces:
    """Return the hyper-parameters of every model."""
    train = work.exam.folds[0].train
    return {name: model.space(train) for name, model in work.models.items()}


def ranked(trials: Sequence[Trial], judge: Judge) -> list[Trial]:
    """Return the trials, the best first; of equals the earlier one."""
    return sorted(trials, key=lambda trial: (judge.loss(trial.scores), trial.number))


def _attempt(
    work: Search,
    journal: Journal,
    number: int,
    name: str,
    params: Params,
    *,
    until: float,
    learnt: Sequence[Mapping[str, float]] = (),
) -> Trial:
    model = work.models[name]
    found = sit(work.exam, model, params, number=number, threads=work.threads, until=until, learnt=learnt)
    record = Record(
        number=number,
        model=name,
        params=dict(params),
        scores=work.judge.scores(found.margin),
        by_fold=work.judge.by_fold(found.margin),
        learnt=tuple(dict(learnt) for learnt in found.learnt),
        seconds=found.seconds,
        took_s=found.took_s,
        digest="",
    )
    return journal.add(record, found.margin)


def _tried(work: Search, trials: Sequence[Trial], learners: Spaces) -> list[Tried]:
    return [
        Tried(model=trial.model, params=trial.record.params, loss=work.judge.loss(trial.scores))
        for trial in trials
        if trial.model in learners
    ]


def _losses(tried: Sequence[Tried]) -> list[float]:
    return [one.loss for one in tried]


def _refit_ahead(work: Search, trials: Sequence[Trial]) -> float:
    best = [trial.record for trial in ranked(trials, work.judge)[:MEMBERS_AHEAD]]
    return together_s([refit_s(record, work.exam, work.rows) for record in best], work.threads)


def _show(work: Search, journal: Journal, progress: Progress, model: str) -> None:
    done = len(journal.trials)
    best = min((work.judge.loss(trial.scores) for trial in journal.trials), default=np.nan)
    name, sign = work.judge.decides.name, -1 if work.judge.decides.greater_is_better else 1
    so_far = f", best {name} {sign * best:.4f}" if np.isfinite(best) else ""
    if work.budget.is_bounded:
        total, left = work.budget.end - work.budget.started, work.budget.left_s()
        progress.step(total - left, total, f"trial {done + 1}: {model}{so_far}", left)
    else:
        left = (work.planned - done) * mean_s([trial.record for trial in journal.trials])
        progress.step(done, work.planned, f"trial {done + 1}: {model}{so_far}", left)
