"""A request's envelope: the fields beside the rows, each read and held to its form, whatever the rows are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from seaway.core.batch import Ids, Json
from seaway.core.errors import Malformed, TooLarge
from seaway.core.settings import ServeSettings
from seaway.data.encode import cell, wire
from seaway.data.encode.refusal import meant

LONGEST_ID, LONGEST_WORD = 256, 128


@dataclass(frozen=True, kw_only=True)
class Message:
    """A request as it came: rows are objects, the fields beside them have their types; nothing is held to a contract yet."""

    rows: Sequence[Mapping[str, Json]]
    options: Json = None
    ids: Json = None
    request_id: str = ""
    key: str = ""
    explain: bool = False
    partial: bool = False


def read(body: bytes, limits: ServeSettings) -> Message:
    """Read a request's JSON; raises `Malformed` or `TooLarge`."""
    fields = wire.body(body, limits)
    for name in fields:
        if name not in wire.FIELDS:
            raise Malformed(
                f"A request has no {name[:80]!r}",
                where=f"$.{name[:80]}",
                fix=f"It may hold: {', '.join(wire.FIELDS)}.{meant(name, wire.FIELDS)}",
                code="unknown-field",
            )
    rows = fields.get("rows")
    if rows.__class__ is not list or any(row.__class__ is not dict for row in rows):
        raise Malformed(
            "`rows` is not a list of objects", where="$.rows", fix='Send {"rows": [{"column": value, ...}]}.'
        )
    if len(rows) > limits.max_rows:
        raise TooLarge(
            f"The request has {len(rows)} rows, {limits.max_rows} are allowed",
            where="$.rows",
            fix="Send them in several requests.",
        )
    wire.texts_within(rows, len(body), limits)
    return Message(
        rows=rows,
        options=fields.get("options"),
        ids=fields.get("ids"),
        request_id=_word(fields, "request_id"),
        key=_word(fields, "key"),
        explain=_flag(fields, "explain"),
        partial=_flag(fields, "partial"),
    )


def ids_given(given: Json, cases: int, columns: Sequence[str]) -> Sequence[Ids]:
    """Read `ids`: one per case, an object by id column, or a plain value where there is one id column or none."""
    if given is None:
        return ()
    name = columns[0] if columns else "id"
    if given.__class__ is not list or len(given) != cases:
        raise Malformed(
            "`ids` is not a list with one id per prediction", where="$.ids", fix=f"Send {cases} ids, or none."
        )
    found: list[Ids] = []
    for number, item in enumerate(given):
        item = item if isinstance(item, dict) else {name: item}
        unknown = [key for key in item if key not in (columns or (name,))]
        try:
            if unknown:
                raise cell.Broken("unknown", f"The id columns are: {', '.join(columns) or name}.")
            found.append(id_texts(item, list(item)))
        except cell.Broken as broken:
            raise Malformed("An id is not as the contract says", where=f"$.ids[{number}]", fix=broken.fix) from None
    return found


def id_texts(row: Mapping[str, Json], names: Sequence[str]) -> dict[str, str]:
    """Return the ids of a row as texts, missing ones left out; raises `Broken`."""
    found: dict[str, str] = {}
    for name in names:
        value = row.get(name)
        if value is None:
            continue
        if value.__class__ not in (str, int) or (value.__class__ is str and len(value) > LONGEST_ID):
            raise cell.Broken("id", f"Send {name!r} as a text of at most {LONGEST_ID} characters or an integer.")
        found[name] = str(value)
    return found


def id_reader(name: str) -> Callable[[Mapping[str, Json]], object]:
    """Return what reads one id column of a row."""
    return lambda row: id_texts(row, [name])


def _flag(fields: Mapping[str, Json], name: str) -> bool:
    value = fields.get(name, False)
    if value is not True and value is not False:
        raise Malformed(f"`{name}` is not true or false", where=f"$.{name}", fix="Send true or false, or leave it out.")
    return value


def _word(fields: Mapping[str, Json], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST_WORD or not value.isprintable():
        raise Malformed(
            f"`{name}` is not a text of at most {LONGEST_WORD} printable characters",
            where=f"$.{name}",
            fix="Send a short text, or leave it out.",
        )
    return value
