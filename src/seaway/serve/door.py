"""The door of one worker: who is asking, by the key they show, as of a moment ago.

Keys are looked at again several times a second, beside everything else a worker follows, so that a key revoked here is refused by
every worker within a second, also while a release is being loaded. A key store that cannot be read closes the door.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from seaway.core import chance
from seaway.core.access import Key
from seaway.core.errors import Denied, SeawayError, Throttled, Unavailable
from seaway.core.settings import ServeSettings
from seaway.security import access, keys, limits
from seaway.security.access import NOBODY, Principal

LOOK_S, PATIENCE_S = 0.2, 1.0
"""Seconds between looks at the keys, at most; seconds after the last look that succeeded when failing ones close the door."""

NOTE_S = 1.0
"""Seconds between two notes of a key's last use."""

MAX_HELD, MAX_TEXT = 10_000, 256

USED, RATES, SOURCES = "keys.used", "keys.rates", "keys.sources"
"""Files in the folder of running servers: when each key was last used, how often keys ask, and where wrong keys come from."""

HELP = 'Send the header "Authorization: Bearer sw_..." with a key of this server; its operator makes one: seaway keys make.'


class Held(NamedTuple):
    """A key text that was found right once, and who shows it."""

    key: Key
    principal: Principal
    until: float


class Door:
    """Tells who asks, or refuses. `enter` and `known` belong to the event loop's thread; made closed, until the first look."""

    def __init__(
        self,
        look: Callable[[], Mapping[str, Key] | None],
        settings: ServeSettings,
        *,
        folder: Path,
        secrets: Path,
        report: Callable[[str, bool], None] = lambda source, is_throttled: None,
    ) -> None:
        self._look, self._settings, self._secrets, self._report = look, settings, secrets, report
        self._is_exposed = not access.is_loopback(settings.host)
        self._everybody = access.ANYONE if self._is_exposed else access.LOCAL
        self._keys: Mapping[str, Key] = {}
        self._is_keyed = False
        self._secret = b""
        self._held: dict[bytes, Held] = {}
        self._noted: dict[int, float] = {}
        self._trouble: SeawayError | None = _unread()
        self._looked = chance.monotonic()
        self.asks = True
        self.version = 0
        """Another number whenever somebody else may enter, or nobody any more."""
        self._rates = limits.Limiter(folder / RATES)
        self._sources = limits.Limiter(folder / SOURCES)
        self._used = limits.Moments(folder / USED)

    # ------------------------------------------------------------------------------------------- what it knows

    async def follow(self) -> None:
        """Look at the keys for ever."""
        while True:
            await self.step()
            await asyncio.sleep(min(LOOK_S, self._settings.poll_s))

    async def step(self) -> None:
        """Look once; keys that cannot be read are those of before for a moment, then none."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await asyncio.to_thread(self._look)
            self._take(found)
        except (SeawayError, TimeoutError) as error:
            if chance.monotonic() - self._looked > PATIENCE_S or self._trouble is not None:
                self._trouble = error if isinstance(error, SeawayError) else _unread()
                self.version += 1

    def _take(self, found: Mapping[str, Key] | None) -> None:
        """Take in what a look found. A door that has once asked for keys never opens again while the worker lives."""
        if found is None and self._is_keyed:
            raise _unread()
        if found is not None and (found != self._keys or not self._is_keyed):
            self._secret = keys.load_secret(self._secrets) if found else b""
            self._keys, self._held, self._is_keyed = found, {}, True
            self.version += 1
        asks = self._is_keyed or self._settings.keys == "required"
        if asks != self.asks or self._trouble is not None:
            self.version += 1
        self.asks = asks
        self._trouble, self._looked = None, chance.monotonic()

    @property
    def is_insecure(self) -> bool:
        """Say whether other machines can ask without a key or in plain text."""
        return self._is_exposed and not (self.asks and self._settings.tls_cert)

    @property
    def trouble(self) -> str:
        """Why nobody can enter; empty where the keys are known."""
        return self._trouble.what if self._trouble is not None else ""

    # ---------------------------------------------------------------------------------------------- who enters

    def enter(self, shown: bytes | None, address: str) -> Principal:
        """Return who asks by the key they show; raises where none, a wrong or ended one is shown, or too often."""
        held = self.held(shown, address)
        return self._everybody if held is None else held.principal

    def again(self, held: Held | None) -> bool:
        """Say whether who has entered under this `version` enters again without being asked anew."""
        if held is None:
            return True
        if held.key.rate or held.until <= chance.now():
            return False
        self._note_use(held.key.slot)
        return True

    def held(self, shown: bytes | None, address: str) -> Held | None:
        """Return the key that is shown, or None where nobody is asked for one; raises as `enter` does."""
        if self._trouble is not None:
            raise _unread()
        if not self.asks:
            return None
        if shown is None:
            raise Denied("This server asks for a key", where="header Authorization", fix=HELP, code="no-key")
        held = self._held.get(hashlib.sha256(shown).digest()) or self._find(shown, address)
        if held.until <= chance.now():
            self._refuse_often(address)
            raise _ended(held.key)
        if held.key.rate:
            self._refuse_too_soon(held.key)
        self._note_use(held.key.slot)
        return held

    def known(self, shown: bytes | None, address: str) -> Principal:
        """Return who asks where anybody may: whoever could not enter is nobody."""
        if shown is None and self.asks:
            return NOBODY
        try:
            return self.enter(shown, address)
        except SeawayError:
            return NOBODY

    def _find(self, shown: bytes, address: str) -> Held:
        text = shown.decode("latin-1") if len(shown) <= MAX_TEXT else ""
        key = keys.find(text, self._keys, self._secret)
        if key is None:
            self._refuse_often(address)
            slip = "mistyped or cut off" if keys.is_mistyped(text) else "not one of this server"
            raise Denied(f"The key is {slip}", where="header Authorization", fix=HELP, code="bad-key")
        if len(self._held) >= MAX_HELD:
            self._held.clear()
        held = self._held[hashlib.sha256(shown).digest()] = Held(key, access.principal_of(key), keys.until(key))
        return held

    def _refuse_often(self, address: str) -> None:
        """Count a key that opens nothing, and refuse to say more to an address that sends many.

        A right key opens all the same: callers behind one proxy share an address, and a wrong key of one is no fault of another.
        """
        source = limits.source_of(address)
        most = self._settings.bad_keys
        wait = self._sources.take(limits.slot_of(source), most / 60, most)
        self._report(source, wait > 0)
        if wait > 0:
            raise Throttled(
                "Too many keys from your address open nothing",
                wait_s=wait,
                where="header Authorization",
                fix="Wait, then send a right key.",
                code="too-many-bad-keys",
            )

    def _refuse_too_soon(self, key: Key) -> None:
        wait = self._rates.take(key.slot, key.rate)
        if wait > 0:
            raise Throttled(
                f"The key {key.name!r} may ask {key.rate:g} times a second",
                wait_s=wait,
                where="header Authorization",
                fix="Ask more slowly, or ask the operator of this server for a higher rate.",
            )

    def _note_use(self, slot: int) -> None:
        now = chance.monotonic()
        if now - self._noted.get(slot, -NOTE_S) >= NOTE_S:
            self._noted[slot] = now
            with suppress(Unavailable):  # a full disk: a note of use is no reason to turn anybody away
                self._used[slot] = chance.now()

    def close(self) -> None:
        """Let go of the files."""
        for one in (self._rates, self._sources, self._used):
            one.close()


def _ended(key: Key) -> Denied:
    state = keys.ended(key, chance.now())
    return Denied(
        f"The key {key.name!r} ({key.id}) is {state}",
        where="header Authorization",
        fix="Ask the operator of this server for a new one.",
        code=f"{state}-key",
    )


def _unread() -> Unavailable:
    return Unavailable(
        "The server cannot tell now who may ask: its keys cannot be read",
        where="server",
        fix="Try again in a moment; if it lasts, ask the operator of the server.",
        code="keys-unavailable",
    )
