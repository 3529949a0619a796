"""Runs programs as bundles do: through the engine, under a contract that fits."""

from __future__ import annotations

from seaway.core.batch import Array, Batch
from seaway.core.candidate import Program
from seaway.core.contract import Column, Contract, Output
from seaway.engines.onnx import OnnxEngine, OnnxRunner

MARGIN = Output(name="margin", kind="number", axes=("rank",))
VALUE = Output(name="value", kind="number")
LABELS = ("no", "yes", "maybe")


def contract(features: int, *outputs: Output) -> Contract:
    """Return a contract over numbers."""
    columns = tuple(Column(name=f"f{place}", kind="number") for place in range(features))
    return Contract(task="tabular", per="row", columns=columns, outputs=outputs)


def classes(count: int) -> tuple[Output, ...]:
    """Return the outputs of a classification."""
    labels = LABELS[:count]
    return (
        Output(name="label", kind="code", labels=labels),
        Output(name="probabilities", kind="number", axes=("class",), labels=labels),
    )


def load(program: Program, features: int, *outputs: Output) -> OnnxRunner:
    """Load a program under a contract over numbers."""
    return OnnxEngine().load(program, contract(features, *outputs))


def margin_of(program: Program, batch: Batch) -> Array:
    """Return the margins of a member program."""
    return load(program, batch.x.shape[1], MARGIN).run(batch)["margin"]
