"""The one comparison of two sets of answers, and the vectors that every bundle carries."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from seaway.core.batch import Array, Json, Query
from seaway.core.contract import Contract, Output
from seaway.core.errors import Untrusted
from seaway.core.verdict import Verdict


class Vector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parity vector: one case as a client would ask about it, and the answers by output name; null is a missing number."""

    query: Query
    answers: dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far apart two sets of answers are, relative to max(1, |value|)."""

    cases: int
    largest: float
    beyond: int
    decisions: int
    near: int
    where: str = ""

    @property
    def holds(self) -> bool:
        """No value beyond the tolerance, no decision changed away from the threshold."""
        return self.beyond == 0 and self.decisions == 0


def compare(
    expected: Mapping[str, Array], found: Mapping[str, Array], contract: Contract, tolerance: float
) -> Difference:
    """Compare answers output by output.

    Numbers may differ by `tolerance` x max(1, |value|). A code may differ only where the two labels it may rest on tie
    within twice the tolerance (`near` counts these); every other changed code is a changed `decision`.
    """
    cases = len(next(iter(expected.values())))
    largest, beyond, decisions, near, where = 0.0, np.zeros(cases, dtype=bool), 0, 0, ""
    for output in contract.outputs:
        if output.kind == "document":
            continue  # compared by what its task makes of it, never cell by cell
        ours, theirs = expected[output.name], found.get(output.name)
        if theirs is None or theirs.shape != ours.shape:
            return Difference(cases=cases, largest=float("inf"), beyond=cases, decisions=0, near=0, where=output.name)
        if output.kind == "code":
            changed = ours != theirs
            tied = changed & _tied(expected, output, contract, tolerance)
            near += int(tied.sum())
            decisions += int((changed & ~tied).sum())
        elif output.kind == "number":
            gap = _relative(ours, theirs).reshape(cases, math.prod(ours.shape[1:])).max(axis=1, initial=0.0)
            if cases and gap.max() > largest:
                largest, where = float(gap.max()), f"{output.name}, case {int(gap.argmax())}"
            beyond |= gap > tolerance
    return Difference(
        cases=cases, largest=largest, beyond=int(beyond.sum()), decisions=decisions, near=near, where=where
    )


def verdict(code: str, subject: str, difference: Difference, tolerance: float) -> Verdict:
    """Say whether a comparison holds, with its figures."""
    holds = difference.holds
    return Verdict(
        code=code,
        outcome="pass" if holds else "fail",
        subject=subject,
        message=(
            f"{difference.cases} cases, largest difference {difference.largest:.1e} (allowed {tolerance:.0e}), "
            f"{difference.beyond} beyond, {difference.decisions} decisions changed, {difference.near} at a tie"
        ),
        fix="" if holds else "Do not release: the program does not give the trained model's answers. Report the run.",
        value=difference.largest if np.isfinite(difference.largest) else None,
        limit=tolerance,
        evidence={"where": difference.where, "cases": difference.cases, "near": difference.near},
    )


def write_vectors(queries: Sequence[Query], answers: Mapping[str, Array]) -> bytes:
    """Return the vectors as JSON lines; numbers read back bit-equal, and NaN (a step not asked for) as null."""
    lines = [
        msgspec.json.encode(
            Vector(query=query, answers={name: values[case].tolist() for name, values in answers.items()}),
            order="sorted",
        )
        for case, query in enumerate(queries)
    ]
    return b"\n".join(lines) + b"\n"


def read_vectors(data: bytes) -> Iterator[Vector]:
    """Yield the vectors of a verified bundle."""
    decoder = msgspec.json.Decoder(Vector)
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _no_vector(f"line {number}: {error}") from None


def expected_of(vectors: Sequence[Vector], contract: Contract) -> dict[str, Array]:
    """Return the vectors' answers as arrays by output name."""
    outputs = [output for output in contract.outputs if output.kind != "document"]
    try:
        return {
            output.name: np.asarray(
                [vector.answers[output.name] for vector in vectors],
                dtype=np.int64 if output.kind == "code" else np.float64,
            )
            for output in outputs
        }
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _no_vector(f"answers that the contract does not describe ({error})") from None


def _no_vector(what: str) -> Untrusted:
    return Untrusted(
        f"The parity vectors cannot be read: {what}",
        where="parity.ndjson",
        fix="The bundle was made by other software or a faulty build: release the run again.",
    )


def _relative(ours: Array, theirs: Array) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):  # infinities are judged below, whatever their difference is
        gap = np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))
    # Two missing values agree; a missing one beside a number is as far as can be.
    return np.where(np.isnan(ours) & np.isnan(theirs), 0.0, np.where(np.isnan(gap), np.inf, gap))


def _tied(answers: Mapping[str, Array], code: Output, contract: Contract, tolerance: float) -> Array:
    """Say where a code is a toss-up: the two highest or the two lowest figures over the same labels lie that close."""
    tied = np.zeros(answers[code.name].shape, dtype=bool)
    for output in contract.outputs:
        if output.axes != ("class",) or output.labels != code.labels or len(output.labels) < 2 or tied.ndim != 1:
            continue
        ranked = np.sort(answers[output.name], axis=1)
        room = 2 * tolerance * np.maximum(1.0, np.abs(ranked))
        tied |= (ranked[:, -1] - ranked[:, -2] <= room[:, -1]) | (ranked[:, 1] - ranked[:, 0] <= room[:, 1])
    return np.asarray(tied)
