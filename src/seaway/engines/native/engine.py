"""Runs programs of forests and linear models by the compiled kernel: the upper rung of the ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from seaway.core.batch import Array, Batch
from seaway.core.candidate import Program
from seaway.core.contract import Contract
from seaway.core.errors import Unavailable
from seaway.core.protocols import Reasons, Runner
from seaway.core.verdict import Verdict
from seaway.engines.answers import hold, refuse_infinite, unexplained
from seaway.engines.native.kernel import Absent, Kernel, kernel
from seaway.engines.native.plan import Ending, NotKnown, Plan, plan
from seaway.engines.native.program import Caller, Compiled, settle
from seaway.engines.native.shap import shapley
from seaway.engines.native.single import Single
from seaway.engines.native.tables import NoTables
from seaway.engines.reasons import Explainer
from seaway.engines.walk import GRAPH, Walked, walk

Below = Callable[[str], Runner]


class NotNative(Exception):
    """This program is not for the kernel here; the text says why."""


class NativeEngine:
    """The rung "native" alone: what it cannot run is refused, never run in another way."""

    name = "onnx"

    def supports(self, program: Program) -> bool:
        """Say whether this engine runs the program."""
        return program.engine == self.name and GRAPH in program.files

    def load(self, program: Program, contract: Contract) -> NativeRunner:
        """Walk the bytes against the allow-list, hold the graph to the contract, then compile its plan."""
        walked = walk(program)
        hold(walked, contract)
        try:
            return NativeRunner(walked)
        except NotNative as why:
            raise Unavailable(
                f"The native kernel does not run this release: {why}",
                where="[serve] engine",
                fix='Set `engine = "auto"`, which then takes onnxruntime.',
                code="no-native",
            ) from None


class NativeRunner:
    """A compiled plan; used by one thread at a time. Calls release Python's lock, so threads with a runner each run side by side."""

    gather = 256
    engine = "native"
    why = ""

    def __init__(self, walked: Walked, below: Below | None = None, found: Kernel | Absent | None = None) -> None:
        found = found or kernel()
        if isinstance(found, Absent):
            raise NotNative(found.why)
        try:
            self._compiled = Compiled(plan(walked))
        except (NotKnown, NoTables) as why:
            raise NotNative(str(why)) from None
        self._kernel = found
        self._walked = walked
        self._below = below
        self._caller = Caller(found, self._compiled)
        settle(self._caller)
        self._explainer: Explainer | None = None
        ending = self._compiled.plan.ending
        self._features = self._compiled.plan.features
        self._has_classes = ending in (Ending.SIGMOID, Ending.SOFTMAX)
        self._has_value = ending in (Ending.VALUE, Ending.EXP)

    @property
    def plan(self) -> Plan:
        """What the program computes."""
        return self._compiled.plan

    @property
    def width(self) -> str:
        """The vectors the kernel was compiled for."""
        return self._kernel.width

    @property
    def bytes(self) -> int:
        """Memory of the trees' tables."""
        return self._compiled.bytes

    def run(self, batch: Batch) -> Mapping[str, Array]:
        """Answer every case, by output name."""
        x = batch.x
        if x.ndim != 2 or x.shape[1] != self._features:
            raise Unavailable(
                "The model could not answer",
                where="engines.native",
                fix=f"Give rows of {self._features} features: encode them by the release's own contract.",
                code="engine-failed",
            )
        margin, answer, label, is_finite = self._caller.answer(x)
        if self._has_classes:
            answers = {"margin": margin, "probabilities": answer, "label": label}
        else:
            answers = {"margin": margin, "value": answer[:, 0]} if self._has_value else {"margin": margin}
        if not is_finite:
            refuse_infinite(answers, [name for name in answers if name != "label"])
        return answers

    def reasons(self, batch: Batch) -> Reasons | Verdict:
        """Explain every case: base + attributions = margin, or say why this program cannot be explained."""
        if self._walked.explain is None:
            return unexplained()
        if self._explainer is None:  # built on the first question, since most workers never get one
            self._explainer = Explainer(self._walked.forests, self._walked.explain, partial(shapley, self._kernel))
        return self._explainer.explain(batch.x, self.run(batch)["margin"])

    def single(self) -> Single:
        """Return the cheapest way to answer one row, with buffers of its own; used by one thread at a time."""
        return Single(self._kernel, self._compiled)

    def below(self, why: str) -> Runner | None:
        """Return the next rung, which will say why this one does not answer; None where there is none."""
        return self._below(why) if self._below else None
