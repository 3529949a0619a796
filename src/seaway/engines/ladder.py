"""Two ways to run the same signed graph: the compiled kernel where it is there and knows the graph, else onnxruntime.

Whoever loads a release replays its parity vectors through the rung that will answer; where that fails, `below` gives the next.
"""

from __future__ import annotations

from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.protocols import Runner
from seaway.engines.answers import hold
from seaway.engines.native.engine import NativeRunner, NotNative
from seaway.engines.native.kernel import Absent, Kernel
from seaway.engines.walk import GRAPH, Walked, walk


class Ladder:
    """The engine "onnx". `kernel` is the compiled kernel to try; by default the one of this installation."""

    name = "onnx"

    def __init__(self, kernel: Kernel | Absent | None = None) -> None:
        self._kernel = kernel

    def supports(self, program: Program) -> bool:
        """Say whether this engine runs the program."""
        return program.engine == self.name and GRAPH in program.files

    def load(self, program: Program, contract: Contract) -> Runner:
        """Walk the bytes against the allow-list, hold the graph to the contract, then take the highest rung that knows it."""
        walked = walk(program)
        hold(walked, contract)

        def below(why: str) -> Runner:
            return _onnx(program, walked, why)

        try:
            return NativeRunner(walked, below, self._kernel)
        except NotNative as why:
            return below(str(why))


def _onnx(program: Program, walked: Walked, why: str) -> Runner:
    from seaway.engines.onnx import OnnxRunner  # its library takes 30 MB and 60 ms, which the upper rung does without

    return OnnxRunner(program, walked, why)
