"""A contract on disk: contract.toml for people, with their comments kept, and contract.lock.json for what was inferred."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table as TomlTable

from seaway.core import durable
from seaway.core.contract import Blank, Column, Contract, Map, Output, Rule, Series, Trim
from seaway.core.errors import BadInput, NotFound
from seaway.core.project import Project
from seaway.core.protocols import Rows
from seaway.data import infer
from seaway.data.encode.frequency import frequency
from seaway.data.encode.rules import Rules
from seaway.data.encode.zones import zone

INFERRED = ("categories", "range", "shift", "parts")
"""Facts of a column that live in the lock, unless a person writes them into contract.toml."""
REPAIRS = ("trim", "blank", "map", "clip")
"""How people write the cleaning rules of a column; they run in the order trim, map, blank, clip."""
ALWAYS = ("kind", "role")

HEAD = """What a row must look like. Edit freely: your comments stay, and `seaway check` says what you broke.

Of a column:
  kind     number, integer, boolean, category, time, text
  role     feature (learnt from), target, id, time (orders the rows), group (never split), weight, ignore
  blank    texts that mean "missing":         blank = ["?", "NA"]
  trim     white space is no part of a text:  trim = true
  map      one text for another:              map = { "m" = "male" }
  clip     hold a number inside:              clip = [0.0, 120.0]
  range, categories   what is expected; with hard = true everything else is refused, otherwise answered and flagged
  null     "missing" (allowed) or "error"     absent  "null" or "error" (the field has to be sent)
  unseen   "other", "missing" or "error"      outside "flag", "missing" or "error"
  unit, format ("%d-%m-%Y"), personal = "e-mail", protected = true, log = "full" | "digest" | "none"
  ahead = true   (of series) the value is known before the target is
  part = "static"   (of series) the value never changes within a series

