"""What is claimed of answers, verdicts and drawings, wherever they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

import numpy as np

from seaway.core import parity
from seaway.core.batch import Array, Batch
from seaway.core.contract import Contract, Output
from seaway.core.errors import SeawayError
from seaway.core.protocols import Drawing
from seaway.core.verdict import ORDER, Verdict
from seaway.testing.path import steps_asked

CODE = re.compile(r"[A-Z]{1,3}\d{3}")
RUNS = re.compile(r"^on|^(?:xlink:)?href$", re.IGNORECASE)


def assert_answers(answers: Mapping[str, Array], contract: Contract, batch: Batch) -> None:
    """Hold answers to the contract: every output by name, shape and type; finite, and NaN just beyond the steps."""
    named = [output.name for output in contract.outputs]
    assert set(named) <= set(answers), f"outputs without an answer: {sorted(set(named) - set(answers))}"
    for output in contract.outputs:
        if output.kind == "document":
            continue
        values = answers[output.name]
        assert values.shape == (batch.cases, *_sizes(output, contract, values)), output.name
        if output.kind == "code":
            assert values.dtype.kind == "i", f"{output.name} is a code of type {values.dtype}"
            assert ((values >= 0) & (values < len(output.labels))).all(), f"{output.name} holds a code without label"
        else:
            assert values.dtype == np.float64, f"{output.name} is of type {values.dtype}"
            assert_finite(output.name, values, contract, batch)


def _sizes(output: Output, contract: Contract, values: Array) -> list[int]:
    by_axis = {"class": len(output.labels), "level": len(output.labels)}
    if contract.series is not None:
        by_axis["step"] = contract.series.horizon
    return [
        by_axis.get(axis, values.shape[place] if place < values.ndim else -1)
        for place, axis in enumerate(output.axes, 1)
    ]


def assert_finite(name: str, values: Array, contract: Contract, batch: Batch) -> None:
    """Every number asked for is one; beyond the steps of a case there is none."""
    asked = steps_asked(name, contract, batch)
    if asked is None:
        assert np.isfinite(values).all(), f"{name} is not finite in every case"
        return
    assert np.isfinite(values[asked]).all(), f"{name} is not finite in every step"
    assert np.isnan(values[~asked]).all(), f"{name} answers steps nobody asked about"


def assert_close(ours: Mapping[str, Array], theirs: Mapping[str, Array], tolerance: float) -> None:
    """Hold all answers (numbers relative to max(1, |value|), missing beside missing) against one another; codes are equal."""
    assert set(ours) == set(theirs)
    for name, values in ours.items():
        other = theirs[name]
        assert values.shape == other.shape, name
        if values.dtype.kind != "f":
            assert (values == other).all(), name
            continue
        assert (np.isnan(values) == np.isnan(other)).all(), f"{name} is missing in one of the two only"
        gap = np.abs(values - other) / np.maximum(1.0, np.abs(values))
        assert np.nanmax(gap, initial=0.0) <= tolerance, f"{name} differs by {np.nanmax(gap):.1e}"


def assert_parity(
    expected: Mapping[str, Array], found: Mapping[str, Array], contract: Contract, tolerance: float
) -> None:
    """Hold found answers to the expected ones as the release gate does."""
    difference = parity.compare(expected, found, contract, tolerance)
    assert difference.holds, parity.verdict("R010", "program", difference, tolerance).message + f" ({difference.where})"


def assert_verdicts(verdicts: Sequence[Verdict], codes: set[str] | None = None) -> None:
    """Findings speak the one form: a stable code, a known outcome, a message, and what to do where something is wrong."""
    for verdict in verdicts:
        assert isinstance(verdict, Verdict)
        assert CODE.fullmatch(verdict.code), f"{verdict.code!r} is no code"
        assert codes is None or verdict.code in codes, f"a check of {sorted(codes or ())} says {verdict.code}"
        assert verdict.outcome in ORDER
        assert verdict.subject
        assert verdict.message
        assert verdict.fix or verdict.outcome in ("pass", "not-applicable"), f"{verdict.code} says no next step"


def assert_helps(error: SeawayError) -> None:
    """An error says what, where and what to do."""
    assert error.what
    assert error.where
    assert error.fix


def assert_drawing(drawing: Drawing) -> None:
    """A drawing is SVG that is well formed, and holds nothing that runs or is fetched."""
    assert drawing.title
    text = str(drawing.svg)
    assert "<!" not in text, "a declaration or a comment"
    root = ElementTree.fromstring(text)
    assert _tag(root) == "svg"
    for node in root.iter():
        assert _tag(node) not in ("script", "foreignObject", "iframe", "image", "use"), (
            f"{drawing.title}: <{_tag(node)}>"
        )
        foul = [name for name in node.attrib if RUNS.search(name.rpartition("}")[2])]
        assert not foul, f"{drawing.title}: {foul[0]}"


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]
