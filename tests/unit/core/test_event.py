"""Events as record bodies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import event
from seaway.core.errors import Malformed
from seaway.core.event import Event, Label, Prediction

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=10)
COUNTS = st.integers(0, 2**63 - 1)

predictions = st.builds(
    Prediction,
    sequence=COUNTS,
    request_id=TEXTS,
    model=TEXTS,
    release=TEXTS,
    arm=st.sampled_from(["champion", "canary", "shadow", "refused"]),
    principal=TEXTS,
    rows=st.binary(max_size=50),
    options=st.binary(max_size=10),
    ids=st.lists(st.dictionaries(TEXTS, TEXTS, max_size=2), max_size=3).map(tuple),
    answers=st.binary(max_size=50),
    seen=COUNTS,
    took_us=COUNTS,
    kept=st.floats(0, 1),
    client_id=TEXTS,
    status=st.sampled_from([200, 422, 503]),
)
labels = st.builds(
    Label,
    sequence=COUNTS,
    model=TEXTS,
    principal=TEXTS,
    value=TEXTS | st.booleans() | st.floats(allow_nan=False),
    known=TEXTS,
    request_id=TEXTS,
    row=st.integers(0, 10_000),
    id=TEXTS,
    at=TEXTS,
)


@given(one=predictions | labels)
def test_an_event_is_read_as_it_was_written(one: Event) -> None:
    found = event.decode(event.encode(one))
    assert found == one
    assert type(found) is type(one)
    assert not isinstance(one, Label) or type(found.value) is type(one.value)  # type: ignore[union-attr]


def test_bytes_come_back_as_sent() -> None:
    """What was answered is evidence: not one byte of it may be spelled anew."""
    sent = b'[{"label":"bad" ,"probabilities":{"bad":0.30000000000000004}}]'
    made = Prediction(
        sequence=1,
        request_id="r",
        model="credit",
        release="a",
        arm="champion",
        principal="p",
        rows=b"[ ]",
        options=b"{}",
        ids=(),
        answers=sent,
        seen=0,
        took_us=5,
        kept=1.0,
    )
    assert event.decode(event.encode(made)).answers == sent  # type: ignore[union-attr]


def test_an_event_from_before_a_field_was_added_is_read() -> None:
    """Fields are only added at the end and have defaults: what an older version wrote stays readable."""
    written = event.encode(
        Label(sequence=1, model="credit", principal="p", value=1.0, known="2026-11-23T00:00:00Z", request_id="r")
    )
    assert written[0] == 0x90 + 10, "an array of the tag and nine fields"
    shortened = b"\x96" + written[1 : written.index(b"\xa1r")]
    found = event.decode(shortened)
    assert isinstance(found, Label)
    assert (found.request_id, found.row, found.at) == ("", 0, "")


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x90", b"\x91\xa1x", b"\x92\xa1p\x01", b"\xff" * 20, b"\x91" * 5000])
def test_what_is_no_event_is_said_in_words(data: bytes) -> None:
    with pytest.raises(Malformed, match="is no event") as raised:
        event.decode(data)
    assert raised.value.code == "newer-format"
