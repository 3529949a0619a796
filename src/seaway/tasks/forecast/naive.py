"""The forecasts to beat: they learn nothing, and repeat or carry on what each series did last."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from seaway.core.batch import Array, Batch, Sample
from seaway.core.candidate import Program
from seaway.core.contract import Contract, Series
from seaway.core.protocols import Params, Range
from seaway.core.verdict import Verdict
from seaway.engines.series.document import MAX_WINDOW, Drift, SeasonalNaive, member_program
from seaway.engines.series.forecast import untrained


class Untrained(ABC):
    """A method that has no parameters but the shape of the series."""

    name: str
    code: str

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to any series of numbers."""
        return series_only(self.name, self.code, contract)

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return nothing: there is nothing to choose."""
        return {}

    @abstractmethod
    def method(self, series: Series) -> SeasonalNaive | Drift:
        """Return the method for series of this shape."""

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Settled:
        """Take the shape of the series; nothing is learnt."""
        if contract.series is None:
            raise TypeError("supports() has said that the contract is about series")
        return Settled(self.method(contract.series), contract)


class Naive(Untrained):
    """The last known value."""

    name = "naive"
    code = "F010"

    def method(self, series: Series) -> SeasonalNaive | Drift:
        """Return a season of one row."""
        return SeasonalNaive(window=window_of(series), season=1)


class SeasonNaive(Untrained):
    """The newest known value of the same phase of the season."""

    name = "seasonal-naive"
    code = "F011"

    def supports(self, contract: Contract) -> Verdict:
        """Say yes to series with a season."""
        verdict = super().supports(contract)
        if verdict.outcome == "pass" and contract.series is not None and contract.series.season < 2:
            return Verdict(
                code=self.code,
                outcome="fail",
                subject=self.name,
                message="The series has no season",
                fix="Set [series] season in contract.toml if it has one.",
            )
        return verdict

    def method(self, series: Series) -> SeasonalNaive | Drift:
        """Return the contract's season."""
        return SeasonalNaive(window=window_of(series), season=series.season)


class LineDrift(Untrained):
    """The line from the first known value to the last."""

    name = "drift"
    code = "F012"

    def method(self, series: Series) -> SeasonalNaive | Drift:
        """Return the drift over the whole window."""
        return Drift(window=window_of(series))


class Settled:
    """A method as it answers."""

    def __init__(self, method: SeasonalNaive | Drift, contract: Contract) -> None:
        self.method = method
        self.contract = contract

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        """Return location and spread of each case and step."""
        return {"margin": untrained(self.method, batch, self.contract)}

    def export(self) -> Program:
        """Return the method as a program."""
        return member_program(self.method)

    def edges(self) -> Mapping[int, Array]:
        """Return nothing: no column of the matrix is looked at."""
        return {}

    def importance(self) -> Array:
        """Return zeros: no column matters."""
        return np.zeros(len(self.contract.encoded))


def window_of(series: Series) -> int:
    """Return how many rows a method looks back: what the contract hands over, or enough where it does not say."""
    return series.history or min(MAX_WINDOW, max(64, 3 * series.season + series.horizon))


def series_only(model: str, code: str, contract: Contract) -> Verdict:
    """Say whether the contract is about series of numbers."""
    target = contract.target
    if contract.per == "series" and contract.series is not None and target is not None and target.kind != "category":
        return Verdict(code=code, outcome="pass", subject=model, message="Series of numbers can be carried on")
    return Verdict(
        code=code,
        outcome="fail",
        subject=model,
        message="The contract is not about series of numbers",
        fix="Name a time column and a target that is a number, and use the task forecast.",
    )
