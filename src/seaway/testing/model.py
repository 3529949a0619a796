"""What every model owes the lab, as tests: subclass `ModelSuite`, and say which model, of which task, on which rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seaway.core import chance
from seaway.core.batch import Array, Batch, Query
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.protocols import Finish, Fitted, Model, Params, Range, Runner, Task
from seaway.data import sample
from seaway.testing import claims, path
from seaway.testing.material import Material, dataset
from seaway.testing.path import Fold
from seaway.testing.strategies import queries_of

FEW = 12


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """A model fitted on the first fold, its plain finish, and both as a loaded program."""

    contract: Contract
    fold: Fold
    fitted: Fitted
    finish: Finish
    runner: Runner

    def native(self, batch: Batch) -> dict[str, Array]:
        """Return what the library and the finish answer."""
        return dict(self.finish.apply(self.fitted.predict(batch)))


class ModelSuite:
    """Implement `model`, `task` and `material`; `params` hold a fit to a second or less."""

    tolerance = 1e-6
    examples = 15
    """How often Hypothesis draws queries."""
    grace_s = 10.0
    """How long a fit may go on after its time is up, on a busy machine."""

    def model(self) -> Model:
        """Return the model."""
        raise TypeError("a suite says which model it is about: def model(self)")

    def task(self) -> Task:
        """Return the task whose contract, folds and last step are used."""
        raise TypeError("a suite says for which task the model is: def task(self)")

    def material(self) -> Material:
        """Return rows to learn from."""
        raise TypeError("a suite says what to work on: def material(self)")

    def params(self) -> Params:
        """Return hyper-parameters to use in place of the defaults."""
        return {}

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
    def learnt(cls, data: Dataset, folds: list[Fold]) -> Learnt:
        """The model fitted on the first fold."""
        fold = folds[0]
        fitted = cls()._fit(fold, data.contract)
        margins = path.outcomes([fold], [fitted], data.contract)
        contract, program = path.composed(cls().task(), data.contract, fitted, margins)
        return Learnt(
            contract=contract,
            fold=fold,
            fitted=fitted,
            finish=cls().task().finish(margins, contract, {"calibrate": False}),
            runner=path.loaded(program, contract),
        )

    def _fit(self, fold: Fold, contract: Contract, *, early: bool = False) -> Fitted:
        return path.fit(self.model(), fold, contract, self.params(), early=early)

    # -------------------------------------------------------------------------------------------------- the search

    def test_it_says_whether_it_can_learn(self, data: Dataset) -> None:
        """A verdict with a code, for the rows it is tried on: yes."""
        verdict = self.model().supports(data.contract)
        claims.assert_verdicts([verdict])
        assert verdict.outcome != "fail"

    def test_every_range_holds_its_default(self, folds: list[Fold]) -> None:
        """A search starts from the defaults and stays within the ranges."""
        space = self.model().space(folds[0].train)
        assert space == self.model().space(folds[0].train)
        for name, place in space.items():
            assert _holds(place), f"{name}: {place}"

    # -------------------------------------------------------------------------------------------------- the fitting

    @pytest.mark.parametrize("early", [False, True], ids=["whole", "stopped early"])
    def test_the_same_seed_gives_the_same_bits(self, data: Dataset, folds: list[Fold], early: bool) -> None:
        """Answers and programs of two fits are equal."""
        first, second = (self._fit(folds[0], data.contract, early=early) for _ in range(2))
        batch = folds[0].asked.batch
        assert first.predict(batch)["margin"].tobytes() == second.predict(batch)["margin"].tobytes()
        assert first.export() == second.export()

    def test_a_fit_ends_when_its_time_is_up(self, data: Dataset, folds: list[Fold]) -> None:
        """With the most work of every range and no time left there still is a model, and soon."""
        space = self.model().space(folds[0].train)
        most = {name: _most(place) for name, place in space.items()}
        began = chance.monotonic()
        fitted = self.model().fit(
            folds[0].train, None, contract=data.contract, params={**most, "threads": 1}, seed=1, until=began
        )
        assert chance.monotonic() - began < self.grace_s
        batch = folds[0].asked.batch
        claims.assert_finite("margin", fitted.predict(batch)["margin"], data.contract, batch)

    # -------------------------------------------------------------------------------------------------- the answers

    def test_margins_are_one_per_case(self, learnt: Learnt) -> None:
        """(cases, ...) float64, finite where asked, of one width whatever the cases."""
        batch = learnt.fold.asked.batch
        margin = learnt.fitted.predict(batch)["margin"]
        assert margin.dtype == np.float64
        assert margin.ndim >= 2
        assert len(margin) == batch.cases
        claims.assert_finite("margin", margin, learnt.contract, batch)
        one = learnt.fitted.predict(batch.take(np.arange(1)))["margin"]
        assert one.shape == (1, *margin.shape[1:])

    def test_one_case_at_a_time_is_answered_as_all_together(self, learnt: Learnt) -> None:
        """A case's answer knows nothing of its neighbours."""
        batch = learnt.fold.asked.batch
        together = learnt.fitted.predict(batch)
        for case in range(min(FEW, batch.cases)):
            alone = learnt.fitted.predict(batch.take(np.array([case])))
            claims.assert_close(alone, {name: values[[case]] for name, values in together.items()}, 1e-9)

    def test_the_order_of_cases_does_not_matter(self, learnt: Learnt) -> None:
        """Turned round, the same answers come turned round."""
        batch = learnt.fold.asked.batch
        order = chance.rng("order").permutation(batch.cases)
        turned = learnt.fitted.predict(batch.take(order))
        claims.assert_close(
            turned, {name: values[order] for name, values in learnt.fitted.predict(batch).items()}, 1e-9
        )

    # -------------------------------------------------------------------------------------------------- the program

    def test_the_program_answers_as_the_library_on_data(self, learnt: Learnt) -> None:
        """On rows it has not seen."""
        self._assert_program(learnt, learnt.fold.asked.batch)

    def test_the_program_answers_as_the_library_on_what_is_telling(self, learnt: Learnt) -> None:
        """On edges and their neighbours, missing and unseen values, extremes."""
        queries = sample.sample(learnt.contract, learnt.fitted.edges(), 200, 3)
        for start in range(0, len(queries), 200):
            self._assert_program(learnt, path.asking(learnt.contract, queries[start : start + 200]))

    def test_the_program_answers_as_the_library_on_whatever_is_allowed(self, learnt: Learnt) -> None:
        """On queries drawn from the contract."""

        @settings(max_examples=self.examples, deadline=None)
        @given(st.lists(queries_of(learnt.contract), min_size=1, max_size=6))
        def holds(queries: list[Query]) -> None:
            self._assert_program(learnt, path.asking(learnt.contract, queries))

        holds()

    def _assert_program(self, learnt: Learnt, batch: Batch) -> None:
        expected, found = learnt.native(batch), learnt.runner.run(batch)
        claims.assert_answers(expected, learnt.contract, batch)
        claims.assert_answers(found, learnt.contract, batch)
        claims.assert_parity(expected, found, learnt.contract, self.tolerance)

    # -------------------------------------------------------------------------------------------------- what it shows

    def test_importance_is_a_share_of_each_column(self, learnt: Learnt) -> None:
        """(features,), none below zero, 1 in all, or 0 where nothing matters."""
        share = learnt.fitted.importance()
        assert share.shape == (len(learnt.contract.encoded),)
        assert (share >= 0).all()
        assert math.isclose(share.sum(), 1.0, rel_tol=1e-9) or not share.any()

    def test_edges_are_of_columns_that_exist(self, learnt: Learnt) -> None:
        """Parity vectors sit on them."""
        for place, values in learnt.fitted.edges().items():
            assert 0 <= place < len(learnt.contract.encoded)
            assert np.asarray(values).ndim == 1


def _holds(place: Range) -> bool:
    """Say whether a range is one, and its default lies in it."""
    if place.choices:
        return place.default in place.choices
    if place.low is None or place.high is None or place.low > place.high:
        return False
    whole = not place.integer or place.default == int(place.default)
    return place.low <= place.default <= place.high and whole and (not place.log or place.low > 0)


def _most(place: Range) -> object:
    """Return the end of a range that is the most work, as far as that can be known."""
    if place.choices or place.high is None:
        return place.default
    return int(place.high) if place.integer else place.high
