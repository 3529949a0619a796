"""Works out every value's shape before a graph runs, so that none can be larger than its rows deserve.

Two small constants can ask for an outer product of any size; a list of allowed operators alone does not see that. Here
each operator's shape rule is applied with the number of rows left as a name: a value has that dimension once at most,
and the product of the others is capped. So is the sum over all values: ten thousand small steps make a large graph too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from seaway.core.batch import Array
from seaway.core.errors import Untrusted
from seaway.engines.wire import Model, Node

Dims = tuple[int | str, ...]

MAX_PER_ROW = 1 << 16
"""Elements that one row may ask for in one value."""

ROWS, MAX_TOGETHER = 10_000, 1 << 30
"""Elements of all values together in one run of so many rows, as many as a server takes in a request by default (8 GiB as float64)."""

MAX_CONSTANT, MAX_CONSTANTS = 1 << 24, 1 << 26
"""Elements of a value that does not depend on the rows, and of all of them: what a library may compute ahead and keep."""

MAX_RANK = 8
"""Dimensions of a value."""


def infer(model: Model) -> dict[str, Dims]:
    """Return the shape of every value; raise `Untrusted` where shapes do not fit or grow too large."""
    shapes: dict[str, Dims] = {name: value.shape for name, value in model.constants.items()}
    shapes |= {name: info.dims for name, info in model.inputs.items()}
    for name, dims in shapes.items():
        _cap(dims, name)
    for node in model.nodes:
        inputs = [shapes[name] for name in node.inputs]
        arity, rule = _RULES[node.op]
        if not arity[0] <= len(inputs) <= arity[1]:
            raise _refuse(f"{node.op} of {len(inputs)} inputs", node.outputs[0])
        shapes[node.outputs[0]] = dims = rule(node, inputs, model.constants)
        _cap(dims, node.outputs[0])
    _cap_together(shapes)
    for name, info in model.outputs.items():
        if shapes[name] != info.dims:
            raise _refuse(f"output of dimensions {shapes[name]} declared as {info.dims}", name)
    return shapes


def _same(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    return inputs[0]


def _softmax(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    _axis(node, inputs[0])
    return inputs[0]


def _broadcast(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    rank = max(len(dims) for dims in inputs)
    result = []
    for sizes in zip(*((1,) * (rank - len(dims)) + dims for dims in inputs), strict=True):
        wide = {size for size in sizes if size != 1}
        if len(wide) > 1:
            raise _refuse(f"{node.op} of dimensions {list(inputs)}", node.outputs[0])
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def _matmul(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    left, right = inputs
    if len(left) != 2 or len(right) != 2 or left[1] != right[0]:
        raise _refuse(f"MatMul of dimensions {left} and {right}", node.outputs[0])
    return left[0], right[1]


def _concat(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    axis = _axis(node, inputs[0])
    rest = {dims[:axis] + dims[axis + 1 :] for dims in inputs if len(dims) == len(inputs[0])}
    sizes = [dims[axis] for dims in inputs if len(dims) > axis]
    whole = [size for size in sizes if isinstance(size, int)]
    if len(rest) != 1 or len(whole) != len(inputs):
        raise _refuse(f"Concat of dimensions {list(inputs)}", node.outputs[0])
    return (*inputs[0][:axis], sum(whole), *inputs[0][axis + 1 :])


def _gather(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    axis = _axis(node, inputs[0])
    index, size = constants.get(node.inputs[1]), inputs[0][axis]
    if index is not None and not (isinstance(size, int) and index.size and index.min() >= 0 and index.max() < size):
        raise _refuse(f"Gather beyond dimension {size}", node.outputs[0])
    return inputs[0][:axis] + inputs[1] + inputs[0][axis + 1 :]


def _without(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    """ReduceMin, ReduceSum and Squeeze: the axes are a constant."""
    axes = constants.get(node.inputs[1], np.zeros(0))
    if axes.dtype != np.int64 or axes.shape != (1,) or not 0 <= int(axes[0]) < len(inputs[0]):
        raise _refuse(f"{node.op} of axes that are not one constant", node.outputs[0])
    axis, dims = int(axes[0]), inputs[0]
    if node.op == "Squeeze" and dims[axis] != 1:
        raise _refuse(f"Squeeze of dimension {dims[axis]}", node.outputs[0])
    kept: Dims = (1,) if node.op != "Squeeze" and node.attributes.get("keepdims", 1) else ()
    return dims[:axis] + kept + dims[axis + 1 :]


def _unsqueeze(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    axes, dims = constants.get(node.inputs[1], np.zeros(0)), inputs[0]
    if axes.dtype != np.int64 or axes.shape != (1,) or not 0 <= int(axes[0]) <= len(dims) < MAX_RANK:
        raise _refuse(f"Unsqueeze of dimensions {dims} by axes that are not one constant", node.outputs[0])
    return (*dims[: int(axes[0])], 1, *dims[int(axes[0]) :])


def _argmax(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    axis = _axis(node, inputs[0])
    kept: Dims = (1,) if node.attributes.get("keepdims", 1) else ()
    return inputs[0][:axis] + kept + inputs[0][axis + 1 :]


def _trees(node: Node, inputs: Sequence[Dims], constants: Mapping[str, Array]) -> Dims:
    targets = node.attributes.get("n_targets", 1)
    if len(inputs[0]) != 2 or not isinstance(inputs[0][1], int) or not isinstance(targets, int) or targets < 1:
        raise _refuse(f"TreeEnsemble of dimensions {inputs[0]}", node.outputs[0])
    return inputs[0][0], targets


def _axis(node: Node, dims: Dims) -> int:
    """Return the axis attribute; negative ones are not written by Seaway."""
    axis = node.attributes.get("axis", 0)
    if not isinstance(axis, int) or not 0 <= axis < len(dims):
        raise _refuse(f"{node.op} along axis {axis} of dimensions {dims}", node.outputs[0])
    return axis


_Rule = Callable[[Node, Sequence[Dims], Mapping[str, Array]], Dims]
_RULES: Mapping[str, tuple[tuple[int, int], _Rule]] = {
    **dict.fromkeys(["Abs", "Cast", "Exp", "Identity", "IsNaN", "Log", "Sigmoid", "Sign", "Sqrt"], ((1, 1), _same)),
    **dict.fromkeys(["Add", "And", "Div", "Equal", "GreaterOrEqual"], ((2, 2), _broadcast)),
    **dict.fromkeys(["Less", "LessOrEqual", "Mul", "Sub"], ((2, 2), _broadcast)),
    **dict.fromkeys(["ReduceMin", "ReduceSum", "Squeeze"], ((2, 2), _without)),
    "ArgMax": ((1, 1), _argmax),
    "Concat": ((1, 64), _concat),
    "Gather": ((2, 2), _gather),
    "MatMul": ((2, 2), _matmul),
    "Softmax": ((1, 1), _softmax),
    "TreeEnsemble": ((1, 1), _trees),
    "Unsqueeze": ((2, 2), _unsqueeze),
    "Where": ((3, 3), _broadcast),
}


def _cap(dims: Dims, name: str) -> None:
    open_ended = [dim for dim in dims if isinstance(dim, str)]
    size = math.prod(dim for dim in dims if isinstance(dim, int))
    if len(open_ended) > 1 or set(open_ended) - {"rows"}:
        raise _refuse(f"dimensions {dims}, of which one at most may be open, and be called rows", name)
    if size > (MAX_PER_ROW if open_ended else MAX_CONSTANT):
        raise _refuse(f"{size} elements", name)


def _cap_together(shapes: Mapping[str, Dims]) -> None:
    """Refuse a graph whose values are small each and too large together."""
    sizes = {"rows": 0, "constant": 0}
    for dims in shapes.values():
        sizes["rows" if "rows" in dims else "constant"] += math.prod(dim for dim in dims if isinstance(dim, int))
    if sizes["rows"] * ROWS > MAX_TOGETHER:
        raise _refuse(f"its values have {sizes['rows']} elements per row together", "graph")
    if sizes["constant"] > MAX_CONSTANTS:
        raise _refuse(f"its constant values have {sizes['constant']} elements together", "graph")


def _refuse(what: str, name: str) -> Untrusted:
    return Untrusted(
        f"The graph's shapes cannot be: {what}",
        where="graph" if name == "graph" else f"value {name!r}",
        fix="Release the run again; graphs of other exporters are not served.",
        code="graph-shape",
    )
