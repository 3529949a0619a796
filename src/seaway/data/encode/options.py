"""A request's options, held to what the contract declares."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from seaway.core.batch import Flag, Json
from seaway.core.contract import Contract
from seaway.core.errors import Malformed
from seaway.data.encode import cell
from seaway.data.encode.rules import Rules


def settle(contract: Contract, given: Json) -> Mapping[str, Json]:
    """Return the options as given; raises `Malformed` for one that is not declared or not as declared."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise Malformed("`options` is not an object", where="$.options", fix='Send {"name": value, ...}.')
    declared = {option.name: option for option in contract.options}
    for name in given:
        if name not in declared:
            near = difflib.get_close_matches(name[:80], list(declared), n=1)
            known = f"Options: {', '.join(declared)}." if declared else "This model takes no options."
            raise Malformed(
                f"There is no option {name[:80]!r}",
                where=f"$.options.{name[:80]}",
                fix=f"{known}{f' Did you mean {near[0]!r}?' if near else ''}",
                code="unknown-option",
            )
    for name, option in declared.items():
        try:
            broken: list[Flag] = []
            cell.reader(Rules.of(option))(given.get(name, cell.ABSENT), 0, broken)
            if broken:
                raise cell.Broken(broken[0].rule, "Send a value the contract lists.")
        except cell.Broken as error:
            raise Malformed(
                f"The option {name!r} breaks the rule {error.rule!r}",
                where=f"$.options.{name}",
                fix=error.fix,
                code="bad-option",
            ) from None
    return given
