"""Reads from a walked graph what it computes: the steps to its margin and the finish, or says what it does not know.

What is known are the forms that `engines/export.py` and `engines/compose.py` write, matched operator by operator; the graph decides,
never what lies beside it. Steps keep the graph's order, since float64 sums depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from seaway.core.batch import Array
from seaway.engines.forest import ZERO, Forest
from seaway.engines.readers.onnx import ensembles
from seaway.engines.walk import Walked
from seaway.engines.wire import TYPES, Node


class Kind(IntEnum):
    """What a step does with the stack of margins; the numbers are `forest.c`'s."""

    FOREST, LINEAR, LOOKUP, ZERO, ADD, ADD_CONSTANT, TIMES_CONSTANT = range(7)


class Ending(IntEnum):
    """The finish; the numbers are `forest.c`'s."""

    MARGIN, SIGMOID, SOFTMAX, VALUE, EXP = range(5)


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear:
    """weight (n, targets) of what `features` (n,) hold: of their standardised values, or of their absence."""

    features: Array
    weight: Array
    fill: Array
    center: Array
    scale: Array
    of_absent: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Lookup:
    """A row of `table` for each of `features`, `start + code`; `other` where a code is not below `size`."""

    features: Array
    size: Array
    start: Array
    table: Array
    other: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One operation on the stack of margins, with what it reads."""

    kind: Kind
    what: Forest | Linear | Lookup | Array | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a program computes."""

    features: int
    targets: int
    steps: Sequence[Step]
    ending: Ending
    threshold: float = 0.5

    @property
    def depth(self) -> int:
        """The most margins that lie on the stack at once."""
        change = [{Kind.ADD: -1, Kind.ADD_CONSTANT: 0, Kind.TIMES_CONSTANT: 0}.get(step.kind, 1) for step in self.steps]
        return int(np.cumsum(change).max())


class NotKnown(Exception):
    """The graph computes something that has no place in a plan."""


def plan(walked: Walked) -> Plan:
    """Return the plan of a graph; raise `NotKnown` where it is none of ours."""
    return _Reader(walked).plan()


