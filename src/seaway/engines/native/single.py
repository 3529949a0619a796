"""One row at a time with nothing made per call: fill `row`, call `answer()`, read `numbers` and `label`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial

import numpy as np

from seaway.engines.native.kernel import CCall, Kernel
from seaway.engines.native.program import Compiled, aligned, width_of


class Single:
    """Buffers for one row of one plan, and the bound call; used by one thread at a time.

    `row` is a writable buffer of the features as float32 in native byte order: `struct.pack_into("20f", row, 0, ...)`. `answer()`
    takes nothing and returns 0, or 1 where a number is not finite: the answer must not leave then. `numbers` views float64:
    the margins (targets), then the probabilities (classes) or the value; `label` views one int64. Both are overwritten by
    the next call. In a hot loop, hold the four attributes in local names.
    """

    __slots__ = ("answer", "at_answer", "label", "numbers", "row")

    def __init__(self, kernel: Kernel, compiled: Compiled) -> None:
        plan = compiled.plan
        row = np.zeros(plan.features, dtype=np.float32)
        numbers = np.zeros(plan.targets + width_of(plan))
        label = np.zeros(1, dtype=np.int64)
        scratch = aligned(compiled.scratch)
        call = CCall(
            program=compiled.address,
            x=row.ctypes.data,
            rows=1,
            margin=numbers.ctypes.data,
            answer=numbers.ctypes.data + 8 * plan.targets,
            label=label.ctypes.data,
            scratch=scratch.ctypes.data,
        )
        self.row = row.data.cast("B")  # each view keeps its array
        self.numbers = numbers.data
        self.label = label.data
        self.at_answer = plan.targets
        answer = partial(kernel.answer, ctypes.addressof(call))
        answer.__dict__["held"] = (compiled, call, scratch, row, numbers, label)  # as long as the call can be made
        self.answer: Callable[[], int] = answer
