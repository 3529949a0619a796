"""The compiled kernel answers as the reference does, to the last bit, at every width, one by one and in blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Batch
from seaway.engines.compose import compose
from seaway.engines.explain import of_forest
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import answers
from seaway.engines.forest import Forest, predict
from seaway.engines.native.engine import NativeRunner
from seaway.engines.native.kernel import Kernel
from seaway.engines.native.plan import Ending, Kind, Plan, Step
from seaway.engines.native.program import Caller, Compiled
from seaway.engines.native.shap import shapley
from seaway.engines.onnx import OnnxRunner
from seaway.engines.readers.lightgbm import read
from seaway.engines.reasons import Explainer, explain_forest
from seaway.engines.walk import walk
from tests.property.test_forest_parity import finish_of, off, undecided
from tests.unit.engines.boosters import hard_rows, raw, trained
from tests.unit.engines.forests import grown
from tests.unit.engines.native.wild import all_widths, hard, wild
from tests.unit.engines.test_additive import rows as linear_rows
from tests.unit.engines.test_additive import small

ALONE, TOGETHER = 1_000, 0
"""Rows up to which they are answered one by one: always, never."""


def caller(kernel: Kernel, forest: Forest, few: int) -> Caller:
    steps = [Step(kind=Kind.FOREST, what=forest)]
    plan = Plan(features=forest.features, targets=forest.targets, steps=steps, ending=Ending.MARGIN)
    return Caller(kernel, Compiled(plan, few))


@settings(max_examples=150)
@given(seed=st.integers(0, 2**31), count=st.integers(0, 200))
def test_any_forest_is_answered_to_the_last_bit(seed: int, count: int) -> None:
    forest = wild(seed)
    x = hard(forest, seed, count)
    expected = predict(forest, x).tobytes()
    for kernel in all_widths():
        for few in (ALONE, TOGETHER):
            assert caller(kernel, forest, few).answer(x)[0].tobytes() == expected, (kernel.width, few)


def test_every_number_of_rows_is_answered() -> None:
    forest = grown(7, targets=2, trees=9, splits=40)
    x = hard(forest, 7, 200)
    expected = predict(forest, x)
    for kernel in all_widths():
        for few in (ALONE, TOGETHER):
            answering = caller(kernel, forest, few)
            for count in range(201):
                assert np.array_equal(answering.answer(x[:count])[0], expected[:count])


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31))
def test_a_booster_and_its_finish_are_answered_alike(seed: int) -> None:
    model = trained(seed)
    forest = read(model.booster)
    x = hard_rows(model, forest, seed)
    finish = finish_of(model.kind)
    walked = walk(compose([(forest_program(forest), 1.0)], finish_program(finish)))
    expected = answers(finish, raw(model, x))
    for kernel in all_widths():
        found = NativeRunner(walked, found=kernel).run(Batch.of_rows(x))
        assert set(found) == set(expected)
        for name, values in expected.items():
            assert found[name].dtype == values.dtype
            assert found[name].shape == values.shape
            if name != "label":
                assert off(found[name], values) <= 1e-12, name
        if "label" in found:
            changed = found["label"] != expected["label"]
            assert not (changed & ~undecided(finish, found["probabilities"])).any()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_a_finish_without_calibration_keeps_every_bit_of_the_margin(seed: int) -> None:
    model = trained(seed)
    walked = walk(compose([(forest_program(read(model.booster)), 1.0)]))
    x = hard_rows(model, read(model.booster), seed)
    for kernel in all_widths():
        assert NativeRunner(walked, found=kernel).run(Batch.of_rows(x))["margin"].tobytes() == raw(model, x).tobytes()


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), weights=st.tuples(*[st.sampled_from([0.0, 0.25, 1.0, 3.0])] * 3))
def test_blends_of_forests_and_linear_models_are_answered_as_by_onnxruntime(
    seed: int, weights: tuple[float, float, float]
) -> None:
    members = [
        forest_program(grown(seed, features=5)),
        forest_program(grown(seed + 1, features=5)),
        additive_program(small(seed)),
    ]
    if not any(weights):
        weights = (1.0, 0.0, 1.0)
    program = compose(list(zip(members, weights, strict=True)))
    walked, x = walk(program), linear_rows(seed, 90)
    expected = OnnxRunner(program, walked).run(Batch.of_rows(x))["margin"]
    for kernel in all_widths():
        runner = NativeRunner(walked, found=kernel)
        assert off(runner.run(Batch.of_rows(x))["margin"], expected) <= 1e-12
        alone = np.concatenate([runner.run(Batch.of_rows(x[i : i + 1]))["margin"] for i in range(len(x))])
        assert np.array_equal(alone, runner.run(Batch.of_rows(x))["margin"])


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31), count=st.integers(0, 20))
def test_reasons_are_those_of_the_reference(seed: int, count: int) -> None:
    forest = wild(seed)
    x = hard(forest, seed, count)
    _, expected = explain_forest(forest, x)
    for kernel in all_widths():
        found = shapley(kernel, forest)(x)
        assert found.shape == expected.shape
        assert off(found, expected) <= 1e-12


@settings(max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_reasons_of_a_booster_add_up(seed: int) -> None:
    model = trained(seed)
    forest = read(model.booster)
    x = hard_rows(model, forest, seed)[:100]
    for kernel in all_widths():
        explainer = Explainer([forest], of_forest(forest), lambda one, kernel=kernel: shapley(kernel, one))
        found = explainer.explain(x, raw(model, x))
        assert off(found.base + found.attributions.sum(axis=1), raw(model, x)) <= 1e-9
