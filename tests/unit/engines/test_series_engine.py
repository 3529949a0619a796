"""The engine "series": programs composed, loaded and asked."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from seaway.core.batch import Array, Batch
from seaway.core.candidate import Program
from seaway.core.contract import Column, Contract
from seaway.core.errors import InexactExport, Untrusted
from seaway.core.extend import load
from seaway.core.protocols import Engine, Runner
from seaway.core.verdict import Verdict
from seaway.engines.answers import BrokenAnswer
from seaway.engines.export import forest_program
from seaway.engines.forest import Forest, predict
from seaway.engines.series import finish as last_step
from seaway.engines.series.compose import compose
from seaway.engines.series.design import Design, Origins, names, plan
from seaway.engines.series.document import FILE, Drift, Lagged, SeasonalNaive, member_program
from seaway.engines.series.engine import SeriesEngine
from seaway.engines.series.finish import Finish
from seaway.engines.series.points import drift, seasonal_naive
from seaway.engines.walk import GRAPH
from tests.unit.engines.forests import grown
from tests.unit.engines.series_made import NAN, batch, contract, waves

HORIZON = 5
FINISH = last_step.program(Finish(format=1, offsets=((-2.0, -1.0, 0.0, 1.0, 2.0),) * HORIZON))
NAIVE, LAST = member_program(SeasonalNaive(window=28, season=7)), member_program(SeasonalNaive(window=28, season=1))
DRIFT = member_program(Drift(window=28))
DESIGN = Design(window=28, seasons=(7,), zone="UTC", calendar=("weekday",))


def trees(seed: int, design: Design = DESIGN) -> tuple[Program, Forest]:
    """Return a member with random trees over a design."""
    forest = grown(seed, features=len(names(design, HORIZON)), targets=1)
    method = Lagged(design=design, growth=(1.0, 2.0, 3.0, 4.0, 5.0), graph="0/graph.onnx")
    return member_program(method, forest_program(forest).files[GRAPH]), forest


def run(program: Program, one: Batch, under: Contract | None = None) -> dict[str, Array]:
    """Load a program and ask it."""
    return dict(SeriesEngine().load(program, under or contract()).run(one))


def test_it_is_an_engine_found_by_name() -> None:
    engine: Engine = load("engine", "series")()
    runner: Runner = engine.load(NAIVE, contract())
    assert runner.gather > 1
    assert engine.supports(NAIVE)
    assert not engine.supports(Program(engine="series", files={}))
    assert not engine.supports(Program(engine="onnx", files=NAIVE.files))
    assert load("compose", "series") is compose


def test_steps_that_were_not_asked_for_are_nan_and_the_others_numbers() -> None:
    one = batch(waves(3, 30), [5, 2, 0])
    found = run(compose([(NAIVE, 1.0)], FINISH), one)
    assert {name: values.shape for name, values in found.items()} == {
        "margin": (3, 5, 2),
        "mean": (3, 5),
        "quantiles": (3, 5, 5),
    }
    for values in found.values():
        by_step = np.isfinite(values.reshape(3, 5, -1)).all(axis=2)
        assert by_step.tolist() == [[True] * 5, [True, True, False, False, False], [False] * 5]
        assert np.isnan(values.reshape(3, 5, -1)[~by_step]).all()
    assert (np.diff(found["quantiles"][0], axis=1) > 0).all()


def test_members_are_weighted_and_those_of_weight_nought_left_out() -> None:
    history = waves(1, 28)
    one = batch(history, [5])
    program = compose([(NAIVE, 0.25), (DRIFT, 0.75), (LAST, 0.0)])
    expected = 0.25 * seasonal_naive(np.array(history), 7, 5) + 0.75 * drift(np.array(history), 5)
    assert np.array_equal(run(program, one)["margin"], expected)
    assert b'"season":1' not in program.files[FILE]


def test_trees_answer_as_their_forest_does_beside_others_of_their_kind() -> None:
    (first, forest), (second, other) = trees(1), trees(2, Design(window=14, seasons=(7,), zone="UTC", calendar=()))
    program = compose([(first, 0.5), (NAIVE, 0.2), (second, 0.3)], FINISH)
    assert sorted(program.files) == ["0/graph.onnx", "1/graph.onnx", FILE]
    one = batch(waves(4, 40, gaps=0.1), [5, 5, 5, 5])
    seen = plan(DESIGN, one, "y", 5, Origins.of(one))
    alone = run(first, one)["margin"]
    assert alone[..., 0].ravel() == pytest.approx(seen.level + seen.scale * predict(forest, seen.x)[:, 0], rel=1e-12)
    assert alone[..., 1].ravel() == pytest.approx(seen.scale * np.tile([1.0, 2.0, 3.0, 4.0, 5.0], 4))
    parts = [run(part, one)["margin"] for part in (first, NAIVE, second)]
    assert run(program, one)["margin"] == pytest.approx(sum(w * p for w, p in zip((0.5, 0.2, 0.3), parts, strict=True)))
    assert other.features < forest.features


def test_one_case_and_many_get_the_same_answers() -> None:
    program, _ = trees(3)
    one = batch(waves(9, 40, gaps=0.2), [5, 1, 3, 2, 5, 4, 0, 5, 5])
    runner = SeriesEngine().load(program, contract())
    alone = np.concatenate([runner.run(one.take(np.array([case])))["margin"] for case in range(9)])
    assert alone.tobytes() == runner.run(one)["margin"].tobytes()


def test_a_history_without_a_number_is_kept_from_the_caller() -> None:
    with pytest.raises(BrokenAnswer, match=r"(?s)'margin' is not a finite number.*case 1.*history"):
        run(NAIVE, batch([[1.0, 2.0], [NAN, NAN]], [1, 1]))
    with pytest.raises(BrokenAnswer, match="case 0"):
        run(DRIFT, batch([[-1.7e308, 1.7e308]], [5]))


@pytest.mark.parametrize("program", [NAIVE, DRIFT, trees(1)[0]], ids=["naive", "drift", "trees"])
def test_infinities_never_leave(program: Program) -> None:
    for value in (np.inf, -np.inf):
        with pytest.raises(BrokenAnswer, match="case 1"):
            run(program, batch([*waves(1, 28), np.full(28, value)], [5, 5]))


def test_forecasts_are_not_explained_and_say_why() -> None:
    found = SeriesEngine().load(NAIVE, contract()).reasons(batch([[1.0]], [1]))
    assert isinstance(found, Verdict)
    assert (found.outcome, bool(found.fix)) == ("not-applicable", True)


def test_a_composed_program_can_be_a_member_again() -> None:
    inner = compose([(NAIVE, 0.5), (DRIFT, 0.5)])
    one = batch(waves(1, 28), [5])
    again = run(compose([(inner, 0.5), (LAST, 0.5)]), one)["margin"]
    assert again == pytest.approx(0.5 * run(inner, one)["margin"] + 0.5 * run(LAST, one)["margin"])


def test_what_is_no_forecast_is_not_composed() -> None:
    with pytest.raises(InexactExport, match="no member has a weight"):
        compose([(NAIVE, 0.0)])
    with pytest.raises(InexactExport, match="'onnx' is no forecast"):
        compose([(forest_program(grown(1)), 1.0)])
    with pytest.raises(InexactExport, match="finished already"):
        compose([(compose([(NAIVE, 1.0)], FINISH), 1.0)])
    with pytest.raises(InexactExport, match="the finish is not"):
        compose([(NAIVE, 1.0)], NAIVE)


def test_a_program_is_held_to_its_contract() -> None:
    with pytest.raises(Untrusted, match="looks back 28 rows, the contract hands over 14"):
        run(NAIVE, batch([[1.0]], [1]), contract(history=14))
    with pytest.raises(Untrusted, match="each of 3 steps"):
        run(compose([(NAIVE, 1.0)], FINISH), batch([[1.0]], [1]), contract(horizon=3))
    with pytest.raises(Untrusted, match="spread is not 3 positive"):
        run(trees(1)[0], batch([[1.0]], [1]), contract(horizon=3))
    table = Contract(task="tabular", per="row", columns=(Column(name="y", kind="number", role="target"),))
    with pytest.raises(Untrusted, match="not about series"):
        run(NAIVE, batch([[1.0]], [1]), table)


def test_other_answers_than_the_contracts_are_refused() -> None:
    one = contract()
    other = msgspec.structs.replace(one, outputs=one.outputs[:1])
    with pytest.raises(Untrusted, match="answers mean and quantiles by step, the contract wants mean"):
        run(compose([(NAIVE, 1.0)], FINISH), batch([[1.0]], [1]), other)
