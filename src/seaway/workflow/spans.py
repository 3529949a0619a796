"""Spans of time as people write them: 90, 60s, 5m, 1.5h."""

from __future__ import annotations

import re

from seaway.core.errors import BadInput

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def seconds(text: str | float | None, where: str = "the budget") -> float | None:
    """Return the seconds of a span; a bare number counts seconds, None stays None."""
    if text is None or isinstance(text, int | float):
        return None if text is None else float(text)
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise BadInput(f"{text!r} is no span of time", where=where, fix="Write it like 60s, 5m or 1.5h.")
    return float(found[1]) * _SECONDS[found[2]]
