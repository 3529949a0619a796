"""A request's options, held to what the contract declares."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from seaway.core.batch import Flag, Json
from seaway.core.contract import Contract
from seaway.core.errors import Malformed
from seaway.data.encode import cell
from seaway.data.encode.rules import Rules

Settle = Callable[[Json], Mapping[str, Json]]


def settler(contract: Contract) -> Settle:
    """Return the reader of a request's options, which raises `Malformed` for one not declared or not as declared."""
    readers = {option.name: cell.reader(Rules.of(option)) for option in contract.options}

    def settle(given: Json) -> Mapping[str, Json]:
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            raise Malformed("`options` is not an object", where="$.options", fix='Send {"name": value, ...}.')
        for name in given:
            if name not in readers:
                raise _unknown(name, list(readers))
        for name, read in readers.items():
            _hold(name, read, given)
        return given

    return settle


def _hold(name: str, read: cell.Reader, given: Mapping[str, Json]) -> None:
    flags: list[Flag] = []
    try:
        read(given.get(name, cell.ABSENT), 0, flags)
        if flags:  # nothing is soft about an option: there is nobody to be told of a flag
            raise cell.Broken(flags[0].rule, "Send a value the contract lists.")
    except cell.Broken as error:
        raise Malformed(
            f"The option {name!r} breaks the rule {error.rule!r}",
            where=f"$.options.{name}",
            fix=error.fix,
            code="bad-option",
        ) from None


def _unknown(name: str, declared: list[str]) -> Malformed:
    near = difflib.get_close_matches(name[:80], declared, n=1)
    known = f"Options: {', '.join(declared)}." if declared else "This model takes no options."
    return Malformed(
        f"There is no option {name[:80]!r}",
        where=f"$.options.{name[:80]}",
        fix=f"{known}{f' Did you mean {near[0]!r}?' if near else ''}",
        code="unknown-option",
    )
