"""Every metric against scikit-learn, scipy or its formula: weighted, tied, and where there is nothing to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn import metrics as reference

from seaway.core.batch import Array, Outcomes
from seaway.core.contract import LEVELS
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


def stepped(seed: int, *, weighted: bool = True) -> Outcomes:
    """Draw forecasts of 12 series, 7 steps each, their sizes orders of magnitude apart, some truths nought."""
    rng = np.random.default_rng(seed)
    case, step = np.repeat(np.arange(12), 7), np.tile(np.arange(1, 8), 12)
    size = np.repeat(10.0 ** rng.integers(-1, 5, 12), 7)
    truth = size * rng.gamma(2.0, size=84) * (rng.random(84) > 0.1)
    mean = np.where(rng.random(84) > 0.1, truth + size * rng.normal(size=84), 0.0)
    quantiles = np.sort(mean[:, None] + size[:, None] * rng.normal(size=(84, len(LEVELS))), axis=1)
    return Outcomes(
        answer={"mean": mean, "quantiles": quantiles},
        truth=truth,
        case=case,
        step=step,
        weight=rng.uniform(0.1, 2, 84) if weighted else None,
        scale=size,
    )


def told(outcomes: Outcomes) -> tuple[Array, Array, Array, Array, Array]:
    """Return (mean, quantiles, truth, weight, scale)."""
    assert outcomes.truth is not None
    assert outcomes.scale is not None
    weight = np.ones(len(outcomes)) if outcomes.weight is None else outcomes.weight
    return outcomes.answer["mean"], outcomes.answer["quantiles"], outcomes.truth, weight, outcomes.scale


def mase(outcomes: Outcomes) -> float:
    """Hyndman & Koehler 2006, line by line."""
    mean, _, truth, weight, scale = told(outcomes)
    errors = [w * abs(t - m) / s for m, t, w, s in zip(mean, truth, weight, scale, strict=True)]
    return float(sum(errors) / sum(weight))


def smape(outcomes: Outcomes) -> float:
    """Makridakis et al. 2020: 2 |y - f| / (|y| + |f|) in per cent, nought where both are."""
    mean, _, truth, weight, _ = told(outcomes)
    total = 0.0
    for m, t, w in zip(mean, truth, weight, strict=True):
        total += 0.0 if m == t == 0 else w * 100 * 2 * abs(t - m) / (abs(t) + abs(m))
    return total / sum(weight)


def wape(outcomes: Outcomes) -> float:
    """One minus the share explained, by scikit-learn's D2 against a median of nought."""
    mean, _, truth, weight, _ = told(outcomes)
    error = reference.mean_absolute_error(truth, mean, sample_weight=weight)
    return float(error / reference.mean_absolute_error(truth, np.zeros_like(truth), sample_weight=weight))


def pinball(outcomes: Outcomes) -> float:
    """Mean over the levels of scikit-learn's loss of scaled values."""
    _, quantiles, truth, weight, scale = told(outcomes)
    losses = [
        reference.mean_pinball_loss(truth / scale, quantiles[:, place] / scale, sample_weight=weight, alpha=level)
        for place, level in enumerate(LEVELS)
    ]
    return float(np.mean(losses))


def coverage(outcomes: Outcomes) -> float:
    """Share of the weight whose truth lies between the ends."""
    _, quantiles, truth, weight, _ = told(outcomes)
    held = [w for q, t, w in zip(quantiles, truth, weight, strict=True) if min(q) <= t <= max(q)]
    return float(sum(held) / sum(weight))


STEPS: dict[str, Callable[[Outcomes], float]] = {
    "mase": mase,
    "smape": smape,
    "wape": wape,
    "pinball": pinball,
    "coverage": coverage,
}


