"""The suites themselves: each fault that they are there for is found, and what they draw is what the contract allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core import chance
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Batch, Json, Outcomes, Sample
from seaway.core.candidate import Candidate, Program
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import NotFound
from seaway.core.protocols import Check, Drawing, Engine, Finish, Fitted, Model, Params, Range, Reasons, Rows, Runner
from seaway.core.verdict import Verdict
from seaway.engines.onnx import OnnxEngine
from seaway.tasks.tabular.linear import Linear
from seaway.tasks.tabular.task import Tabular
from seaway.testing import (
    EngineSuite,
    Example,
    Material,
    ModelSuite,
    TaskSuite,
    contracts_of_rows,
    dataset,
    example,
    path,
    queries_of,
    shaped,
)
from seaway.testing.model import Learnt
from tests.conformance.materials import loans

# ------------------------------------------------------------------------------------------------- tasks with a fault


class Faulty(Tabular):
    """A task of tables with the faults of its subclasses."""

    def suite(self) -> TaskSuite:
        task = self

        class Suite(TaskSuite):
            def task(self) -> Tabular:
                return task

            def material(self) -> Material:
                return loans("binary")

        return Suite()


class Unknown(Faulty):
    name = "unheard-of"


class Forgetful(Faulty):
    """Shapes another contract each time."""

    def shape(self, draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
        return msgspec.structs.replace(super().shape(draft, rows, settings), extra=self._other())

    def _other(self) -> Any:
        self._turn = not getattr(self, "_turn", False)
        return "ignore" if self._turn else "error"


class Leaking(Faulty):
    """Asks what it told."""

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        return [(np.union1d(known, asked[:1]), asked) for known, asked in super().folds(data, count, seed)]


class Straying(Faulty):
    """Asks about rows that judge."""

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        return [(known, data.split.test) for known, _ in super().folds(data, count, seed)]


class Restless(Faulty):
    """Folds without regard to the seed."""

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        self._seed = getattr(self, "_seed", 0) + 1
        return super().folds(data, count, self._seed)


class Unmeasured(Faulty):
    def metrics(self, contract: Contract) -> Sequence[str]:
        return ("happiness",)


class Backwards(Faulty):
    """Lists its baselines last."""

    def models(self, contract: Contract, preset: str) -> Sequence[Model]:
        return list(reversed(super().models(contract, preset)))


class Doubling(Faulty):
    """Answers twice the probability, in the last step only: the program does not."""

    def finish(self, oof: Outcomes, contract: Contract, settings: Mapping[str, Json]) -> Finish:
        return Doubled(super().finish(oof, contract, settings))


class Doubled:
    name = "doubled"

    def __init__(self, plain: Finish) -> None:
        self._plain = plain

    def apply(self, raw: Mapping[str, Array]) -> Mapping[str, Array]:
        answers = dict(self._plain.apply(raw))
        return {**answers, "probabilities": 2 * answers["probabilities"]}

    def export(self) -> Program:
        return self._plain.export()


class Undecided(Faulty):
    """Settles something else each time."""

    def settle(self, contract: Contract, members: Sequence[Fitted]) -> Contract:
        outputs = [msgspec.structs.replace(one, unit=one.unit + "x") for one in contract.outputs]
        return msgspec.structs.replace(contract, outputs=tuple(outputs))


class Scripted(Faulty):
    """Draws what runs."""

    def figures(self, candidate: Candidate) -> Sequence[Drawing]:
        return [Drawing(title="x", svg='<svg xmlns="http://www.w3.org/2000/svg"><g onclick="go()"/></svg>')]


class Silent:
    code = "T199"

    def __call__(self, subject: Any) -> Sequence[Verdict]:
        return [Verdict(code="T199", outcome="fail", subject="x", message="It is wrong")]


class Helpless(Faulty):
    """Finds fault and has no advice."""

    def checks(self, stage: str) -> Sequence[Check]:
        return [Silent()] if stage == "lab" else []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Candidate:
    return path.trained(loans("binary"), Tabular(), Path(tmp_path_factory.mktemp("run")))[1]


@pytest.mark.parametrize(
    ("task", "claim"),
    [
        (Unknown, "test_it_is_found_by_its_name"),
        (Forgetful, "test_shaping_twice_gives_one_digest"),
        (Leaking, "test_no_known_row_is_asked"),
        (Leaking, "test_what_is_asked_has_no_say_in_what_is_learnt"),
        (Straying, "test_folds_lie_within_the_training_rows"),
        (Restless, "test_folds_lie_within_the_training_rows"),
        (Unmeasured, "test_metrics_are_known_and_the_first_decides"),
        (Backwards, "test_models_have_names_and_say_what_they_support"),
        (Doubling, "test_the_program_gives_the_answers_of_the_model_and_its_finish"),
        (Undecided, "test_settling_is_done_once"),
        (Scripted, "test_figures_are_drawings"),
        (Helpless, "test_checks_speak_in_verdicts"),
    ],
)
def test_a_faulty_task_is_found_out(task: type[Faulty], claim: str, run: Candidate) -> None:
    made = task()
    suite = made.suite()
    data = dataset(suite.material(), made if made.name == "tabular" else Tabular())
    folds = path.folds(data, made)
    learnt = {model.name: [path.fit(model, fold, data.contract) for fold in folds] for model in [Linear()]}
    given_of = {"data": data, "folds": folds, "learnt": learnt, "runs": (run, run)}
    test = getattr(suite, claim)
    wanted = test.__code__.co_varnames[1 : test.__code__.co_argcount]
    with pytest.raises((AssertionError, NotFound)):
        test(**{name: given_of[name] for name in wanted})


def test_a_task_that_takes_anything_is_found_out() -> None:
    class Suite(TaskSuite):
        def task(self) -> Tabular:
            return Tabular()

        def hopeless(self) -> list[Material]:
            return [loans("binary")]

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        Suite().test_rows_that_cannot_serve_are_refused_with_a_way_out()


# ------------------------------------------------------------------------------------------------ models with a fault


class Wrapped:
    """A fitted model with the faults of its subclasses."""

    def __init__(self, plain: Fitted) -> None:
        self._plain = plain

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        return self._plain.predict(batch)

    def export(self) -> Program:
        return self._plain.export()

    def edges(self) -> Mapping[int, Array]:
        return self._plain.edges()

    def importance(self) -> Array:
        return self._plain.importance()


class Drifting(Wrapped):
    """Answers a thousandth more than its program."""

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        return {"margin": self._plain.predict(batch)["margin"] + 1e-3}


class Gossiping(Wrapped):
    """Lets a case's neighbours have a say."""

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        margin = self._plain.predict(batch)["margin"]
        return {"margin": margin - margin.mean(axis=0)}


