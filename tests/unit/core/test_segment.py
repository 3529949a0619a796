"""The event log on disk."""

from __future__ import annotations

import os
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seaway.core import event, segment
from seaway.core.errors import Malformed
from seaway.core.event import Label
from seaway.core.segment import FRAME, HEADER, Place, frame, header, place_of, read, read_header, request_id

BODIES = st.lists(st.binary(max_size=60), min_size=1, max_size=12)
OPEN, SEALED = segment.name(3, 7, sealed=False), segment.name(3, 7, sealed=True)


def write(folder: Path, bodies: list[bytes], *, sealed: bool = False) -> Path:
    path = folder / (SEALED if sealed else OPEN)
    path.write_bytes(header(3, 7) + b"".join(frame(body) for body in bodies))
    return path


def ends(bodies: list[bytes]) -> list[int]:
    """Return the offset behind each record."""
    found, offset = [], HEADER.size
    for body in bodies:
        offset += FRAME.size + len(body)
        found.append(offset)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


def test_the_layout_is_the_one_that_is_written_down() -> None:
    assert (HEADER.size, FRAME.size) == (64, 10)
    assert header(3, 7)[:16] == b"SEAWAYLG\x01\x00\x03\x00\x07\x00\x00\x00"
    assert header(3, 7)[16:] == bytes(48), "cipher, key id, subject token and the rest are reserved"
    assert frame(b"ab") == b"\x02\0\0\0" + zlib.crc32(b"\x01\x00ab").to_bytes(4, "little") + b"\x01\x00ab"
    assert (OPEN, SEALED) == ("00003-0000000007.log", "00003-0000000007.seg")


@given(bodies=BODIES)
def test_what_was_written_is_read(folder: Path, bodies: list[bytes]) -> None:
    for sealed in (False, True):
        path = write(folder, bodies, sealed=sealed)
        assert list(read(path)) == list(zip(ends(bodies), bodies, strict=True))


@given(bodies=BODIES, data=st.data())
def test_reading_goes_on_where_it_stopped(folder: Path, bodies: list[bytes], data: st.DataObject) -> None:
    path = write(folder, bodies)
    done = data.draw(st.integers(0, len(bodies)))
    after = ([0, *ends(bodies)])[done]
    assert [body for _, body in read(path, after)] == bodies[done:]


@given(bodies=BODIES, data=st.data())
def test_a_torn_tail_ends_an_open_segment_and_breaks_a_sealed_one(
    folder: Path, bodies: list[bytes], data: st.DataObject
) -> None:
    whole = write(folder, bodies).read_bytes()
    cut = data.draw(st.integers(HEADER.size, len(whole)))
    kept = [body for end, body in zip(ends(bodies), bodies, strict=True) if end <= cut]
    is_torn = cut not in (HEADER.size, *ends(bodies))
    (folder / OPEN).write_bytes(whole[:cut])
    assert [body for _, body in read(folder / OPEN)] == kept
    (folder / SEALED).write_bytes(whole[:cut])
    if is_torn:
        with pytest.raises(Malformed, match="damaged at byte"):
            list(read(folder / SEALED))
    else:
        assert [body for _, body in read(folder / SEALED)] == kept


@given(bodies=BODIES, data=st.data())
@example(bodies=[b"a", b"b"], data=None)
def test_one_flipped_bit_is_never_read_as_a_record(
    folder: Path, bodies: list[bytes], data: st.DataObject | None
) -> None:
    """Damage with whole records behind it is an error; at the very end it cannot be told from a torn append."""
    whole = write(folder, bodies).read_bytes()
    place = data.draw(st.integers(HEADER.size, len(whole) - 1)) if data else HEADER.size + 3
    damaged = bytearray(whole)
    damaged[place] ^= 1 << (data.draw(st.integers(0, 7)) if data else 7)
    broken = next(number for number, end in enumerate(ends(bodies)) if place < end)
    for name in (OPEN, SEALED):
        (folder / name).write_bytes(damaged)
        found: list[bytes] = []
        if broken == len(bodies) - 1 and name == OPEN:
            found += [body for _, body in read(folder / name)]
        else:
            with pytest.raises(Malformed, match="damaged at byte"):
                found.extend(body for _, body in read(folder / name))
        assert found == bodies[:broken]


