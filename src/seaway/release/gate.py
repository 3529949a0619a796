"""The parity gate before anything is signed: the compiled program against the native library's own answers, case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seaway.core import extend, parity
from seaway.core.answer import answers_to, encoder_of
from seaway.core.batch import Array, Query
from seaway.core.candidate import Candidate, Program
from seaway.core.errors import Refused
from seaway.core.protocols import Rung, Runner
from seaway.core.verdict import Verdict, failed


def gate(candidate: Candidate, program: Program, real: Sequence[Query], tolerance: float) -> list[Verdict]:
    """Ask the program every witness query and every held-out case; `real` are those of `candidate.witness.real`."""
    return [_witness(candidate, program, tolerance), _held_out(candidate, program, real, tolerance)]


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
    """The program repeats the native answers to every query made from the contract: kinds, extremes, thresholds."""
    witness = candidate.witness
    if not witness.queries:
        return _nothing("R011", candidate, "The candidate has no witness: no queries made from the contract")
    return _compare("R011", candidate, program, witness.queries, witness.answers, tolerance)


def _held_out(candidate: Candidate, program: Program, real: Sequence[Query], tolerance: float) -> Verdict:
    """The program repeats the native answers to every real case that was held out of training."""
    answers = candidate.witness.real_answers
    wanted = len(next(iter(answers.values()))) if answers else 0
    if not wanted:
        return _nothing("R012", candidate, "The candidate has no held-out cases with native answers")
    if len(real) != wanted:
        return _nothing("R012", candidate, f"{wanted} cases were held out, but {len(real)} were given to compare")
    return _compare("R012", candidate, program, real, answers, tolerance)


def _compare(
    code: str,
    candidate: Candidate,
    program: Program,
    queries: Sequence[Query],
    native: Mapping[str, Array],
    tolerance: float,
) -> Verdict:
    """Answer as a server does, from raw JSON: decode, encode, run. Every engine that may answer later is asked; the worst is said."""
    encoder = encoder_of(candidate.contract)
    runner: Runner | None = extend.load("engine", program.engine)().load(program, candidate.contract)
    found: list[parity.Difference] = []
    while runner is not None:
        answers = answers_to(queries, encoder, runner)
        found.append(parity.compare(native, answers, candidate.contract, tolerance))
        runner = runner.below("the gate asks every engine") if isinstance(runner, Rung) else None
    worst = min(found, key=lambda difference: (difference.holds, -difference.largest))
    return parity.verdict(code, candidate.digest, worst, tolerance)


def _nothing(code: str, candidate: Candidate, message: str) -> Verdict:
    return Verdict(
        code=code,
        outcome="fail",
        subject=candidate.digest,
        message=message,
        fix="Train again on data with a test part; a release needs cases that show what it answers.",
    )
