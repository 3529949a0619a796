"""What is to be predicted: classes or a number, decided by one written rule that a person can override.

Classes: texts, categories and booleans; any numbers with exactly two distinct values; whole numbers (kind `integer`) with
at most ten. Everything else is a number. To override, set the target's `kind` in contract.toml: `number` makes it a
number, `category` makes it classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import BadInput
from seaway.core.protocols import Rows
from seaway.data.encode.truth import text
from seaway.data.validate import validate

FEW_WHOLE_NUMBERS = 10
MOST_CLASSES = 200
FEWEST_ROWS = 20
FEWEST_PER_CLASS = 2

POSITIVE = frozenset("1 yes y true t positive pos bad fail failed failure default churn fraud".split())
NEGATIVE = frozenset("0 no n false f negative neg good ok pass passed none normal".split())


def shaped(draft: Contract, rows: Rows) -> Contract:
    """Return the draft with truth and outputs; raises `BadInput` where the target cannot be learnt."""
    target = _target(draft, rows)
    labels = _labels(target, rows)
    counts = Counter(labels)
    if _is_number(target, counts):
        if len(counts) < 2:
            raise _refuse(target, f"has one value only, {next(iter(counts))!r}", "Give rows with different outcomes.")
        truth = Column(name=target.name, kind="number", role="target", unit=target.unit)
        outputs: tuple[Output, ...] = (Output(name="value", kind="number", unit=target.unit),)
    else:
        _refuse_hopeless_classes(target, counts)
        classes = _ordered(counts, draft.classes)
        truth = Column(name=target.name, kind="category", role="target", categories=classes)
        outputs = (
            Output(name="probabilities", kind="number", axes=("class",), labels=classes),
            Output(name="label", kind="code", labels=classes),
        )
    return msgspec.structs.replace(draft, per="row", truth=truth, outputs=outputs)


def _target(draft: Contract, rows: Rows) -> Column:
    target = draft.target
    if target is None:
        raise BadInput(
            "No column is named as the target",
            where="contract",
            fix=f"Name one with `--target COLUMN`. The columns are: {', '.join(list(rows.names)[:30])}.",
            code="no-target",
        )
    if target.name not in rows.names:
        raise BadInput(
            f"The data have no column {target.name!r}, which is the target",
            where="data",
            fix=f"The columns are: {', '.join(list(rows.names)[:30])}.",
            code="no-target",
        )
    if target.kind in ("time", "image", "array", "table"):
        raise _refuse(target, f"is of kind {target.kind}", "Name a column of numbers or classes as the target.")
    return target


def _labels(target: Column, rows: Rows) -> list[str]:
    """Return the known outcomes as texts, repaired as the contract says."""
    alone = Contract(task="", per="row", columns=(target,))
    typed = validate(rows, alone).rows
    values, missing = typed.column(target.name)
    labels = [text(value) for value in values[~missing].tolist()]
    if not labels:
        raise _refuse(target, "has no value in any row", "Name another target, or give the rows their outcome.")
    if len(labels) < FEWEST_ROWS:
        raise _refuse(
            target,
            f"is known in {len(labels)} rows only",
            f"Give at least {FEWEST_ROWS} rows with a known outcome; a few hundred are a good start.",
            code="too-few-rows",
        )
    return labels


def _is_number(target: Column, counts: Counter[str]) -> bool:
    if target.kind in ("category", "text", "boolean") or len(counts) == 2:
        return False
    return not (target.kind == "integer" and 1 < len(counts) <= FEW_WHOLE_NUMBERS)


def _refuse_hopeless_classes(target: Column, counts: Counter[str]) -> None:
    if len(counts) == 1:
        raise _refuse(
            target,
            f"has one class only, {next(iter(counts))!r}",
            "Give rows of at least two classes: without a difference there is nothing to learn.",
            code="one-class",
        )
    if len(counts) > MOST_CLASSES:
        raise _refuse(
            target,
            f"has {len(counts)} different values, at most {MOST_CLASSES} classes are allowed",
            "If it is a number, set its kind to number in contract.toml; if it is a name or free text, choose another.",
            code="too-many-classes",
        )
    rare = sorted(label for label, count in counts.items() if count < FEWEST_PER_CLASS)
    if rare:
        shown = ", ".join(repr(label) for label in rare[:5])
        raise _refuse(
            target,
            f"has {len(rare)} classes with fewer than {FEWEST_PER_CLASS} rows: {shown}",
            "Leave those rows out, map the classes to a wider one in contract.toml, or give more rows of them.",
            code="rare-class",
        )


def _ordered(counts: Counter[str], former: Sequence[str]) -> tuple[str, ...]:
    """Return the classes in code order: as a former contract had them, new ones behind; else by what they mean."""
    known = [label for label in former if label in counts or len(former) == 2]
    if known:
        return (*known, *_sorted(label for label in counts if label not in known))
    if len(counts) != 2:
        return tuple(_sorted(counts))
    first, second = sorted(counts, key=lambda label: (-counts[label], label))
    if _is_positive(first, second) and not _is_positive(second, first):
        first, second = second, first
    return (first, second)


def _is_positive(label: str, other: str) -> bool:
    """Say whether the words tell that `label` is the outcome asked about; otherwise the rarer class is."""
    word, against = label.strip().lower(), other.strip().lower()
    return word in POSITIVE or (against in NEGATIVE and word not in NEGATIVE)


def _sorted(labels: Iterable[str]) -> list[str]:
    """Sort as numbers where all are, else as texts."""
    texts = list(labels)
    try:
        return sorted(texts, key=float)
    except ValueError:
        return sorted(texts)


def _refuse(target: Column, what: str, fix: str, *, code: str = "target") -> BadInput:
    return BadInput(f"The target {target.name!r} {what}", where=f"column {target.name!r}", fix=fix, code=code)
