"""A release directory, opened. What must not open stands in tests/attack/test_bundle_*.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seaway.core import bundle, canonical
from seaway.core.errors import Untrusted
from seaway.security.sign import Ed25519Signer, TrustFolder
from tests.bundles import CONTRACT, write_bundle


@pytest.fixture
def signer(tmp_path: Path) -> Ed25519Signer:
    return Ed25519Signer.load_or_make(tmp_path / "keys")


@pytest.fixture
def trust(tmp_path: Path, signer: Ed25519Signer) -> TrustFolder:
    return TrustFolder(tmp_path / "keys")


def test_what_was_signed_is_what_is_read(tmp_path: Path, signer: Ed25519Signer, trust: TrustFolder) -> None:
    files = {"card.md": b"# Card", "program/graph.onnx": b"\0graph", "program/explain.json": b"{}"}
    opened = bundle.open_bundle(write_bundle(tmp_path / "b", signer, files=files, needs=("route",)), trust)
    assert opened.files == files | {"contract.json": canonical.encode(CONTRACT)}
    assert opened.contract == CONTRACT
    assert opened.digest == canonical.digest((tmp_path / "b" / "manifest.json").read_bytes())
    assert opened.program.engine == "onnx"
    assert opened.program.files == {"graph.onnx": b"\0graph", "explain.json": b"{}"}
    assert opened.program.needs == ("route",)


def test_the_digest_names_the_content_and_not_the_key(
    tmp_path: Path, signer: Ed25519Signer, trust: TrustFolder
) -> None:
    other = Ed25519Signer.load_or_make(tmp_path / "other")
    (tmp_path / "keys" / "other.pub").write_bytes(other.public)
    one = bundle.open_bundle(write_bundle(tmp_path / "one", signer), trust)
    two = bundle.open_bundle(write_bundle(tmp_path / "two", other), trust)
    assert one.digest == two.digest
    assert bundle.open_bundle(write_bundle(tmp_path / "three", signer, version=2), trust).digest != one.digest


def test_a_changed_file_is_named_with_what_to_do(tmp_path: Path, signer: Ed25519Signer, trust: TrustFolder) -> None:
    folder = write_bundle(tmp_path / "b", signer, files={"card.md": b"# Card"})
    (folder / "card.md").write_bytes(b"# Cart")
    with pytest.raises(Untrusted, match=r"card\.md is not what was signed") as raised:
        bundle.open_bundle(folder, trust)
    assert raised.value.where == str(folder)
    assert "Fetch the bundle again" in raised.value.fix


def test_the_signature_is_asked_before_anything_else_is_read(tmp_path: Path, signer: Ed25519Signer) -> None:
    folder = write_bundle(tmp_path / "b", signer)
    (folder / "manifest.json").write_bytes(b"not JSON at all")
    (folder / "contract.json").unlink()

    class Refuses:
        def verify(self, data: bytes, signature: bytes) -> None:
            assert data == b"not JSON at all"
            raise Untrusted("asked first", where="test", fix="none")

    with pytest.raises(Untrusted, match="asked first"):
        bundle.open_bundle(folder, Refuses())


def test_no_handle_stays_open(tmp_path: Path, signer: Ed25519Signer, trust: TrustFolder) -> None:
    folder = write_bundle(tmp_path / "b", signer)
    os.link(folder / "contract.json", tmp_path / "second")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(Untrusted, match="is a link"):
            bundle.open_bundle(folder, trust)
    assert len(os.listdir("/proc/self/fd")) == before
