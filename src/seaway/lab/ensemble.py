"""Weights of an ensemble from out-of-fold margins: greedy selection with replacement (Caruana et al. 2004).

Selection is repeated on random halves of the library (their section 2.3), each with the best model, and the picks of all
repetitions are counted together: another model that fits the out-of-fold rows by chance is missing from half of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.chance import rng

BAGS = 10
PICKS = 20
LINES, CASES = 5_000, 200
"""Lines that weights are fitted to, and the cases that are taken at least: lines of one case are much alike."""

LEAST = 0.04
"""Members below this weight cost more time to answer than they are worth."""

Loss = Callable[[Array], float]
"""Margins (cases, ...) -> loss."""


def weights(
    margins: Sequence[Array], loss_on: Callable[[Array], Loss], *, most: int, seed: int, lines: int = 0
) -> Array:
    """Return the weights (library,) of the blend, at most `most` above zero, summing to one; best single model first.

    `margins` (cases, ...) are in order of merit: the first one is the model to fall back on. `loss_on` returns the loss
    over the cases at given places; `lines` is how many lines all cases have, where a case has more than one.
    """
    count, cases = len(margins), len(margins[0])
    generator = rng("ensemble", seed)
    places = np.sort(generator.permutation(cases)[: max(CASES, LINES * cases // max(lines, cases, 1))])
    library = np.stack([margin[places] for margin in margins])
    loss = loss_on(places)
    picks = np.zeros(count)
    for _ in range(BAGS):
        drawn = generator.random(count) < 0.5
        drawn[0] = True
        picks += _greedy(library, np.flatnonzero(drawn), loss)
    if not picks.any():
        picks[0] = 1.0  # no loss could be told
    found = picks / picks.sum()
    found[np.argsort(-found, kind="stable")[most:]] = 0.0
    found[found < LEAST] = 0.0
    return np.asarray(found / found.sum())


def blended(margins: Sequence[Array], shares: Array) -> Array:
    """Return the weighted sum of margins (cases, ...)."""
    total = np.zeros_like(margins[0])
    for margin, share in zip(margins, shares, strict=True):
        if share > 0:
            total = total + share * margin
    return total


def _greedy(library: Array, bag: Array, loss: Loss) -> Array:
    """Count the picks (library,): each adds the model that lowers the loss of the mean most, until none does."""
    picks = np.zeros(len(library))
    total, lowest = np.zeros_like(library[0]), np.inf
    for step in range(1, PICKS + 1):
        losses = [loss((total + library[one]) / step) for one in bag]
        best = int(np.argmin(losses))
        if losses[best] >= lowest:
            break
        lowest = losses[best]
        total += library[bag[best]]
        picks[bag[best]] += 1
    return picks