class Counting(Wrapped):
    """Lets a case's place have a say."""

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        margin = self._plain.predict(batch)["margin"]
        return {"margin": margin + 0.1 * np.arange(len(margin))[:, None]}


class Boasting(Wrapped):
    def importance(self) -> Array:
        return np.ones_like(self._plain.importance())


class Overreaching(Wrapped):
    def edges(self) -> Mapping[int, Array]:
        return {99: np.zeros(1)}


class Odd:
    """A model that does not keep to its own ranges, its seed or its time."""

    name = "odd"

    def supports(self, contract: Contract) -> Verdict:
        return Linear().supports(contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        return {"strength": Range(default=100.0, low=0.1, high=1.0)}

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Fitted:
        chance.sleep(0.05)
        given = {name: place.default for name, place in Linear().space(train).items()}
        return Rolling(Linear().fit(train, valid, contract=contract, params=given, seed=seed, until=until))


class Rolling(Wrapped):
    def predict(self, batch: Batch) -> Mapping[str, Array]:
        margin = self._plain.predict(batch)["margin"]
        return {"margin": margin + int(chance.token(2), 16)}


class LinearSuite(ModelSuite):
    grace_s = 0.01

    def model(self) -> Model:
        return Odd()

    def task(self) -> Tabular:
        return Tabular()

    def material(self) -> Material:
        return loans("binary")


@pytest.fixture(scope="module")
def linear() -> tuple[Dataset, Learnt]:
    data = dataset(loans("binary"), Tabular())
    fold = path.folds(data, Tabular())[0]
    fitted = path.fit(Linear(), fold, data.contract)
    margins = path.outcomes([fold], [fitted], data.contract)
    contract, program = path.composed(Tabular(), data.contract, fitted, margins)
    finish = Tabular().finish(margins, contract, {"calibrate": False})
    runner = path.loaded(program, contract)
    return data, Learnt(contract=contract, fold=fold, fitted=fitted, finish=finish, runner=runner)


@pytest.mark.parametrize(
    ("kind", "claim"),
    [
        (Drifting, "test_the_program_answers_as_the_library_on_data"),
        (Drifting, "test_the_program_answers_as_the_library_on_what_is_telling"),
        (Gossiping, "test_one_case_at_a_time_is_answered_as_all_together"),
        (Counting, "test_the_order_of_cases_does_not_matter"),
        (Boasting, "test_importance_is_a_share_of_each_column"),
        (Overreaching, "test_edges_are_of_columns_that_exist"),
    ],
)
def test_a_faulty_model_is_found_out(kind: type[Wrapped], claim: str, linear: tuple[Dataset, Learnt]) -> None:
    learnt = replace(linear[1], fitted=kind(linear[1].fitted))
    getattr(LinearSuite(), claim)(linear[1])
    with pytest.raises(AssertionError):
        getattr(LinearSuite(), claim)(learnt)


def test_a_model_that_keeps_to_nothing_is_found_out(linear: tuple[Dataset, Learnt]) -> None:
    data, learnt = linear
    suite, folds = LinearSuite(), [learnt.fold]
    with pytest.raises(AssertionError, match="strength"):
        suite.test_every_range_holds_its_default(folds)
    with pytest.raises(AssertionError):
        suite.test_the_same_seed_gives_the_same_bits(data, folds, early=False)
    with pytest.raises(AssertionError):
        suite.test_a_fit_ends_when_its_time_is_up(data, folds)


# ----------------------------------------------------------------------------------------------- engines with a fault


class Loose:
    """An engine that runs graphs, with the faults of its subclasses."""

    name = "onnx"

    def supports(self, program: Program) -> bool:
        return OnnxEngine().supports(program)

    def load(self, program: Program, contract: Contract) -> Runner:
        return Handed(OnnxEngine().load(program, contract))


class Greedy(Loose):
    def supports(self, program: Program) -> bool:
        return True


class Rude(Loose):
    """Lets its library's own errors out, and reads no file but the graph."""

    def load(self, program: Program, contract: Contract) -> Runner:
        if len(program.files.get("graph.onnx", b"")) < 10_000:
            raise ValueError("unexpected end of data")
        return super().load(replace(program, files={"graph.onnx": program.files["graph.onnx"]}), contract)


class Handed:
    """A runner that adds to what it answers at each run."""

    gather = 1
    _runs = 0.0

    def __init__(self, plain: Runner) -> None:
        self._plain = plain

    def run(self, batch: Batch) -> Mapping[str, Array]:
        self._runs += 1e-3
        answers = dict(self._plain.run(batch))
        return {**answers, "probabilities": answers["probabilities"] + self._runs}

    def reasons(self, batch: Batch) -> Reasons | Verdict:
        found = self._plain.reasons(batch)
        return found if isinstance(found, Verdict) else replace(found, margin=found.margin + 1e-3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(loans("binary"), Tabular(), Path(tmp_path_factory.mktemp("engine")))


@pytest.mark.parametrize(
    ("kind", "claim"),
    [
        (Greedy, "test_it_runs_its_own_programs_only"),
        (Loose, "test_it_gives_the_expected_answers"),
        (Loose, "test_split_and_joined_batches_agree"),
        (Loose, "test_running_twice_gives_the_same_bits"),
        (Loose, "test_two_threads_with_a_runner_each_do_not_meet"),
        (Loose, "test_reasons_add_up_or_say_why_there_are_none"),
        (Rude, "test_a_foreign_program_is_refused"),
    ],
)
def test_a_faulty_engine_is_found_out(kind: type[Loose], claim: str, made: Example) -> None:
    class Suite(EngineSuite):
        def engine(self) -> Engine:
            return kind()

    test = getattr(Suite(), claim)
    given_of = {"made": made, "batches": made.batches()[:20]}
    wanted = test.__code__.co_varnames[1 : test.__code__.co_argcount]
    if "runner" in wanted:
        given_of["runner"] = kind().load(made.program, made.contract)
    with pytest.raises((AssertionError, ValueError)):
        test(**{name: given_of[name] for name in wanted})


# ------------------------------------------------------------------------------------------------------ the strategies


@given(st.data())
@settings(max_examples=40)
def test_queries_are_allowed_by_their_contract(data: st.DataObject) -> None:
    contract = data.draw(contracts_of_rows())
    query = data.draw(queries_of(contract))
    encoder = encoder_of(contract)
    batch = encoder.encode(encoder.request(query.rows, query.options))
    assert batch.cases == 1
    assert batch.x.shape == (1, len(contract.encoded))


def test_material_is_shaped_as_a_new_project_is() -> None:
    contract = shaped(loans("multiclass"), Tabular())
    assert contract.classes == ("bad", "good", "late")
    assert {column.name for column in contract.columns} >= {"amount", "purpose", "opened"}
