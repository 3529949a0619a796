"""Malicious bundles offered to `seaway import`, each named as its attack: all refused, and nothing of them is written anywhere."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from seaway.core import bundle, canonical
from seaway.core.errors import SeawayError
from seaway.core.verdict import failed
from seaway.release import archive
from seaway.workflow.bundles import verify_bundle
from seaway.workflow.imports import import_bundle
from seaway.workflow.workspace import Workspace, open_project
from tests.archives import END, Part, deflated, parts, zipped
from tests.releases import Workshop, resign

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A project elsewhere, whose release is offered."""
    made = Workshop(tmp_path_factory.mktemp("elsewhere") / ".seaway")
    made.build()
    return made


@pytest.fixture(scope="module")
def files(shop: Workshop) -> Files:
    return bundle.read_files(shop.state / "staging" / "credit-1", shop.verifier)


@pytest.fixture(scope="module")
def here(shop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project that trusts who signed the release, and has none yet."""
    folder = tmp_path_factory.mktemp("here") / "project"
    folder.mkdir()
    (folder / "seaway.toml").write_text('[project]\nname = "credit"\n')
    workspace = open_project(folder)
    assert workspace.registry.models() == []
    workspace.project.keys.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(shop.keys / "signing.pub", workspace.project.keys / "them.pub")
    return workspace


def everything(folder: Path) -> dict[str, bytes | None]:
    """Return what lies in and under a folder; the lock file of imports is allowed to be there."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in folder.rglob("*")
        if path.name not in (".import", "staging")
    }


@pytest.fixture
def unmoved(here: Workspace) -> Iterator[None]:
    """Hold that project and the folder above it are as they were: a refused bundle leaves nothing."""
    above = here.project.folder.parent
    before = everything(above)
    yield
    assert everything(above) == before
    assert here.registry.models() == []


def refused(path: Path, here: Workspace, match: str) -> None:
    """Assert that import and verify both refuse, with a reason, a place and a next step."""
    with pytest.raises(SeawayError, match=match) as refusal:
        import_bundle(here, path, principal="test")
    assert refusal.value.exit == 1
    assert refusal.value.where
    assert refusal.value.fix
    assert failed(verify_bundle(str(path), folder=here.project.folder))


def test_the_bundle_these_attacks_start_from_is_taken(shop: Workshop, files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "seaway.toml").write_text('[project]\nname = "credit"\n')
    for number, data in enumerate([zipped(parts(files)), archive.pack(files), by_zipfile(files)]):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(data)
        found = import_bundle(open_project(folder), path, trust=shop.keys)
        assert found.champion
    assert [path.name for path in (folder / ".seaway" / "staging").iterdir()] == [".import"]


def by_zipfile(files: Files) -> bytes:
    """What Python's own module writes is of the plain kind too."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


# ---------------------------------------------------------------------------------------- entries that do not belong


def with_entry(name: str | bytes, data: bytes = b"x", **how: object) -> Callable[[Files], bytes]:
    label = name.encode() if isinstance(name, str) else name
    return lambda files: zipped([*parts(files), Part(name=label, data=data, **how)])  # type: ignore[arg-type]


def changed(name: str, **how: object) -> Callable[[Files], bytes]:
    """Replace what the headers of one listed entry say."""
    return lambda files: zipped(
        [replace(part, **how) if part.name == name.encode() else part for part in parts(files)]  # type: ignore[arg-type]
    )


def object_array() -> bytes:
    out = io.BytesIO()
    np.save(out, np.array([{}], dtype=object), allow_pickle=True)
    return out.getvalue()


def bomb(files: Files) -> bytes:
    """One listed name, whose 64 MiB of zeros are 64 KiB."""
    data = bytes(64 << 20)
    return zipped([Part(name=b"card.json", data=data, method=8)] + [p for p in parts(files) if p.name != b"card.json"])


def many_small_bombs(files: Files) -> bytes:
    """Each within the ratio, together over what a bundle may hold."""
    packed = deflated(bytes(1 << 20))
    lying = {"size": 500 << 20, "packed": len(packed)}
    more = [Part(name=b"a%d.json" % place, packed=packed, method=8, both=lying) for place in range(3)]
    return zipped([*parts(files), *more])


def overlapping(files: Files) -> bytes:
    """Two names for the bytes of one entry (Fifield 2019)."""
    made = parts(files)
    second = replace(made[-1], name=b"other.json", central={"at": 0})
    return zipped([*made, second])


def two_directories(files: Files) -> bytes:
    """A harmless directory for one reader, and behind it another."""
    first = zipped(parts({"card.json": b"harmless"}))
    return zipped(parts(files), head=first)


def hidden_in_the_comment(files: Files) -> bytes:
    """Readers that look for the end record from behind find another one than those that trust the length."""
    whole = zipped(parts(files))
    return zipped(parts(files), comment=END.pack(b"PK\5\6", 0, 0, 1, 1, 46, 0, 0) + whole[-22:])


def a_tar(files: Files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def unicode_path(files: Files) -> bytes:
    """Info-ZIP's field that gives an entry a second name (0x7075)."""
    name = b"../evil.json"
    body = b"\1" + zlib.crc32(b"card.json").to_bytes(4, "little") + name
    return changed("card.json", extra=b"up" + len(body).to_bytes(2, "little") + body)(files)


