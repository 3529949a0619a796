"""`seaway explain`: why the model answers as it does, row by row and as a whole."""

from __future__ import annotations

import itertools
from pathlib import Path

from seaway.core import parity
from seaway.core.answer import Answerer
from seaway.core.batch import Json, Request
from seaway.core.bundle import PARITY
from seaway.data import blocks
from seaway.serve import explain as handler
from seaway.workflow.bundles import answerer
from seaway.workflow.sent import as_sent
from seaway.workflow.workspace import Workspace


def explain(workspace: Workspace, file: Path | str, *, reference: str = "", rows: int = 10) -> list[dict[str, Json]]:
    """Explain the first `rows` rows of a file with the served release."""
    opened = answerer(workspace, reference)
    handler.explanations(opened, _about_vectors(opened, 1))  # says first whether this program can be explained at all
    first = next(blocks.blocks(file, rows=rows))
    return handler.explanations(opened, opened.encoder.request(as_sent(first, opened.contract)))


def importance(workspace: Workspace, reference: str = "") -> list[tuple[str, float]]:
    """Return the columns by weight over the release's parity rows: the mean size of their attributions."""
    opened = answerer(workspace, reference)
    found = handler.explanations(opened, _about_vectors(opened))
    total: dict[str, float] = {}
    for explanation in found:
        for column, weight in explanation["attributions"].items():
            total[column] = total.get(column, 0.0) + abs(float(weight)) / len(found)
    return sorted(total.items(), key=lambda pair: -pair[1])


def _about_vectors(opened: Answerer, count: int | None = None) -> Request:
    """Return the rows of the release's own parity vectors, or of the first of them, as one request."""
    vectors = itertools.islice(parity.read_vectors(opened.bundle.files[PARITY]), count)
    return opened.encoder.request([row for vector in vectors for row in vector.query.rows])
