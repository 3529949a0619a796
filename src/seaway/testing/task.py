"""What every task owes the rooms, as tests: subclass `TaskSuite`, and say which task and on which rows."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core import canonical, extend
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Query, Sample
from seaway.core.candidate import Candidate
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput
from seaway.core.metrics import METRICS, metric
from seaway.core.protocols import Fitted, Runner, Task
from seaway.core.verdict import Verdict
from seaway.release.compile import compile_candidate
from seaway.testing import claims, path
from seaway.testing.material import Material, dataset, overwritten, shaped, table
from seaway.testing.path import Fold
from seaway.testing.strategies import queries_of

STAGES = ("new", "data", "lab", "release", "monitor")


class TaskSuite:
    """Implement `task` and `material`, and `hopeless` if there are rows that the task must refuse."""

    tolerance = 1e-6
    examples = 15
    """How often Hypothesis draws queries."""

    def task(self) -> Task:
        """Return the task."""
        raise TypeError("a suite says which task it is about: def task(self)")

    def material(self) -> Material:
        """Return rows that the task can serve: a few hundred, of a second's training."""
        raise TypeError("a suite says what to work on: def material(self)")

    def hopeless(self) -> list[Material]:
        """Return what the task must refuse."""
        return []

    # ------------------------------------------------------------------------------------------- what is worked on

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls) -> Dataset:
        """The rows under their contract."""
        return dataset(cls().material(), cls().task())

    @pytest.fixture(scope="class")
    @classmethod
    def folds(cls, data: Dataset) -> list[Fold]:
        """The training rows in folds, encoded."""
        return path.folds(data, cls().task())

    @pytest.fixture(scope="class")
    @classmethod
    def learnt(cls, data: Dataset, folds: list[Fold]) -> dict[str, list[Fitted]]:
        """Every kind of model, fitted on each fold with its defaults."""
        return {
            model.name: [path.fit(model, fold, data.contract) for fold in folds]
            for model in cls().task().models(data.contract, "fast")
        }

    @pytest.fixture(scope="class")
    @classmethod
    def runs(cls, tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidate, Candidate]:
        """The same run, twice, each in an empty folder."""
        first, second = (
            path.trained(cls().material(), cls().task(), Path(tmp_path_factory.mktemp("run")))[1] for _ in range(2)
        )
        return first, second

    # ------------------------------------------------------------------------------------------------ the contract

    def test_it_is_found_by_its_name(self) -> None:
        """Rooms know a task by its name alone."""
        assert extend.load("task", self.task().name) is type(self.task())

    def test_shape_makes_a_whole_contract(self) -> None:
        """Rooms read all they need to know from the contract."""
        contract = shaped(self.material(), self.task())
        assert contract.task == self.task().name
        assert contract.per in extend.names("encoder")
        assert contract.outputs
        named = [output.name for output in contract.outputs]
        assert len(set(named)) == len(named)
        assert "margin" not in named, "margins are what members answer"
        assert (contract.series is not None) == (contract.per == "series")
        assert encoder_of(contract).version >= 1

    def test_a_contract_survives_its_canonical_form(self) -> None:
        """What is signed is what was trained under."""
        contract = shaped(self.material(), self.task())
        again = msgspec.json.decode(canonical.encode(contract), type=Contract)
        assert again == contract
        assert again.digest == contract.digest

    def test_shaping_twice_gives_one_digest(self) -> None:
        """The same rows make the same contract."""
        assert shaped(self.material(), self.task()).digest == shaped(self.material(), self.task()).digest

    def test_rows_that_cannot_serve_are_refused_with_a_way_out(self) -> None:
        """A person learns what is wrong before any training."""
        for hopeless in self.hopeless():
            with pytest.raises(BadInput) as refusal:
                shaped(hopeless, self.task())
            claims.assert_helps(refusal.value)

    # --------------------------------------------------------------------------------------------------- the folds

    def test_folds_lie_within_the_training_rows(self, data: Dataset) -> None:
        """The judging rows take no part, and a seed fixes the folds."""
        made = self.task().folds(data, path.FOLDS, 1)
        assert len(made) == path.FOLDS
        for known, asked in made:
            assert len(known)
            assert len(asked)
            assert np.isin(known, data.split.train).all()
            assert np.isin(asked, data.split.train).all()
            assert len(np.unique(asked)) == len(asked)
        again = self.task().folds(data, path.FOLDS, 1)
        assert all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(made, again, strict=True))

    def test_no_known_row_is_asked(self, data: Dataset, folds: list[Fold]) -> None:
        """Whoever knows the answer is not asked; without a truth there is no answer to know."""
        if data.contract.truth is None:
            assert all(fold.asked.truth is None for fold in folds)
            return
        for fold in folds:
            assert not np.isin(fold.asked_rows, fold.known_rows).any()

    def test_nothing_known_lies_behind_what_is_asked(self, data: Dataset, folds: list[Fold]) -> None:
        """In a series no known row is of the time of an asked one of the same series, or later."""
        if data.contract.series is None:
            return
        case = encoder_of(data.contract).cases(data.rows)
        (clock,) = data.contract.having("time")
        moment, _ = data.rows.column(clock.name)
        for fold in folds:
            for one in np.unique(case[fold.asked_rows]):
                known = fold.known_rows[case[fold.known_rows] == one]
                asked = fold.asked_rows[case[fold.asked_rows] == one]
                assert not len(known) or moment[known].max() < moment[asked].min()

    def test_what_is_asked_has_no_say_in_what_is_learnt(self, data: Dataset, folds: list[Fold]) -> None:
        """Other targets in the asked rows change no bit of what a model learns from, or is shown when it is asked."""
        target = data.contract.target
        if target is None or data.contract.truth is None:
            return
        for fold in folds:
            rows = overwritten(data.rows, target.name, fold.asked_rows)
            changed = Dataset(rows=rows, contract=data.contract, fingerprint=data.fingerprint, split=data.split)
            encoder = encoder_of(data.contract)
            _assert_same(fold.train, encoder.ask(changed, fold.known_rows, fold.known_rows))
            asked = encoder.ask(changed, fold.known_rows, fold.asked_rows)
            assert asked.truth is not None
            assert fold.asked.truth is not None
            _assert_same(fold.asked, asked, but_truth=True)

    # ----------------------------------------------------------------------------------------- metrics and models

    def test_metrics_are_known_and_the_first_decides(
        self, data: Dataset, folds: list[Fold], learnt: dict[str, list[Fitted]]
    ) -> None:
        """Each has a name in the table of metrics; the first can be computed for every model."""
        names = list(self.task().metrics(data.contract))
        assert names
        assert set(names) <= set(METRICS)
        assert len(set(names)) == len(names)
        for name, fitted in learnt.items():
            contract = self.task().settle(data.contract, fitted[:1])
            margins = path.outcomes(folds, fitted, data.contract)
            finish = self.task().finish(margins, contract, {"calibrate": False})
            answer = finish.apply({"margin": _by_case(folds, fitted)})
            whole = path.laid(folds, answer, contract)
            assert math.isfinite(metric(names[0])(whole)), f"{names[0]} of {name}"

    def test_models_have_names_and_say_what_they_support(self, data: Dataset, folds: list[Fold]) -> None:
        """Baselines, which have nothing to choose, come first."""
        models = self.task().models(data.contract, "fast")
        assert models
        assert len({model.name for model in models}) == len(models)
        for model in models:
            verdict = model.supports(data.contract)
            claims.assert_verdicts([verdict])
            assert verdict.outcome != "fail"
        has_choices = [bool(model.space(folds[0].train)) for model in models]
        assert any(has_choices), "no model can be searched"
        assert has_choices == sorted(has_choices)

    # ---------------------------------------------------------------------------------------------------- answers

    def test_finish_makes_the_contracts_answers(
        self, data: Dataset, folds: list[Fold], learnt: dict[str, list[Fitted]]
    ) -> None:
        """The last step fitted on out-of-fold margins answers every output, for every kind of model."""
        for fitted in learnt.values():
            margins = path.outcomes(folds, fitted, data.contract)
            contract = self.task().settle(data.contract, fitted[:1])
            for calibrate in (False, True):
                finish = self.task().finish(margins, contract, {"calibrate": calibrate})
                answers = finish.apply(fitted[0].predict(folds[0].asked.batch))
                claims.assert_answers(answers, contract, folds[0].asked.batch)

    def test_the_program_gives_the_answers_of_the_model_and_its_finish(
        self, data: Dataset, folds: list[Fold], learnt: dict[str, list[Fitted]]
    ) -> None:
        """Member and finish, composed and run by their engine, for every kind of model."""
        for fitted in learnt.values():
            margins = path.outcomes(folds, fitted, data.contract)
            contract, program = path.composed(self.task(), data.contract, fitted[0], margins)
            finish = self.task().finish(margins, contract, {"calibrate": False})
            batch = folds[0].asked.batch
            expected = finish.apply(fitted[0].predict(batch))
            found = path.loaded(program, contract).run(batch)
            claims.assert_answers(found, contract, batch)
            claims.assert_parity(expected, found, contract, self.tolerance)

    def test_settling_is_done_once(self, data: Dataset, learnt: dict[str, list[Fitted]]) -> None:
        """What training found out completes the contract, and says nothing new the second time."""
        for fitted in learnt.values():
            settled = self.task().settle(data.contract, fitted[:1])
            assert self.task().settle(settled, fitted[:1]) == settled
            assert settled.columns == data.contract.columns
            assert [output.name for output in settled.outputs] == [output.name for output in data.contract.outputs]
            for output in settled.outputs:
                assert output.labels or not {"class", "level"} & set(output.axes), f"{output.name} has no labels"
                assert not output.notes or len(output.notes) == len(output.labels)

    # ----------------------------------------------------------------------------------------------- the whole way

    def test_a_run_with_fixed_work_is_repeated_to_the_digest(self, runs: tuple[Candidate, Candidate]) -> None:
        """The same rows, settings and seed give the same candidate."""
        first, second = runs
        assert first.digest == second.digest
        assert first.contract == second.contract
        claims.assert_close(first.witness.answers, second.witness.answers, 0.0)

    def test_the_compiled_program_answers_as_the_trained_model(
        self, data: Dataset, runs: tuple[Candidate, Candidate]
    ) -> None:
        """From JSON rows on: the queries made of the contract, and the held-out cases."""
        candidate = runs[0]
        runner = path.loaded(compile_candidate(candidate), candidate.contract)
        witness = candidate.witness
        found = path.answered(runner, candidate.contract, witness.queries)
        claims.assert_answers(found, candidate.contract, path.asking(candidate.contract, witness.queries))
        claims.assert_parity(witness.answers, found, candidate.contract, witness.tolerance)
        held_out = encoder_of(candidate.contract).queries(data, data.split.train, witness.real)
        found = path.answered(runner, candidate.contract, held_out)
        claims.assert_parity(witness.real_answers, found, candidate.contract, witness.tolerance)

    def test_whatever_the_contract_allows_has_an_answer(self, runs: tuple[Candidate, Candidate]) -> None:
        """Any valid query is answered and rendered, one prediction per case, finite."""
        contract = runs[0].contract
        runner: Runner = path.loaded(compile_candidate(runs[0]), contract)
        encoder = encoder_of(contract)

        @settings(max_examples=self.examples, deadline=None)
        @given(st.lists(queries_of(contract), min_size=1, max_size=6))
        def holds(queries: list[Query]) -> None:
            for query in queries:
                batch = encoder.encode(encoder.request(query.rows, query.options))
                answers = runner.run(batch)
                claims.assert_answers(answers, contract, batch)
                predictions = encoder.render(answers, batch)
                assert len(predictions) == batch.cases == 1
                msgspec.json.encode(predictions)

        holds()

    def test_figures_are_drawings(self, runs: tuple[Candidate, Candidate]) -> None:
        """A report takes them as they are."""
        drawings = self.task().figures(runs[0])
        assert drawings
        for drawing in drawings:
            claims.assert_drawing(drawing)

    def test_checks_speak_in_verdicts(self, data: Dataset, runs: tuple[Candidate, Candidate]) -> None:
        """Every check of every stage has a stable code, and what it finds is a finding of that code."""
        codes = [check.code for stage in STAGES for check in self.task().checks(stage)]
        assert all(claims.CODE.fullmatch(code) for code in codes)
        assert len(set(codes)) == len(codes), "two checks share a code"
        rows = table(self.material())
        subjects = {"new": (rows, data.contract), "data": (rows, data.contract), "lab": runs[0]}
        for stage, subject in subjects.items():
            for check in self.task().checks(stage):
                found: list[Verdict] = list(check(subject))
                assert found, f"{check.code} says nothing; not-applicable is a finding too"
                claims.assert_verdicts(found)


def _by_case(folds: list[Fold], fitted: list[Fitted]) -> Array:
    """Return the margins of all folds behind one another (cases, ...)."""
    return np.concatenate([one.predict(fold.asked.batch)["margin"] for fold, one in zip(folds, fitted, strict=True)])


def _assert_same(ours: Sample, theirs: Sample, *, but_truth: bool = False) -> None:
    """Hold two samples against one another, bit by bit."""
    pairs = {
        "x": (ours.batch.x, theirs.batch.x),
        "starts": (ours.batch.starts, theirs.batch.starts),
        "seen": (ours.batch.seen, theirs.batch.seen),
        "time": (ours.batch.time, theirs.batch.time),
        "case": (ours.case, theirs.case),
        "weight": (ours.weight, theirs.weight),
        "scale": (ours.scale, theirs.scale),
        **({} if but_truth else {"truth": (ours.truth, theirs.truth)}),
        **{name: (values, theirs.batch.arrays[name]) for name, values in ours.batch.arrays.items()},
    }
    for name, (one, other) in pairs.items():
        assert (one is None) == (other is None), name
        if one is not None and other is not None:
            assert one.tobytes() == other.tobytes(), f"the targets of asked rows show in {name}"
