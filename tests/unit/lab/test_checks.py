"""Each check says no where it should, yes where it should, and not-applicable where there is nothing to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seaway.core.batch import Outcomes
from seaway.core.candidate import Candidate, Score
from seaway.core.protocols import Check
from seaway.core.verdict import Verdict
from seaway.lab import checks
from seaway.lab.checks.l001_baseline import Baseline
from seaway.lab.checks.l002_overfit import Overfit
from seaway.lab.checks.l003_unstable import Unstable
from seaway.lab.checks.l004_few_rows import FewRows
from seaway.lab.checks.l005_too_good import TooGood
from seaway.lab.checks.l006_cut_short import CutShort
from seaway.tasks.tabular.task import Tabular
from tests.unit.tasks.candidates import candidate


def score(value: float, reach: float = 0.02, n: int = 500) -> Score:
    """Make a score with a symmetric interval."""
    return Score(value=value, low=value - reach, high=value + reach, n=n)


def trial(number: int, value: float, *, baseline: bool = False, weight: float = 0.0, **more: Any) -> dict[str, Any]:
    """Make a trial judged by roc_auc and rmse alike."""
    return {
        "number": number,
        "model": "baseline" if baseline else "lightgbm",
        "params": {} if baseline else {"rate": 0.1},
        "scores": {"roc_auc": value, "rmse": value},
        "by_fold": more.get("by_fold", [value] * 5),
        "seconds": 0.1,
        "weight": weight,
        "is_baseline": baseline,
    }


def judged(oof: Score | None, test: Score | None = None, problem: str = "binary", **more: Any) -> Candidate:
    """Make a candidate with scores and a baseline."""
    name = "roc_auc" if problem == "binary" else "rmse"
    scores = {f"oof.{name}": oof, f"test.{name}": test}
    base = more.pop("base", 0.5)
    trials = more.pop("trials", (trial(0, base, baseline=True), trial(1, 0.7, weight=1.0)))
    return candidate(problem, scores={key: one for key, one in scores.items() if one}, trials=trials, **more)


def outcome(check: Check, subject: Candidate) -> str:
    """Return the one verdict's outcome."""
    (verdict,) = check(subject)
    assert verdict.code == check.code
    if verdict.outcome in ("warn", "fail"):
        assert verdict.fix
    return verdict.outcome


@pytest.mark.parametrize(
    ("problem", "value", "base", "expected"),
    [
        ("binary", 0.8, 0.5, "pass"),
        ("binary", 0.51, 0.5, "warn"),
        ("binary", 0.49, 0.5, "fail"),
        ("binary", 0.5, 0.5, "fail"),
        ("regression", 3.0, 5.0, "pass"),
        ("regression", 4.99, 5.0, "warn"),
        ("regression", 5.1, 5.0, "fail"),
    ],
)
def test_baseline(problem: str, value: float, base: float, expected: str) -> None:
    assert outcome(Baseline(), judged(score(value), problem=problem, base=base)) == expected


def test_baseline_unknown() -> None:
    assert outcome(Baseline(), judged(None)) == "not-applicable"
    assert outcome(Baseline(), judged(score(0.8), trials=(trial(1, 0.8),))) == "not-applicable"


@pytest.mark.parametrize(
    ("problem", "oof", "test", "expected"),
    [
        ("binary", 0.9, 0.9, "pass"),
        ("binary", 0.9, 0.87, "pass"),
        ("binary", 0.9, 0.8, "warn"),
        ("binary", 0.8, 0.9, "pass"),
        ("regression", 1.0, 2.0, "warn"),
        ("regression", 2.0, 1.0, "pass"),
    ],
)
def test_overfit(problem: str, oof: float, test: float, expected: str) -> None:
    assert outcome(Overfit(), judged(score(oof), score(test), problem=problem)) == expected


def test_overfit_without_test_rows() -> None:
    assert outcome(Overfit(), judged(score(0.9))) == "not-applicable"


