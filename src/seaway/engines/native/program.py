"""A plan as the structures that `forest.c` reads, and calls into them."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from seaway.core import chance
from seaway.core.batch import Array
from seaway.engines.forest import Forest, edges
from seaway.engines.native.kernel import CCall, CLinear, CLookup, CProgram, CStep, Kernel
from seaway.engines.native.plan import Ending, Linear, Lookup, Plan
from seaway.engines.native.tables import BLOCK, Tables, tables

EVERY = 2**31 - 1
_ROUNDS = 3

_ALIGN = 64


class Compiled:
    """A plan in C's layout: read by any number of calls at once, never written."""

    def __init__(self, plan: Plan, few: int = EVERY) -> None:
        """Rows up to `few` are answered one by one, more in blocks; both ways sum alike."""
        self.plan = plan
        self.tables: list[Tables] = []
        self._held: list[Any] = []  # C knows addresses only
        steps = (CStep * len(plan.steps))()
        for at, step in zip(steps, plan.steps, strict=True):
            at.kind, at.what = int(step.kind), self._address(step.what)
        stack = plan.depth * BLOCK * plan.targets * 8
        self.scratch = stack + max((one.scratch for one in self.tables), default=0) + _ALIGN
        self._held.append(steps)
        self.structure = CProgram(
            features=plan.features,
            targets=plan.targets,
            steps=len(plan.steps),
            depth=plan.depth,
            finish=int(plan.ending),
            few=few,
            threshold=plan.threshold,
            step=ctypes.addressof(steps),
            scratch=self.scratch,
        )

    @property
    def address(self) -> int:
        """Address of the `struct program`."""
        return ctypes.addressof(self.structure)

    @property
    def bytes(self) -> int:
        """Memory of all trees' tables."""
        return sum(one.bytes for one in self.tables)

    def _address(self, what: Forest | Linear | Lookup | Array | None) -> int:
        if what is None:
            return 0
        if isinstance(what, Forest):
            self.tables.append(tables(what))
            return self.tables[-1].address
        if isinstance(what, Linear):
            parts = [what.fill, what.center, what.scale, what.weight]
            return self._keep(
                CLinear,
                len(what.features),
                int(what.of_absent),
                what.features.astype(np.int32),
                *(part.astype(np.float64) for part in parts),
            )
        if isinstance(what, Lookup):
            return self._keep(
                CLookup,
                len(what.features),
                what.other,
                what.features.astype(np.int32),
                what.size.astype(np.float32),
                what.start.astype(np.int64),
                what.table.astype(np.float64),
            )
        constant = owned(what, np.float64)
        self._held.append(constant)
        return int(constant.ctypes.data)

    def _keep(self, structure: type[ctypes.Structure], *values: int | Array) -> int:
        arrays = [owned(value, value.dtype) if isinstance(value, np.ndarray) else value for value in values]
        made = structure(*(value.ctypes.data if isinstance(value, np.ndarray) else value for value in arrays))
        self._held += [arrays, made]
        return ctypes.addressof(made)


class Caller:
    """Calls a compiled plan with working memory of its own; used by one thread at a time.

    A block or less goes through buffers whose addresses are known: asking an array for its address takes as long as ten rows.
    """

    def __init__(self, kernel: Kernel, compiled: Compiled) -> None:
        self._answer = kernel.answer
        self.compiled = compiled
        targets, width = compiled.plan.targets, width_of(compiled.plan)
        self._shapes = (targets, width)
        self._scratch = aligned(compiled.scratch)
        self._x = np.zeros((BLOCK, compiled.plan.features), dtype=np.float32)
        self._out = self._made(BLOCK)
        self._small, self._large = self._call(self._x, self._out), self._call(self._x, self._out)
        self._at_small, self._at_large = ctypes.addressof(self._small), ctypes.addressof(self._large)

    def answer(self, x: Array) -> tuple[Array, Array, Array, bool]:
        """Return margin (rows, targets), answer (rows, width), label (rows,), and whether all are finite numbers."""
        rows = len(x)
        if rows <= BLOCK:
            self._x[:rows] = x
            self._small.rows = rows
            is_broken = self._answer(self._at_small)
            margin, answer, label = self._out
            return margin[:rows].copy(), answer[:rows].copy(), label[:rows].copy(), not is_broken
        x, out, large = owned(x, np.float32), self._made(rows), self._large
        large.x, large.rows = x.ctypes.data, rows
        large.margin, large.answer, large.label = (part.ctypes.data for part in out)
        return *out, not self._answer(self._at_large)

    def _made(self, rows: int) -> tuple[Array, Array, Array]:
        targets, width = self._shapes
        return np.empty((rows, targets)), np.empty((rows, width)), np.empty(rows, dtype=np.int64)

    def _call(self, x: Array, out: tuple[Array, Array, Array]) -> CCall:
        margin, answer, label = (part.ctypes.data for part in out)
        return CCall(
            program=self.compiled.address,
            x=x.ctypes.data,
            rows=0,
            margin=margin,
            answer=answer,
            label=label,
            scratch=self._scratch.ctypes.data,
        )


def width_of(plan: Plan) -> int:
    """Return how many numbers an answer has besides the margins: one per class, or the value."""
    return {Ending.SIGMOID: 2, Ending.SOFTMAX: plan.targets}.get(plan.ending, 1)


def settle(caller: Caller) -> None:
    """Choose how many rows are answered one by one: which way is faster depends on the trees and on the processor.

    Half a millisecond of measuring, on rows that lie at the trees' own thresholds.
    """
    compiled = caller.compiled
    x = _probes(compiled.plan)
    alone, together = (_seconds(caller, few, x) for few in (EVERY, 0))
    compiled.structure.few = EVERY if alone <= together else int(BLOCK * together / alone)


def _seconds(caller: Caller, few: int, x: Array) -> float:
    caller.compiled.structure.few = few
    best = float("inf")
    for _ in range(_ROUNDS):
        started = chance.monotonic()
        caller.answer(x)
        best = min(best, chance.monotonic() - started)
    return best


def _probes(plan: Plan) -> Array:
    """Return BLOCK rows whose numbers are drawn from the thresholds and categories that the trees ask about."""
    x = np.zeros((BLOCK, plan.features), dtype=np.float32)
    rng = chance.rng("probes")
    for step in plan.steps:
        if isinstance(step.what, Forest):
            for feature, values in edges(step.what).items():
                if len(values):
                    with np.errstate(over="ignore"):
                        x[:, feature] = rng.choice(values, BLOCK)
    return x


def owned(values: Array, dtype: Any) -> Array:
    """Return the values where C may read them: whole, in order, aligned; a graph's constants lie anywhere in its bytes."""
    return np.require(values, dtype, ("C", "A"))


def aligned(size: int) -> Array:
    """Return working memory whose first byte a whole vector may be stored at."""
    raw = np.zeros(size + _ALIGN, dtype=np.uint8)
    skip = -raw.ctypes.data % _ALIGN
    return raw[skip : skip + size]
