"""The folder of bundles: whole or not there."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seaway.core.durable import locked
from seaway.core.errors import NotFound, Unavailable, Untrusted
from seaway.core.protocols import Store
from seaway.registry.bundles import FolderStore
from seaway.security.sign import Ed25519Signer
from tests.bundles import write_bundle


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "bundles")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    signer = Ed25519Signer.load_or_make(tmp_path / "keys")
    return write_bundle(tmp_path / "built", signer, files={"program/graph.onnx": b"graph", "card.md": b"# Card"})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_is_stored_under_its_digest_unchanged(store: FolderStore, built: Path) -> None:
    digest = store.put(built)
    assert contents(store.get(digest)) == contents(built)
    assert list(store) == [digest]
    kept: Store = store
    assert kept.get(digest) == store.folder / digest


def test_a_stored_file_cannot_be_written_by_accident(store: FolderStore, built: Path) -> None:
    folder = store.get(store.put(built))
    assert all(path.stat().st_mode & 0o222 == 0 for path in folder.rglob("*") if path.is_file())
    assert all(path.stat().st_nlink == 1 for path in folder.rglob("*") if path.is_file())


def test_storing_twice_changes_nothing(store: FolderStore, built: Path) -> None:
    digest = store.put(built)
    inode = store.get(digest).stat().st_ino
    assert store.put(built) == digest
    assert store.get(digest).stat().st_ino == inode


def test_a_damaged_copy_is_replaced_by_a_good_one(store: FolderStore, built: Path) -> None:
    digest = store.put(built)
    card = store.get(digest) / "card.md"
    card.chmod(0o644)
    card.write_bytes(b"# Cart")
    assert store.put(built) == digest
    assert contents(store.get(digest)) == contents(built)


def test_a_bundle_that_is_not_whole_is_not_taken(store: FolderStore, built: Path) -> None:
    (built / "card.md").write_bytes(b"# Cart")
    with pytest.raises(Untrusted, match=r"card\.md is not what was signed"):
        store.put(built)
    assert list(store) == []
    assert [path.name for path in store.folder.glob(".staging-*")] == []


@pytest.mark.parametrize("digest", ["", "0" * 64, "../keys", "0" * 63 + "/", "A" * 64])
def test_what_is_not_there_cannot_be_had(store: FolderStore, digest: str) -> None:
    with pytest.raises(NotFound, match="There is no bundle"):
        store.get(digest)
    store.drop(digest)


def test_dropping_removes_the_whole_bundle(store: FolderStore, built: Path) -> None:
    digest = store.put(built)
    store.drop(digest)
    assert list(store) == []
    assert [path.name for path in store.folder.iterdir()] == [".lock"]


def test_what_a_crash_left_is_removed_at_the_next_start(store: FolderStore, built: Path) -> None:
    digest = store.put(built)
    leftover = store.folder / ".staging-0123"
    leftover.mkdir()
    (leftover / "card.md").write_bytes(b"half")
    FolderStore(store.folder).clean()
    assert not leftover.exists()
    assert list(store) == [digest]


def test_cleaning_waits_for_nobody_and_spoils_nothing(store: FolderStore, built: Path) -> None:
    store.put(built)
    staged = store.folder / ".staging-in-use"
    staged.mkdir()
    with locked(store.folder / ".lock", wait_s=1, what="testing"):
        store.clean()
        assert staged.is_dir(), "its writer is alive"
    store.clean()
    assert not staged.exists()


def test_a_store_that_stays_locked_says_so(store: FolderStore, built: Path) -> None:
    with (
        locked(store.folder / ".lock", wait_s=1, what="testing"),
        pytest.raises(Unavailable, match="Another process is writing bundles, for longer than 0 s"),
        store._writing(wait_s=0.05),
    ):
        pass


def test_the_lock_of_a_dead_process_is_free(store: FolderStore, built: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from seaway.core.durable import locked\n"
        "with locked(Path(sys.argv[1]), wait_s=1, what='dying'): os.kill(os.getpid(), 9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(store.folder / ".lock")], check=False)
    assert died.returncode == -9
    assert store.put(built) in store


def test_many_who_store_the_same_agree(store: FolderStore, built: Path) -> None:
    digests: list[str] = []
    threads = [threading.Thread(target=lambda: digests.append(store.put(built))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 6
    assert set(digests) == set(store)
    assert contents(store.get(digests[0])) == contents(built)
