"""Who enters, as of a moment ago; what cannot be known closes the door."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from seaway.core import chance
from seaway.core.access import EVERY_MODEL, Key
from seaway.core.errors import Denied, Throttled, Unavailable
from seaway.core.settings import ServeSettings
from seaway.security import keys
from seaway.security.access import ANYONE, LOCAL, NOBODY
from seaway.serve.door import PATIENCE_S, Door

HOME = "127.0.0.1"


class House:
    """A door over keys that a test changes."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.found: Mapping[str, Key] | None = None
        self.is_broken = False
        self.reports: list[tuple[str, bool]] = []
        self.secret = keys.load_or_make_secret(folder)
        self.door = Door(
            self._look,
            ServeSettings(**settings),
            folder=folder,
            secrets=folder,
            report=lambda *told: self.reports.append(told),
        )

    def _look(self) -> Mapping[str, Key] | None:
        if self.is_broken:
            raise Unavailable("The registry cannot be read", where="registry", fix="Mend it.")
        return self.found

    def look(self) -> None:
        asyncio.run(self.door.step())

    def give(self, **limits: Any) -> tuple[bytes, Key]:
        """Make a key that the door sees at once."""
        made = {"roles": ["predictor"], "models": [EVERY_MODEL], "by": "test", "secret": self.secret, **limits}
        text, key = keys.make("web", **made)
        self.found = {**(self.found or {}), key.id: key}
        self.look()
        return text.encode(), key


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.door.close()


def test_nobody_enters_before_the_first_look(house: House) -> None:
    with pytest.raises(Unavailable, match="its keys cannot be read"):
        house.door.enter(None, HOME)
    assert house.door.known(None, HOME) == NOBODY
    house.look()
    assert house.door.enter(None, HOME) == LOCAL


def test_without_keys_other_machines_are_anyone(tmp_path: Path) -> None:
    built = House(tmp_path, host="0.0.0.0", insecure=True)
    built.look()
    assert built.door.enter(None, "10.0.0.9") == ANYONE
    assert built.door.is_insecure
    built.door.close()


def test_a_key_opens_until_it_ends_or_is_gone(house: House) -> None:
    text, key = house.give()
    assert house.door.enter(text, HOME).name == "key:web"
    assert house.door.enter(text, HOME).roles == {"predictor"}
    with pytest.raises(Denied, match="asks for a key") as raised:
        house.door.enter(None, HOME)
    assert raised.value.code == "no-key"
    house.found = {}
    house.look()
    with pytest.raises(Denied, match="not one of this server") as raised:
        house.door.enter(text, HOME)
    assert raised.value.code == "bad-key"
    assert key.name not in raised.value.what


def test_a_slip_is_told_from_a_wrong_key(house: House) -> None:
    text, _ = house.give()
    with pytest.raises(Denied, match="mistyped or cut off"):
        house.door.enter(text[:-1], HOME)
    with pytest.raises(Denied):
        house.door.enter(b"sw_" * 1000, HOME)


def test_a_key_that_was_held_ends_at_its_hour(house: House) -> None:
    text, _ = house.give(days=0.3 / 86_400)
    assert house.door.enter(text, HOME).name == "key:web"
    chance.sleep(0.35)
    with pytest.raises(Denied) as raised:
        house.door.enter(text, HOME)
    assert raised.value.code == "expired-key"
    assert house.door.known(text, HOME) == NOBODY


def test_a_door_that_asked_for_keys_never_opens_again(house: House) -> None:
    house.give()
    house.found = None
    house.door._looked -= 2 * PATIENCE_S
    house.look()
    assert house.door.trouble
    with pytest.raises(Unavailable):
        house.door.enter(None, HOME)


def test_a_look_that_fails_is_forgiven_for_a_moment_only(house: House) -> None:
    text, _ = house.give()
    house.is_broken = True
    house.look()
    assert house.door.enter(text, HOME).name == "key:web"
    house.door._looked -= 2 * PATIENCE_S
    house.look()
    assert house.door.trouble == "The registry cannot be read"
    with pytest.raises(Unavailable, match="its keys cannot be read"):
        house.door.enter(text, HOME)
    house.is_broken = False
    house.look()
    assert house.door.enter(text, HOME).name == "key:web"


def test_many_wrong_keys_of_one_address_are_throttled_and_a_right_one_is_not(tmp_path: Path) -> None:
    built = House(tmp_path, bad_keys=3)
    text, _ = built.give()
    for _ in range(3):
        with pytest.raises(Denied):
            built.door.enter(b"wrong", HOME)
    with pytest.raises(Throttled, match="open nothing") as raised:
        built.door.enter(b"wrong", HOME)
    assert 0 < raised.value.wait_s <= 20
    assert built.reports == [(HOME, False)] * 3 + [(HOME, True)]
    assert built.door.enter(text, HOME).name == "key:web"
    with pytest.raises(Denied):
        built.door.enter(b"wrong", "127.0.0.2")
    built.door.close()


def test_a_rate_is_held_and_said(house: House) -> None:
    text, _ = house.give(rate=2.0)
    house.door.enter(text, HOME)
    house.door.enter(text, HOME)
    with pytest.raises(Throttled, match="may ask 2 times a second"):
        house.door.enter(text, HOME)


def test_required_keys_are_asked_for_where_none_was_made(tmp_path: Path) -> None:
    built = House(tmp_path, keys="required")
    built.look()
    with pytest.raises(Denied, match="asks for a key"):
        built.door.enter(None, HOME)
    built.door.close()
