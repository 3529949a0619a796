"""A plan as the structures that `forest.c` reads, and calls into them."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from seaway.core.batch import Array
from seaway.engines.forest import Forest
from seaway.engines.native.kernel import CCall, CLinear, CLookup, CProgram, CStep, Kernel
from seaway.engines.native.plan import Ending, Linear, Lookup, Plan
from seaway.engines.native.tables import BLOCK, Tables, tables

FEW = {"base": BLOCK, "avx2": 24, "avx512": 32}
"""Rows of a block that are rather answered one by one, by width: measured on trees of 8, 31 and 127 leaves. With 16 rows at a
time a block never pays."""

_ALIGN = 64


class Compiled:
    """A plan in C's layout: read by any number of calls at once, never written."""

    def __init__(self, plan: Plan, few: int = BLOCK) -> None:
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
    """Calls a compiled plan with working memory of its own; used by one thread at a time."""

    def __init__(self, kernel: Kernel, compiled: Compiled) -> None:
        self._answer = kernel.answer
        self._compiled = compiled
        self._plan = compiled.plan
        self._scratch = aligned(compiled.scratch)
        self._call = CCall(program=compiled.address, scratch=self._scratch.ctypes.data)
        self._at = ctypes.addressof(self._call)
        self.width = {Ending.SIGMOID: 2, Ending.SOFTMAX: self._plan.targets}.get(self._plan.ending, 1)

    def answer(self, x: Array) -> tuple[Array, Array, Array, bool]:
        """Return margin (rows, targets), answer (rows, width), label (rows,), and whether all are finite numbers."""
        if x.dtype != np.float32 or not (x.flags.c_contiguous and x.flags.aligned):
            x = owned(x, np.float32)
        rows, call = len(x), self._call
        margin = np.empty((rows, self._plan.targets))
        answer = np.empty((rows, self.width))
        label = np.empty(rows, dtype=np.int64)
        call.x, call.rows = x.ctypes.data, rows
        call.margin, call.answer, call.label = margin.ctypes.data, answer.ctypes.data, label.ctypes.data
        return margin, answer, label, not self._answer(self._at)


def owned(values: Array, dtype: Any) -> Array:
    """Return the values where C may read them: whole, in order, aligned; a graph's constants lie anywhere in its bytes."""
    return np.require(values, dtype, ("C", "A"))


def aligned(size: int) -> Array:
    """Return working memory whose first byte a whole vector may be stored at."""
    raw = np.zeros(size + _ALIGN, dtype=np.uint8)
    skip = -raw.ctypes.data % _ALIGN
    return raw[skip : skip + size]
