"""The native model's own answers, which every other way of asking must repeat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array
from seaway.core.candidate import Witness
from seaway.core.dataset import Dataset
from seaway.core.protocols import Finish
from seaway.data.sample import sample
from seaway.lab.members import Member, answers

ROWS = 300
"""Rows made from the contract at least; edges of the model add more."""


def witness(
    data: Dataset, members: Sequence[Member], finish: Finish, real_answers: Mapping[str, Array], tolerance: float
) -> Witness:
    """Ask the members about rows made from the contract; `real_answers` are theirs about the test rows."""
    encoder = encoder_of(data.contract)
    requests = sample(data.contract, edges(members), ROWS, 0)
    batch = encoder.encode(encoder.request(requests))
    return Witness(
        requests=requests,
        answers=answers(members, finish, batch),
        real=data.split.test,
        real_answers=real_answers,
        tolerance=tolerance,
    )


def edges(members: Sequence[Member]) -> dict[int, Array]:
    """Return, by matrix column, the values where the answer of any member jumps."""
    found: dict[int, list[Array]] = defaultdict(list)
    for member in members:
        for column, values in member.fitted.edges().items():
            found[column].append(values)
    return {column: np.unique(np.concatenate(values)) for column, values in sorted(found.items())}
