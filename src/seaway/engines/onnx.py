"""Runs ONNX graphs. The home of `import onnxruntime`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as raised

from seaway.core.batch import Array, Batch
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.errors import Unavailable, Untrusted
from seaway.core.protocols import Reasons, Runner
from seaway.core.verdict import Verdict
from seaway.engines.answers import differs, hold, refuse_infinite, unexplained
from seaway.engines.readers.onnx import sole_forest
from seaway.engines.reasons import Explainer
from seaway.engines.walk import GRAPH, Walked, walk
from seaway.engines.wire import TYPES

GATHER = 32
"""Rows worth one run: beyond this onnxruntime's cost per row no longer falls."""

ERRORS: tuple[type[BaseException], ...] = (
    raised.EPFail,
    raised.Fail,
    raised.InvalidArgument,
    raised.InvalidGraph,
    raised.InvalidProtobuf,
    raised.NotImplemented,
    raised.RuntimeException,
    MemoryError,
    RuntimeError,
    ValueError,
)
"""What onnxruntime raises: classes of its own with no common root, and Python's."""

_ONLY_FATAL = 4


class OnnxEngine:
    """The rung "onnx" alone."""

    name = "onnx"

    def supports(self, program: Program) -> bool:
        """Say whether this engine runs the program."""
        return program.engine == self.name and GRAPH in program.files

    def load(self, program: Program, contract: Contract) -> OnnxRunner:
        """Walk the bytes against the allow-list, hold the graph to the contract, then load it."""
        walked = walk(program)
        hold(walked, contract)
        return OnnxRunner(program, walked)


class OnnxRunner:
    """A loaded graph; used by one thread at a time. `why` says why no faster engine runs it, where one was tried.

    The library takes sigmoids and matrix products several rows at a time, so that the last bits of an answer depend on which
    rows stand beside it; parity is held to a tolerance that is a million times that.
    """

    gather = GATHER
    engine = "onnx"

    def __init__(self, program: Program, walked: Walked, why: str = "") -> None:
        self.why = why
        self._session = _session(program.files[GRAPH])
        self._inputs = tuple(walked.model.inputs)
        self._outputs = tuple(walked.model.outputs)
        self._numbers = tuple(name for name, info in walked.model.outputs.items() if TYPES[info.kind] == "<f8")
        self._walked = walked
        self._explainer: Explainer | None = None

    def run(self, batch: Batch) -> Mapping[str, Array]:
        """Answer every case, by output name."""
        feeds = {name: batch.x if name == "x" else batch.arrays[name] for name in self._inputs}
        values = _run(self._session, self._outputs, feeds)
        answers: dict[str, Array] = dict(zip(self._outputs, values, strict=True))
        refuse_infinite(answers, self._numbers)
        return answers

    def reasons(self, batch: Batch) -> Reasons | Verdict:
        """Explain every case: base + attributions = margin, or say why this program cannot be explained."""
        if self._walked.explain is None or "margin" not in self._outputs:
            return unexplained()
        if self._explainer is None:  # built on the first question, since most workers never get one
            self._explainer = Explainer(self._walked.forests, self._walked.explain)
        return self._explainer.explain(batch.x, self.run(batch)["margin"])

    def below(self, why: str) -> Runner | None:
        """Return nothing: no rung is below this one."""
        return None


class Trees:
    """A graph that is one tree ensemble, inside a program of another engine; used by one thread at a time."""

    def __init__(self, graph: bytes, features: int, targets: int) -> None:
        walked = walk(Program(engine="onnx", files={GRAPH: graph}))
        forest = sole_forest(walked.model)
        if forest is None:
            raise differs("it is not one tree ensemble from `x` to `margin`")
        if (forest.features, forest.targets) != (features, targets):
            raise differs(f"its trees map {forest.features} features to {forest.targets}, not {features} to {targets}")
        self._session = _session(graph)

    def margins(self, x: Array) -> Array:
        """Return the margins (rows, targets) float64 of x (rows, features) float32."""
        return np.asarray(_run(self._session, ("margin",), {"x": x})[0])


def _run(session: onnxruntime.InferenceSession, outputs: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
    try:
        return list(session.run(outputs, feeds))
    except ERRORS as error:
        raise Unavailable(  # the library's own words stay in the log: they name files and functions
            "The model could not answer",
            where="engines.onnx",
            fix="Ask for fewer rows at once; if one row fails too, roll back and report the request.",
            code="engine-failed",
        ) from error


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    """Load from bytes; one thread, since the server runs one process per core and small models lose by more."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _ONLY_FATAL
    options.enable_profiling = False
    options.use_deterministic_compute = True
    # Without this, bytes that look like onnxruntime's own format would go to another parser than the one walked for.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except ERRORS as error:
        raise Untrusted(
            f"onnxruntime {onnxruntime.__version__} does not load this graph: {_first_line(error)}",
            where=GRAPH,
            fix="Install the onnxruntime version of the bundle's manifest, or release the run again.",
        ) from None


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:300]
