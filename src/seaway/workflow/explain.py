"""`seaway explain`: why the model answers as it does, row by row and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from seaway.core.batch import Json
from seaway.data import blocks
from seaway.serve import explain as handler
from seaway.workflow.bundles import answerer
from seaway.workflow.sent import as_sent
from seaway.workflow.workspace import Workspace


def explain(workspace: Workspace, file: Path | str, *, reference: str = "", rows: int = 10) -> list[dict[str, Json]]:
    """Explain the first `rows` rows of a file with the served release."""
    opened = answerer(workspace, reference)
    first = next(blocks.blocks(Path(file), rows=rows))
    return handler.explanations(opened, opened.encoder.request(as_sent(first, opened.contract)))


def importance(workspace: Workspace, reference: str = "") -> list[tuple[str, float]]:
    """Return the columns by weight over the release's parity rows: the mean size of their attributions."""
    opened = answerer(workspace, reference)
    vectors: Sequence[dict[str, Any]] = [
        msgspec.json.decode(line)["row"] for line in opened.bundle.files["parity.ndjson"].splitlines()
    ]
    found = handler.explanations(opened, opened.encoder.request(vectors))
    total: dict[str, float] = {}
    for explanation in found:
        for column, weight in explanation["attributions"].items():
            total[column] = total.get(column, 0.0) + abs(float(weight)) / len(found)
    return sorted(total.items(), key=lambda pair: -pair[1])
