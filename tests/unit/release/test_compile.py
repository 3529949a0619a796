"""From members, blend and finish to one program."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from seaway.core import extend
from seaway.core.answer import encoder_of
from seaway.core.candidate import Program
from seaway.core.errors import InexactExport
from seaway.release.compile import compile_candidate
from tests import credit


def test_weighted_members_are_one_graph_with_the_blended_answers() -> None:
    one, two = credit.candidate(0), credit.candidate(1)
    blended = dataclasses.replace(one, members=[(one.members[0][0], 0.25), (two.members[0][0], 0.75)])
    program = compile_candidate(blended)
    assert program.engine == "onnx"
    assert set(program.files) == {"graph.onnx", "explain.json"}
    encoder = encoder_of(credit.CONTRACT)
    batch = encoder.encode(encoder.request(credit.rows(50, seed=3)))

    def margin(program: Program) -> np.ndarray:  # type: ignore[type-arg]
        return np.asarray(extend.load("engine", "onnx")().load(program, credit.CONTRACT).run(batch)["margin"])

    plain = [compile_candidate(member) for member in (one, two)]
    expected = 0.25 * margin(plain[0]) + 0.75 * margin(plain[1])
    np.testing.assert_allclose(margin(program), expected, rtol=0, atol=1e-12)


def test_equal_candidates_compile_to_equal_bytes() -> None:
    assert compile_candidate(credit.candidate.__wrapped__()).files == compile_candidate(credit.candidate()).files


def test_a_sole_member_of_another_engine_is_the_program() -> None:
    member = Program(engine="route", files={"route.json": b"{}"}, needs=("route",))
    sole = dataclasses.replace(credit.candidate(), members=[(member, 1.0)], finish=None, blend="output")
    assert compile_candidate(sole) is member


def test_what_is_no_one_program_is_refused_with_the_reason() -> None:
    member = Program(engine="route", files={})
    odd = dataclasses.replace(credit.candidate(), members=[(member, 0.5), *credit.candidate().members])
    with pytest.raises(InexactExport, match="2 members of the engines onnx, route, blended by margin"):
        compile_candidate(odd)
    with pytest.raises(InexactExport, match="blended by output"):
        compile_candidate(dataclasses.replace(credit.candidate(), blend="output"))
