"""The parity gate before anything is signed: the compiled program against the native library's own answers, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core import extend, parity
from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Json
from seaway.core.candidate import Candidate, Program
from seaway.core.contract import Contract
from seaway.core.errors import Refused
from seaway.core.verdict import Verdict, failed

BLOCK = 8192
"""Rows per run: bounds the memory a wide table takes."""

Row = Mapping[str, Json]


def gate(candidate: Candidate, program: Program, rows: Sequence[Row], tolerance: float) -> list[Verdict]:
    """Ask the program every witness request and every held-out row; `rows` are those of `candidate.witness.real`."""
    return [_witness(candidate, program, tolerance), _held_out(candidate, program, rows, tolerance)]


def refuse_failed(verdicts: Sequence[Verdict], *, where: str) -> None:
    """Raise `Refused` with every reason when a verdict failed."""
    reasons = "; ".join(f"{verdict.code} {verdict.message}" for verdict in failed(verdicts))
    if reasons:
        raise Refused(
            f"No release was made: {reasons}",
            where=where,
            fix="Nothing was registered and the former release keeps answering. Train again; if it stays, report the run.",
            code="gate",
        )


def _witness(candidate: Candidate, program: Program, tolerance: float) -> Verdict:
    """The program repeats the native answers to every request made from the contract: kinds, extremes, thresholds."""
    requests = candidate.witness.requests
    if not len(requests):
        return _nothing("R011", candidate, "The candidate has no witness: no requests made from the contract")
    return _compare("R011", candidate, program, requests, candidate.witness.answers, tolerance)


def _held_out(candidate: Candidate, program: Program, rows: Sequence[Row], tolerance: float) -> Verdict:
    """The program repeats the native answers to every real row that was held out of training."""
    wanted = len(candidate.witness.real)
    if not wanted:
        return _nothing("R012", candidate, "The candidate has no held-out rows with native answers")
    if len(rows) != wanted:
        return _nothing("R012", candidate, f"{wanted} rows were held out, but {len(rows)} were given to compare")
    return _compare("R012", candidate, program, rows, candidate.witness.real_answers, tolerance)


def _compare(
    code: str,
    candidate: Candidate,
    program: Program,
    rows: Sequence[Row],
    native: Mapping[str, Array],
    tolerance: float,
) -> Verdict:
    found = _answers(candidate.contract, program, rows)
    return parity.verdict(
        code, candidate.digest, parity.compare(native, found, candidate.contract, tolerance), tolerance
    )


def _answers(contract: Contract, program: Program, rows: Sequence[Row]) -> dict[str, Array]:
    """Answer JSON rows as a server does: decode, encode, run."""
    encoder = encoder_of(contract)
    runner = extend.load("engine", program.engine)().load(program, contract)
    parts = [
        runner.run(encoder.encode(encoder.request(rows[start : start + BLOCK]))) for start in range(0, len(rows), BLOCK)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _nothing(code: str, candidate: Candidate, message: str) -> Verdict:
    return Verdict(
        code=code,
        outcome="fail",
        subject=candidate.digest,
        message=message,
        fix="Train again on data with a test part; a release needs rows that show what it answers.",
    )
