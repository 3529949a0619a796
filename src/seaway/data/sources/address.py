"""Where rows come from, as people write it wherever a file goes.

| written | means |
|---|---|
| `FILE.xlsx`, `FILE.xlsx#Sheet` | a sheet of a workbook; the first one without a name |
| `FILE.jsonl`, `FILE.ndjson`, either with `.gz` | one JSON object per line |
| `sqlite:///FILE#TABLE`, `sqlite:///FILE#SELECT ...` | a table or a query of an SQLite file; `sqlite:////FILE` from the root |
| `duckdb:///FILE#...` | the same of a DuckDB file |
| `postgresql://[USER@]HOST[:PORT]/DATABASE[?sslmode=...]#...` | the same of a PostgreSQL server |
| any database with `?deadline=SECONDS` before the # | one statement may take so long, 600 seconds without it |
| any other | a CSV, Parquet or Arrow file |

An address holds no secret: a password in it is refused, because commands, settings and process lists are read by others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from seaway.core.errors import BadInput, NotFound

Kind = Literal["excel", "lines", "sqlite", "duckdb", "postgresql"]
WORKBOOKS = (".xlsx", ".xlsm")
LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
SCHEMES: Mapping[str, Kind] = {
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "postgresql": "postgresql",
    "postgres": "postgresql",
}
OPTIONS = ("host", "port", "sslmode", "sslrootcert", "connect_timeout", "deadline")
"""What may stand behind the question mark of a server's address; `deadline` is the seconds that one statement may take."""
SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*")
QUERY = re.compile(r"\s*(\(|--|/\*|(select|with|values)\b.*\s)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Address:
    """A source that is no CSV or Parquet file. `part` is its sheet, table or query; empty where it needs none.

    `str()` of it is for messages, reports and records: without the user's name and the options.
    """

    kind: Kind
    path: Path | None = None
    part: str = ""
    host: str = ""
    port: int | None = None
    database: str = ""
    user: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the source is called for short."""
        called = self.path.name if self.path else self.database
        return f"{called}#{self.part}" if self.part and self.is_named else called

    @property
    def is_named(self) -> bool:
        """Whether `part` is a name, and no query."""
        return not is_query(self.part)

    @property
    def text(self) -> str:
        """The address as settings keep it: what it was parsed from, without the spelling."""
        options = f"?{urlencode(self.options)}" if self.options else ""
        if self.kind != "postgresql":
            return f"{self._file}{options}{self._ending}"
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        return f"postgresql://{user}{self._server}{options}{self._ending}"

    def __str__(self) -> str:
        if self.kind == "postgresql":
            return f"postgresql://{self._server}{self._ending}"
        return f"{self._file}{self._ending}"

    @property
    def _file(self) -> str:
        # As a URL's path, so that what is written can be read again: a ? or # in a folder's name would end it.
        return f"{self.kind}:///{quote(str(self.path))}" if self.kind in SCHEMES else str(self.path)

    @property
    def _server(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}{f':{self.port}' if self.port else ''}/{quote(self.database, safe='')}"

    @property
    def _ending(self) -> str:
        return f"#{self.part}" if self.part else ""


Source = Path | Address
"""What rows are read from: a CSV or Parquet file, or an address."""


def of(source: str | Path | Address) -> Source:
    """Return what a text names; raises `BadInput` for an address that means nothing or holds a password."""
    if isinstance(source, Address):
        return source
    written = str(source)
    scheme, sign, _ = written.partition("://")
    if sign and SCHEME.fullmatch(scheme):
        return _of_database(written, scheme.lower())
    for suffix in WORKBOOKS:
        before, cut, sheet = written.partition(f"{suffix}#")
        if cut and not Path(written).is_file():
            return Address(kind="excel", path=Path(before + suffix), part=sheet)
    name = Path(written).name.lower()
    if name.endswith(WORKBOOKS):
        return Address(kind="excel", path=Path(written))
    if name.endswith(LINES):
        return Address(kind="lines", path=Path(written))
    return Path(written)


def within(source: str | Path | Address, folder: Path) -> Source:
    """Return what a text names for one who stands in `folder`."""
    found = of(source)
    if isinstance(found, Path):
        return folder / found
    return found if found.path is None else replace(found, path=folder / found.path)


def relative(source: str | Path | Address, folder: Path) -> str:
    """Return the text that names, for one who stands in `folder`, what `source` names from here."""
    found = of(source)
    if isinstance(found, Path):
        return os.path.relpath(found.resolve(), folder.resolve())
    if found.path is None:
        return found.text
    return replace(found, path=Path(os.path.relpath(found.path.resolve(), folder.resolve()))).text


def refuse_absent(source: Source) -> None:
    """Raise `NotFound` where the file of a source is not there, with the names of those that are; of servers nothing is asked."""
    path = source if isinstance(source, Path) else source.path
    if path is None or path.is_file():
        return
    beside = path.parent if path.parent.is_dir() else Path()
    raise NotFound(
        f"There is no file {path.name!r}",
        where=str(path),
        fix=f"Check the path; {str(beside)!r} holds: {_some_names(beside)}.",
        code="no-file",
    )


def is_query(part: str) -> bool:
    """Say whether the part of a database's address is a query, and no name of a table (or sheet)."""
    return bool(QUERY.match(part))


def _of_database(written: str, scheme: str) -> Address:
    # No message here repeats the text: what is wrong with it may be that it holds a password.
    kind = SCHEMES.get(scheme)
    if kind is None:
        raise BadInput(
            f"Seaway reads nothing from {scheme}://",
            where="the address of the data",
            fix=f"Use one of: {', '.join(f'{name}://' for name in SCHEMES)}; or fetch the file, and name it.",
            code="unknown-source",
        )
    address, _, part = written.partition("#")
    try:
        cut = urlsplit(address)
        port = cut.port
    except ValueError:
        raise BadInput(
            "The address is malformed",
            where=f"the address of the data, {scheme}://",
            fix="Write it like postgresql://HOST:5432/DATABASE#TABLE.",
        ) from None
    part = part.strip().rstrip(";").rstrip()
    if not part:
        raise BadInput(
            "The address does not say which rows",
            where=f"the address of the data, {scheme}://",
            fix="Put a table's name or a query behind a #, for example #loans or #SELECT * FROM loans.",
            code="no-query",
        )
    given = parse_qsl(cut.query, keep_blank_values=True)
    return _of_server(cut, port, given, part) if kind == "postgresql" else _of_file(kind, cut, given, part)


def _of_file(kind: Kind, cut: SplitResult, given: list[tuple[str, str]], part: str) -> Address:
    if cut.netloc or len(cut.path) < 2 or any(name != "deadline" for name, _ in given):
        raise BadInput(
            f"The address of a file is written {kind}:///FILE#...",
            where=f"the address of the data, {kind}://",
            fix=f"Three slashes stand before a path from here, four before one from the root: {kind}:////data/file.db.",
        )
    return Address(kind=kind, path=Path(unquote(cut.path[1:])), part=part, options=dict(given))


def _of_server(cut: SplitResult, port: int | None, given: list[tuple[str, str]], part: str) -> Address:
    if cut.password is not None or any(name in ("password", "passfile") for name, _ in given):
        raise BadInput(
            "A password does not belong into an address, where settings, histories and process lists show it",
            where="the address of the data, postgresql://",
            fix="Put it into PGPASSWORD or the file ~/.pgpass (0600), and leave it out of the address.",
            code="password-in-address",
        )
    odd = [name for name, _ in given if name not in OPTIONS]
    if odd:
        raise BadInput(
            f"The address has an option that Seaway does not know: {odd[0][:40]!r}",
            where="the address of the data, postgresql://",
            fix=f"Use: {', '.join(OPTIONS)}; others are read from the environment (PGSERVICE, PGSSLCERT ...).",
        )
    return Address(
        kind="postgresql",
        part=part,
        host=unquote(cut.hostname or ""),
        port=port,
        database=unquote(cut.path[1:]),
        user=unquote(cut.username or ""),
        options=dict(given),
    )


def _some_names(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "no files"