@pytest.mark.parametrize(
    ("by_fold", "expected"),
    [
        ([0.7, 0.71, 0.69, 0.7], "pass"),
        ([0.95, 0.5, 0.8, 0.6], "warn"),
        ([0.7, 0.7], "not-applicable"),
        ([0.4] * 4, "not-applicable"),
    ],
)
def test_unstable(by_fold: list[float], expected: str) -> None:
    trials = (trial(0, 0.5, baseline=True), trial(1, 0.7, weight=0.8, by_fold=by_fold), trial(2, 0.7, weight=0.2))
    assert outcome(Unstable(), judged(score(0.7), trials=trials)) == expected


def rows(count: int, positives: int) -> Outcomes:
    """Make outcomes with so many of class 1."""
    truth = np.zeros(count)
    truth[:positives] = 1
    return Outcomes.of_rows({"probabilities": np.full((count, 2), 0.5)}, truth)


def test_few_rows() -> None:
    enough = candidate("binary", oof=rows(400, 100), test=rows(150, 40))
    assert outcome(FewRows(), enough) == "pass"
    few = FewRows()(candidate("binary", oof=rows(120, 8), test=rows(30, 2)))
    assert [verdict.subject for verdict in few] == ["rows out of fold", "test rows", "rows of class 'bad'"]
    assert {verdict.outcome for verdict in few} == {"warn"}


def test_few_cases_of_many_steps() -> None:
    """Two series of 150 steps have lines enough, but resampling two cases tells little."""
    steps = np.tile(np.arange(1, 151), 2)
    lines = Outcomes(answer={"mean": np.zeros(300)}, truth=np.zeros(300), case=np.repeat([0, 1], 150), step=steps)
    found = FewRows()(candidate("regression", oof=lines, test=lines))
    assert [verdict.subject for verdict in found] == ["cases out of fold", "test cases"]
    many = replace(lines, case=np.repeat(np.arange(30), 10))
    assert outcome(FewRows(), candidate("regression", oof=many, test=many)) == "pass"


def test_a_baseline_that_answers_itself_is_a_warning() -> None:
    trials = (trial(0, 0.6, baseline=True, weight=1.0), trial(1, 0.55))
    (verdict,) = Baseline()(judged(score(0.6), trials=trials))
    assert verdict.outcome == "warn"
    assert "the baseline itself answers" in verdict.message


def test_errors_too_small_to_be_true() -> None:
    close = candidate("regression", scores={"oof.mase": score(0.001, 0.0005)})
    assert outcome(TooGood(), close) == "warn"
    assert outcome(TooGood(), candidate("regression", scores={"oof.mase": score(0.7)})) == "pass"


def test_too_good() -> None:
    importance = {"importance": {"a": 0.97, "b": 0.03}}
    suspicious = candidate("binary", scores={"oof.roc_auc": score(0.9995, 0.0001)}, figures=importance)
    assert outcome(TooGood(), suspicious) == "warn"
    (verdict,) = TooGood()(suspicious)
    assert "column 'a' alone has 97%" in verdict.message
    assert "'a' is known before" in verdict.fix
    assert outcome(TooGood(), candidate("binary", scores={"oof.roc_auc": score(0.95)}, figures=importance)) == "pass"
    assert outcome(TooGood(), candidate("regression", scores={"oof.r2": score(0.9999, 0.0)})) == "warn"


def test_cut_short() -> None:
    trials = tuple(trial(number, 0.7) for number in range(3))
    assert outcome(CutShort(), candidate("binary", trials=trials)) == "pass"
    short = {"stopped": "the time is up", "limited_rows": True, "searched_rows": 900, "training_rows": 5000}
    found = CutShort()(candidate("binary", trials=trials, figures=short))
    assert [verdict.subject for verdict in found] == ["rows", "trials"]
    assert "900 of 5000" in found[0].message


def test_codes_are_their_own_and_every_check_runs() -> None:
    codes = [check.code for check in checks.CHECKS]
    assert codes == sorted(set(codes))
    found: list[Verdict] = checks.run(judged(score(0.8), score(0.79)), Tabular())
    assert {verdict.code for verdict in found} == {*codes, "T101"}
