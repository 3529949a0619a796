"""A request before its body, as every protocol hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Head(NamedTuple):
    """A request before its body. `is_plain` says that nothing in the path was escaped; addresses are of both ends, without ports."""

    method: str
    path: str
    is_plain: bool
    headers: Sequence[tuple[bytes, bytes]]
    client: str
    server: str