class _Reader:
    """Goes from the outputs back to `x`."""

    def __init__(self, walked: Walked) -> None:
        model = walked.model
        self._constants = model.constants
        self._made = {node.outputs[0]: node for node in model.nodes}
        self._forests = {node.outputs[0]: forest for node, forest in zip(ensembles(model), walked.forests, strict=True)}
        self._outputs = model.outputs
        x = model.inputs.get("x")
        if set(model.inputs) != {"x"} or x is None or len(x.dims) != 2 or TYPES[x.kind] != "<f4":
            raise NotKnown("it reads other inputs than the matrix x")
        self._features = int(x.dims[1])
        margin = self._outputs.get("margin")
        if margin is None or len(margin.dims) != 2:
            raise NotKnown("it answers no margin")
        self._targets = int(margin.dims[1])

    def plan(self) -> Plan:
        ending, threshold = self._ending()
        return Plan(
            features=self._features,
            targets=self._targets,
            steps=self._steps("margin"),
            ending=ending,
            threshold=threshold,
        )

    # ---------------------------------------------------------------------------------------------------- the finish

    def _ending(self) -> tuple[Ending, float]:
        names = set(self._outputs) - {"margin"}
        margin = self._name("margin")
        if not names:
            return Ending.MARGIN, 0.5
        if names == {"value"} and self._targets == 1:
            linked = self._squeezed("value")
            if linked == margin:
                return Ending.VALUE, 0.5
            if self._is(linked, "Exp") and self._inputs(linked) == [margin]:
                return Ending.EXP, 0.5
        if names == {"probabilities", "label"}:
            p = self._name("probabilities")
            if self._is(p, "Softmax", axis=1) and self._inputs(p) == [margin]:
                label = self._name("label")
                if self._is(label, "ArgMax", axis=1, keepdims=0) and self._inputs(label) == [p]:
                    return Ending.SOFTMAX, 0.5
            elif self._targets == 1:
                return Ending.SIGMOID, self._threshold(margin)
        raise NotKnown(f"its answers {', '.join(sorted(names))} are made in another way")

    def _threshold(self, margin: str) -> float:
        rest, p = self._take("probabilities", "Concat", 2, axis=1)
        one, same = self._take(rest, "Sub", 2)
        (cast,) = self._take("label", "Cast", 1, to=7)
        compared, limit = self._take(cast, "GreaterOrEqual", 2)
        threshold = self._constant(limit, ())
        is_binary = same == p and self._constant(one, ()) == 1.0 and self._squeezed(compared) == p
        if not is_binary or self._take(p, "Sigmoid", 1) != [margin]:
            raise NotKnown("its probabilities are made in another way")
        return float(threshold)

    def _squeezed(self, name: str) -> str:
        value, axes = self._take(name, "Squeeze", 2)
        if self._constant(axes, (1,), "<i8").tolist() != [1]:
            raise NotKnown("Squeeze of another axis")
        return value

    # ---------------------------------------------------------------------------------------------------- the margin

    def _steps(self, name: str) -> list[Step]:
        """Return the steps that leave a value on the stack; long sums are followed without recursion."""
        later: list[list[Step]] = []
        name = self._name(name)
        while True:
            node = self._node(name)
            if node.op not in ("Add", "Mul") or len(node.inputs) != 2:
                break
            name, other = self._inputs(name)
            constant = self._constants.get(other)
            if constant is not None:
                kind = Kind.ADD_CONSTANT if node.op == "Add" else Kind.TIMES_CONSTANT
                later.append([Step(kind=kind, what=self._row(constant))])
            elif node.op == "Add":
                later.append([*self._term(other), Step(kind=Kind.ADD)])
            else:
                raise NotKnown("a product of two values")
        return [*self._term(name), *(step for steps in reversed(later) for step in steps)]

    def _term(self, name: str) -> list[Step]:
        node = self._node(name)
        match node.op:
            case "TreeEnsemble":
                return [Step(kind=Kind.FOREST, what=self._forest(name))]
            case "MatMul":
                return [Step(kind=Kind.LINEAR, what=self._linear(name))]
            case "ReduceSum":
                return [Step(kind=Kind.LOOKUP, what=self._lookup(name))]
            case "Where":
                return [self._zero(name)]
            case "Add" | "Mul":
                return self._steps(name)
        raise NotKnown(f"the operator {node.op} on the way to its margin")

    def _forest(self, name: str) -> Forest:
        (values,) = self._inputs(name)
        zeros: tuple[int, ...] = ()
        if self._is(values, "Where"):
            absent, nan, values = self._take(values, "Where", 3)
            small, marks = self._take(absent, "And", 2)
            size, limit = self._take(small, "LessOrEqual", 2)
            is_known = np.isnan(self._constant(nan, ())) and float(self._constant(limit, ())) == ZERO
            if not is_known or self._take(size, "Abs", 1) != [values]:
                raise NotKnown("trees on changed inputs")
            zeros = tuple(np.flatnonzero(self._constant(marks, (self._features,), "|b1")).tolist())
        if self._take(values, "Cast", 1, to=11) != ["x"]:
            raise NotKnown("trees on changed inputs")
        forest = self._forests[name]
        if forest.targets != self._targets:
            raise NotKnown("trees of other targets than the margin's")
        return replace(forest, zeros=zeros, base=np.zeros(self._targets))

    def _linear(self, name: str) -> Linear:
        left, weights = self._take(name, "MatMul", 2)
        of_absent = self._is(left, "Cast", to=11)
        if of_absent:
            (absent,) = self._take(left, "Cast", 1, to=11)
            (values,) = self._take(absent, "IsNaN", 1)
            names: list[str] = []
        else:
            centered, scale = self._take(left, "Div", 2)
            filled, center = self._take(centered, "Sub", 2)
            absent, fill, values = self._take(filled, "Where", 3)
            if self._take(absent, "IsNaN", 1) != [values]:
                raise NotKnown("a linear model of changed inputs")
            names = [fill, center, scale]
        (gathered,) = self._take(values, "Cast", 1, to=11)
        features = self._gathered(gathered)
        n = len(features)
        fill_, center_, scale_ = [self._constant(one, (n,)) for one in names] or [np.zeros(n)] * 3
        weight = self._constant(weights, (n, self._targets))
        return Linear(features=features, weight=weight, fill=fill_, center=center_, scale=scale_, of_absent=of_absent)

    def _lookup(self, name: str) -> Lookup:
        rows, axes = self._take(name, "ReduceSum", 2, keepdims=0)
        table_name, place = self._take(rows, "Gather", 2, axis=0)
        whole, starts = self._take(place, "Add", 2)
        (code,) = self._take(whole, "Cast", 1, to=7)
        known, codes, other = self._take(code, "Where", 3)
        is_code, is_small = self._take(known, "And", 2)
        lower, upper = self._take(is_code, "GreaterOrEqual", 2), self._take(is_small, "Less", 2)
        features = self._gathered(codes)
        n = len(features)
        table = self._constants.get(table_name)
        size = self._constant(upper[1], (n,), "<f4")
        start = self._constant(starts, (n,), "<i8")
        default = self._constant(other, (), "<f4")
        is_ours = (
            table is not None
            and table.ndim == 2
            and table.dtype == np.float64
            and table.shape[1] == self._targets
            and [lower[0], upper[0]] == [codes, codes]
            and float(self._constant(lower[1], (), "<f4")) == 0.0
            and self._constant(axes, (1,), "<i8").tolist() == [1]
            and bool(np.isfinite(size).all())
            and float(default) == np.floor(default)
            and 0 <= default <= 1 << 24
        )
        if table is None or not is_ours:
            raise NotKnown("a look-up in another way")
        last = start + np.maximum(np.ceil(size.astype(np.float64)).astype(np.int64) - 1, int(default))
        if n and (start.min() < 0 or start.max() >= len(table) or last.max() >= len(table)):
            raise NotKnown("a look-up beyond its table")
        return Lookup(features=features, size=size, start=start, table=table, other=int(default))

    def _zero(self, name: str) -> Step:
        _, one, two = self._take(name, "Where", 3)
        if any(self._constants.get(part) is None or self._constants[part].any() for part in (one, two)):
            raise NotKnown("a choice between values")
        return Step(kind=Kind.ZERO)

    def _gathered(self, name: str) -> Array:
        x, places = self._take(name, "Gather", 2, axis=1)
        found = self._constants.get(places)
        if x != "x" or found is None or found.ndim != 1 or found.dtype != np.int64:
            raise NotKnown("a choice of features in another way")
        if len(found) and not (found.min() >= 0 and found.max() < self._features):
            raise NotKnown("a feature counted from the end")
        return found

    def _row(self, constant: Array) -> Array:
        """Return a constant as one number per target."""
        if constant.dtype != np.float64 or constant.shape not in ((), (1,), (self._targets,)):
            raise NotKnown(f"a constant of shape {constant.shape}")
        return np.ascontiguousarray(np.broadcast_to(constant, (self._targets,)))

    # ------------------------------------------------------------------------------------------------------ matching

    def _name(self, name: str) -> str:
        """Return the value that a name stands for, copies passed over."""
        while (node := self._made.get(name)) is not None and node.op == "Identity":
            name = node.inputs[0]
        return name

    def _node(self, name: str) -> Node:
        node = self._made.get(name)
        if node is None:
            raise NotKnown("a margin that nothing computes")
        return node

    def _inputs(self, name: str) -> list[str]:
        return [self._name(one) for one in self._node(name).inputs]

    def _is(self, name: str, op: str, **attributes: int) -> bool:
        node = self._made.get(self._name(name))
        return node is not None and node.op == op and dict(node.attributes) == attributes

    def _take(self, name: str, op: str, count: int, **attributes: int) -> list[str]:
        """Return the inputs of a value that this very operator made."""
        name = self._name(name)
        inputs = self._inputs(name) if self._is(name, op, **attributes) else []
        if len(inputs) != count:
            raise NotKnown(f"something else where {op} is known")
        return inputs

    def _constant(self, name: str, shape: tuple[int, ...], dtype: str = "<f8") -> Array:
        value = self._constants.get(name)
        if value is None or value.shape != shape or value.dtype != np.dtype(dtype):
            raise NotKnown("a constant of another kind")
        return value