def zip64(files: Files) -> bytes:
    extra = b"\1\0\x10\0" + (100).to_bytes(8, "little") * 2
    return changed("card.json", extra=extra, both={"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF})(files)


def reversed_directory(files: Files) -> bytes:
    """The directory lists what the file holds in another order: somebody skips something."""
    whole = zipped(parts(files))
    begins = int.from_bytes(whole[-6:-2], "little")
    entries = whole[begins:-22].split(b"PK\1\2")[1:]
    return whole[:begins] + b"".join(b"PK\1\2" + one for one in reversed(entries)) + whole[-22:]


def lies_about(name: str, **fields: int) -> Callable[[Files], bytes]:
    return changed(name, both=fields)


def deflate_with(tail: bytes) -> Callable[[Files], bytes]:
    return lambda files: changed("card.json", method=8, packed=deflated(files["card.json"]) + tail)(files)


def without(name: str) -> Callable[[Files], bytes]:
    return lambda files: zipped(parts({key: data for key, data in files.items() if key != name}))


def whole_but(change: Callable[[bytes], bytes]) -> Callable[[Files], bytes]:
    return lambda files: change(zipped(parts(files)))


NOT_A_NAME, UNLISTED = "is no name of a bundle's file", "is not listed in the manifest"

ATTACKS: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "pickle": (with_entry("model.pkl", b"\x80\x04."), NOT_A_NAME),
    "joblib": (with_entry("program/model.joblib"), NOT_A_NAME),
    "object array in npy": (with_entry("weights.npy", object_array()), NOT_A_NAME),
    "shared library": (with_entry("program/evil.so", b"\x7fELF"), NOT_A_NAME),
    "python source": (with_entry("program/__init__.py", b"import os"), NOT_A_NAME),
    "pth file": (with_entry("evil.pth"), NOT_A_NAME),
    "nested zip": (with_entry("inner.zip", zipped([])), NOT_A_NAME),
    "dot dot": (with_entry("../evil.json"), NOT_A_NAME),
    "dot dot inside": (with_entry("program/../../evil.json"), NOT_A_NAME),
    "absolute": (with_entry("/tmp/evil.json"), NOT_A_NAME),
    "backslash": (with_entry("..\\evil.json"), NOT_A_NAME),
    "drive": (with_entry("c:evil.json"), NOT_A_NAME),
    "alternate stream": (with_entry("card.json:evil.json"), NOT_A_NAME),
    "nul in the name": (with_entry("card.json\0.py"), NOT_A_NAME),
    "newline in the name": (with_entry("evil\n.json"), NOT_A_NAME),
    "escape codes in the name": (with_entry("\x1b[2J.json"), NOT_A_NAME),
    "case collision": (with_entry("CARD.json"), NOT_A_NAME),
    "unicode collision": (with_entry("cаrd.json"), NOT_A_NAME),  # with a Cyrillic letter
    "full width": (with_entry("ｃard.json"), NOT_A_NAME),
    "composed letters": (with_entry("cafe\u0301.json"), NOT_A_NAME),
    "trailing dot": (with_entry("card.json."), NOT_A_NAME),
    "trailing space": (with_entry("card.json "), NOT_A_NAME),
    "no text": (with_entry(b"\xff\xfe.json"), NOT_A_NAME),
    "empty name": (with_entry(""), NOT_A_NAME),
    "long name": (with_entry("a" * 300 + ".json"), "has not the size of its entries|" + NOT_A_NAME),
    "folder entry": (with_entry("program/", b""), NOT_A_NAME),
    "folder by its attributes": (with_entry("evil.json", b"", system=0, mode=0, attributes=0x10), "is a folder"),
    "symlink": (with_entry("evil.json", b"/etc/passwd", mode=stat.S_IFLNK | 0o777), "is a link, a folder or a device"),
    "listed name as a symlink": (changed("card.json", mode=stat.S_IFLNK | 0o777), "is a link, a folder or a device"),
    "device": (with_entry("evil.json", mode=stat.S_IFCHR | 0o666), "is a link, a folder or a device"),
    "pipe": (with_entry("evil.json", mode=stat.S_IFIFO | 0o666), "is a link, a folder or a device"),
    "foreign system": (with_entry("evil.json", system=10), "made by a system without plain files"),
    "unlisted": (with_entry("extra.json"), "'extra.json' " + UNLISTED),
    "unlisted member": (with_entry("program/0/graph.onnx"), "'program/0/graph.onnx' " + UNLISTED),
    "missing": (without("card.json"), "'card.json' is missing"),
    "missing program": (without("program/graph.onnx"), "'program/graph.onnx' is missing"),
    "no manifest": (without("manifest.json"), "holds no manifest.json"),
    "no signature": (without("manifest.sig"), "holds no manifest.sig"),
    "duplicate entry": (
        lambda files: zipped([*parts(files), Part(name=b"card.json", data=files["card.json"])]),
        "twice",
    ),
    "duplicate manifest": (lambda files: zipped([Part(name=b"manifest.json", data=b"{}"), *parts(files)]), "twice"),
    "encrypted": (changed("card.json", both={"flags": 1}), "is encrypted"),
    "streamed with a descriptor": (changed("card.json", both={"flags": 8}, behind=b"PK\7\x08" + bytes(12)), "streamed"),
    "utf-8 flag": (changed("card.json", both={"flags": 0x800}), "is encrypted, streamed"),
    "bzip2": (lies_about("card.json", method=12), "compressed by method 12"),
    "lzma": (lies_about("card.json", method=14), "compressed by method 14"),
    "a second name": (unicode_path, "extra fields"),
    "sizes of 64 bits": (zip64, "extra fields"),
    "extra field in one header": (changed("card.json", local_extra=b"UT\1\0\0"), "header that differs|extra"),
    "entry comment": (changed("card.json", comment=b"hello"), "a comment"),
    "newer kind of zip": (lies_about("card.json", needs=63), "of a newer kind"),
    "ratio above 100": (bomb, "unpacks to more than 100 times its size"),
    "many small bombs": (many_small_bombs, "unpacks to more than 100 times|too large"),
    "one huge file": (lies_about("card.json", size=0x7FFFFFFF, packed=0x7FFFFFFF), "are the most"),
    "stored with two sizes": (lies_about("card.json", size=5000), "yet has two sizes"),
    "unpacks to more than it says": (
        lambda files: changed("card.json", method=8, both={"size": len(files["card.json"]) - 1})(files),
        "its manifest says",
    ),
    "inflates beyond its size": (
        lambda files: changed("card.json", method=8, packed=deflated(files["card.json"] * 90))(files),
        "does not end where its header says",
    ),
    "bytes behind the stream": (deflate_with(b"hidden"), "does not end where its header says"),
    "two streams": (deflate_with(deflated(b"second")), "does not end where its header says"),
    "a stream that is none": (changed("card.json", method=8, packed=b"\xff" * 4000), "cannot be unpacked"),
    "wrong checksum": (lies_about("card.json", crc=1), "is not what its header says"),
    "other content": (
        lambda files: zipped(parts(files | {"card.json": files["card.json"].swapcase()})),
        r"card\.json is not what was signed",
    ),
    "other graph": (
        lambda files: zipped(parts(files | {"program/graph.onnx": files["program/graph.onnx"][::-1]})),
        r"graph\.onnx is not what was signed",
    ),
    "other size": (lambda files: zipped(parts(files | {"card.json": b"{}"})), "its manifest says"),
    "local name differs": (changed("card.json", local={"name": b"evil.json"}), "header that differs"),
    "local method differs": (changed("card.json", local={"method": 8}), "header that differs"),
    "local checksum differs": (changed("card.json", local={"crc": 1}), "header that differs"),
    "local size differs": (changed("card.json", local={"size": 1}), "header that differs"),
    "overlapping entries": (overlapping, "does not begin where the entry before it ends"),
    "entry in the directory": (changed("card.json", central={"at": 1 << 20}), "does not begin where"),
    "another order": (reversed_directory, "does not begin where the entry before it ends"),
    "bytes before": (lambda files: zipped(parts(files), head=b"#!/bin/sh\n"), "does not begin where"),
    "bytes between": (changed("card.json", before=b"hidden"), "does not begin where"),
    "bytes before the directory": (lambda files: zipped(parts(files), gap=b"hidden"), "between the last entry"),
    "bytes behind": (lambda files: zipped(parts(files), tail=b"hidden"), "something is behind it"),
    "two directories": (two_directories, "does not begin where"),
    "comment": (lambda files: zipped(parts(files), comment=b"PK\5\6"), "something is behind it"),
    "end record in the comment": (hidden_in_the_comment, "does not reach|several disks|has not the size"),
    "several disks": (lambda files: zipped(parts(files), disk=1), "several disks"),
    "fewer entries than listed": (
        lambda files: zipped(parts(files), here=3, count=3),
        "holds 10 entries, its end record says 3",
    ),
    "no entries": (lambda files: zipped([]), "several disks, a comment, or not between"),
    "too many entries": (
        lambda files: zipped([Part(name=b"a%d.json" % place) for place in range(archive.MAX_ENTRIES + 1)]),
        "not between 1 and",
    ),
    "directory beyond the file": (lambda files: zipped(parts(files), begins=1 << 30), "does not reach"),
    "cut": (whole_but(lambda data: data[:-30]), "it is no zip"),
    "empty": (lambda files: b"", "0 bytes"),
    "a tar": (a_tar, "it is no zip"),
    "a pickle called zip": (lambda files: b"\x80\x04\x95" + bytes(100), "it is no zip"),
    "manifest too large": (
        lambda files: zipped(parts(files | {"manifest.json": bytes(bundle.MAX_MANIFEST + 1)})),
        r"holds no manifest\.json of at most",
    ),
    "signature too large": (
        lambda files: zipped(parts(files | {"manifest.sig": bytes(bundle.MAX_SIGNATURE + 1)})),
        r"holds no manifest\.sig of at most",
    ),
    "manifest not signed": (
        lambda files: zipped(parts(files | {"manifest.json": files["manifest.json"] + b" "})),
        "does not fit what it should sign",
    ),
}


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize(("make", "reason"), ATTACKS.values(), ids=ATTACKS.keys())
def test_a_malicious_archive_is_refused(
    here: Workspace, files: Files, tmp_path: Path, make: Callable[[Files], bytes], reason: str
) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(make(files))
    refused(path, here, reason)


def test_a_bomb_costs_neither_memory_nor_disk(here: Workspace, files: Files, tmp_path: Path) -> None:
    """A listed and signed file of 64 MiB in 64 KiB is refused from its header alone."""
    import tracemalloc

    path = tmp_path / "bomb.zip"
    path.write_bytes(bomb(files))
    tracemalloc.start()
    with pytest.raises(SeawayError, match="unpacks to more than 100 times"):
        import_bundle(here, path, principal="test")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.usefixtures("unmoved")
def test_what_is_no_file_is_refused(here: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(SeawayError, match="no plain file"):
        import_bundle(here, tmp_path / "pipe.zip", principal="test")
    with pytest.raises(SeawayError, match="There is no file"):
        import_bundle(here, tmp_path / "nowhere.zip", principal="test")


# ------------------------------------------------------------------------------------------------- plain folders


def add(name: str, data: bytes = b"x") -> Callable[[Path, Workshop], None]:
    def act(folder: Path, shop: Workshop) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    return act


def link(folder: Path, shop: Workshop) -> None:
    (folder / "card.json").rename(folder.parent / "moved")
    (folder / "card.json").symlink_to(folder.parent / "moved")


def hardlink(folder: Path, shop: Workshop) -> None:
    os.link(folder / "card.json", folder.parent / "second")


def linked_folder(folder: Path, shop: Workshop) -> None:
    (folder / "program").rename(folder.parent / "elsewhere")
    (folder / "program").symlink_to(folder.parent / "elsewhere")


def device(folder: Path, shop: Workshop) -> None:
    (folder / "card.json").unlink()
    (folder / "card.json").symlink_to("/dev/zero")


def pipe(folder: Path, shop: Workshop) -> None:
    (folder / "card.json").unlink()
    os.mkfifo(folder / "card.json")


def swollen(folder: Path, shop: Workshop) -> None:
    """A listed file that is now a terabyte of nothing: its size is looked at before memory is taken for it."""
    os.truncate(folder / "card.json", 1 << 40)


def signed_list(name: str, *entry: object) -> Callable[[Path, Workshop], None]:
    """What an insider with the key could list."""

    def act(folder: Path, shop: Workshop) -> None:
        manifest = msgspec.json.decode((folder / bundle.MANIFEST).read_bytes())
        manifest["files"][name] = entry
        raw = canonical.encode(manifest)
        (folder / bundle.MANIFEST).write_bytes(raw)
        (folder / bundle.SIGNATURE).write_bytes(shop.signer.sign(raw))

    return act


def signed_model(name: str) -> Callable[[Path, Workshop], None]:
    def act(folder: Path, shop: Workshop) -> None:
        resign(folder, shop.signer, model=name)

    return act


FOLDERS: dict[str, tuple[Callable[[Path, Workshop], None], str]] = {
    "pickle": (add("model.pkl"), UNLISTED),
    "shared library": (add("program/evil.so"), UNLISTED),
    "python source": (add("seaway/__init__.py"), UNLISTED),
    "deep folders": (add("/".join("a" * 60) + "/x.json"), UNLISTED),
    "symlink": (link, "cannot be opened|is a link"),
    "hardlink": (hardlink, "is a link, no plain file"),
    "folder that is a link": (linked_folder, UNLISTED),
    "device": (device, "cannot be opened|is a link"),
    "pipe": (pipe, "is a link, no plain file"),
    "missing": (lambda folder, shop: (folder / "card.json").unlink(), "is missing"),
    "a terabyte of nothing": (swollen, "is not what was signed"),
    "signed list of a terabyte": (signed_list("card.json", "0" * 64, 1 << 40), "too large"),
    "signed list with a negative size": (signed_list("card.json", "0" * 64, -1), "too large"),
    "signed list of an escape": (signed_list("../evil.json", canonical.digest(b"x"), 1), NOT_A_NAME),
    "signed name of a model that escapes": (signed_model("../../evil"), "is no name of a model"),
    "signed name of a model that is a flag": (signed_model("-rf"), "is no name of a model"),
}


@pytest.mark.usefixtures("unmoved")
@pytest.mark.parametrize(("harm", "reason"), FOLDERS.values(), ids=FOLDERS.keys())
def test_a_malicious_folder_is_refused(
    here: Workspace, shop: Workshop, tmp_path: Path, harm: Callable[[Path, Workshop], None], reason: str
) -> None:
    folder = Path(shutil.copytree(shop.state / "staging" / "credit-1", tmp_path / "bundle"))
    harm(folder, shop)
    refused(folder, here, reason)


def test_there_are_enough_of_them() -> None:
    assert len(ATTACKS) + len(FOLDERS) >= 30


@pytest.mark.usefixtures("unmoved")
def test_a_place_that_was_made_a_link_leads_nowhere(here: Workspace, shop: Workshop, tmp_path: Path) -> None:
    """Whoever can write into .seaway owns the project anyway; a leftover link still takes no bundle elsewhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    place = here.project.state / "staging" / "import"
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(outside)
    try:
        with pytest.raises(SeawayError, match="The bundle cannot be copied"):
            import_bundle(here, shop.state / "staging" / "credit-1", principal="test")
        assert [path.name for path in outside.iterdir()] == ["kept"]
    finally:
        place.unlink()
