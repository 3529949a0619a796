"""Calibration: recovered where it is off, left alone where it is not, and the same in numpy and in onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from seaway.core.batch import Array, Outcomes
from seaway.engines import finish as engine
from seaway.tasks.tabular import finish
from seaway.tasks.tabular.finish import Finished
from seaway.tasks.tabular.task import Tabular
from tests.unit.tasks.tables import PROBLEMS, contract


def drawn(problem: str, rows: int = 4000, slope: float = 1.0, shift: float = 0.0, seed: int = 0) -> Outcomes:
    """Draw margins and outcomes whose true log-odds are slope * margin + shift."""
    rng = np.random.default_rng(seed)
    if problem == "regression":
        value = rng.normal(size=(rows, 1))
        return Outcomes.of_rows({"margin": value}, value[:, 0] + rng.normal(size=rows))
    if problem == "binary":
        margin = rng.normal(0, 2, size=(rows, 1))
        p = engine.sigmoid(slope * margin[:, 0] + shift)
        return Outcomes.of_rows({"margin": margin}, (rng.random(rows) < p).astype(float))
    margin = rng.normal(0, 1.5, size=(rows, 3))
    p = engine.softmax(slope * margin + shift * np.arange(3))
    truth = (rng.random((rows, 1)) > np.cumsum(p, axis=1)).sum(axis=1)
    return Outcomes.of_rows({"margin": margin}, truth.astype(float))


def fit(outcomes: Outcomes, problem: str, *, calibrate: bool = True) -> Finished:
    """Fit through the task, as the lab does."""
    found = Tabular().finish(outcomes, contract(problem), {"calibrate": calibrate})
    assert isinstance(found, Finished)
    return found


@pytest.mark.parametrize("problem", PROBLEMS)
def test_good_margins_are_left_alone(problem: str) -> None:
    found = fit(drawn(problem), problem)
    assert found.name == ("softmax" if problem == "multiclass" else "identity")


def test_a_sigmoid_is_recovered() -> None:
    found = fit(drawn("binary", slope=0.4, shift=-1.0), "binary")
    assert found.name == "sigmoid"
    assert isinstance(found.value, engine.Binary)
    assert found.value.slope == pytest.approx(0.4, abs=0.04)
    assert found.value.shift == pytest.approx(-1.0, abs=0.1)


def test_a_temperature_is_recovered() -> None:
    found = fit(drawn("multiclass", slope=0.5), "multiclass")
    assert found.name in ("temperature", "vector")
    assert isinstance(found.value, engine.Multiclass)
    assert np.allclose(found.value.slope, 0.5, atol=0.08)


def test_shifts_by_class_are_recovered() -> None:
    found = fit(drawn("multiclass", slope=0.7, shift=0.8), "multiclass")
    assert found.name == "vector"
    assert isinstance(found.value, engine.Multiclass)
    assert np.allclose(np.diff(found.value.shift), 0.8, atol=0.15)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_not_wanted_means_the_plain_link(problem: str) -> None:
    found = fit(drawn(problem, slope=0.3, shift=1.0), problem, calibrate=False)
    assert found.name in ("identity", "softmax")
    assert found == found
    assert set(engine.affine(found.value)[0]) == {1.0}


def test_few_rows_or_a_missing_class_mean_the_plain_link() -> None:
    off = drawn("binary", slope=0.2, shift=2.0)
    assert fit(off.take(np.arange(40)), "binary").name == "identity"
    assert off.truth is not None
    assert fit(off.take(off.truth == 1), "binary").name == "identity"


def test_margins_that_point_the_wrong_way_are_not_turned_round() -> None:
    """A negative slope would mean that the models are wrong: the ranking stays theirs."""
    found = fit(drawn("binary", slope=-1.0), "binary")
    assert engine.affine(found.value)[0][0] > 0


def test_weights_count() -> None:
    outcomes = drawn("binary", rows=6000, slope=0.5)
    off = drawn("binary", rows=6000, slope=2.0, seed=1)
    both = Outcomes.of_rows(
        {"margin": np.concatenate([outcomes.answer["margin"], off.answer["margin"]])},
        np.concatenate([outcomes.truth, off.truth]),  # type: ignore[list-item]
        np.concatenate([np.full(6000, 1.0), np.full(6000, 1e-6)]),
    )
    found = fit(both, "binary")
    assert engine.affine(found.value)[0][0] == pytest.approx(0.5, abs=0.05)


def test_unknown_truth_is_left_out() -> None:
    outcomes = drawn("binary", slope=0.4)
    assert outcomes.truth is not None
    truth = outcomes.truth.copy()
    truth[::2] = np.nan
    found = fit(Outcomes.of_rows(outcomes.answer, truth), "binary")
    same = fit(outcomes.take(np.arange(1, 4000, 2)), "binary")
    assert found.value == same.value


def extremes(targets: int) -> Array:
    """Margins from 0 to beyond where exp overflows."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [rng.normal(size=(200, targets)) * scale for scale in (1e-9, 1.0, 30.0, 800.0)] + [np.zeros((1, targets))]
    )


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("slope", [1.0, 0.37])
def test_the_export_repeats_numpy(problem: str, slope: float) -> None:
    found = fit(drawn(problem, slope=slope, shift=0.6 if slope < 1 else 0.0), problem)
    assert (found.name in ("identity", "softmax")) == (slope == 1.0 or problem == "regression")
    margin = extremes(3 if problem == "multiclass" else 1)
    expected = found.apply({"margin": margin})
    session = onnxruntime.InferenceSession(found.export().files["graph.onnx"], providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    answers = dict(zip(names, session.run(None, {session.get_inputs()[0].name: margin}), strict=True))
    assert set(answers) == set(expected)
    for name, values in expected.items():
        assert answers[name].shape == values.shape
        if name == "label":
            p = expected["probabilities"]
            tied = np.abs(np.sort(p, axis=1)[:, -1] - np.sort(p, axis=1)[:, -2]) < 1e-12
            assert (answers[name] == values)[~tied].all()
        else:
            assert np.abs(answers[name] - values).max() <= 1e-12 * max(1.0, np.abs(values).max())


@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_probabilities_are_probabilities(problem: str) -> None:
    answers = fit(drawn(problem, slope=0.5), problem).apply({"margin": extremes(3 if problem == "multiclass" else 1)})
    p = answers["probabilities"]
    assert ((p >= 0) & (p <= 1)).all()
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-12)
    assert (answers["label"] < p.shape[1]).all()


def test_cross_fitting_never_scores_a_row_with_its_own_fit() -> None:
    """Each row's loss under cross-fitting is that of a fit without its part."""
    outcomes = drawn("binary", rows=100, slope=0.5)
    assert outcomes.truth is not None
    m, y, w = outcomes.answer["margin"], outcomes.truth.astype(int), np.ones(100)
    seen: list[int] = []

    def remember(margins: Array, truth: Array, weight: Array) -> engine.Binary:
        seen.append(len(margins))
        return finish.platt(margins, truth, weight)

    finish._crossfitted(remember, m, y, w)
    assert seen == [80] * 5
