"""What a type checker must say of the core: right uses pass, wrong ones fail (an unused ignore is an error).

Never run: `make check` has mypy read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_type

from seaway.core import extend, verdict
from seaway.core.batch import Array, Batch, Outcomes, Request
from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import BadInput, BrokenContract, Cell, SeawayError
from seaway.core.protocols import Metric, Signer, Verifier
from seaway.core.verdict import Outcome, Verdict


def values_are_typed(contract: Contract, outcomes: Outcomes, batch: Batch) -> None:
    assert_type(contract.target, Column | None)
    assert_type(contract.classes, tuple[str, ...])
    assert_type(contract.digest, str)
    assert_type(contract.output("label"), Output)
    assert_type(contract.codes, dict[int, int])
    assert_type(outcomes.truth, Array | None)
    assert_type(outcomes.take(outcomes.case), Outcomes)
    assert_type(verdict.worst([]), Outcome)


def values_are_frozen(contract: Contract, outcomes: Outcomes, request: Request) -> None:
    contract.task = "other"  # type: ignore[misc]
    outcomes.truth = None  # type: ignore[misc]
    request.rows = []  # type: ignore[misc]


def words_are_checked() -> None:
    Column(name="amount", kind="numbr")  # type: ignore[arg-type]
    Column("amount", "number")  # type: ignore[call-arg]
    Column(name="amount", kind="number", role="features")  # type: ignore[arg-type]
    Contract(task="t", per="cell", columns=())  # type: ignore[arg-type]
    Verdict(code="D001", outcome="ok", subject="x", message="y")  # type: ignore[arg-type]
    Verdict(code="D001", outcome="pass", subject="x")  # type: ignore[call-arg]


def errors_take_text_only(cell: Cell) -> None:
    assert_type(BadInput("what", where="where", fix="fix").exit, int)
    assert_type(BrokenContract("what", cells=(cell,), where="row 1", fix="fix").cells, tuple[Cell, ...])
    BadInput("what", "where", "fix")  # type: ignore[call-arg]
    BadInput("what", where=1)  # type: ignore[arg-type]
    BrokenContract("what")  # type: ignore[call-arg]


def an_error_is_caught_as_a_family(run: Mapping[str, str]) -> str:
    try:
        return run["x"]
    except SeawayError as error:
        return assert_type(error.fix, str)


class Accuracy:
    """A metric written elsewhere, by its shape alone."""

    name = "accuracy"
    reads = "label"
    greater_is_better = True
    needs_truth = True
    needs_scale = False
    unit = ""

    def __call__(self, outcomes: Outcomes) -> float:
        return float(len(outcomes))


class Careless:
    """Looks like a metric, but answers with text."""

    name = "careless"
    reads = "label"
    greater_is_better = True
    needs_truth = True
    needs_scale = False
    unit = ""

    def __call__(self, outcomes: Outcomes) -> str:
        return ""


class Key:
    """Signs, but cannot verify."""

    def sign(self, data: bytes) -> bytes:
        return data


def shapes_are_enough() -> None:
    metrics: Sequence[Metric] = [Accuracy()]
    signer: Signer = Key()
    wrong: Metric = Careless()  # type: ignore[assignment]
    verifier: Verifier = Key()  # type: ignore[assignment]
    assert metrics, (signer, wrong, verifier)


def names_are_listed() -> None:
    assert_type(extend.names("task"), list[str])
