"""A snapshot of the log holds every whole record of the moment, whatever its segments are called meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from seaway.core import chance, event, segment
from seaway.core.errors import Malformed
from seaway.core.event import Label
from seaway.serve.snapshot import parts


def record(number: int) -> bytes:
    label = Label(sequence=number, model="credit", principal="test", value="bad", known=chance.stamp(), id=str(number))
    return segment.frame(event.encode(label))


def write(folder: Path, number: int, data: bytes, *, sealed: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / segment.name(0, number, sealed=sealed)
    path.write_bytes(segment.header(0, number) + data)
    return path


def taken(root: Path, target: Path) -> dict[str, list[int]]:
    found = {}
    for part in parts(root):
        path = target / part.name
        path.write_bytes(b"".join(part.chunks()))
        found[f"{part.model}/{part.name}"] = [one.sequence for _, one in segment.events(path)]
    return found


def test_open_and_sealed_segments_are_taken_under_their_last_name(tmp_path: Path) -> None:
    log = tmp_path / "log"
    write(log / "credit", 1, record(1) + record(2), sealed=True)
    write(log / "credit", 2, record(3) + record(4)[:-3], sealed=False)
    write(log / "sales", 3, b"", sealed=False)
    (log / "credit" / "00000-0000000004.tmp").write_bytes(b"being mended")
    assert taken(log, tmp_path) == {
        f"credit/{segment.name(0, 1, sealed=True)}": [1, 2],
        f"credit/{segment.name(0, 2, sealed=True)}": [3],
    }
    assert list(parts(tmp_path / "nowhere")) == []


def test_what_is_written_and_sealed_while_it_is_read_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "log" / "credit", 1, record(1), sealed=False)
    for part in parts(tmp_path / "log"):
        with path.open("ab") as file:
            file.write(record(2))
        path.rename(path.with_suffix(segment.SEALED))
        data = b"".join(part.chunks())
    assert data == segment.header(0, 1) + record_of(path.with_suffix(segment.SEALED))


def record_of(path: Path) -> bytes:
    (first, *_) = (offset for offset, _ in segment.read(path))
    return path.read_bytes()[segment.HEADER.size : first]


def test_damage_is_taken_as_it_is_and_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "log" / "credit", 1, record(1) + record(2), sealed=False)
    data = bytearray(path.read_bytes())
    data[segment.HEADER.size + 12] ^= 1
    path.write_bytes(data)
    (whole,) = [b"".join(part.chunks()) for part in parts(tmp_path / "log")]
    assert whole == bytes(data)
    data[8:10] = (2).to_bytes(2, "little")
    path.write_bytes(data)
    with pytest.raises(Malformed, match="version 2"):
        list(parts(tmp_path / "log"))
