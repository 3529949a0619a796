"""What a person is warned of, on real candidates whose figures are set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seaway.core.batch import Outcomes
from seaway.core.candidate import Candidate, Score
from seaway.tasks.segment.checks import CHECKS
from seaway.tasks.segment.task import Segment
from tests.unit.tasks.candidates import candidate
from tests.unit.tasks.segment.groups import CONTRACT, fitted, sample
from tests.unit.tasks.segment.test_words import KMeans


def made(*, stability: float = 0.9, silhouette: float = 0.5, counts: tuple[int, ...] = (60, 30, 10)) -> Candidate:
    contract = Segment().settle(CONTRACT, [fitted(KMeans(), sample(), {"segments": 3})])
    segment = np.repeat(np.arange(3), counts)
    scores = {
        name: Score(value=value, low=value - 0.1, high=value + 0.1, n=100)
        for name, value in (("oof.stability", stability), ("oof.silhouette", silhouette))
    }
    return replace(
        candidate("binary", oof=Outcomes.of_rows({"segment": segment}, None), scores=scores), contract=contract
    )


def found(code: str, subject: Candidate) -> tuple[str, str]:
    check = next(check for check in CHECKS["lab"] if check.code == code)
    (verdict,) = check(subject)
    assert verdict.code == code
    assert verdict.fix or verdict.outcome != "warn"
    return verdict.outcome, verdict.message


@pytest.mark.parametrize(
    ("code", "bad", "words"),
    [
        ("T301", made(stability=0.59), "adjusted Rand index of 0.59"),
        ("T302", made(counts=(600, 400, 5)), "hardly any row: '3' (0.5%)"),
        ("T303", made(silhouette=0.24), "form no clear groups: the silhouette is 0.24"),
    ],
)
def test_what_is_wrong_is_warned_of_and_what_is_right_passes(code: str, bad: Candidate, words: str) -> None:
    assert found(code, made())[0] == "pass"
    outcome, message = found(code, bad)
    assert outcome == "warn"
    assert words in message


@pytest.mark.parametrize("code", ["T301", "T302", "T303"])
def test_nothing_to_look_at_is_not_applicable(code: str) -> None:
    empty = replace(made(), scores={}, oof=Outcomes.of_rows({"segment": np.zeros(0, dtype=np.int64)}, None))
    assert found(code, empty)[0] == "not-applicable"
