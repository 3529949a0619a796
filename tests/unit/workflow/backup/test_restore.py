"""What a backup holds, and everything that keeps one from being restored."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from seaway.core import canonical
from seaway.core.errors import BadInput, Unavailable, Untrusted
from seaway.core.verdict import failed, worst
from seaway.registry.store import Registry
from seaway.security import keys as access_keys
from seaway.security.sign import Ed25519Signer
from seaway.workflow.backup import listing
from seaway.workflow.backup.listing import Listing
from seaway.workflow.backup.restore import restore
from seaway.workflow.backup.staging import staged
from seaway.workflow.backup.take import backup
from seaway.workflow.workspace import open_project
from tests.golden.frozen import content, thaw


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a project and its backup, which tests copy."""
    folder = tmp_path_factory.mktemp("kept")
    backup(open_project(thaw("v1", folder / "loans")), folder / "backup")
    return folder


@pytest.fixture
def project(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept / "loans", tmp_path / "loans"))


@pytest.fixture
def made(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept / "backup", tmp_path / "backup"))


def test_it_holds_the_state_and_nothing_secret(project: Path, made: Path) -> None:
    secret = (project / ".seaway" / "keys" / "signing.key").read_bytes()
    names = content(made)
    assert {"seaway.toml", "contract.toml", "contract.lock.json", "state/registry.db", "backup.json"} <= set(names)
    assert any(name.startswith("state/log/loans/") for name in names)
    assert any(name.startswith("state/runs/") for name in names)
    assert not any(name.endswith((".log", ".lock", ".tmp", "index.db", "loans.csv")) for name in names)
    assert all(secret not in path.read_bytes() for path in made.rglob("*") if path.is_file())
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_what_is_restored_goes_on_with_a_key_of_its_own(made: Path, tmp_path: Path, project: Path) -> None:
    done = restore(made, tmp_path / "again")
    assert done.is_done
    assert worst(done.verdicts) == "pass"
    state = tmp_path / "again" / ".seaway"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    old = Ed25519Signer.load_or_make(project / ".seaway" / "keys").key_id
    assert Ed25519Signer.load_or_make(state / "keys").key_id != old
    registry = Registry(state)
    last = registry.history(None)[-1]
    assert (last.kind, last.principal.partition(":")[0]) == ("restored", "person")
    assert worst(registry.verify_audit()[0]) == "pass"
    assert registry.assignment("sales") == Registry(project / ".seaway").assignment("sales")
    again = restore(backup(open_project(tmp_path / "again"), tmp_path / "second").folder, tmp_path / "third")
    assert again.is_done, "a restored project is backed up and restored like any other"


def test_with_keys_it_signs_and_knows_its_callers_as_before(project: Path, tmp_path: Path) -> None:
    keys = project / ".seaway" / "keys"
    access_keys.load_or_make_secret(keys)
    made = backup(open_project(project), tmp_path / "backup", with_keys=True)
    assert restore(made.folder, tmp_path / "again").is_done
    for name in ("signing.key", "access.secret"):
        path = tmp_path / "again" / ".seaway" / "keys" / name
        assert path.read_bytes() == (keys / name).read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def flip(path: Path) -> None:
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def one_of(pattern: str) -> Callable[[Path], None]:
    return lambda made: flip(next(path for path in sorted(made.glob(pattern)) if path.is_file()))


ATTACKS: dict[str, Callable[[Path], None]] = {
    "a bit of the registry": one_of("state/registry.db"),
    "a bit of the log": one_of("state/log/loans/*.seg"),
    "a bit of a program": one_of("state/bundles/*/program/graph.onnx"),
    "a bit of the settings": one_of("seaway.toml"),
    "a bit of the checkpoint": one_of("state/audit/checkpoint.json"),
    "a file removed": lambda made: (made / "contract.toml").unlink(),
    "a file added": lambda made: (made / "state" / "more").touch(),
    "a folder added": lambda made: (made / "state" / "log" / "empty").mkdir(),
    "a file that became a link": lambda made: _link(made / "contract.toml"),
    "a folder that became a link": lambda made: _link(made / "state" / "log"),
}


def _link(path: Path) -> None:
    moved = path.parent.parent / f"{path.name}-elsewhere" if path.is_file() else path.with_name("moved")
    target = path.parents[1] / moved.name if path.is_file() else path.parents[2] / moved.name
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize("attack", ATTACKS)
def test_whatever_was_changed_keeps_it_from_being_restored(made: Path, tmp_path: Path, attack: str) -> None:
    ATTACKS[attack](made)
    done = restore(made, tmp_path / "again")
    assert not done.is_done
    assert [verdict.code for verdict in failed(done.verdicts)] == ["B002"]
    assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob(".*.partial"))


