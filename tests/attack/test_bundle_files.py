"""What may lie in a bundle's folder: the listed plain files and nothing else, whoever signed the list."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seaway.core import bundle, canonical
from seaway.core.errors import Untrusted
from seaway.core.verdict import failed
from seaway.registry.bundles import FolderStore
from seaway.release.verify import verify
from tests.releases import Workshop, resign


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("shop") / ".seaway")
    shop.build()
    return shop


@pytest.fixture
def folder(original: Workshop, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original.state / "staging" / "credit-1", tmp_path / "bundle"))


def refused(folder: Path, shop: Workshop, match: str) -> None:
    """Assert that opening, verifying and storing all refuse, and that nothing is written anywhere."""
    with pytest.raises(Untrusted, match=match):
        bundle.open_bundle(folder, shop.verifier)
    assert failed(verify(folder, shop.verifier))
    store = FolderStore(folder.parent / "store")
    with pytest.raises(Untrusted, match=match):
        store.put(folder)
    assert not list(store)
    assert not store.folder.exists() or [path.name for path in store.folder.iterdir()] == [".lock"]


# --------------------------------------------------------------------------------------- beside the listed files

UNLISTED = [
    "evil.py",
    "program/evil.so",
    "program/evil.json",
    ".hidden",
    "model.pkl",
    "program/weights.safetensors",
    "CARD.md",
    "cаrd.md",  # with a Cyrillic letter
    "card.md ",
    "sub/folder/file.json",
    "program/program/graph.onnx",
    "program/0/graph.onnx",
    "new\nline.json",
]


@pytest.mark.parametrize("name", UNLISTED)
def test_a_file_that_is_not_listed(original: Workshop, folder: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    refused(folder, original, "is not listed in the manifest")


def test_a_name_that_is_no_text(original: Workshop, folder: Path) -> None:
    (folder / os.fsdecode(b"\xff\xfe.json")).write_bytes(b"x")
    refused(folder, original, "is not listed in the manifest")
    with pytest.raises(Untrusted) as raised:
        bundle.open_bundle(folder, original.verifier)
    str(raised.value).encode()  # the message can be printed


@pytest.mark.parametrize("name", ["empty", "program/empty", "program/0", ".git"])
def test_a_folder_that_is_not_listed(original: Workshop, folder: Path, name: str) -> None:
    (folder / name).mkdir()
    refused(folder, original, "is not listed in the manifest")


def test_a_link_to_a_folder(original: Workshop, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "elsewhere").symlink_to(tmp_path / "elsewhere")
    refused(folder, original, "'elsewhere' is not listed in the manifest")


def test_a_member_s_folder_that_is_a_link(original: Workshop, folder: Path, tmp_path: Path) -> None:
    """The files of a member are listed and right, but lie outside the bundle, where they may change."""
    resign(folder, original.signer, {"program/0/graph.onnx": b"graph"})
    bundle.open_bundle(folder, original.verifier)
    (folder / "program" / "0").rename(tmp_path / "elsewhere")
    (folder / "program" / "0").symlink_to(tmp_path / "elsewhere")
    refused(folder, original, r"'program/0(/graph\.onnx)?' is (not listed|missing)")


def test_a_pipe_and_a_socket(original: Workshop, folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    refused(folder, original, "'pipe.json' is not listed")
    (folder / "pipe.json").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket.json"))
        refused(folder, original, r"'socket\.json' is not listed")


def test_a_file_that_is_missing(original: Workshop, folder: Path) -> None:
    (folder / bundle.CARD).unlink()
    refused(folder, original, r"'card\.json' is missing")


# ------------------------------------------------------------------------------- in the place of the listed files


def _link(path: Path) -> None:
    path.rename(path.parent.parent / "moved")
    path.symlink_to(path.parent.parent / "moved")


def _hardlink(path: Path) -> None:
    os.link(path, path.parent.parent / "second")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x.json").write_bytes(b"")


def _device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("name", [bundle.MANIFEST, bundle.SIGNATURE, bundle.CONTRACT, bundle.CARD])
@pytest.mark.parametrize("replace", [_link, _hardlink, _pipe, _folder, _device])
def test_a_listed_name_must_be_a_plain_file(
    original: Workshop, folder: Path, name: str, replace: Callable[[Path], None]
) -> None:
    replace(folder / name)
    refused(folder, original, "cannot be opened|is a link, no plain file|is not listed|is missing")


def test_the_program_folder_must_not_be_a_link(original: Workshop, folder: Path, tmp_path: Path) -> None:
    (folder / "program").rename(tmp_path / "elsewhere")
    (folder / "program").symlink_to(tmp_path / "elsewhere")
    refused(folder, original, "'program' is not listed in the manifest")


# --------------------------------------------------------------------------------- listed and signed by an insider

NAMES = [
    "../evil.json",
    "/tmp/evil.json",
    "program/../card.json",
    "program//graph.onnx",
    "program/00/graph.onnx",
    "program/100/graph.onnx",
    "program/a/graph.onnx",
    "program/0/0/graph.onnx",
    "program/0/../graph.onnx",
    "0/graph.onnx",
    "./card.json",
    "Card.json",
    "evil.py",
    "evil.pkl",
    "evil.so",
    "evil.json.",
    "evil..json",
    "sub/evil.json",
    "program/sub/evil.json",
    "evil\0.json",
    "evil.json\n",
    "",
    "program/",
    ".json",
    "é.json",
    "a" * 70 + ".json",
    "manifest.json",
    "manifest.sig",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_signed_list_cannot_name_what_is_no_bundle_file(original: Workshop, folder: Path, name: str) -> None:
    listed = msgspec.json.decode((folder / bundle.MANIFEST).read_bytes())["files"]
    _relist(folder, original, listed | {name: [canonical.digest(b"x"), 1]})
    refused(folder, original, "is no name of a bundle's file")


def test_a_signed_list_must_hold_a_contract_and_be_short(original: Workshop, folder: Path) -> None:
    listed: dict[str, Any] = msgspec.json.decode((folder / bundle.MANIFEST).read_bytes())["files"]
    without = {name: entry for name, entry in listed.items() if name != bundle.CONTRACT}
    _relist(folder, original, without)
    refused(folder, original, "no contract or too many files")
    many = listed | {f"a{number}.json": [canonical.digest(b"x"), 1] for number in range(bundle.MAX_FILES)}
    _relist(folder, original, many)
    refused(folder, original, "no contract or too many files")


def test_a_contract_other_than_the_one_named(original: Workshop, folder: Path) -> None:
    contract = msgspec.json.decode((folder / bundle.CONTRACT).read_bytes()) | {"extra": "ignore"}
    resign(folder, original.signer, {bundle.CONTRACT: canonical.encode(contract)})
    refused(folder, original, "The contract is not the one the manifest names")


def test_a_contract_in_another_spelling(original: Workshop, folder: Path) -> None:
    resign(folder, original.signer, {bundle.CONTRACT: (folder / bundle.CONTRACT).read_bytes() + b"\n"})
    refused(folder, original, "Not the canonical form of a Contract")


@pytest.mark.parametrize("format_", [0, 2, 99])
def test_a_format_that_this_version_does_not_read(original: Workshop, folder: Path, format_: int) -> None:
    resign(folder, original.signer, format=format_)
    refused(
        folder,
        original,
        f"format {format_} is none there ever was" if not format_ else f"has format {format_}, this version reads 1",
    )


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda raw: raw.replace(b'"model":"credit"', b'"model":"credit","model":"other"'),
        lambda raw: raw.replace(b'"format":1', b'"extra":1,"format":1'),
        lambda raw: raw + b"\n",
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: b"[" * 100_000,
        lambda raw: b"",
    ],
    ids=["double key", "unknown key", "newline", "byte order mark", "deep", "empty"],
)
def test_a_signed_manifest_has_one_meaning(original: Workshop, folder: Path, rewrite: Callable[[bytes], bytes]) -> None:
    raw = rewrite((folder / bundle.MANIFEST).read_bytes())
    (folder / bundle.MANIFEST).write_bytes(raw)
    (folder / bundle.SIGNATURE).write_bytes(original.signer.sign(raw))
    refused(folder, original, "Not a valid Manifest|Not the canonical form of a Manifest")


def test_a_manifest_that_is_too_large_is_not_read(original: Workshop, folder: Path) -> None:
    raw = b" " * (bundle.MAX_MANIFEST + 1)
    (folder / bundle.MANIFEST).write_bytes(raw)
    (folder / bundle.SIGNATURE).write_bytes(original.signer.sign(raw))
    refused(folder, original, "too large")


def _relist(folder: Path, shop: Workshop, listed: dict[str, Any]) -> None:
    manifest = msgspec.json.decode((folder / bundle.MANIFEST).read_bytes()) | {"files": listed}
    raw = canonical.encode(manifest)
    (folder / bundle.MANIFEST).write_bytes(raw)
    (folder / bundle.SIGNATURE).write_bytes(shop.signer.sign(raw))