def grouped(seed: int, *, fits: int = 3, groups: int = 3, weighted: bool = False) -> Outcomes:
    """Draw the answers of several fits about the same 60 cases; whole-number weights, equal within a case."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(60, 2)) + 3 * rng.integers(0, 3, (60, 1))
    distances, codes = [], []
    for _ in range(fits):
        centres = points[rng.choice(60, groups, replace=False)] + rng.normal(0, 0.1, (groups, 2))
        apart = np.linalg.norm(points[:, None] - centres, axis=2)
        distances.append(apart)
        codes.append(apart.argmin(axis=1))
    return Outcomes(
        answer={"segment": np.concatenate(codes), "distances": np.concatenate(distances)},
        truth=None,
        case=np.tile(np.arange(60), fits),
        step=np.zeros(60 * fits, dtype=np.int64),
        weight=np.tile(rng.integers(1, 4, 60).astype(float), fits) if weighted else None,
    )


def silhouette(outcomes: Outcomes) -> float:
    """Simplified silhouette by scikit-learn: each line alone among the centres, the own one its only companion."""
    found = []
    for own, apart in zip(outcomes.answer["segment"], outcomes.answer["distances"], strict=True):
        between = np.ones((len(apart) + 1, len(apart) + 1)) - np.eye(len(apart) + 1)  # centres' own play no part
        between[0, 1:] = between[1:, 0] = apart
        labels = [own, *range(len(apart))]
        found.append(reference.silhouette_samples(between, labels, metric="precomputed")[0])
    return float(np.average(found, weights=outcomes.weight))


def stability(outcomes: Outcomes) -> float:
    """Mean of scikit-learn's adjusted Rand index over every two fits; a weight is a number of copies."""
    copies = np.ones(60, dtype=int) if outcomes.weight is None else outcomes.weight[:60].astype(int)
    fits = [np.repeat(codes, copies) for codes in outcomes.answer["segment"].reshape(-1, 60)]
    pairs = [(one, other) for place, one in enumerate(fits) for other in fits[:place]]
    return float(np.mean([reference.adjusted_rand_score(one, other) for one, other in pairs])) if pairs else 1.0


GROUPS: dict[str, Callable[[Outcomes], float]] = {
    "silhouette": silhouette,
    "stability": stability,
    "stable_silhouette": lambda outcomes: silhouette(outcomes) * max(0.0, stability(outcomes)),
}


def test_every_metric_is_checked_against_a_reference() -> None:
    assert set(METRICS) == set(BINARY) | set(SEVERAL) | set(VALUE) | set(STEPS) | set(GROUPS)


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


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("weighted", [False, True])
def test_steps(name: str, weighted: bool) -> None:
    for seed in range(5):
        outcomes = stepped(seed, weighted=weighted)
        assert metric(name)(outcomes) == pytest.approx(STEPS[name](outcomes), rel=1e-12)


@pytest.mark.parametrize("name", STEPS)
def test_steps_without_a_truth_or_a_scale_are_left_out(name: str) -> None:
    outcomes = stepped(3)
    assert outcomes.truth is not None
    assert outcomes.scale is not None
    outcomes.truth[::3] = np.nan
    outcomes.scale[outcomes.case == 4] = np.nan
    outcomes.scale[outcomes.case == 5] = 0.0
    known = ~np.isnan(outcomes.truth)
    if metric(name).needs_scale:
        known &= outcomes.scale > 0
    assert metric(name)(outcomes) == pytest.approx(STEPS[name](outcomes.take(known)), rel=1e-12)


def test_scaled_figures_need_a_scale() -> None:
    unscaled = replace(stepped(0), scale=None)
    assert np.isnan(metric("mase")(unscaled))
    assert np.isnan(metric("pinball")(unscaled))
    assert metric("wape")(unscaled) == metric("wape")(stepped(0))


@given(st.floats(0.01, 1000.0))
def test_a_unit_changes_no_scaled_figure(unit: float) -> None:
    outcomes = stepped(1)
    assert outcomes.truth is not None
    assert outcomes.scale is not None
    other = replace(
        outcomes,
        answer={name: values * unit for name, values in outcomes.answer.items()},
        truth=outcomes.truth * unit,
        scale=outcomes.scale * unit,
    )
    for name in ("mase", "smape", "wape", "pinball"):
        assert metric(name)(other) == pytest.approx(metric(name)(outcomes), rel=1e-9)


def test_steps_at_the_edge() -> None:
    nothing = Outcomes(
        answer={"mean": np.zeros(3)}, truth=np.zeros(3), case=np.arange(3), step=np.ones(3, dtype=np.int64)
    )
    assert metric("smape")(nothing) == 0.0
    assert np.isnan(metric("wape")(nothing))
    wrong = replace(nothing, truth=np.ones(3))
    assert metric("smape")(wrong) == 200.0
    assert metric("wape")(wrong) == 1.0
    on_the_edge = replace(wrong, answer={"quantiles": np.tile([1.0, 1.0, 1.0, 1.0, 2.0], (3, 1))})
    assert metric("coverage")(on_the_edge) == 1.0


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("groups", [2, 3, 5])
@pytest.mark.parametrize("fits", [1, 2, 4])
def test_groups(name: str, weighted: bool, groups: int, fits: int) -> None:
    for seed in range(3):
        outcomes = grouped(seed, fits=fits, groups=groups, weighted=weighted)
        assert metric(name)(outcomes) == pytest.approx(GROUPS[name](outcomes), abs=1e-12)


def test_groups_that_are_found_again_under_other_names_are_stable() -> None:
    outcomes = grouped(0, fits=1)
    renamed = np.concatenate([outcomes.answer["segment"], (outcomes.answer["segment"] + 1) % 3])
    twice = Outcomes(
        answer={"segment": renamed, "distances": np.tile(outcomes.answer["distances"], (2, 1))},
        truth=None,
        case=np.tile(outcomes.case, 2),
        step=np.tile(outcomes.step, 2),
    )
    assert metric("stability")(twice) == pytest.approx(1.0)


