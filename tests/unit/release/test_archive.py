from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seaway.core import bundle
from seaway.core.errors import Untrusted
from seaway.release import archive
from tests.releases import Workshop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("shop") / ".seaway")
    made.build()
    return made


@pytest.fixture(scope="module")
def files(shop: Workshop) -> dict[str, bytes]:
    return bundle.read_files(shop.state / "staging" / "credit-1", shop.verifier)


def test_what_was_packed_is_read(shop: Workshop, files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(archive.pack(files))
    assert archive.read(path, shop.verifier) == files
    assert archive.pack(dict(reversed(files.items()))) == path.read_bytes()


def test_what_compresses_like_a_bomb_is_stored_as_it_is() -> None:
    packed = archive.pack({"card.json": bytes(100_000)})
    assert len(packed) > 100_000


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_is_refused_or_means_the_same(
    shop: Workshop, files: dict[str, bytes], tmp_path: Path, data: st.DataObject
) -> None:
    """Every byte of an archive counts but a few that say when and by what it was written."""
    changed = bytearray(archive.pack(files))
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "bundle.zip"
    path.write_bytes(changed)
    try:
        found = archive.read(path, shop.verifier)
    except Untrusted:
        return
    assert found == files


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused(shop: Workshop, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(data)
    with pytest.raises(Untrusted, match="no archive of a bundle"):
        archive.read(path, shop.verifier)
