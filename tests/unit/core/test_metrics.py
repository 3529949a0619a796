"""Every metric against scikit-learn or scipy: weighted, tied, and where there is nothing to tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn import metrics as reference

from seaway.core.batch import Array, Outcomes
from seaway.core.errors import NotFound
from seaway.core.metrics import METRICS, bootstrap, metric, score


def classified(p: Array, y: Array, w: Array | None = None) -> Outcomes:
    """Make outcomes of probabilities (n, C)."""
    return Outcomes.of_rows({"probabilities": p, "label": p.argmax(axis=1)}, y.astype(float), w)


def valued(value: Array, y: Array, w: Array | None = None) -> Outcomes:
    """Make outcomes of numbers."""
    return Outcomes.of_rows({"value": value}, y.astype(float), w)


def binary(seed: int, n: int = 300, *, ties: bool = True) -> tuple[Array, Array, Array]:
    """Draw (p, y, w): many equal scores where `ties`, weights between 0 and 3 with some zeros."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    y[:2] = 0, 1
    one = np.clip(rng.normal(0.35 + 0.3 * y, 0.2), 0.01, 0.99)
    one = one.round(1) if ties else one
    one = np.clip(one, 0.01, 0.99)
    w = rng.choice([0.0, 0.5, 1.0, 3.0], n)
    w[:2] = 1.0
    return np.column_stack([1 - one, one]), y, w