@pytest.mark.parametrize("size", range(HEADER.size))
def test_a_header_in_the_making_is_no_record_yet(tmp_path: Path, size: int) -> None:
    (tmp_path / OPEN).write_bytes(header(3, 7)[:size])
    assert list(read(tmp_path / OPEN)) == []
    (tmp_path / SEALED).write_bytes(header(3, 7)[:size])
    with pytest.raises(Malformed, match="Not an event log"):
        list(read(tmp_path / SEALED))


@pytest.mark.parametrize("content", [b"hello", b"SEAWAYLX" + bytes(56), b"\0" * 64, b"SEAWAYL" + b"x" * 100])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / OPEN).write_bytes(content)
    with pytest.raises(Malformed, match="Not an event log"):
        list(read(tmp_path / OPEN))
    assert (tmp_path / OPEN).read_bytes() == content


@pytest.mark.parametrize(("place", "text"), [(8, "version 2"), (16, r"version 1 \(cipher 3\)")])
def test_a_newer_or_encrypted_segment_is_refused(tmp_path: Path, place: int, text: str) -> None:
    changed = bytearray(header(3, 7))
    changed[place] = 2 if place == 8 else 3
    (tmp_path / OPEN).write_bytes(bytes(changed) + frame(b"x"))
    with pytest.raises(Malformed, match=text) as raised:
        list(read(tmp_path / OPEN))
    assert raised.value.code == "newer-format"


def test_a_segment_can_be_read_while_it_grows(tmp_path: Path) -> None:
    """A reader beside the writer sees a prefix of what was written, whatever the moment, and never an error."""
    bodies = [os.urandom(length % 977) for length in range(0, 400_000, 997)]
    path = tmp_path / OPEN
    path.write_bytes(header(3, 7))
    wrong: list[str] = []
    written = threading.Event()

    def follow() -> None:
        offset, seen = 0, 0
        while seen < len(bodies):
            last = written.is_set()
            for end, body in read(path, offset):
                offset = end
                if body != bodies[seen]:
                    wrong.append(f"record {seen}")
                    return
                seen += 1
            if last and seen < len(bodies):
                wrong.append(f"only {seen} of {len(bodies)}")
                return

    reader = threading.Thread(target=follow)
    reader.start()
    data = b"".join(map(frame, bodies))
    with path.open("ab", buffering=0) as file:
        for start in range(0, len(data), 1013):
            file.write(data[start : start + 1013])
    written.set()
    reader.join()
    assert wrong == []


def test_a_record_that_is_no_event_of_this_version_is_an_error(tmp_path: Path) -> None:
    label = Label(sequence=1, model="credit", principal="me", value="bad", known="2026-11-23T17:24:06Z", request_id="r")
    path = write(tmp_path, [event.encode(label), b"\x93\x01\x02\x03"])
    found = segment.events(path)
    assert next(found) == (ends([event.encode(label)])[0], label)
    with pytest.raises(Malformed, match="is no event"):
        next(found)


def test_the_header_names_worker_and_segment(tmp_path: Path) -> None:
    assert read_header(header(65_535, 2**32 - 1), tmp_path) == (65_535, 2**32 - 1)


# ------------------------------------------------------------------------------------------------------ request ids

PLACES = st.builds(Place, st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
MILLISECONDS = st.integers(0, 2**48 - 1)


@given(ms=MILLISECONDS, place=PLACES)
def test_an_id_names_its_record(ms: int, place: Place) -> None:
    made = request_id(ms, place)
    assert segment.ID.fullmatch(made)
    assert place_of(made) == place


@given(one=st.tuples(MILLISECONDS, PLACES), two=st.tuples(MILLISECONDS, PLACES))
def test_ids_sort_by_time_and_are_never_equal(one: tuple[int, Place], two: tuple[int, Place]) -> None:
    first, second = request_id(*one), request_id(*two)
    assert (first == second) == (one == two)
    if one[0] != two[0]:
        assert (first < second) == (one[0] < two[0])


@pytest.mark.parametrize(
    "text", ["", "my-own-id", "0" * 25, "0" * 27, "I" * 26, "0" * 25 + "u", "8" + "0" * 25, "Z" * 26, "0" * 25 + "\n"]
)
def test_an_id_that_seaway_did_not_make_names_nothing(text: str) -> None:
    assert place_of(text) is None