Inferred categories, ranges and shifts are in contract.lock.json; what stands here wins."""


class _Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    categories: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    shift: float = 0.0
    parts: tuple[str, ...] = ()


class _Lock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    format: int = 1
    columns: dict[str, _Facts] = {}
    per: str = "row"
    options: tuple[Column, ...] = ()
    truth: Column | None = None
    outputs: tuple[Output, ...] = ()
    series: Series | None = None


def write(project: Project, contract: Contract) -> None:
    """Write both files; what people wrote into an existing contract.toml stays, comments and order included."""
    document = _parsed(project) if project.contract.exists() else _fresh(contract)
    document["task"] = contract.task
    if contract.extra != "error" or "extra" in document:
        document["extra"] = contract.extra
    _write_series(document, contract.series)
    columns: Any = document.setdefault("columns", tomlkit.table(is_super_table=True))
    for name in [name for name in columns if name not in contract.by_name]:
        del columns[name]
    for column in contract.columns:
        if column.name not in columns:
            columns[column.name] = tomlkit.table()
        _update(columns[column.name], column)
    lock = _Lock(
        columns={column.name: facts for column in contract.columns if (facts := _facts(column)) != _Facts()},
        per=contract.per,
        options=contract.options,
        truth=contract.truth,
        outputs=contract.outputs,
    )
    durable.write(project.lock, msgspec.json.format(msgspec.json.encode(lock, order="sorted"), indent=1) + b"\n")
    durable.write(project.contract, tomlkit.dumps(document).encode())


def load(project: Project) -> Contract:
    """Read both files into one contract.

    Truth and outputs are left out where a person has named another target since: the task has to shape them anew.
    """
    if not project.contract.exists():
        raise NotFound(
            "There is no contract.toml",
            where=str(project.contract),
            fix="Make the project with `seaway new DIR --data FILE --target COLUMN`.",
        )
    document = _parsed(project).unwrap()
    where = str(project.contract)
    _refuse_unknown(document, ("task", "extra", "series", "columns"), where)
    tables = document.get("columns", {})
    if not isinstance(tables, dict) or not tables:
        raise BadInput("The contract has no columns", where=where, fix="Add tables such as [columns.age] with a kind.")
    lock = _read_lock(project)
    series = _series(document.get("series"), where) or lock.series
    columns = tuple(_column(name, table, lock.columns.get(name, _Facts()), where) for name, table in tables.items())
    targets = [column.name for column in columns if column.role == "target"]
    if len(targets) > 1:
        raise BadInput(f"{len(targets)} columns are the target: {', '.join(targets)}", where=where, fix="Keep one.")
    still = targets == ([lock.truth.name] if lock.truth else [])
    fields = {"task": document.get("task", ""), "extra": document.get("extra", "error"), "per": lock.per}
    try:
        return msgspec.convert(
            {
                **fields,
                "columns": columns,
                "options": _options(lock.options, series),
                "series": series,
                "truth": lock.truth if still else None,
                "outputs": lock.outputs if still else (),
            },
            Contract,
        )
    except msgspec.ValidationError as error:
        raise BadInput(f"The contract is wrong: {error}", where=where, fix="Correct the value it names.") from None


def widen(project: Project, rows: Rows) -> Contract:
    """Infer the lock again from `rows` and write it; contract.toml stays as it is. Returns the wider contract."""
    contract = infer.measure(load(project), rows)
    write(project, contract)
    return contract


# ------------------------------------------------------------------------------------------------------ contract.toml


def _fresh(contract: Contract) -> tomlkit.TOMLDocument:
    document = tomlkit.document()
    for line in HEAD.splitlines():
        document.add(tomlkit.comment(line) if line else tomlkit.comment(""))
    document.add(tomlkit.nl())
    document["task"] = contract.task
    return document


def _parsed(project: Project) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(project.contract.read_text(encoding="utf-8"))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise BadInput(
            f"Not valid TOML: {error}", where=str(project.contract), fix="Correct the line it names."
        ) from None


SERIES = {
    "frequency": "seconds s, minutes m, hours h, days d, weekdays bd, weeks w, months mo, quarters q, years y",
    "zone": "where clocks show times that carry no offset; of days and longer steps it means nothing",
    "season": "rows after which the values repeat; 1 = they do not",
    "history": "so many of the newest rows a model looks at",
    "horizon": "so many steps ahead it answers at most",
    "gaps": 'a period without a row: "missing", "zero" or "error"',
}
"""What people may write about series, each with its comment."""


def _write_series(document: Any, series: Series | None) -> None:
    """Bring the [series] table up to the contract, touching only the values that have changed."""
    if series is None:
        document.pop("series", None)
        return
    table: Any = document.get("series")
    if table is None:
        table = tomlkit.table()
        document["series"] = table
    for name, meaning in SERIES.items():
        value = getattr(series, name)
        if name not in table:
            table.add(name, value)
            table[name].comment(meaning)
        elif table[name] != value:
            table[name] = value


def _series(table: Any, where: str) -> Series | None:
    if table is None:
        return None
    where = f"{where}, [series]"
    if not isinstance(table, dict):
        raise BadInput("`series` is no table", where=where, fix="Write [series] and its keys below.")
    _refuse_unknown(table, tuple(SERIES), where)
    try:
        series = msgspec.convert(table, Series, strict=True)
    except msgspec.ValidationError as error:
        raise BadInput(f"[series] is wrong: {error}", where=where, fix="Correct the value it names.") from None
    if not frequency(series.frequency).is_civil and series.zone != "UTC":
        zone(series.zone)
    for name in ("season", "horizon", "history"):
        if getattr(series, name) < 1:
            raise BadInput(f"{name} = {getattr(series, name)} is no count of rows", where=where, fix="Write 1 or more.")
    return series


def _options(options: tuple[Column, ...], series: Series | None) -> tuple[Column, ...]:
    """Return a request's options with the longest horizon that [series] allows."""
    if series is None:
        return options
    limits = (1.0, float(series.horizon))
    return tuple(
        msgspec.structs.replace(option, range=limits) if option.name == "horizon" else option for option in options
    )


def _update(table: Any, column: Column) -> None:
    """Bring a table up to a column, touching only the keys whose value has changed."""
    wanted = _people(column)
    for name in INFERRED:
        if name in table:
            wanted[name] = _plain(getattr(column, name))
    is_new = not table
    for name in [name for name in table if name not in wanted]:
        del table[name]
    for name, value in wanted.items():
        if name not in table or table[name] != value:
            table[name] = value
    if is_new and isinstance(table, TomlTable):
        for hint in _hints(column):
            table.add(tomlkit.comment(hint))


