"""What segments are asked of and what comes back, before anyone knows how many there are."""

from __future__ import annotations

import msgspec

from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows

FEWEST_ROWS = 50


def shaped(draft: Contract, rows: Rows) -> Contract:
    """Return the draft with the outputs of a segmentation; their labels stay empty until training has found them.

    The moment a row was written down orders rows and makes none alike, so its parts are not fed to the model.
    """
    _refuse(draft, rows)
    columns = tuple(
        msgspec.structs.replace(column, parts=()) if column.role == "time" else column for column in draft.columns
    )
    outputs = (
        Output(name="segment", kind="code"),
        Output(name="distances", kind="number", axes=("class",)),
        Output(name="outlier", kind="number"),
    )
    shaped = msgspec.structs.replace(draft, per="row", columns=columns, truth=None, outputs=outputs)
    if not shaped.encoded:
        raise BadInput(
            "No column is left to tell rows apart by",
            where="contract",
            fix="Give at least one column of numbers or categories that is neither an id nor a text.",
            code="no-features",
        )
    return shaped


def _refuse(draft: Contract, rows: Rows) -> None:
    if draft.target is not None:
        raise BadInput(
            f"Segments have no target, yet {draft.target.name!r} is named as one",
            where=f"column {draft.target.name!r}",
            fix="Leave the target out; to learn to predict it, use `--task tabular`.",
            code="target",
        )
    weight: Column | None = next(iter(draft.having("weight")), None)
    if weight is not None:
        raise BadInput(
            f"Segments are learnt from rows that count alike, yet {weight.name!r} is named as a weight",
            where=f"column {weight.name!r}",
            fix="Give the column the role `feature` or `ignore`.",
            code="weights",
        )
    if len(rows) < FEWEST_ROWS:
        raise BadInput(
            f"{len(rows)} rows are too few to find segments in",
            where="data",
            fix=f"Give at least {FEWEST_ROWS} rows; a few hundred are a good start.",
            code="too-few-rows",
        )
