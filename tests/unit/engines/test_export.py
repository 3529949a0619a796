from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core.batch import Array, Batch
from seaway.core.contract import Output
from seaway.engines import wire
from seaway.engines.additive import constant
from seaway.engines.compose import compose
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Binary, Finish, Multiclass, Value, answers
from seaway.engines.forest import predict
from tests.unit.engines.forests import grown, rows, stump
from tests.unit.engines.runs import VALUE, classes, load, margin_of
from tests.unit.engines.test_additive import small


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31))
def test_a_forest_of_every_shape_answers_alike_as_a_graph(seed: int) -> None:
    forest, x = grown(seed, trees=8), rows(seed, 40)
    found = margin_of(forest_program(forest), Batch.of_rows(x))
    assert np.allclose(found, predict(forest, x), rtol=1e-13, atol=1e-13)


def test_thresholds_stay_in_float64() -> None:
    just_below = np.nextafter(np.float64(np.float32(0.1)), 0)
    forest = stump(threshold=np.array([just_below, 0.0]))
    assert margin_of(forest_program(forest), Batch.of_rows(np.array([[0.1, 0]], dtype=np.float32))) == 100.0


def test_zeros_that_mean_missing_do_so_in_the_graph() -> None:
    forest = stump(zeros=(0,))
    x = np.array([[v, 5] for v in (0.0, -0.0, 1e-36, -1e-36, 1e-34, np.nan, 1)], dtype=np.float32)
    assert np.array_equal(margin_of(forest_program(forest), Batch.of_rows(x)), predict(forest, x))


def test_large_and_empty_sets_of_categories_answer_alike() -> None:
    many = np.concatenate([[0, 1, 31, 32, 63, 64], np.arange(100, 400, 3), [2**24]])
    x = np.array([[1, code] for code in [*range(-2, 420), 2**24, 2**24 - 1, np.inf, -np.inf, np.nan]], dtype=np.float32)
    for members in (many, many[:1], many[:0]):
        forest = stump(members=members, starts=np.array([0, len(members)]))
        assert np.array_equal(margin_of(forest_program(forest), Batch.of_rows(x)), predict(forest, x))


def test_no_rows_are_answered_with_none() -> None:
    assert margin_of(forest_program(grown(1)), Batch.of_rows(rows(1, 0))).shape == (0, 2)


FINISHES: list[tuple[Finish, tuple[Output, ...]]] = [
    (Binary(), classes(2)),
    (Binary(slope=-1.7, shift=0.3, threshold=0.2), classes(2)),
    (Multiclass(slope=(1.0,) * 3, shift=(0.0,) * 3), classes(3)),
    (Multiclass(slope=(2.0, 0.5, 1.0), shift=(0.1, 0.0, -3.0)), classes(3)),
    (Value(), (VALUE,)),
    (Value(link="exp", slope=0.1, shift=1.0), (VALUE,)),
]


@pytest.mark.parametrize(("finish", "outputs"), FINISHES, ids=[repr(finish) for finish, _ in FINISHES])
def test_each_finish_answers_alike_in_numpy_and_as_a_graph(finish: Finish, outputs: tuple[Output, ...]) -> None:
    targets = len(finish.slope) if isinstance(finish, Multiclass) else 1
    forest = grown(5, targets=targets, trees=6)
    program = compose([(forest_program(forest), 1.0)], finish_program(finish))
    x = rows(5, 200)
    found = load(program, 4, *outputs).run(Batch.of_rows(x))
    _same(answers(finish, predict(forest, x)), found)


@pytest.mark.parametrize("margin", [-1e6, -800.0, -40.0, 0.0, 40.0, 800.0, 1e6])
def test_extreme_margins_neither_overflow_nor_turn_to_nan(margin: float) -> None:
    x = Batch.of_rows(np.zeros((2, 1), dtype=np.float32))
    for finish, targets, outputs in (
        (Binary(), 1, classes(2)),
        (Multiclass(slope=(1.0,) * 3, shift=(0.0,) * 3), 3, classes(3)),
    ):
        raw = np.array([[margin, -margin, 0.0][:targets]])
        program = compose([(additive_program(constant(raw[0], 1)), 1.0)], finish_program(finish))
        found = load(program, 1, *outputs).run(x)
        _same(answers(finish, np.repeat(raw, 2, axis=0)), found)


def test_a_one_hot_model_costs_one_look_up() -> None:
    ops = [node.op for node in wire.read(additive_program(small()).files["graph.onnx"]).nodes]
    assert len(ops) <= 22
    assert ops.count("Gather") == 3  # the numbers, the codes, and the table


def _same(expected: Mapping[str, Array], found: Mapping[str, Array]) -> None:
    assert set(expected) == set(found)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype, name
        assert found[name].shape == values.shape, name
        assert np.allclose(found[name], values, rtol=1e-12, atol=1e-12), name
