"""From what the caller says to a request, and from a reply to what the caller reads: shared by both clients."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from seaway.client.failures import failure
from seaway.client.wire import Call, Reply
from seaway.core import chance
from seaway.core.errors import BadInput, SeawayError, Unavailable

T = TypeVar("T")

LONGEST_ID = 128


def predict(
    rows: Sequence[Mapping[str, Any]],
    *,
    model: str,
    options: Mapping[str, Any] | None,
    ids: Sequence[Any] | None,
    request_id: str,
    key: str,
    explain: bool,
    partial: bool,
    names: bool,
) -> Call:
    """Return the call that asks for predictions; `names` gives it a request id of its own where it has none."""
    if len(request_id) > LONGEST_ID:
        raise BadInput("The request id is too long", where="request_id", fix=f"Use {LONGEST_ID} characters at most.")
    own = request_id or (chance.token(16) if names else "")
    fields: dict[str, Any] = {"rows": list(rows)}
    given = {"options": options, "ids": ids, "request_id": own, "key": key, "explain": explain, "partial": partial}
    fields |= {name: value for name, value in given.items() if value is not None and value != "" and value is not False}
    return Call(
        method="POST",
        path=_path(model, "predict"),
        body=written(fields),
        is_repeatable=bool(own),
        request_id=own,
    )


def explain(rows: Sequence[Mapping[str, Any]], model: str) -> Call:
    """Return the call that asks for explanations; nothing is decided or logged by it."""
    return Call(method="POST", path=_path(model, "explain"), body=written({"rows": list(rows)}))


def label(labels: Sequence[Mapping[str, Any]], model: str, partial: bool) -> Call:
    """Return the call that reports what came true; labels have no request id, so it is sent once."""
    fields: dict[str, Any] = {"labels": [dict(one) for one in labels], **({"partial": True} if partial else {})}
    return Call(method="POST", path=_path(model, "labels"), body=written(fields), is_repeatable=False)


def contract(model: str) -> Call:
    """Return the call that asks for the contract."""
    return Call(method="GET", path=_path(model, "contract"))


def models() -> Call:
    """Return the call that asks which models are served."""
    return Call(method="GET", path="/v1/models")


def ready() -> Call:
    """Return the call that asks whether the server is ready."""
    return Call(method="GET", path="/health/ready")


def metrics() -> Call:
    """Return the call that asks for the metrics of all workers."""
    return Call(method="GET", path="/metrics")


def read(reply: Reply, form: type[T], url: str, *, also: tuple[int, ...] = ()) -> T:
    """Return what the reply says; raises the error that it tells. `also` lists statuses besides 200 that are no error."""
    if reply.status != 200 and reply.status not in also:
        raise failure(reply, url)
    try:
        return msgspec.json.decode(reply.body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, SeawayError):
        if reply.status != 200:
            raise failure(reply, url) from None
        raise Unavailable(
            "The reply is not of the form that this client reads",
            where=url,
            fix="Ask whether a Seaway server listens there, and install the client's version of Seaway that it has.",
            code="foreign-answer",
        ) from None


def written(fields: Mapping[str, Any]) -> bytes:
    """Return the JSON; raises `BadInput` at the first value that JSON has no word for."""
    try:
        body = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode(fields)
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeEncodeError, BadInput) as error:
        raise _unsendable(fields, error) from None
    if b"null" in body:  # a number that is none is written as null: only then is a closer look worth its time
        _refuse_none_numbers(fields, "$")
    return body


def _plain(value: Any) -> Any:
    """Turn numbers and arrays of numpy and its kin into Python's."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime.tzinfo) or not hasattr(value, "isoformat"):
        raise TypeError(f"a {type(value).__name__} has no form in JSON")
    return value.isoformat()


def _unsendable(fields: Mapping[str, Any], error: Exception) -> BadInput:
    for name in ("rows", "labels"):
        for number, row in enumerate(fields.get(name, ())):
            for column, value in row.items() if isinstance(row, Mapping) else ():
                if not _is_sendable(value):
                    return BadInput(
                        f"A {type(value).__name__} cannot be sent: {error}",
                        where=f"$.{name}[{number}].{column}",
                        fix="Send texts, numbers of at most 64 bits, truth values, times, or None.",
                        code="unsendable",
                    )
    return BadInput(
        f"The request cannot be written as JSON: {error}",
        where="$",
        fix="Send texts, numbers, truth values, times, or None, under names that are texts.",
        code="unsendable",
    )


def _is_sendable(value: Any) -> bool:
    try:
        msgspec.json.encode(value, enc_hook=_plain)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False
    return True


def _refuse_none_numbers(value: Any, path: str) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_none_numbers(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _refuse_none_numbers(inner, f"{path}[{number}]")
    elif isinstance(value, float) or hasattr(value, "tolist"):
        plain = value if isinstance(value, float) else value.tolist()
        if isinstance(plain, list):
            _refuse_none_numbers(plain, path)
        elif isinstance(plain, float) and plain - plain != 0:
            raise BadInput(
                f"{plain} is no number that can be sent",
                where=path,
                fix="Send None where a value is missing.",
                code="not-finite",
            )


def _path(model: str, verb: str) -> str:
    return f"/v1/models/{quote(model, safe='')}/{verb}" if model else f"/v1/{verb}"


def spread(batch: Sequence[object], predictions: Sequence[T]) -> Sequence[T]:
    """Return the predictions of a batch; raises `BadInput` where they are not one per row, so that batches cannot be joined."""
    if len(predictions) != len(batch):
        raise BadInput(
            f"{len(batch)} rows have {len(predictions)} predictions: this model does not answer row by row",
            where="predict_many",
            fix="Send the whole series or request with predict.",
            code="not-by-row",
        )
    return predictions


def steps_of(batch: int, concurrency: int, connections: int) -> tuple[int, int]:
    """Return rows per request and requests at once, within bounds."""
    if batch < 1 or concurrency < 1:
        raise BadInput(
            "A batch has a row at least", where="predict_many", fix="Give batch and concurrency of 1 or more."
        )
    return batch, min(concurrency, connections)
