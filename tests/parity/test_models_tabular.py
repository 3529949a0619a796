"""Every model of tables: what the native library answers, the exported program answers, to 1e-12 of its size."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.protocols import Fitted, Model, Params
from seaway.tasks.tabular.models import models
from seaway.tasks.tabular.start import targets
from tests.unit.tasks.tables import PROBLEMS, contract, numbers, sample, strange

FOREVER = math.inf


def run(program: Program, x: Array) -> Array:
    """Run a member program in onnxruntime itself, nothing of ours between."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(program.files["graph.onnx"], options, providers=["CPUExecutionProvider"])
    (margin,) = session.run(["margin"], {"x": x})
    return np.asarray(margin)


def fit(
    model: Model, problem: str, train: Sample, *, params: Params | None = None, valid: Sample | None = None
) -> Fitted:
    """Fit with the defaults, few rounds, one thread."""
    named = {name: place.default for name, place in model.space(train).items()}
    bounded = {**named, "rounds": 40, "threads": 1, **(params or {})}
    return model.fit(train, valid, contract=contract(problem), params=bounded, seed=5, until=FOREVER)


def assert_equal(fitted: Fitted, x: Array) -> None:
    """Hold the export against the native answer."""
    native = fitted.predict(Batch.of_rows(x))["margin"]
    found = run(fitted.export(), x)
    assert found.dtype == native.dtype == np.float64
    assert found.shape == native.shape
    assert np.isfinite(native).all()
    gap = np.abs(found - native) / np.maximum(1.0, np.abs(native))
    assert gap.max(initial=0.0) <= 1e-12


CASES = [(problem, model) for problem in PROBLEMS for model in models(contract(problem))]
each = pytest.mark.parametrize(("problem", "model"), CASES, ids=[f"{p}-{m.name}" for p, m in CASES])


@each
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_on_seen_and_strange_rows(problem: str, model: Model, weighted: bool) -> None:
    fitted = fit(model, problem, sample(problem, weighted=weighted))
    assert_equal(fitted, numbers(500, seed=1))
    assert_equal(fitted, strange())


@each
def test_on_every_edge_and_both_its_neighbours(problem: str, model: Model) -> None:
    fitted = fit(model, problem, sample(problem))
    base = numbers(1, seed=2)
    rows = []
    for feature, values in fitted.edges().items():
        near = np.float32(values)
        beside = [np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))]
        if feature in contract(problem).codes:
            beside = [np.maximum(near - 1, 0), near + 1]
        for value in (near, *beside):
            block = np.repeat(base, len(near), axis=0)
            block[:, feature] = value
            rows.append(block)
    if rows:
        assert_equal(fitted, np.concatenate(rows))
    elif model.name == "lightgbm":
        pytest.fail("trees without a threshold have learnt nothing")


@each
def test_one_row_and_none(problem: str, model: Model) -> None:
    fitted = fit(model, problem, sample(problem))
    assert_equal(fitted, numbers(1, seed=3))
    assert fitted.predict(Batch.of_rows(numbers(0, seed=3)))["margin"].shape == (0, targets(contract(problem)))


@each
def test_trained_on_one_row(problem: str, model: Model) -> None:
    assert_equal(fit(model, problem, sample(problem, rows=1)), strange())


@each
@pytest.mark.parametrize("kept", [(0,), (0, 2)], ids=["one class", "one class missing"])
def test_a_class_missing_in_a_fold(problem: str, model: Model, kept: tuple[int, ...]) -> None:
    if problem == "regression":
        constant = sample(problem)
        fitted = fit(model, problem, replace(constant, truth=np.full(300, 7.25)))
        assert np.allclose(fitted.predict(constant.batch)["margin"], 7.25)
        return assert_equal(fitted, strange())
    whole = sample(problem)
    assert whole.truth is not None
    part = whole.take(np.flatnonzero(np.isin(whole.truth, kept)))
    fitted = fit(model, problem, part)
    assert_equal(fitted, strange())
    margin = fitted.predict(part.batch)["margin"]
    if problem == "multiclass":
        absent = [code for code in range(3) if code not in kept]
        assert (margin[:, absent] < margin[:, list(kept)].max(axis=1, keepdims=True) - 3).all()  # rare, not impossible
        assert (margin > -12).all()
    else:
        assert (margin < -3).all()
    return None


@each
def test_nothing_but_missing_values(problem: str, model: Model) -> None:
    blank = sample(problem)
    x = blank.batch.x.copy()
    x[:, :5], x[:, 5:] = np.nan, 0
    assert_equal(fit(model, problem, replace(blank, batch=Batch.of_rows(x))), strange())


@each
def test_same_seed_same_bytes(problem: str, model: Model) -> None:
    first, second = (fit(model, problem, sample(problem), valid=sample(problem, seed=4)) for _ in range(2))
    assert first.export() == second.export()


@each
def test_whole_weights_are_copies(problem: str, model: Model) -> None:
    """A row of weight two says as much as two rows; trees count rows in bins and leaves too, so theirs are only close."""
    once = sample(problem, rows=200)
    counts = np.random.default_rng(0).integers(1, 4, 200)
    copied = once.take(np.repeat(np.arange(200), counts))
    weighted = replace(once, weight=counts.astype(float))
    params = {"bagging_fraction": 1.0, "feature_fraction": 1.0, "strength": 0.01}
    one, other = (
        fit(model, problem, train, params=params).predict(once.batch)["margin"] for train in (copied, weighted)
    )
    if model.name == "lightgbm":
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9
    else:
        scale = one.std() if one.std() > 0 else 1.0
        assert np.abs(one - other).max() / scale < (0.05 if model.name == "baseline" else 2e-3)


@each
def test_importance_is_a_share(problem: str, model: Model) -> None:
    share = fit(model, problem, sample(problem)).importance()
    assert share.shape == (7,)
    assert (share >= 0).all()
    assert share.sum() == pytest.approx(0.0 if model.name == "baseline" else 1.0)
    if model.name != "baseline":
        assert share.argmax() == 0
        assert share[3] == share[4] == 0  # constant and empty columns


@pytest.mark.parametrize("problem", PROBLEMS)
def test_large_numbers_do_not_blunt_the_export(problem: str) -> None:
    train = sample(problem)
    x = train.batch.x.copy()
    x[:, 0] = x[:, 0] * np.float32(1e7)
    moved = replace(train, batch=Batch.of_rows(x))
    for model in models(contract(problem)):
        assert_equal(fit(model, problem, moved), x)


def test_a_target_far_from_zero_keeps_its_digits() -> None:
    """LightGBM holds labels in float32: 1e9 + 1 would be 1e9. Numbers are learnt relative to their mean."""
    train = sample("regression")
    assert train.truth is not None
    far = replace(train, truth=1e9 + train.truth)
    for model in models(contract("regression"))[1:]:
        near_fit, far_fit = fit(model, "regression", train), fit(model, "regression", far)
        near, away = (one.predict(train.batch)["margin"] for one in (near_fit, far_fit))
        assert np.abs(away - 1e9 - near).max() < 1e-3 * train.truth.std()
        assert_equal(far_fit, strange()[5:])