def several(seed: int, n: int = 400, classes: int = 4) -> tuple[Array, Array, Array]:
    """Draw (p, y, w) for several classes, every class there."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    logits = rng.normal(size=(n, classes)).round(1)
    logits[np.arange(n), y] += 1
    p = np.exp(logits)
    return p / p.sum(axis=1, keepdims=True), y, rng.uniform(0.1, 2, n)


BINARY: dict[str, Callable[[Array, Array, Array | None], float]] = {
    "roc_auc": lambda p, y, w: reference.roc_auc_score(y, p[:, 1], sample_weight=w),
    "log_loss": lambda p, y, w: reference.log_loss(y, p, sample_weight=w),
    "brier": lambda p, y, w: reference.brier_score_loss(y, p[:, 1], sample_weight=w),
    "average_precision": lambda p, y, w: reference.average_precision_score(y, p[:, 1], sample_weight=w),
    "accuracy": lambda p, y, w: reference.accuracy_score(y, p.argmax(1), sample_weight=w),
    "balanced_accuracy": lambda p, y, w: reference.balanced_accuracy_score(y, p.argmax(1), sample_weight=w),
    "f1": lambda p, y, w: reference.f1_score(y, p.argmax(1), sample_weight=w),
    "f1_macro": lambda p, y, w: reference.f1_score(y, p.argmax(1), average="macro", sample_weight=w),
}
SEVERAL: dict[str, Callable[[Array, Array, Array | None], float]] = {
    "log_loss": BINARY["log_loss"],
    "brier": lambda p, y, w: float(np.average(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1), weights=w)),
    "accuracy": BINARY["accuracy"],
    "balanced_accuracy": BINARY["balanced_accuracy"],
    "f1_macro": BINARY["f1_macro"],
    "roc_auc": lambda p, y, w: np.mean(
        [reference.roc_auc_score(y == c, p[:, c], sample_weight=w) for c in range(p.shape[1])]
    ),
}
VALUE: dict[str, Callable[[Array, Array, Array | None], float]] = {
    "rmse": lambda v, y, w: reference.root_mean_squared_error(y, v, sample_weight=w),
    "mae": lambda v, y, w: reference.mean_absolute_error(y, v, sample_weight=w),
    "r2": lambda v, y, w: reference.r2_score(y, v, sample_weight=w),
    "rmsle": lambda v, y, w: reference.root_mean_squared_log_error(y, np.maximum(v, 0), sample_weight=w),
}


def test_every_metric_is_checked_against_a_reference() -> None:
    assert set(METRICS) == set(BINARY) | set(SEVERAL) | set(VALUE)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_two_classes(name: str, weighted: bool, ties: bool) -> None:
    for seed in range(5):
        p, y, w = binary(seed, ties=ties)
        weight = w if weighted else None
        assert metric(name)(classified(p, y, weight)) == pytest.approx(BINARY[name](p, y, weight), abs=1e-12)


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("weighted", [False, True])
def test_several_classes(name: str, weighted: bool) -> None:
    for seed in range(5):
        p, y, w = several(seed)
        weight = w if weighted else None
        assert metric(name)(classified(p, y, weight)) == pytest.approx(SEVERAL[name](p, y, weight), abs=1e-12)


@pytest.mark.parametrize("name", VALUE)
@pytest.mark.parametrize("weighted", [False, True])
def test_values(name: str, weighted: bool) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        y = rng.lognormal(size=200)
        value, weight = y + rng.normal(size=200), rng.uniform(0.1, 2, 200) if weighted else None
        assert metric(name)(valued(value, y, weight)) == pytest.approx(VALUE[name](value, y, weight), abs=1e-12)


def test_area_is_the_mann_whitney_statistic() -> None:
    p, y, _ = binary(3)
    statistic = mannwhitneyu(p[y == 1, 1], p[y == 0, 1]).statistic
    assert metric("roc_auc")(classified(p, y)) == pytest.approx(statistic / ((y == 1).sum() * (y == 0).sum()))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40))
def test_a_weight_is_a_number_of_copies(rows: list[tuple[int, bool, int]]) -> None:
    one = np.array([row[0] for row in rows]) / 4
    p, y = np.column_stack([1 - one, one]), np.array([row[1] for row in rows], dtype=int)
    counts = np.array([row[2] for row in rows])
    for name in BINARY:
        weighted = metric(name)(classified(p, y, counts.astype(float)))
        copied = metric(name)(classified(np.repeat(p, counts, axis=0), np.repeat(y, counts)))
        assert weighted == pytest.approx(copied, nan_ok=True, abs=1e-12)


@given(st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    p, y, w = binary(1, n=12)
    for name in BINARY:
        shuffled = classified(p[order], y[order], w[order])
        assert metric(name)(shuffled) == pytest.approx(metric(name)(classified(p, y, w)), abs=1e-12)


def test_one_class_only_cannot_be_told_apart() -> None:
    p = np.array([[0.4, 0.6], [0.7, 0.3]])
    for truth in (np.zeros(2), np.ones(2)):
        assert np.isnan(metric("roc_auc")(classified(p, truth)))
    assert np.isnan(metric("average_precision")(classified(p, np.zeros(2))))
    assert metric("average_precision")(classified(p, np.ones(2))) == 1.0


def test_a_class_without_rows_is_left_out_of_the_mean_area() -> None:
    p, y, _ = several(2)
    kept = y != 3
    expected = np.mean([reference.roc_auc_score(y[kept] == c, p[kept][:, c]) for c in range(3)])
    assert metric("roc_auc")(classified(p[kept], y[kept])) == pytest.approx(expected)


@pytest.mark.parametrize("name", METRICS)
def test_nothing_known_is_not_a_number(name: str) -> None:
    answer: dict[str, Any] = {"probabilities": np.full((3, 2), 0.5), "label": np.zeros(3), "value": np.zeros(3)}
    assert np.isnan(metric(name)(Outcomes.of_rows(answer, None)))
    assert np.isnan(metric(name)(Outcomes.of_rows(answer, np.full(3, np.nan))))
    assert np.isnan(metric(name)(Outcomes.of_rows(answer, np.ones(3), np.zeros(3))))
    empty = {key: values[:0] for key, values in answer.items()}
    assert np.isnan(metric(name)(Outcomes.of_rows(empty, np.zeros(0))))


def test_unknown_truth_is_left_out() -> None:
    p, y, w = binary(5)
    truth = y.astype(float)
    truth[::3] = np.nan
    known = ~np.isnan(truth)
    for name in BINARY:
        assert metric(name)(classified(p, truth, w)) == metric(name)(classified(p[known], y[known], w[known]))


def test_certainty_in_the_wrong_class_is_a_large_finite_loss() -> None:
    sure = np.array([[1.0, 0.0]])
    assert metric("log_loss")(classified(sure, np.ones(1))) == pytest.approx(-np.log(1e-15))
    assert metric("log_loss")(classified(sure, np.zeros(1))) == 0.0


def test_values_at_the_edge() -> None:
    assert np.isnan(metric("r2")(valued(np.array([1.0, 2.0]), np.array([3.0, 3.0]))))
    assert np.isnan(metric("rmsle")(valued(np.array([1.0]), np.array([-1.0]))))
    assert metric("rmsle")(valued(np.array([-5.0]), np.array([0.0]))) == 0.0
    assert metric("f1")(classified(np.array([[0.9, 0.1]]), np.zeros(1))) == 0.0


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"no metric 'auc'(.|\n)*roc_auc"):
        metric("auc")


def test_interval_holds_the_value_and_narrows_with_rows() -> None:
    widths = []
    for n in (100, 1600):
        p, y, _ = binary(0, n=n, ties=False)
        found = score(metric("roc_auc"), classified(p, y))
        assert found.low < found.value < found.high
        assert found.n == n
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2.5  # by the square root of 16 in theory


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """The mean absolute error of a standard normal is sqrt(2 / pi); 95 % intervals miss it in about 5 % of samples."""
    target = np.sqrt(2 / np.pi)
    hits = 0
    for seed in range(200):
        errors = np.random.default_rng(seed).normal(size=120)
        found = score(metric("mae"), valued(errors, np.zeros(120)), seed=seed)
        hits += found.low <= target <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_interval_is_fixed_by_its_seed() -> None:
    p, y, w = binary(4)
    figure = metric("log_loss")
    assert score(figure, classified(p, y, w), seed=1) == score(figure, classified(p, y, w), seed=1)
    assert score(figure, classified(p, y, w), seed=1) != score(figure, classified(p, y, w), seed=2)


def test_bootstrap_draws_whole_cases() -> None:
    case = np.repeat(np.arange(5), 3)
    outcomes = Outcomes(answer={"value": np.zeros(15)}, truth=np.zeros(15), case=case, step=np.tile(np.arange(3), 5))
    for drawn in bootstrap(outcomes, 20, seed=0):
        assert drawn.weight is not None
        by_case = drawn.weight.reshape(5, 3)
        assert (by_case == by_case[:, :1]).all()
        assert by_case[:, 0].sum() == 5


def test_bootstrap_pairs_two_models_of_the_same_cases() -> None:
    p, y, w = binary(6)
    first, second = classified(p, y, w), classified(p[:, ::-1], y, w)
    for one, other in zip(bootstrap(first, 5, seed=3), bootstrap(second, 5, seed=3), strict=True):
        assert np.array_equal(one.weight, other.weight)  # type: ignore[arg-type]


def test_a_resample_weighs_as_much_as_it_copies() -> None:
    p, y, w = binary(7)
    outcomes = classified(p, y, w)
    drawn = next(iter(bootstrap(outcomes, 1, seed=0)))
    counts = np.rint(drawn.weight / np.where(w > 0, w, 1)).astype(int)  # type: ignore[operator]
    copied = outcomes.take(np.repeat(np.arange(len(y)), np.where(w > 0, counts, 0)))
    for name in BINARY:
        assert metric(name)(drawn) == pytest.approx(metric(name)(copied), abs=1e-12)