@pytest.mark.parametrize("name", ["backup.json", "backup.sig"])
def test_a_changed_listing_is_not_believed(made: Path, tmp_path: Path, name: str) -> None:
    flip(made / name)
    with pytest.raises(Untrusted):
        restore(made, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_backup_exchanged_whole_is_found_by_a_key_kept_elsewhere(made: Path, project: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "signing.pub").write_bytes(Ed25519Signer.load_or_make(project / ".seaway" / "keys").public)
    other = thaw("v1", tmp_path / "other")
    forged = backup(open_project(other), tmp_path / "forged").folder
    assert restore(forged, tmp_path / "fooled").is_done, "its own keys vouch for it"
    with pytest.raises(Untrusted, match="not trusted here"):
        restore(forged, tmp_path / "again", trust=mine)
    assert restore(made, tmp_path / "again", trust=mine).is_done


def test_names_that_would_leave_the_folder_are_none(made: Path, project: Path, tmp_path: Path) -> None:
    found = msgspec.json.decode((made / listing.LISTING).read_bytes(), type=Listing)
    signer = Ed25519Signer.load_or_make(project / ".seaway" / "keys", context=listing.CONTEXT)
    for name in ("../out", "/out", "state/../../out", "a//b", "state/./x", "a\nb", "", "state/"):
        raw = canonical.encode(msgspec.structs.replace(found, files={**found.files, name: ("0" * 64, 1)}))
        (made / listing.LISTING).write_bytes(raw)
        (made / listing.SIGNATURE).write_bytes(signer.sign(raw))
        with pytest.raises(Untrusted, match="no name of a backup's file"):
            restore(made, tmp_path / "again", trust=project / ".seaway" / "keys")


def test_nothing_is_written_over(made: Path, project: Path, tmp_path: Path) -> None:
    before = content(project)
    with pytest.raises(BadInput, match="something at loans already"):
        restore(made, project)
    with pytest.raises(BadInput, match="something at backup already"):
        backup(open_project(project), made)
    with pytest.raises(BadInput, match="inside the state"):
        backup(open_project(project), project / ".seaway" / "backup")
    with pytest.raises(BadInput, match="This is no backup"):
        restore(project, tmp_path / "again")
    assert content(project) == before
    (tmp_path / "empty").mkdir()
    assert restore(made, tmp_path / "empty").is_done


def test_a_damaged_project_is_backed_up_as_far_as_it_goes_and_says_so(project: Path, tmp_path: Path) -> None:
    workspace = open_project(project)
    digest = workspace.registry.release("sales", 2).digest
    flip(project / ".seaway" / "bundles" / digest / "parity.ndjson")
    (segment,) = (project / ".seaway" / "log" / "loans").glob("*.seg")
    flip(segment)
    made = backup(workspace, tmp_path / "backup")
    assert [verdict.code for verdict in failed(made.verdicts)] == ["B004", "B005"]
    assert made.listing.missing == (digest,)
    assert made.listing.damaged == (f"loans/{segment.name}",)
    done = restore(made.folder, tmp_path / "again")
    assert done.is_done, "what the backup said at the time is no surprise"
    assert worst(done.verdicts) == "warn"


def test_a_chain_that_was_tampered_with_is_backed_up_and_told(project: Path, tmp_path: Path) -> None:
    workspace = open_project(project)
    assert workspace.registry.models()
    connection = sqlite3.connect(project / ".seaway" / "registry.db")
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("UPDATE audit SET reason = 'nothing happened' WHERE number = 4")
    connection.commit()
    connection.close()
    made = backup(workspace, tmp_path / "backup")
    assert [verdict.code for verdict in failed(made.verdicts)] == ["B006"]
    assert not restore(made.folder, tmp_path / "again").is_done


def test_the_second_of_two_at_once_is_refused_and_a_leftover_is_used_again(project: Path, tmp_path: Path) -> None:
    with (
        staged(tmp_path / "backup", "backup"),
        pytest.raises(Unavailable, match="Another process is writing this backup"),
    ):
        backup(open_project(project), tmp_path / "backup")
    assert not (tmp_path / "backup").exists() or not any((tmp_path / "backup").iterdir())
    left = tmp_path / ".later.partial" / "state"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"made")
    made = backup(open_project(project), tmp_path / "later")
    assert not (made.folder / "state" / "half").exists()
    assert not left.exists()


def test_a_backup_where_no_folder_can_be_made_says_so(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="could not be finished"):
        backup(open_project(project), tmp_path / "file" / "backup")
