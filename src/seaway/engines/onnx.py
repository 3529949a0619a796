"""Runs ONNX graphs. The home of `import onnxruntime`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as raised

from seaway.core.batch import Array, Batch
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.errors import SeawayError, Unavailable, Untrusted
from seaway.core.protocols import Reasons
from seaway.core.verdict import Verdict
from seaway.engines.readers.onnx import sole_forest
from seaway.engines.reasons import Explainer
from seaway.engines.walk import GRAPH, Walked, walk
from seaway.engines.wire import TYPES, Info

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


class BrokenAnswer(SeawayError):
    """The program answered something that is no answer; it is kept from the caller."""

    code = "broken-answer"


class OnnxEngine:
    """The engine "onnx"."""

    name = "onnx"

    def supports(self, program: Program) -> bool:
        """Say whether this engine runs the program."""
        return program.engine == self.name and GRAPH in program.files

    def load(self, program: Program, contract: Contract) -> OnnxRunner:
        """Walk the bytes against the allow-list, hold the graph to the contract, then load it."""
        walked = walk(program)
        _hold(walked, contract)
        return OnnxRunner(program, walked, contract)


class OnnxRunner:
    """A loaded graph; used by one thread at a time."""

    gather = GATHER

    def __init__(self, program: Program, walked: Walked, contract: Contract) -> None:
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
        for name in self._numbers:
            if not np.isfinite(answers[name]).all():
                _refuse_infinite(name, answers[name])
        return answers

    def reasons(self, batch: Batch) -> Reasons | Verdict:
        """Explain every case: base + attributions = margin, or say why this program cannot be explained."""
        if self._walked.explain is None or "margin" not in self._outputs:
            return Verdict(
                code="E001",
                outcome="not-applicable",
                subject="program",
                message="This program was exported without what an explanation needs (covers and training means)",
                fix="Train and release again; blends of outputs are not explained.",
            )
        if self._explainer is None:  # built on the first question, since most workers never get one
            self._explainer = Explainer(self._walked.forests, self._walked.explain)
        return self._explainer.explain(batch.x, self.run(batch)["margin"])


class Trees:
    """A graph that is one tree ensemble, inside a program of another engine; used by one thread at a time."""

    def __init__(self, graph: bytes, features: int, targets: int) -> None:
        walked = walk(Program(engine="onnx", files={GRAPH: graph}))
        forest = sole_forest(walked.model)
        if forest is None:
            raise _differs("it is not one tree ensemble from `x` to `margin`")
        if (forest.features, forest.targets) != (features, targets):
            raise _differs(f"its trees map {forest.features} features to {forest.targets}, not {features} to {targets}")
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


def _refuse_infinite(name: str, value: Array) -> NoReturn:
    """Raise for the first case whose answer holds no finite number."""
    broken = np.flatnonzero(~np.isfinite(value).reshape(len(value), -1).all(axis=1))
    raise BrokenAnswer(
        f"The model's answer {name!r} is not a finite number",
        where=f"case {broken[0]}",
        fix="Look at the case's inputs; roll back if other requests answer so too.",
    )


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


def _hold(walked: Walked, contract: Contract) -> None:
    """Refuse a graph whose inputs and outputs are not those of the contract."""
    inputs, outputs = dict(walked.model.inputs), walked.model.outputs
    x = inputs.pop("x", None)
    if x is not None and (len(x.dims) != 2 or x.dims[1] != len(contract.encoded) or TYPES[x.kind] != "<f4"):
        raise _differs(f"it reads x of dimensions {x.dims}, the contract makes {len(contract.encoded)} features")
    arrays = {column.name for column in contract.columns if column.encode == "array" and column.role == "feature"}
    unknown = sorted(set(inputs) - arrays)
    if unknown:
        raise _differs(f"it reads {unknown[0]!r}, which the contract does not make")
    for output in contract.outputs:
        found = outputs.get(output.name)
        if found is None:
            raise _differs(f"it does not answer {output.name!r}")
        wanted = "<i8" if output.kind == "code" else "<f8"
        sizes = [len(output.labels) or None if axis == "class" else None for axis in output.axes]
        if TYPES[found.kind] != wanted or not _fits(found, sizes):
            raise _differs(f"its output {output.name!r} has dimensions {found.dims} of type {TYPES[found.kind]}")
    surplus = sorted(set(outputs) - {output.name for output in contract.outputs} - {"margin"})
    if surplus:
        raise _differs(f"it answers {surplus[0]!r}, which the contract does not know")


def _fits(found: Info, sizes: list[int | None]) -> bool:
    """Say whether the dimensions after rows are `sizes`; None stands for any."""
    return len(found.dims) == 1 + len(sizes) and all(
        size is None or dim == size for dim, size in zip(found.dims[1:], sizes, strict=True)
    )


def _differs(what: str) -> Untrusted:
    return Untrusted(
        f"The graph is not for this contract: {what}",
        where=GRAPH,
        fix="The bundle's parts are not from one release; release the run again.",
        code="graph-contract",
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:300]
