"""One row at a time with nothing made per call: fill `row`, call `answer()`, read `numbers` and `label`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial

from seaway.engines.native.kernel import CCall, Kernel
from seaway.engines.native.plan import Ending
from seaway.engines.native.program import Compiled, aligned


class Single:
    """Buffers for one row of one plan, and the bound call; used by one thread at a time.

    `row` is a writable buffer of the features as float32 in native byte order: `struct.pack_into("20f", row, 0, ...)`. `answer()`
    takes nothing and returns 0, or 1 where a number is not finite: the answer must not leave then. `numbers` views float64:
    the margins (targets), then the probabilities (classes) or the value; `label` views one int64. Both are overwritten by
    the next call. In a hot loop, hold the four attributes in local names.
    """

    __slots__ = ("_held", "answer", "at_answer", "label", "numbers", "row")

    def __init__(self, kernel: Kernel, compiled: Compiled) -> None:
        plan = compiled.plan
        width = {Ending.SIGMOID: 2, Ending.SOFTMAX: plan.targets}.get(plan.ending, 1)
        row = (ctypes.c_float * plan.features)()
        numbers = (ctypes.c_double * (plan.targets + width))()
        label = (ctypes.c_int64 * 1)()
        scratch = aligned(compiled.scratch)
        call = CCall(
            program=compiled.address,
            x=ctypes.addressof(row),
            rows=1,
            margin=ctypes.addressof(numbers),
            answer=ctypes.addressof(numbers) + 8 * plan.targets,
            label=ctypes.addressof(label),
            scratch=scratch.ctypes.data,
        )
        self._held = (compiled, call, scratch)
        self.row = memoryview(row).cast("B")
        self.numbers = memoryview(numbers).cast("B").cast("d")
        self.label = memoryview(label).cast("B").cast("q")
        self.at_answer = plan.targets
        self.answer: Callable[[], int] = partial(kernel.answer, ctypes.addressof(call))
