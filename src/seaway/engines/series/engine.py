"""Runs forecasts: the engine "series"."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seaway.core.batch import Array, Batch
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.protocols import Reasons
from seaway.core.verdict import Verdict
from seaway.engines.answers import BrokenAnswer
from seaway.engines.onnx import Trees
from seaway.engines.series import finish as last_step
from seaway.engines.series.design import Design, Plan, names
from seaway.engines.series.document import FILE, Document, Lagged, Method, decode, hold
from seaway.engines.series.finish import ENGINE
from seaway.engines.series.forecast import lagged, of_series, planned, untrained
from seaway.engines.series.window import asked

GATHER = 16
"""Series worth one run."""


class SeriesEngine:
    """The engine "series"."""

    name = ENGINE

    def supports(self, program: Program) -> bool:
        """Say whether this engine runs the program."""
        return program.engine == self.name and FILE in program.files

    def load(self, program: Program, contract: Contract) -> SeriesRunner:
        """Look through every byte against the allow-list, hold the forecast to the contract, then load its trees."""
        document = decode(program)
        hold(document, contract)
        return SeriesRunner(program, document, contract)


class SeriesRunner:
    """A loaded forecast; used by one thread at a time."""

    gather = GATHER

    def __init__(self, program: Program, document: Document, contract: Contract) -> None:
        self._document = document
        self._contract = contract
        self._horizon = of_series(contract)[1]
        self._trees = {
            method.graph: Trees(program.files[method.graph], len(names(method.design, self._horizon)), 1)
            for method in (member.method for member in document.members)
            if isinstance(method, Lagged)
        }

    def run(self, batch: Batch) -> Mapping[str, Array]:
        """Answer every case: margin (cases, horizon, 2), and with a finish mean and quantiles; NaN beyond its steps."""
        plans: dict[Design, Plan] = {}  # members often look at the same design
        total = np.zeros((batch.cases, self._horizon, 2))
        for member in self._document.members:
            with np.errstate(over="ignore", invalid="ignore"):
                total += member.weight * self._margin(member.method, batch, plans)
        finish = self._document.finish
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number is refused below
            answers = {"margin": total} if finish is None else last_step.answers(finish, total)
        wanted = asked(batch.steps, self._horizon)
        for name, values in answers.items():
            if not np.isfinite(values[wanted]).all():
                broken = wanted & ~np.isfinite(values.reshape(*wanted.shape, -1)).all(axis=-1)
                raise BrokenAnswer(
                    f"The model's answer {name!r} is not a finite number",
                    where=f"case {int(np.argwhere(broken)[0, 0])}",
                    fix="Look at the case's history; roll back if other requests answer so too.",
                )
        return answers

    def _margin(self, method: Method, batch: Batch, plans: dict[Design, Plan]) -> Array:
        if not isinstance(method, Lagged):
            return untrained(method, batch, self._contract)
        if method.design not in plans:
            plans[method.design] = planned(method, batch, self._contract)
        seen = plans[method.design]
        raw = self._trees[method.graph].margins(seen.x)[:, 0]
        return lagged(method, seen, raw, batch.cases)

    def reasons(self, batch: Batch) -> Reasons | Verdict:
        """Say why a forecast is not explained by its columns."""
        return Verdict(
            code="E001",
            outcome="not-applicable",
            subject="program",
            message="A forecast rests on its series' past, which no share of a single column adds up to",
            fix="Look at the importance of lags and calendar in the run's report.",
        )