def _people(column: Column) -> dict[str, Any]:
    """Return the keys of a column's table: kind, role, and whatever differs from the default."""
    found: dict[str, Any] = {name: getattr(column, name) for name in ALWAYS}
    for field in msgspec.structs.fields(Column):
        name = field.encode_name
        if name in (*ALWAYS, *INFERRED, "name", "clean", "columns"):
            continue
        value = getattr(column, name)
        if value != field.default:
            found[name] = value
    for rule in column.clean:
        found |= _repair(rule)
    return found


def _repair(rule: Rule) -> dict[str, Any]:
    if isinstance(rule, Trim):
        return {"trim": True}
    if isinstance(rule, Blank):
        return {"blank": list(rule.words)}
    if isinstance(rule, Map):
        return {"map": dict(rule.to)}
    return {"clip": [-math.inf if rule.low is None else rule.low, math.inf if rule.high is None else rule.high]}


def _hints(column: Column) -> list[str]:
    if column.role in ("ignore", "id"):
        return []
    if column.range:
        return [f"seen from {column.range[0]:g} to {column.range[1]:g}"]
    if column.categories:
        shown = ", ".join(column.categories[:6])
        return [f"{len(column.categories)} categories: {shown[:100]}{', ...' if len(column.categories) > 6 else ''}"]
    if column.parts:
        return [f"the model sees: {', '.join(column.parts)}"]
    return []


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _column(name: str, table: Any, facts: _Facts, where: str) -> Column:
    where = f"{where}, [columns.{name}]"
    if not isinstance(table, dict):
        raise BadInput(f"Column {name!r} is no table", where=where, fix=f"Write [columns.{name}] and its keys below.")
    known = [field.encode_name for field in msgspec.structs.fields(Column)]
    _refuse_unknown(table, [*(key for key in known if key not in ("name", "clean", "columns")), *REPAIRS], where)
    values = {key: value for key, value in table.items() if key not in REPAIRS}
    inferred = {key: getattr(facts, key) for key in INFERRED if key not in values}
    try:
        clean = _rules(table)
        column = msgspec.convert({"name": name, **inferred, **values, "clean": clean}, Column, strict=True)
    except msgspec.ValidationError as error:
        raise BadInput(f"Column {name!r} is wrong: {error}", where=where, fix="Correct the value it names.") from None
    if column.kind == "category" and column.hard and not column.categories:
        raise BadInput(f"{name!r} is hard but lists no categories", where=where, fix="Add categories = [...].")
    try:
        Rules.of(column)
    except BadInput as error:
        raise BadInput(error.what, where=where, fix=error.fix, code=error.code) from None
    return column


def _rules(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if table.get("trim", False) is not False:
        if table["trim"] is not True:
            raise msgspec.ValidationError("`trim` is true or false")
        found.append({"rule": "trim"})
    if "map" in table:
        found.append({"rule": "map", "to": table["map"]})
    if "blank" in table:
        found.append({"rule": "blank", "words": table["blank"]})
    if "clip" in table:
        limits = table["clip"]
        if not isinstance(limits, list) or len(limits) != 2:
            raise msgspec.ValidationError("`clip` is a list of the lowest and the highest value")
        low, high = (None if isinstance(limit, float) and math.isinf(limit) else limit for limit in limits)
        found.append({"rule": "clip", "low": low, "high": high})
    return found


def _refuse_unknown(table: Mapping[str, Any], known: Any, where: str) -> None:
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise BadInput(
                f"There is no {name!r} here",
                where=where,
                fix=f"Did you mean {near[0]!r}?" if near else f"It may hold: {', '.join(known)}.",
                code="unknown-key",
            )


# -------------------------------------------------------------------------------------------------- contract.lock.json


def _facts(column: Column) -> _Facts:
    return _Facts(categories=column.categories, range=column.range, shift=column.shift, parts=column.parts)


def _read_lock(project: Project) -> _Lock:
    if not project.lock.exists():
        return _Lock()
    try:
        return msgspec.json.decode(project.lock.read_bytes(), type=_Lock)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            f"contract.lock.json cannot be read: {error}",
            where=str(project.lock),
            fix="Delete it: the next `seaway check` or `seaway train` infers it again.",
        ) from None
