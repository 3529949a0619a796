"""One row at a time, as the server's generated function asks."""

from __future__ import annotations

import gc
import struct

import numpy as np
import pytest

from seaway.core.batch import Batch
from seaway.engines.additive import constant
from seaway.engines.compose import compose
from seaway.engines.export import additive_program, finish_program, forest_program
from seaway.engines.finish import Binary, Finish, Multiclass, Value
from seaway.engines.native.engine import NativeRunner
from seaway.engines.walk import walk
from tests.unit.engines.forests import grown, rows
from tests.unit.engines.native.wild import present

FINISHES: list[tuple[Finish, int]] = [
    (Binary(slope=1.3, shift=-0.2, threshold=0.4), 1),
    (Multiclass(slope=(0.7, 1.0, 1.2), shift=(0.1, 0.0, -0.1)), 3),
    (Value(), 1),
    (Value(link="exp", slope=0.5), 1),
]


@pytest.mark.parametrize(("finish", "targets"), FINISHES, ids=["binary", "multiclass", "value", "exp"])
def test_a_row_has_the_bits_of_its_batch(finish: Finish, targets: int) -> None:
    program = compose([(forest_program(grown(5, targets=targets)), 1.0)], finish_program(finish))
    runner = NativeRunner(walk(program), found=present())
    x = rows(5, 70)
    expected = runner.run(Batch.of_rows(x))
    single = runner.single()
    assert single.at_answer == targets
    for place, row in enumerate(x):
        struct.pack_into("4f", single.row, 0, *row.tolist())
        assert single.answer() == 0
        numbers = single.numbers.tolist()
        assert numbers[:targets] == expected["margin"][place].tolist()
        answer = expected["value"][place : place + 1] if "value" in expected else expected["probabilities"][place]
        assert numbers[targets:] == answer.tolist()
        if "label" in expected:
            assert single.label[0] == expected["label"][place]


def test_what_is_no_number_is_said() -> None:
    program = compose([(additive_program(constant([1e4], 4)), 1.0)], finish_program(Value(link="exp")))
    single = NativeRunner(walk(program), found=present()).single()
    assert single.answer() == 1


def test_the_call_outlives_all_else() -> None:
    """A server keeps the bound call and the views alone: what they reach must not be freed."""
    forest = grown(5, targets=1)

    def bound() -> tuple[object, ...]:
        single = NativeRunner(walk(forest_program(forest)), found=present()).single()
        return single.answer, single.row, single.numbers

    answer, row, numbers = bound()
    gc.collect()
    filler = [np.full(5_000, 7, dtype=np.int64) for _ in range(200)]  # takes whatever was freed
    struct.pack_into("4f", row, 0, 0.1, 1.0, -0.3, 2.0)  # type: ignore[call-overload]
    assert answer() == 0  # type: ignore[operator]
    x = np.array([[0.1, 1.0, -0.3, 2.0]], dtype=np.float32)
    again = NativeRunner(walk(forest_program(forest)), found=present()).run(Batch.of_rows(x))
    assert numbers[0] == again["margin"][0, 0]  # type: ignore[index]
    assert len(filler) == 200
