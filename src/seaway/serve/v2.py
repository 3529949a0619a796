"""Open Inference Protocol v2 over REST, for tables: one named tensor per column in, one per output out.

A tensor has shape [rows] or [rows, 1]. Datatypes by kind of column: number FP64 (any number type is taken), integer INT64 (any
integer type), boolean BOOL, everything else BYTES. A null in `data` is a missing value, a left-out tensor an absent column.
Rows become JSON objects and go the way of /v1/predict, so that the answers are the same to the last bit. A model whose case
is a series is not offered here. Errors have the protocol's own form, {"error": "text"}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from seaway.core.batch import Array, Json
from seaway.core.contract import Column, Contract, Output
from seaway.core.errors import BadInput, Malformed, TooLarge
from seaway.core.event import Prediction
from seaway.data.encode import wire
from seaway.serve import body, http
from seaway.serve.answering import Answer, Asked
from seaway.serve.handlers import Handlers
from seaway.serve.http import Reply
from seaway.serve.releases import Loaded, Serving

INTEGERS = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
NUMBERS = INTEGERS | {"FP16", "FP32", "FP64"}
DATATYPES: Mapping[str, tuple[str, frozenset[str]]] = {
    "number": ("FP64", NUMBERS),
    "integer": ("INT64", NUMBERS),
    "boolean": ("BOOL", frozenset({"BOOL"})),
}
TEXT = ("BYTES", frozenset({"BYTES"}))
"""By kind of column: the datatype that metadata names, and those that are taken."""


class Tensor(msgspec.Struct, kw_only=True):
    """A named tensor of a request; parameters are allowed by the protocol and mean nothing here."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = {}


class Wanted(msgspec.Struct, kw_only=True):
    """An output that the caller asks for."""

    name: str
    parameters: dict[str, Any] = {}


class Infer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of an inference request."""

    inputs: list[Tensor]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Wanted] = []


def is_table(contract: Contract) -> bool:
    """Say whether each row is a case of its own, which tensors of one value per row can hold."""
    return contract.series is None


def _refuse_other_shapes(contract: Contract, model: str) -> None:
    if not is_table(contract):
        raise BadInput(
            f"{model!r} answers about series, and the Open Inference Protocol has no form for their rows",
            where=f"/v2/models/{model}",
            fix=f"Ask POST /v1/models/{model}/predict; GET /v1/models/{model}/contract shows what it reads.",
            code="not-applicable",
        )


async def infer(handlers: Handlers, data: bytes, model: str, version: str, principal: str) -> Reply:
    """Answer an inference request; `parameters.key` chooses the canary arm, `id` is the caller's own id."""
    serving = _served(handlers, model, version)
    _refuse_other_shapes(serving.champion.contract, serving.model)
    asked = body.read(data, Infer, handlers.settings)
    if len(asked.id) > 128 or not asked.id.isprintable():
        raise Malformed(
            "`id` is not a text of at most 128 printable characters", where="$.id", fix="Send a short text."
        )
    wanted = [one.name for one in asked.outputs]
    for name in wanted:
        serving.champion.contract.output(name)
    rows = rows_of(asked.inputs, serving.champion.contract, handlers.settings.max_rows)
    wire.texts_within(rows, len(data), handlers.settings)
    key = asked.parameters.get("key", "")

    def shape(logged: Prediction, answer: Answer | None) -> bytes:
        return response(serving, logged, answer, wanted)

    one = Asked(data, rows, request_id=asked.id, key=key if isinstance(key, str) else "")
    return await handlers.ask(one, serving.model, principal, shape)


def rows_of(tensors: list[Tensor], contract: Contract, most: int) -> list[dict[str, Json]]:
    """Turn columns into rows. What the contract does not know keeps its name, for the encoder to refuse."""
    names = [tensor.name for tensor in tensors]
    if len(set(names)) < len(names):
        raise Malformed("A tensor stands twice in `inputs`", where="$.inputs", fix="Send each column once.")
    columns: list[list[Json]] = []
    count = -1
    for place, tensor in enumerate(tensors):
        values = _values(place, tensor, contract.by_name.get(tensor.name))
        if count not in (-1, len(values)):
            raise Malformed(
                f"Tensor {tensor.name[:80]!r} has {len(values)} rows, those before it {count}",
                where=f"$.inputs[{place}].shape",
                fix="Send the same number of rows in every tensor.",
            )
        count = len(values)
        columns.append(values)
    if count > most:
        raise TooLarge(f"{count} rows, {most} are allowed", where="$.inputs", fix="Send them in several requests.")
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(place: int, tensor: Tensor, column: Column | None) -> list[Json]:
    where = f"$.inputs[{place}]"
    if column is not None:
        _, taken = DATATYPES.get(column.kind, TEXT)
        if tensor.datatype not in taken:
            raise Malformed(
                f"Tensor {tensor.name!r} has datatype {tensor.datatype[:16]!r}, a {column.kind} is {' or '.join(sorted(taken))}",
                where=f"{where}.datatype",
                fix="GET /v2/models/NAME lists the datatypes.",
            )
    values = tensor.data
    if len(tensor.shape) == 2 and values and all(value.__class__ is list and len(value) == 1 for value in values):
        values = [value[0] for value in values]
    rows = tensor.shape[0] if tensor.shape else -1
    if rows < 0 or tensor.shape[1:] not in ([], [1]) or rows != len(values):
        raise Malformed(
            f"Tensor {tensor.name[:80]!r} has shape {tensor.shape[:4]} and {len(values)} values",
            where=f"{where}.shape",
            fix="Send one value per row, with shape [rows] or [rows, 1].",
        )
    if column is not None and column.kind == "integer" and tensor.datatype not in INTEGERS:
        return [int(value) if value.__class__ is float and value.is_integer() else value for value in values]
    return values


