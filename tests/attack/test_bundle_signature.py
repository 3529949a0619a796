"""Who may sign what: unsigned, foreign, borrowed, downgraded and doctored signatures are refused before anything is parsed."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seaway.core import bundle
from seaway.core.answer import Answerer
from seaway.core.errors import Untrusted
from seaway.core.verdict import failed
from seaway.release.verify import verify
from seaway.security.sign import PRIVATE, Ed25519Signer, TrustFolder
from tests.releases import Workshop, resign


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("shop") / ".seaway")
    shop.build()
    return shop


@pytest.fixture
def folder(original: Workshop, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original.state / "staging" / "credit-1", tmp_path / "bundle"))


def refused(folder: Path, trust: TrustFolder, match: str) -> None:
    """Assert that loading and verifying both refuse at the signature."""
    with pytest.raises(Untrusted, match=match):
        Answerer(folder, trust)
    (first,) = failed(verify(folder, trust))
    assert first.code == "R001"


def test_unsigned(original: Workshop, folder: Path) -> None:
    (folder / bundle.SIGNATURE).unlink()
    refused(folder, original.verifier, "manifest.sig cannot be opened")


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"[]", b"\xff" * 64, b"{" * 4000, b'{"format":1}'])
def test_no_signature_at_all(original: Workshop, folder: Path, content: bytes) -> None:
    (folder / bundle.SIGNATURE).write_bytes(content)
    refused(folder, original.verifier, "Not a valid Signature")


@pytest.mark.parametrize("size", [0, 1, 32, 63])
def test_truncated(original: Workshop, folder: Path, size: int) -> None:
    claim = _claim(folder)
    _write(folder, claim | {"signature": _base64(_raw(claim)[:size])})
    refused(folder, original.verifier, "does not fit")


def test_the_signature_file_itself_truncated(original: Workshop, folder: Path) -> None:
    data = (folder / bundle.SIGNATURE).read_bytes()
    for size in range(len(data)):
        (folder / bundle.SIGNATURE).write_bytes(data[:size])
        refused(folder, original.verifier, "Not a valid Signature")


def test_longer_than_a_signature(original: Workshop, folder: Path) -> None:
    claim = _claim(folder)
    _write(folder, claim | {"signature": _base64(_raw(claim) + b"\0")})
    refused(folder, original.verifier, "does not fit")


def test_by_a_key_that_nobody_trusts(original: Workshop, folder: Path, tmp_path: Path) -> None:
    resign(folder, Ed25519Signer.load_or_make(tmp_path / "stranger"))
    refused(folder, original.verifier, "not trusted here")


def test_by_a_stranger_under_the_name_of_a_trusted_key(original: Workshop, folder: Path, tmp_path: Path) -> None:
    stranger = Ed25519Signer.load_or_make(tmp_path / "stranger")
    resign(folder, stranger, model="evil")
    _write(folder, _claim(folder) | {"key": original.signer.key_id})
    refused(folder, original.verifier, "does not fit")


def test_a_private_key_beside_the_public_ones_is_not_trusted(original: Workshop, folder: Path, tmp_path: Path) -> None:
    """Only *.pub counts: a stray file in the folder of keys gives nobody trust."""
    stranger = Ed25519Signer.load_or_make(tmp_path / "stranger")
    keys = Path(shutil.copytree(original.keys, tmp_path / "keys"))
    (keys / "stranger.pem").write_bytes(stranger.public)
    shutil.copy(tmp_path / "stranger" / PRIVATE, keys / "stranger.key")
    resign(folder, stranger)
    refused(folder, TrustFolder(keys), "not trusted here")


def test_of_another_release(original: Workshop, folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    resign(Path(other), original.signer, version=2)
    shutil.copy(Path(other) / bundle.SIGNATURE, folder / bundle.SIGNATURE)
    refused(folder, original.verifier, "does not fit")


def test_made_for_another_purpose(original: Workshop, folder: Path) -> None:
    audit = Ed25519Signer.load_or_make(original.keys, context=b"seaway audit checkpoint v1")
    (folder / bundle.SIGNATURE).write_bytes(audit.sign((folder / bundle.MANIFEST).read_bytes()))
    refused(folder, original.verifier, "does not fit")


def test_without_the_context(original: Workshop, folder: Path, tmp_path: Path) -> None:
    """A signature over the bare manifest, as another tool with the same key would make it, does not count."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key((original.keys / PRIVATE).read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    raw = key.sign((folder / bundle.MANIFEST).read_bytes())
    _write(folder, _claim(folder) | {"signature": _base64(raw)})
    refused(folder, original.verifier, "does not fit")


@pytest.mark.parametrize("format_", [0, 2, -1, 255])
def test_another_format_is_no_way_round(original: Workshop, folder: Path, format_: int) -> None:
    _write(folder, _claim(folder) | {"format": format_})
    refused(folder, original.verifier, "The signature has format")


@pytest.mark.parametrize(
    "changes",
    [{"algorithm": "none"}, {"alg": "HS256"}, {"format": "1"}, {"format": True}, {"key": None}, {"signature": None}],
)
def test_there_is_no_algorithm_to_choose(original: Workshop, folder: Path, changes: dict[str, Any]) -> None:
    _write(folder, _claim(folder) | changes)
    refused(folder, original.verifier, "Not a valid Signature")


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b'"format":1', b'"format":1,"format":1'),
        lambda data: data.replace(b'"format":1', b'"format":1.0'),
        lambda data: data.replace(b'"key"', b'"k\\u0065y"'),
        lambda data: data.replace(b'="', b'"'),
    ],
    ids=["newline", "space", "double", "float", "escape", "padding"],
)
def test_another_spelling_is_another_file(original: Workshop, folder: Path, rewrite: Callable[[bytes], bytes]) -> None:
    data = (folder / bundle.SIGNATURE).read_bytes()
    assert rewrite(data) != data
    (folder / bundle.SIGNATURE).write_bytes(rewrite(data))
    refused(folder, original.verifier, "Not a valid Signature|Not the canonical form")


def test_the_same_bytes_in_other_base64(original: Workshop, folder: Path) -> None:
    """The last sign before the padding has bits that decode to nothing: flipping them must not go unseen."""
    data = (folder / bundle.SIGNATURE).read_bytes()
    place = data.index(b"==") - 1
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for low in range(1, 16):
        other = letters[letters.index(data[place]) ^ low]
        (folder / bundle.SIGNATURE).write_bytes(data[:place] + bytes([other]) + data[place + 1 :])
        refused(folder, original.verifier, "Not a valid Signature|Not the canonical form")


@pytest.mark.parametrize("key_id", ["", "../signing", "*", "0" * 32, "x" * 100_000])
def test_a_key_id_is_compared_and_never_a_path(original: Workshop, folder: Path, key_id: str) -> None:
    _write(folder, _claim(folder) | {"key": key_id[:3000]})
    refused(folder, original.verifier, "not trusted here")


def _claim(folder: Path) -> dict[str, Any]:
    claim: dict[str, Any] = msgspec.json.decode((folder / bundle.SIGNATURE).read_bytes())
    return claim


def _write(folder: Path, claim: dict[str, Any]) -> None:
    (folder / bundle.SIGNATURE).write_bytes(msgspec.json.encode(claim, order="sorted"))


def _raw(claim: dict[str, Any]) -> bytes:
    return base64.b64decode(claim["signature"])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
