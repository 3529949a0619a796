"""After signing, no bit of a bundle may change: not in any file, not anywhere in a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seaway.core import bundle
from seaway.core.answer import Answerer
from seaway.core.errors import Untrusted
from seaway.core.protocols import Verifier
from seaway.core.verdict import worst
from seaway.release.verify import verify
from tests.releases import Workshop

FLIPS = 500


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("shop") / ".seaway")
    made.build()
    return made


@pytest.fixture(scope="module")
def folder(shop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(shop.state / "staging" / "credit-1", tmp_path_factory.mktemp("copy") / "bundle"))


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def flip(path: Path, place: int, bit: int) -> bytes:
    """Flip one bit in place; return what stood there before."""
    before = path.read_bytes()
    changed = bytearray(before)
    changed[place] ^= 1 << bit
    path.write_bytes(changed)
    return before


def assert_refused(folder: Path, verifier: Verifier) -> None:
    with pytest.raises(Untrusted):
        bundle.open_bundle(folder, verifier)
    with pytest.raises(Untrusted):
        Answerer(folder, verifier)
    assert worst(verify(folder, verifier)) == "fail"


def test_the_bundle_is_good_to_begin_with(shop: Workshop, folder: Path) -> None:
    assert len(files(folder)) == 10
    assert worst(verify(folder, shop.verifier)) == "pass"
    Answerer(folder, shop.verifier)


def test_500_random_bits_over_all_files(shop: Workshop, folder: Path) -> None:
    """A09: each is refused where a bundle is verified and where it is loaded."""
    rng = np.random.default_rng(20261123)
    paths = files(folder)
    sizes = np.array([path.stat().st_size for path in paths])
    refused = 0
    for _ in range(FLIPS):
        # Half over all bytes alike, half over files alike, so that the small ones get their share.
        even = rng.random() < 0.5
        chosen = int(rng.choice(len(paths), p=None if even else sizes / sizes.sum()))
        place, bit = int(rng.integers(sizes[chosen])), int(rng.integers(8))
        before = flip(paths[chosen], place, bit)
        try:
            assert_refused(folder, shop.verifier)
            refused += 1
        finally:
            paths[chosen].write_bytes(before)
    assert refused == FLIPS
    assert worst(verify(folder, shop.verifier)) == "pass"


def test_every_bit_of_signature_and_manifest(shop: Workshop, folder: Path) -> None:
    """These two are parsed by our own code, so each of their bits is tried."""
    for name in (bundle.SIGNATURE, bundle.MANIFEST):
        path = folder / name
        before = path.read_bytes()
        for place in range(len(before)):
            for bit in range(8):
                changed = bytearray(before)
                changed[place] ^= 1 << bit
                path.write_bytes(changed)
                with pytest.raises(Untrusted):
                    bundle.open_bundle(folder, shop.verifier)
        path.write_bytes(before)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_content_of_any_file(shop: Workshop, folder: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files(folder)))
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, len(before)))
    changed = before[:start] + data.draw(st.binary(max_size=40)) + before[end:]
    if changed == before:
        return
    path.write_bytes(changed)
    try:
        assert_refused(folder, shop.verifier)
    finally:
        path.write_bytes(before)


def test_two_files_exchanged(shop: Workshop, folder: Path) -> None:
    one, two = folder / bundle.CARD, folder / bundle.POLICY
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    try:
        assert_refused(folder, shop.verifier)
    finally:
        one.write_bytes(first)
        two.write_bytes(second)
