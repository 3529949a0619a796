"""The native model's own answers, which every other way of asking must repeat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from seaway.core.answer import encoder_of
from seaway.core.batch import Array, join
from seaway.core.candidate import Witness
from seaway.core.contract import Contract
from seaway.core.protocols import Finish
from seaway.data.sample import sample
from seaway.lab.members import Member, answers

QUERIES = 300
"""Cases made from the contract at least; edges of the model add more."""


def witness(
    contract: Contract,
    members: Sequence[Member],
    finish: Finish,
    *,
    real: Array,
    real_answers: Mapping[str, Array],
    tolerance: float,
) -> Witness:
    """Ask the members about cases made from the contract; `real_answers` are theirs about the cases of the `real` rows."""
    encoder = encoder_of(contract)
    queries = sample(contract, edges(members), QUERIES, 0)
    batch = join([encoder.encode(encoder.request(query.rows, query.options)) for query in queries])
    return Witness(
        queries=queries,
        answers=answers(members, finish, batch),
        real=real,
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
