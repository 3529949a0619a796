"""What all databases are asked in one way: one statement, that reads."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence

from seaway.core.errors import BadInput, NotFound, SeawayError, Unavailable
from seaway.data.sources.address import Address, is_query

DEADLINE_S = 600


def single(text: str, where: str) -> str:
    """Return the query; raises where its first word reads nothing. That it is one statement the database itself says."""
    if not is_query(text):
        raise only_reading(where)
    return text


def quoted(name: str) -> str:
    """Return the name of a table (schema.table too) as SQL writes it where any sign may stand in it."""
    return '"' + name.replace('"', '""') + '"'


def no_table(name: str, names: Sequence[str], where: str) -> NotFound:
    """Say that there is no such table, and which are near."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    others = f"The tables are: {', '.join(names[:30])}." if names else "It has no tables."
    return NotFound(
        f"The database has no table {name!r}",
        where=where,
        fix=f"Did you mean {near[0]!r}?" if near else f"{others} A query begins with SELECT or WITH.",
        code="no-table",
    )


def refuse_doubles(names: Sequence[str], where: str) -> None:
    """Raise `BadInput` where two columns have one name, as a join without AS makes them."""
    doubles = [name for name, count in Counter(names).items() if count > 1]
    if doubles:
        raise BadInput(
            f"The column name {doubles[0]!r} stands {names.count(doubles[0])} times",
            where=where,
            fix="Name the columns in the query, each with AS and a name of its own.",
            code="duplicate-column",
        )


def only_reading(where: str) -> BadInput:
    """Say that the statement would do more than read."""
    return BadInput(
        "Only SELECT and WITH are run, and only on the database that the address names",
        where=where,
        fix="Write one query that reads behind the #.",
        code="only-reading",
    )


def deadline(address: Address) -> int:
    """Return the seconds that one statement may take, the fetching of a piece among them."""
    given = address.options.get("deadline", str(DEADLINE_S))
    if not (given.isascii() and given.isdigit() and 0 < int(given[:6]) <= 86_400):
        raise BadInput(
            f"The deadline is no number of seconds: {given[:20]!r}",
            where=str(address),
            fix="Write for example ?deadline=3600, at most 86400.",
        )
    return int(given)


def too_slow(seconds: float, where: str) -> SeawayError:
    """Say that a statement took longer than it may."""
    return Unavailable(
        f"The query gave no rows for {seconds:g} seconds and was ended",
        where=where,
        fix="Make it lighter (an index, fewer rows), allow more (?deadline=3600 before the #), or write its result to a Parquet file first.",
        code="too-slow",
    )
