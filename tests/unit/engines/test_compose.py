from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seaway.core.batch import Batch
from seaway.core.candidate import Program
from seaway.core.errors import InexactExport
from seaway.engines import additive as linear
from seaway.engines import forest as trees
from seaway.engines import wire
from seaway.engines.compose import compose
from seaway.engines.explain import decode
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Binary, Multiclass, answers
from seaway.engines.forest import Forest
from tests.unit.engines.forests import grown, rows
from tests.unit.engines.runs import classes, load, margin_of
from tests.unit.engines.test_additive import small


def ops(program: Program) -> list[str]:
    return [node.op for node in wire.read(program.files["graph.onnx"]).nodes]


def wide(seed: int, **options: int) -> Forest:
    return grown(seed, features=5, **options)


def test_forests_become_one_node() -> None:
    forests = [wide(seed) for seed in range(3)]
    program = compose([(forest_program(forest), 1 / 3) for forest in forests])
    assert ops(program) == ["Cast", "TreeEnsemble", "Add"]
    x = rows(1, 30, features=5)
    expected = np.mean([trees.predict(forest, x) for forest in forests], axis=0)
    assert np.allclose(margin_of(program, Batch.of_rows(x)), expected, rtol=1e-12, atol=1e-12)


def test_forests_that_cannot_be_one_stay_apart() -> None:
    forests = [wide(1), replace(wide(2), zeros=(0, 2))]
    program = compose([(forest_program(forest), 0.5) for forest in forests])
    assert ops(program).count("TreeEnsemble") == 2
    x = rows(2, 30, features=5)
    x[::3, ::2] = 0.0
    expected = np.mean([trees.predict(forest, x) for forest in forests], axis=0)
    assert np.allclose(margin_of(program, Batch.of_rows(x)), expected, rtol=1e-12, atol=1e-12)


def test_members_of_every_kind_are_weighed_and_finished() -> None:
    forest, model, flat = wide(3), small(3), linear.constant([0.5, -0.5], 5)
    finish = Multiclass(slope=(1.2, 1.2), shift=(0.1, -0.1))
    members = [(forest_program(forest), 0.6), (additive_program(model), 0.3), (additive_program(flat), 0.1)]
    program = compose(members, finish_program(finish))
    x = rows(3, 100, features=5)
    margin = 0.6 * trees.predict(forest, x) + 0.3 * linear.predict(model, x) + 0.1 * flat.intercept
    found = load(program, 5, *classes(2)).run(Batch.of_rows(x))
    for name, values in answers(finish, margin).items():
        assert np.allclose(found[name], values, rtol=1e-12, atol=1e-12), name


def test_what_two_members_share_is_worked_out_once() -> None:
    model = small(1)
    other = replace(model, weight=model.weight * 2)
    one, both = additive_program(model), compose([(additive_program(model), 0.5), (additive_program(other), 0.5)])
    assert ops(both).count("Gather") == ops(one).count("Gather")
    assert ops(both).count("Div") == 1


def test_a_composed_member_may_be_composed_again() -> None:
    inner = compose([(forest_program(wide(1)), 0.5), (additive_program(small(1)), 0.5)])
    outer = compose([(inner, 0.5), (forest_program(wide(2)), 0.5)])
    x = rows(4, 20, features=5)
    expected = 0.25 * trees.predict(wide(1), x) + 0.25 * linear.predict(small(1), x) + 0.5 * trees.predict(wide(2), x)
    assert np.allclose(margin_of(outer, Batch.of_rows(x)), expected, rtol=1e-12, atol=1e-12)
    assert [part.weight for part in decode(outer.files["explain.json"]).parts] == [1.0, 0.5, 0.25]


def test_members_without_weight_are_left_out() -> None:
    program = compose([(forest_program(wide(1)), 1.0), (additive_program(small(1)), 0.0)])
    assert dict(program.files) == dict(compose([(forest_program(wide(1)), 1.0)]).files)


def test_a_member_that_cannot_be_explained_leaves_the_whole_unexplained() -> None:
    silent = Program(engine="onnx", files={"graph.onnx": forest_program(wide(1)).files["graph.onnx"]})
    program = compose([(silent, 0.5), (additive_program(small(1)), 0.5)])
    assert set(program.files) == {"graph.onnx"}


def test_equal_members_give_equal_bytes() -> None:
    def made() -> dict[str, bytes]:
        members = [(forest_program(wide(1)), 0.5), (additive_program(small(1, targets=2)), 0.5)]
        return dict(compose(members, finish_program(Multiclass(slope=(1.0, 2.0), shift=(0.0, 0.0)))).files)

    assert made() == made()


@pytest.mark.parametrize(
    ("members", "finish", "reason"),
    [
        ([], None, "no member has a weight"),
        ([(forest_program(grown(1)), 0.0)], None, "no member has a weight"),
        ([(forest_program(grown(1)), 1.0), (forest_program(wide(1)), 1.0)], None, "differ in features or targets"),
        ([(forest_program(grown(1)), 1.0), (forest_program(grown(1, targets=3)), 1.0)], None, "differ in features"),
        ([(finish_program(Binary()), 1.0)], None, "not a program from `x` to `margin`"),
        ([(forest_program(grown(1)), 1.0)], finish_program(Binary()), "does not take the 2 margins"),
        ([(forest_program(grown(1)), 1.0)], forest_program(grown(1)), "does not take the 2 margins"),
        ([(Program(engine="series", files={}), 1.0)], None, "the engine 'series' is no graph"),
    ],
)
def test_what_does_not_go_together_is_refused(
    members: list[tuple[Program, float]], finish: Program | None, reason: str
) -> None:
    with pytest.raises(InexactExport, match=reason):
        compose(members, finish)