def test_chance_alone_is_not_stable() -> None:
    rng = np.random.default_rng(0)
    drawn = Outcomes(
        answer={"segment": rng.integers(0, 4, 4000), "distances": rng.random((4000, 4))},
        truth=None,
        case=np.tile(np.arange(1000), 4),
        step=np.zeros(4000, dtype=np.int64),
    )
    assert abs(metric("stability")(drawn)) < 0.01


def test_a_case_that_one_fit_did_not_answer_says_nothing_about_it() -> None:
    outcomes = grouped(1, fits=2)
    some = outcomes.take(np.delete(np.arange(120), np.arange(60, 80)))
    fits = outcomes.answer["segment"].reshape(2, 60)
    expected = reference.adjusted_rand_score(fits[0, 20:], fits[1, 20:])
    assert metric("stability")(some) == pytest.approx(expected)


def test_one_group_has_no_next_one() -> None:
    assert np.isnan(metric("silhouette")(grouped(0, groups=1)))


@pytest.mark.parametrize("groups", [2, 3])
def test_the_interval_of_groups_holds_the_value(groups: int) -> None:
    """Two columns of distances are not the scores of two classes: sorting by them would mix the fits up."""
    found = score(metric("stability"), grouped(2, fits=4, groups=groups), rounds=200)
    assert found.low < found.value < found.high
    assert found.n == 60


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


@pytest.mark.parametrize("name", [name for name, figure in METRICS.items() if figure.needs_truth])
def test_nothing_known_is_not_a_number(name: str) -> None:
    answer: dict[str, Any] = {
        "probabilities": np.full((3, 2), 0.5),
        "label": np.zeros(3),
        "value": np.zeros(3),
        "mean": np.zeros(3),
        "quantiles": np.zeros((3, 5)),
    }
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
    for drawn in bootstrap(_forecasts(case=np.repeat(np.arange(9), 6)), 20, seed=0):
        assert drawn.weight is not None
        by_case = drawn.weight.reshape(9, 6)
        assert (by_case == by_case[:, :1]).all()
        assert by_case[:, 0].sum() == 9


def test_bootstrap_of_few_series_draws_their_forecasts() -> None:
    for drawn in bootstrap(_forecasts(case=np.repeat([0, 1], 27)), 20, seed=0):
        assert drawn.weight is not None
        by_forecast = drawn.weight.reshape(18, 3)
        assert (by_forecast == by_forecast[:, :1]).all()
        assert by_forecast[:, 0].sum() == 18


def test_one_forecast_of_one_series_has_an_interval_too() -> None:
    gap = np.arange(12.0)
    outcomes = Outcomes(
        answer={"mean": gap}, truth=np.zeros(12), case=np.zeros(12), step=np.arange(1, 13), scale=np.ones(12)
    )
    found = score(metric("mase"), outcomes)
    assert found.low < found.value < found.high
    assert found.n == 1


def test_few_cases_of_a_table_are_drawn_as_they_are() -> None:
    outcomes = Outcomes(
        answer={"value": np.zeros(6)}, truth=np.zeros(6), case=np.repeat([0, 1, 2], 2), step=np.zeros(6)
    )
    for drawn in bootstrap(outcomes, 20, seed=0):
        assert drawn.weight is not None
        assert (drawn.weight[::2] == drawn.weight[1::2]).all()


def _forecasts(case: Array) -> Outcomes:
    """Return forecasts of three steps each, of the given cases."""
    return Outcomes(
        answer={"mean": np.zeros(len(case))},
        truth=np.zeros(len(case)),
        case=case,
        step=np.tile([1, 2, 3], len(case) // 3),
    )


def test_bootstrap_pairs_two_models_of_the_same_cases() -> None:
    p, y, w = binary(6)
    first, second = classified(p, y, w), classified(p[:, ::-1], y, w)
    for one, other in zip(bootstrap(first, 5, seed=3), bootstrap(second, 5, seed=3), strict=True):
        assert np.array_equal(one.weight, other.weight)  # type: ignore[arg-type]


def test_a_resample_weighs_as_much_as_it_copies() -> None:
    p, y, w = binary(7)
    outcomes = classified(p, y, w)
    drawn = next(iter(bootstrap(outcomes, 1, seed=0)))
    counts = np.rint(drawn.weight / np.where(w > 0, w, 1)).astype(int)
    copied = outcomes.take(np.repeat(np.arange(len(y)), np.where(w > 0, counts, 0)))
    for name in BINARY:
        assert metric(name)(drawn) == pytest.approx(metric(name)(copied), abs=1e-12)
