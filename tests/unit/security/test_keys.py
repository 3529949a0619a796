"""API keys: their form, their hash, their end."""

from __future__ import annotations

import stat
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import chance
from seaway.core.access import Key
from seaway.core.errors import BadInput, Refused
from seaway.security import keys

SECRET = b"s" * 64


def made(**changes: Any) -> tuple[str, Key]:
    fields: dict[str, Any] = {"roles": ["viewer"], "models": ["credit"], "by": "person:a", "secret": SECRET}
    return keys.make("web", **(fields | changes))


def test_a_key_is_found_by_its_text_and_by_nothing_else() -> None:
    (text, key), (other, another) = made(), made()
    held = {key.id: key, another.id: another}
    assert keys.find(text, held, SECRET) == key
    assert keys.find(other, held, SECRET) == another
    assert keys.find(text, {another.id: another}, SECRET) is None
    assert keys.find(text, held, b"t" * 64) is None
    swapped = text.replace(key.id, another.id)
    assert keys.find(swapped, held, SECRET) is None


@given(place=st.integers(0, 68), letter=st.characters(codec="utf-8"))
def test_any_changed_letter_is_known_as_a_slip_of_the_hand(place: int, letter: str) -> None:
    text, key = made()
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        assert keys.is_mistyped(changed)
        assert keys.find(changed, {key.id: key}, SECRET) is None
    assert not keys.is_mistyped(text)


@given(text=st.text())
def test_no_text_breaks_the_search(text: str) -> None:
    assert keys.find(text, {}, SECRET) is None
    assert keys.is_mistyped(text)


def test_a_secret_has_160_bits_and_a_shorter_one_is_no_key() -> None:
    text, key = made()
    secret = text.split("_")[2]
    assert len(bytes.fromhex(secret)) * 8 == 160
    body = f"sw_{key.id}_{secret[:30]}"  # 120 bits
    short = f"{body}_{zlib.crc32(body.encode()):08x}"
    weak = msgspec.structs.replace(key, hash=keys._hash(short, SECRET))
    assert keys.find(short, {key.id: weak}, SECRET) is None


def test_no_two_keys_are_alike_and_the_text_is_not_kept() -> None:
    found = [made() for _ in range(200)]
    assert len({text for text, _ in found}) == len({key.id for _, key in found}) == 200
    text, key = found[0]
    assert text.split("_")[2].encode() not in msgspec.json.encode(key)


def test_keys_end_by_time_or_by_word() -> None:
    _, key = made(days=1)
    now = chance.now()
    assert keys.ended(key, now) == ""
    assert keys.ended(key, now + 86_401) == "expired"
    assert keys.until(made(days=0)[1]) == float("inf")
    revoked = msgspec.structs.replace(key, revoked=chance.stamp())
    assert keys.ended(revoked, now) == "revoked"
    assert keys.until(revoked) == 0.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"roles": []}, "without a role"),
        ({"roles": ["anyone"]}, "no role 'anyone'"),
        ({"roles": ["viewer", "root"]}, "no role 'root'"),
        ({"models": []}, "names no models"),
        ({"models": ["../x"]}, "names no models"),
        ({"days": -1}, "cannot last -1 days"),
        ({"days": float("nan")}, "cannot last nan days"),
        ({"rate": float("inf")}, "inf requests per second"),
    ],
    ids=str,
)
def test_a_key_that_nobody_could_mean_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        made(**changes)


def test_the_secret_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    secret = keys.load_or_make_secret(tmp_path / "keys")
    path = tmp_path / "keys" / keys.SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.load_or_make_secret(tmp_path / "keys") == keys.load_secret(tmp_path / "keys") == secret
    path.chmod(0o640)
    with pytest.raises(Refused, match=r"Others may read or change the secret of the access keys \(mode 0640\)"):
        keys.load_secret(tmp_path / "keys")
    path.chmod(0o600)
    path.write_bytes(secret[:-1])
    with pytest.raises(Refused, match="damaged"):
        keys.load_secret(tmp_path / "keys")
