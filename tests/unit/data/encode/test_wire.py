"""A request's bytes: what is no JSON, what says one thing twice, what is too deep or too large."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import Malformed, TooLarge
from seaway.core.settings import ServeSettings
from seaway.data.encode import wire

LIMITS = ServeSettings(max_body=2_000_000, max_depth=8, max_text=100)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"rows": [{"a": NaN}]}', "not JSON"),
        (b'{"rows": [{"a": Infinity}]}', "not JSON"),
        (b'{"rows": [{"a": -Infinity}]}', "not JSON"),
        (b'{"rows": [{"a": 01}]}', "not JSON"),
        (b'{"rows": [],}', "not JSON"),
        (b'{"rows": []} {}', "not JSON"),
        (b'{"rows": [{"a": "\\ud800"}]}', "not JSON"),
        (b'\xef\xbb\xbf{"rows": []}', "not JSON"),
        (b'{"rows": [{"a": "\xff"}]}', "not UTF-8"),
        (b'{"rows": [{"a": "\xed\xa0\x80"}]}', "not UTF-8"),
        (b'{"rows": [{"a": 1e400}]}', "too large for JSON's double"),
        (b'{"rows": [{"a": ' + b"9" * 1_000_000 + b"}]}", "too large for JSON's double"),
        (b"[]", "not a JSON object"),
        (b"5", "not a JSON object"),
        (b"[" * 250_000, "nested deeper than 8"),
        (b'{"a":' * 250_000, "nested deeper than 8"),
        (b'{"rows": [{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}]}", "nested deeper than 8"),
    ],
)
def test_what_is_no_request_is_malformed(body: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what) as caught:
        wire.body(body, LIMITS)
    assert caught.value.fix
    assert caught.value.where


@pytest.mark.parametrize("rows", [1, 2, 50])
@pytest.mark.parametrize("opening", ["[", '{"b":'])
def test_the_depth_is_counted_exactly(opening: str, rows: int) -> None:
    closing = "]" if opening == "[" else "}"
    plain = '{"a": 1},' * (rows - 1)

    def body(inner: int) -> bytes:
        return f'{{"rows": [{plain}{{"a": {opening * inner}1{closing * inner}}}]}}'.encode()

    wire.body(body(5), LIMITS)  # the body, the rows and the row are three levels
    for inner in (6, 40, 900):
        with pytest.raises(Malformed, match="nested deeper than 8"):
            wire.body(body(inner), LIMITS)


def test_brackets_in_texts_open_nothing() -> None:
    wire.body(json.dumps({"rows": [{"a": "[{" * 500}]}).encode(), LIMITS)


def test_a_large_body_is_refused_unread() -> None:
    with pytest.raises(TooLarge, match="2000001 bytes, 2000000 are allowed"):
        wire.body(b" " * 2_000_001, LIMITS)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"rows": [{"a": 1, "a": 2}]}', "a"),
        ('{"rows": [], "rows": []}', "rows"),
        ('{"rows": [{"a": "x:y", "b": 1, "b": 1}]}', "b"),
        ('{"rows": [{"a\\"": 1, "a\\u0022": 2}]}', 'a"'),
        ('{"rows": [{"a": "\\\\", "b": 1, "b": ":"}]}', "b"),
        ('{"rows": [{"a": {"deep": [{"c": 1, "c": 2}]}}]}', "c"),
        ('{"options": {"h": 1, "h": 1}, "rows": []}', "h"),
    ],
)
def test_a_key_that_stands_twice_is_named(body: str, key: str) -> None:
    with pytest.raises(Malformed, match="stands twice in one object") as caught:
        wire.body(body.encode(), LIMITS)
    assert caught.value.code == "duplicate-key"
    assert repr(key) in caught.value.what


keys = st.text(alphabet='ab:"\\{}[],\u00e9', max_size=4)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), keys),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4), st.booleans())
def test_single_keys_pass_whatever_signs_they_hold(value: dict[str, object], ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert wire.body(body, ServeSettings()) == value


@given(st.dictionaries(keys, values, min_size=1, max_size=4), st.integers(0, 3))
def test_a_repeated_key_never_passes(value: dict[str, object], place: int) -> None:
    pairs = list(value.items())
    pairs.append(pairs[place % len(pairs)])
    text = ", ".join(f"{json.dumps(key)}: {json.dumps(inner)}" for key, inner in pairs)
    with pytest.raises(Malformed, match="stands twice"):
        wire.body(f"{{{text}}}".encode(), ServeSettings())


def test_a_long_text_is_named_with_its_place() -> None:
    rows = [{"a": "x"}, {"a": "x" * 101}]
    with pytest.raises(TooLarge, match="101 characters, 100 are allowed") as caught:
        wire.texts_within(rows, 1000, LIMITS)
    assert caught.value.where == "$.rows[1].a"
    wire.texts_within(rows[:1], 1000, LIMITS)
