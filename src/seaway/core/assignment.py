"""Which releases answer for a model now."""

from __future__ import annotations

import hashlib

import msgspec


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The registry writes it, every server follows it; a higher `sequence` replaces a lower one.

    `canary` is (digest, share of keys in 0..1); `shadows` answer too but nobody sees them.
    """

    model: str
    sequence: int
    champion: str
    canary: tuple[str, float] | None = None
    shadows: tuple[str, ...] = ()
    salt: str = ""
    reason: str = ""

    def arm(self, key: str) -> str:
        """Return the digest that answers for `key`: the same key always meets the same arm under one salt."""
        if self.canary is None:
            return self.champion
        digest, share = self.canary
        hashed = hashlib.blake2b(f"{self.salt}\0{key}".encode(), digest_size=8).digest()
        return digest if int.from_bytes(hashed, "big") < share * 2**64 else self.champion

    @property
    def digests(self) -> tuple[str, ...]:
        """Every release a server must hold, champion first."""
        canary = (self.canary[0],) if self.canary else ()
        return tuple(dict.fromkeys((self.champion, *canary, *self.shadows)))