def tensors(rows: Sequence[Mapping[str, Json]], contract: Contract) -> list[dict[str, Json]]:
    """Return rows as a caller sends them over this protocol. A column that a row leaves out is null there."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [
        {
            "name": name,
            "shape": [len(rows)],
            "datatype": DATATYPES.get(contract.by_name[name].kind, TEXT)[0],
            "data": [row.get(name) for row in rows],
        }
        for name in names
    ]


def response(serving: Serving, logged: Prediction, answer: Answer | None, wanted: list[str]) -> bytes:
    """Return the answer as tensors; a repeat is rebuilt from what was logged."""
    loaded = next((one for one in serving.releases if one.digest == logged.release), serving.champion)
    contract = answer.taken.loaded.contract if answer else loaded.contract
    predictions = msgspec.json.decode(logged.answers) if answer is None else answer.answered.predictions
    parameters: dict[str, Json] = {"request_id": logged.request_id, "release": logged.release}
    flags = [{"row": row, **flag} for row, one in enumerate(predictions) for flag in one.get("flags", ())]
    if flags:
        parameters["flags"] = http.encode(flags).decode()
    outputs = [
        _from_array(output, answer.answered.answers[output.name])
        if answer
        else _from_predictions(output, [one[output.name] for one in predictions])
        for output in contract.outputs
        if not wanted or output.name in wanted
    ]
    found: dict[str, Json] = {"model_name": logged.model, "model_version": str(loaded.version), "outputs": outputs}
    if answer:
        found["model_version"] = str(answer.taken.loaded.version)
    if logged.client_id:
        found["id"] = logged.client_id
    found["parameters"] = parameters
    return http.encode(found)


def _from_array(output: Output, values: Array) -> dict[str, Json]:
    shape, flat = list(values.shape), values.reshape(-1).tolist()
    if output.kind == "code" and output.labels:
        return _tensor(output, shape, [output.labels[code] for code in flat])
    return _tensor(output, shape, flat)


def _from_predictions(output: Output, values: list[Json]) -> dict[str, Json]:
    shape = [len(values)]
    while values and isinstance(values[0], list | dict) and output.kind != "document":
        values = [list(value.values()) if isinstance(value, dict) else value for value in values]
        shape.append(len(values[0]))
        values = [inner for value in values for inner in value]
    return _tensor(output, shape, values)


def _tensor(output: Output, shape: list[int], values: list[Json]) -> dict[str, Json]:
    if output.kind == "document":
        values = [http.encode(value).decode() for value in values]
    return {"name": output.name, "datatype": datatype(output), "shape": shape, "data": values}


def datatype(output: Output) -> str:
    """Return the datatype of an output: numbers FP64, codes INT64 unless they have labels, all else BYTES."""
    if output.kind == "number":
        return "FP64"
    return "INT64" if output.kind == "code" and not output.labels else "BYTES"


def metadata(loaded: Loaded, name: str) -> Reply:
    """Describe a model: its inputs by the contract, its outputs."""
    contract = loaded.contract
    _refuse_other_shapes(contract, name)
    inputs = [
        {"name": column.name, "datatype": DATATYPES.get(column.kind, TEXT)[0], "shape": [-1]}
        for column in contract.columns
        if column.encoded
    ]
    outputs = [
        {
            "name": output.name,
            "datatype": datatype(output),
            "shape": [-1, *(len(output.labels) if axis in ("class", "level") else -1 for axis in output.axes)],
        }
        for output in contract.outputs
    ]
    found = {
        "name": name,
        "versions": [str(loaded.version)],
        "platform": f"seaway_{loaded.front.bundle.manifest.engine}",
        "inputs": inputs,
        "outputs": outputs,
    }
    return Reply(200, http.encode(found), model=name)


def server(version: str) -> Reply:
    """Describe the server."""
    return Reply(200, http.encode({"name": "seaway", "version": version, "extensions": []}))


def _served(handlers: Handlers, model: str, version: str) -> Serving:
    serving = handlers.models[model]
    versions = {str(loaded.version) for loaded in serving.releases}
    if version and version not in versions:
        raise BadInput(
            f"Version {version[:20]!r} of {serving.model!r} does not answer now",
            where=f"/v2/models/{serving.model}",
            fix="Leave the version out: the registry says which release answers.",
            code="not-found",
        )
    return serving


def refused(reply: Reply) -> Reply:
    """Return an error reply in the protocol's own form: one text that holds all that /v1 says in fields."""
    told = msgspec.json.decode(reply.body)["error"]
    cells = "".join(
        f" [row {cell['row']}, {cell['column']}: {cell['value']} breaks {cell['rule']}]"
        for cell in told.get("cells", [])
    )
    text = f"{told['message']}. {told['fix']}{cells} ({told['code']})"
    return reply._replace(body=http.encode({"error": text}))
