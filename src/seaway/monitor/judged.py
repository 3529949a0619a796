"""Cases whose truth is known as the one table that metrics read: answers at the step that came true, scale, and what hangs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array, Batch, Outcomes, Query
from seaway.core.contract import Contract
from seaway.core.errors import SeawayError
from seaway.core.protocols import Encoder
from seaway.core.sheet import is_stepped
from seaway.data.encode import series
from seaway.monitor import decode
from seaway.monitor.answered import Record
from seaway.monitor.window import Case

MANY = 20
"""With as many series a series is what the bootstrap draws; of fewer, stretches of a horizon: a handful of series has no spread."""

Answer = tuple[str, int, str]


def outcomes(cases: Sequence[Case], contract: Contract) -> Outcomes:
    """Return the table of logged answers and truths; those whose truth the contract does not know are left out.

    Where the contract has no truth at all, the table has none, and every case stands in it.
    """
    known = cases if contract.truth is None else judged(cases, contract)
    found = decode.answers([one.prediction for one in firsts(known).values()], contract)
    return laid(known, found, scales(known, contract), contract)


def judged(cases: Sequence[Case], contract: Contract) -> list[Case]:
    """Return the cases that can be judged: their truth is one of the contract's, and a moment is judged once from each distance.

    Callers ask again about the same steps of the same series; the newest of such answers counts.
    """
    true = decode.truths([case.value for case in cases], contract)
    known = [case for case, value in zip(cases, true, strict=True) if not np.isnan(value)]
    if contract.series is None:
        return known
    once = {(case.number, case.step, case.release): case for case in known if case.step}
    return list(once.values())


def firsts(cases: Sequence[Case]) -> dict[Answer, Case]:
    """Return one case for each answer that the cases are steps of, in their order."""
    found: dict[Answer, Case] = {}
    for case in cases:
        found.setdefault(case.answer, case)
    return found


def queries(cases: Sequence[Case]) -> list[Query]:
    """Return what a client would send about each answer that the cases are steps of."""
    return [case.query for case in firsts(cases).values()]


def laid(
    cases: Sequence[Case], answers: Mapping[str, Array], scale: Mapping[Answer, float], contract: Contract
) -> Outcomes:
    """Set answers (answers, ...), in the order of `firsts`, beside the truths of their cases."""
    truth = None if contract.truth is None else decode.truths([case.value for case in cases], contract)
    if contract.series is None:
        return Outcomes.of_rows(answers, truth)
    places = {answer: place for place, answer in enumerate(firsts(cases))}
    place = np.array([places[case.answer] for case in cases], dtype=np.int64)
    step = np.array([case.step for case in cases], dtype=np.int64)
    return Outcomes(
        answer={
            name: values[place, step - 1] if is_stepped(name, contract) else values[place]
            for name, values in answers.items()
        },
        truth=truth,
        case=units(cases, contract.series.horizon),
        step=step,
        scale=np.array([scale.get(case.answer, np.nan) for case in cases], dtype=np.float64),
    )


def units(cases: Sequence[Case], horizon: int) -> Array:
    """Return what the bootstrap draws together (cases,): a series, or of few series a stretch of `horizon` moments of one.

    Neighbouring moments share what surprised the model; stretches keep that together (moving blocks, Kuensch 1989).
    """
    moments: dict[str, dict[str, int]] = {}
    for case in cases:
        told = moments.setdefault(case.subject, {})
        told.setdefault(case.at, len(told))
    stretch = horizon if len(moments) < MANY else max(map(len, moments.values()))
    names = [(case.subject, moments[case.subject][case.at] // stretch) for case in cases]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def scales(cases: Sequence[Case], contract: Contract) -> dict[Answer, float]:
    """Return the in-sample error of each answer's own history, which scaled figures divide by; nothing for tables."""
    if contract.series is None:
        return {}
    encoder = encoder_of(contract)
    found = {answer: batch_of(case.rows, case.options, encoder) for answer, case in firsts(cases).items()}
    return scales_of({answer: batch for answer, batch in found.items() if batch is not None}, contract)


def scales_of(batches: Mapping[Answer, Batch], contract: Contract) -> dict[Answer, float]:
    """Return the same of cases that are encoded, a batch each."""
    if contract.series is None:
        return {}
    return {answer: float(series.scales(batch, contract)[0]) for answer, batch in batches.items()}


def batch_of(rows: Sequence[Record], options: Record, encoder: Encoder) -> Batch | None:
    """Encode a logged case again; None where the log did not keep its rows, or not as they were sent."""
    if not rows:
        return None
    try:
        return encoder.encode(encoder.request(rows, options))
    except SeawayError:  # a masked column, or rows that another release's contract took
        return None
