"""From trials to members: time decides how many, and a blend is never worse than its best trial."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from seaway.core.batch import Array
from seaway.core.chance import monotonic
from seaway.core.errors import BadInput
from seaway.lab.budget import Budget
from seaway.lab.exam import everything, prepare, sit
from seaway.lab.journal import Record, Trial
from seaway.lab.judge import judge_of
from seaway.lab.members import MOST, answers, choose, refit
from seaway.lab.samplers import sampler
from seaway.lab.search import Search
from seaway.tasks.tabular.task import Tabular
from tests.unit.lab import ahead
from tests.unit.lab.fixtures import data

DATA = data(rows=300)


def work(end: float = math.inf) -> Search:
    """Return a search that is over."""
    exam = prepare(DATA, Tabular(), DATA.split.train, 3, 0)
    models = {model.name: model for model in Tabular().models(DATA.contract, "balanced")}
    return Search(
        exam=exam,
        judge=judge_of(exam, Tabular(), ""),
        models=models,
        sampler=sampler("random"),
        stops=[],
        budget=Budget(started=monotonic(), end=end, tail_s=0.0),
        threads=1,
        rows=len(DATA.split.train),
        planned=3,
    )


def trial(made: Search, number: int, margin: Array, model: str = "linear", seconds: float = 0.1) -> Trial:
    """Make a trial of given margins."""
    params = {"linear": {"strength": 0.01, "ratio": 0.0}, "lightgbm": {"num_leaves": 5}, "baseline": {}}[model]
    record = Record(
        number=number,
        model=model,
        params=params,
        scores=made.judge.scores(margin),
        by_fold=(),
        learnt=({"rounds": 4.0, "rows": 100.0},) * 3,
        seconds=(seconds,) * 3,
        took_s=3 * seconds,
        digest="",
    )
    return Trial(record=record, margin=margin)


def signal(made: Search, noise: float, seed: int) -> Array:
    """Margins that know the truth, and noise."""
    rng = np.random.default_rng(seed)
    truth = made.exam.sheet.truth
    assert truth is not None
    return (truth * 2 - 1 + rng.normal(0, noise, len(truth)))[:, None]


@pytest.mark.parametrize("preset", MOST)
def test_members_are_few_and_weigh_one(preset: str) -> None:
    made = work()
    blend = choose(made, [trial(made, number, signal(made, 1.5, number)) for number in range(12)], preset)
    weights = [weight for _, weight in blend.parts]
    assert len(weights) <= MOST[preset]
    assert sum(weights) == pytest.approx(1)
    assert weights == sorted(weights, reverse=True)
    total = sum(weight * part.margin for part, weight in blend.parts)
    assert np.allclose(total, blend.margin)


def test_a_blend_is_clearly_better_where_models_err_apart() -> None:
    made = work()
    trials = [trial(made, number, signal(made, 1.5, number)) for number in range(6)]
    blend = choose(made, trials, "best")
    assert len(blend.parts) > 2
    assert made.judge.loss(made.judge.scores(blend.margin)) < min(made.judge.loss(one.scores) for one in trials) - 0.02


def test_a_blend_that_would_decide_worse_gives_way_to_the_best_trial() -> None:
    """The scale that the smooth metric likes may cost the deciding one: a model of wild margins ranks best here."""
    made = work()
    wild = np.where(np.abs(signal(made, 0.4, 0)) > 0.2, signal(made, 0.4, 0) * 200, 0)
    tame = signal(made, 3.0, 1) * 0.3
    blend = choose(made, [trial(made, 0, wild), trial(made, 1, tame)], "balanced")
    best = min(made.judge.loss(made.judge.scores(margin)) for margin in (wild, tame))
    assert made.judge.loss(made.judge.scores(blend.margin)) <= best + 0.02


def test_baselines_are_members_only_where_there_is_nothing_else() -> None:
    made = work()
    flat = trial(made, 0, np.zeros((len(made.exam.rows), 1)), "baseline")
    poor = trial(made, 1, -signal(made, 1.0, 1))
    assert [part.model for part, _ in choose(made, [flat, poor], "balanced").parts] == ["linear"]
    assert [part.model for part, _ in choose(made, [flat], "balanced").parts] == ["baseline"]


def test_a_baseline_that_tells_rows_apart_may_join_a_blend() -> None:
    """What is simple errs elsewhere than what learns; a constant would only shrink the others."""
    made = work()
    learners = [trial(made, number, signal(made, 1.5, number)) for number in range(1, 3)]
    simple = trial(made, 0, signal(made, 1.5, 0), "baseline")
    flat = trial(made, 3, np.full((made.exam.sheet.cases, 1), 0.3), "baseline")
    assert {part.number for part, _ in choose(made, [simple, *learners, flat], "best").parts} == {0, 1, 2}


def test_where_margins_cannot_be_averaged_the_best_learner_is_alone() -> None:
    made = work()
    trials = [trial(made, number, signal(made, 1.5 - number / 4, number)) for number in range(4)]
    better = trial(made, 4, signal(made, 0.1, 4), "baseline")
    found = choose(made, [*trials, better], "best", blends=False)
    assert [(part.number, weight) for part, weight in found.parts] == [(3, 1.0)]
    assert np.array_equal(found.margin, trials[3].margin)


@pytest.mark.parametrize("blends", [True, False])
def test_a_trial_that_cannot_be_judged_is_never_chosen(blends: bool) -> None:
    made = work()
    lost = trial(made, 0, np.full((made.exam.sheet.cases, 1), np.nan))
    assert not math.isfinite(made.judge.loss(lost.scores))
    poor = trial(made, 1, -signal(made, 1.0, 1))
    assert [part.number for part, _ in choose(made, [lost, poor], "best", blends=blends).parts] == [1]
    simple = trial(made, 2, np.zeros((made.exam.sheet.cases, 1)), "baseline")
    assert [part.number for part, _ in choose(made, [lost, simple], "best", blends=blends).parts] == [2]
    with pytest.raises(BadInput, match=r"roc_auc cannot be told(.|\n)*bring more rows"):
        choose(made, [lost], "best", blends=blends)


def test_cases_of_several_steps_are_blended_whole() -> None:
    exam = ahead.exam()
    made = replace(work(), exam=exam, judge=ahead.judge(exam))
    over, under, flat = (
        sit(exam, ahead.Onward(), {"slope": slope}, number=0, threads=1, until=math.inf).margin
        for slope in (1.5, 0.5, 0.0)
    )
    trials = [trial(made, 0, over), trial(made, 1, under), trial(made, 2, flat, "baseline")]
    found = choose(made, trials, "best")
    assert {part.number for part, _ in found.parts} >= {0, 1}
    assert made.judge.loss(made.judge.scores(found.margin)) < 0.5 * made.judge.loss(trials[0].scores)
    assert np.array_equal(np.isnan(found.margin), np.isnan(over))


def test_members_that_there_is_no_time_for_are_left_out() -> None:
    made = work(end=monotonic() + 30)
    quick = [trial(made, number, signal(made, 1.5, number), seconds=0.5) for number in range(3)]
    slow = [trial(made, number, signal(made, 1.5, number), seconds=900) for number in range(3, 6)]
    rich = choose(replace(made, budget=work().budget), [*quick, *slow], "best")
    assert {part.record.seconds[0] for part, _ in rich.parts} == {0.5, 900}
    poor = choose(made, [*quick, *slow], "best")
    assert sum(sum(part.record.seconds) for part, _ in poor.parts) < 900 or len(poor.parts) == 1


def test_refit_settles_rounds_and_answers_as_one() -> None:
    made = work()
    blend = choose(
        made, [trial(made, 0, signal(made, 1.5, 0)), trial(made, 1, signal(made, 1.5, 1), "lightgbm")], "best"
    )
    train = everything(DATA, DATA.split.train)
    members = refit(made, blend, train, DATA.contract)
    boosted = next(member for member in members if member.name == "lightgbm")
    assert boosted.params["rounds"] == 6  # 4 rounds on 100 rows, more on 240: by their root
    finish = made.judge.link
    total = sum(member.weight * member.fitted.predict(train.batch)["margin"] for member in members)
    assert np.array_equal(answers(members, finish, train.batch)["margin"], total)
