"""A caller's key as the registry holds it: what it may do, for which models, until when; never the key itself."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["anyone", "viewer", "predictor", "labeler", "operator", "auditor", "admin"]
"""`anyone` needs no key: it is for what tells nothing, not even a version."""

EVERY_MODEL = "*"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One API key. `id` is public and part of the key's text; `hash` is an HMAC of the text in hexadecimal.

    `models` are the names the roles hold for; one entry `EVERY_MODEL` means all, none means no model. `made`, `expires` and
    `revoked` are RFC 3339; an empty `expires` never ends, a `revoked` that is not empty has ended. `rate` is requests per
    second over all workers, 0 without limit; `slot` is a number of its own, small and never given twice.
    """

    id: str
    name: str
    hash: str
    roles: tuple[Role, ...]
    models: tuple[str, ...]
    made: str
    by: str
    slot: int
    expires: str = ""
    rate: float = 0.0
    revoked: str = ""
