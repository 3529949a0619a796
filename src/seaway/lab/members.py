"""From trials to members: which to blend, with which weights, and each fitted once more on all training rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.chance import monotonic
from seaway.core.contract import Contract
from seaway.core.errors import BadInput
from seaway.core.protocols import Finish, Fitted, Params
from seaway.lab.budget import refit_s, together_s
from seaway.lab.ensemble import Loss, blended, weights
from seaway.lab.exam import Settles, seed_of
from seaway.lab.journal import Trial
from seaway.lab.judge import with_intervals
from seaway.lab.search import Search, ranked
from seaway.lab.threads import each

LIBRARY = 20
MOST = {"fast": 2, "balanced": 4, "best": 8}
"""Members at most, by preset: each one costs time with every answer."""


@dataclass(frozen=True, kw_only=True)
class Blend:
    """Chosen trials with their weights, heaviest first, and their out-of-fold margins (cases, ...) blended."""

    parts: tuple[tuple[Trial, float], ...]
    margin: Array


@dataclass(frozen=True, kw_only=True)
class Member:
    """A model fitted on all training rows."""

    name: str
    params: Params
    weight: float
    fitted: Fitted


def choose(work: Search, trials: Sequence[Trial], preset: str, *, blends: bool = True) -> Blend:
    """Return the blend that does best out of fold, of members that there is time to refit; a recipe names its own.

    Where margins cannot be averaged (`blends`), it is the best trial alone.
    """
    if work.recipe is not None:
        named = work.recipe.weights
        members = [trial for trial in ranked(trials, work.judge) if trial.number in named]
        return _blend(members, np.array([named[trial.number] for trial in members]))
    library = ranked(_candidates(work, trials, blends), work.judge)[:LIBRARY]
    alone = _blend(library, np.eye(len(library))[0])
    if not blends:
        return alone
    lines = len(work.exam.sheet)
    shares = weights(
        [trial.margin for trial in library], _loss_on(work), most=MOST[preset], seed=work.exam.seed, lines=lines
    )
    blend = _blend(library, _affordable(work, library, shares))
    worse = work.judge.loss(work.judge.scores(blend.margin)) - work.judge.loss(library[0].scores)
    return alone if worse > _luck(work, library[0]) else blend


def _candidates(work: Search, trials: Sequence[Trial], blends: bool) -> list[Trial]:
    """Return the trials that may become members: learners whose score is known, and baselines worth a share beside them.

    Without such a learner it is the baselines; raises `BadInput` where no score is known at all.
    """
    known = [trial for trial in trials if math.isfinite(work.judge.loss(trial.scores))]
    if not known:
        name = work.judge.decides.name
        raise BadInput(
            f"No trial can be judged: {name} cannot be told of any answer",
            where="seaway.toml, [train] metric",
            fix="Name a metric that these data can tell, or bring more rows: every fold needs known and varied outcomes.",
        )
    learners = [trial for trial in known if trial.record.params]
    if not learners:
        return known
    return [*learners, *(trial for trial in known if not trial.record.params and blends and _tells_apart(work, trial))]


def _tells_apart(work: Search, trial: Trial) -> bool:
    """Say whether a trial answers the lines of some fold in more than one way: a constant would only shrink the others."""
    folds = work.exam.by_fold(work.exam.outcomes({"margin": trial.margin}))
    return any(len(fold) and bool((fold.answer["margin"] != fold.answer["margin"][0]).any()) for fold in folds)


def refit(work: Search, blend: Blend, train: Sample, contract: Contract) -> list[Member]:
    """Fit every member on all training rows, side by side.

    None gets less time than it should need, since a fit broken off at its beginning is worth nothing, and members were
    chosen to fit in.
    """

    def member(part: tuple[Trial, float], threads: int) -> Member:
        trial, weight = part
        model = work.models[trial.model]
        params: Params = trial.record.params
        if isinstance(model, Settles):
            params = model.settle(params, trial.record.learnt, train.batch.rows)
        fitted = model.fit(
            train,
            None,
            contract=contract,
            params={**params, "threads": threads},
            seed=seed_of(work.exam.seed, trial.number, len(work.exam.folds)),
            until=max(work.budget.refit_until, monotonic() + refit_s(trial.record, work.exam, work.rows)),
        )
        return Member(name=trial.model, params=params, weight=weight, fitted=fitted)

    return each(member, blend.parts, work.threads)


def answers(members: Sequence[Member], finish: Finish, batch: Batch) -> dict[str, Array]:
    """Return what the native libraries answer together: members, blend, finish."""
    total = sum(member.weight * member.fitted.predict(batch)["margin"] for member in members)
    return dict(finish.apply({"margin": np.asarray(total)}))


def _luck(work: Search, best: Trial) -> float:
    """Return how far the best trial may lie ahead of a blend and the blend still be the safer choice.

    The best of many trials owes part of its lead to the rows it was judged on: half a standard error of its score.
    """
    outcomes = work.exam.outcomes(work.judge.link.apply({"margin": best.margin}))
    name = work.judge.decides.name
    found = with_intervals((name,), outcomes, "", work.exam.seed, rounds=100).get(f".{name}")
    return (found.high - found.low) / (2 * 1.96) / 2 if found else 0.0


def _loss_on(work: Search) -> Callable[[Array], Loss]:
    """Return the smooth metric over some cases of the exam, less is better."""
    figure = work.judge.smooth

    def loss_on(places: Array) -> Loss:
        sheet = work.exam.sheet.of_cases(places)

        def loss(margin: Array) -> float:
            value = figure(sheet.outcomes(work.judge.link.apply({"margin": margin})))
            if math.isnan(value):
                return math.inf
            return -value if figure.greater_is_better else value

        return loss

    return loss_on


def _affordable(work: Search, library: Sequence[Trial], shares: Array) -> Array:
    """Leave out the lightest members until the rest can be refitted in the time that is left."""
    left = work.budget.refit_until - monotonic()
    cost = np.array([refit_s(trial.record, work.exam, work.rows) for trial in library])
    kept = shares.copy()
    while (kept > 0).sum() > 1 and together_s(cost[kept > 0].tolist(), work.threads) > left:
        kept[np.flatnonzero(kept > 0)[np.argmin(kept[kept > 0])]] = 0.0
    return np.asarray(kept / kept.sum())


def _blend(library: Sequence[Trial], shares: Array) -> Blend:
    order = [int(place) for place in np.argsort(-shares, kind="stable") if shares[place] > 0]
    return Blend(
        parts=tuple((library[place], float(shares[place])) for place in order),
        margin=blended([trial.margin for trial in library], shares),
    )
