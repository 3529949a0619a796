"""Who may bring a release in, and which: signatures, expiry, and the order of releases, at the door of `seaway import`."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from seaway.core import bundle, canonical
from seaway.core.errors import BadInput, Refused, SeawayError
from seaway.registry.promote import promote, rollback
from seaway.release import archive
from seaway.security.sign import Ed25519Signer
from seaway.workflow.imports import export_bundle, import_bundle
from seaway.workflow.workspace import Workspace, open_project
from tests import credit
from tests.releases import Workshop, resign

Harm = Callable[[Path, Workshop], None]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A project elsewhere, with three releases of one model."""
    made = Workshop(tmp_path_factory.mktemp("elsewhere") / ".seaway")
    for number in (1, 2, 3):
        made.build(
            credit.candidate(number), name=f"credit-{number}", real=credit.held_out(number), version=number,
            sequence=number,
        )  # fmt: skip
    return made


@pytest.fixture
def here(shop: Workshop, tmp_path: Path) -> Workspace:
    """A project that trusts who signed them."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "seaway.toml").write_text('[project]\nname = "credit"\n')
    workspace = open_project(folder)
    (folder / ".seaway" / "keys").mkdir(mode=0o700, parents=True)
    shutil.copy(shop.keys / "signing.pub", folder / ".seaway" / "keys" / "them.pub")
    return workspace


@pytest.fixture
def offer(shop: Workshop, tmp_path: Path) -> Callable[..., Path]:
    """Copy a release to be offered, as a folder or an archive, perhaps harmed."""

    def make(number: int = 1, harm: Harm | None = None, *, as_archive: bool = False) -> Path:
        folder = Path(shutil.copytree(shop.state / "staging" / f"credit-{number}", tmp_path / f"offered-{number}"))
        if harm is not None:
            harm(folder, shop)
        if not as_archive:
            return folder
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        packed = tmp_path / f"offered-{number}.zip"
        packed.write_bytes(archive.pack(files))
        return packed

    return make


# --------------------------------------------------------------------------------------------------- signatures


def unsigned(folder: Path, shop: Workshop) -> None:
    (folder / bundle.SIGNATURE).unlink()


def empty_signature(folder: Path, shop: Workshop) -> None:
    (folder / bundle.SIGNATURE).write_bytes(b"")


def wrong_key(folder: Path, shop: Workshop) -> None:
    resign(folder, Ed25519Signer.load_or_make(folder.parent / "stranger"))


def wrong_key_under_our_name(folder: Path, shop: Workshop) -> None:
    wrong_key(folder, shop)
    claim = msgspec.json.decode((folder / bundle.SIGNATURE).read_bytes())
    (folder / bundle.SIGNATURE).write_bytes(canonical.encode(claim | {"key": shop.signer.key_id}))


def expired(folder: Path, shop: Workshop) -> None:
    resign(folder, shop.signer, expires="2020-01-01T00:00:00.000000Z")


def without_expiry(folder: Path, shop: Workshop) -> None:
    resign(folder, shop.signer, expires="")


def of_another_release(folder: Path, shop: Workshop) -> None:
    shutil.copy(shop.state / "staging" / "credit-2" / bundle.SIGNATURE, folder / bundle.SIGNATURE)


def for_another_purpose(folder: Path, shop: Workshop) -> None:
    signer = Ed25519Signer.load_or_make(shop.keys, context=b"seaway audit checkpoint v1")
    (folder / bundle.SIGNATURE).write_bytes(signer.sign((folder / bundle.MANIFEST).read_bytes()))


def claims(**fields: object) -> Harm:
    """Say something else in the signature file: an algorithm, none, another format."""

    def harm(folder: Path, shop: Workshop) -> None:
        claim = msgspec.json.decode((folder / bundle.SIGNATURE).read_bytes())
        (folder / bundle.SIGNATURE).write_bytes(msgspec.json.encode(claim | fields, order="sorted"))

    return harm


def keyed_hash(folder: Path, shop: Workshop) -> None:
    """Take the public key, which everybody has, for the secret of a keyed hash (the old trick with JWT)."""
    import hashlib
    import hmac

    raw = (folder / bundle.MANIFEST).read_bytes()
    made = hmac.new((shop.keys / "signing.pub").read_bytes(), raw, hashlib.sha512).digest()
    claims(signature=base64.b64encode(made).decode())(folder, shop)


def doubled(key: bytes, value: bytes) -> Harm:
    """Say a key of the manifest twice, and sign that."""

    def harm(folder: Path, shop: Workshop) -> None:
        raw = (folder / bundle.MANIFEST).read_bytes().replace(b"{", b'{"' + key + b'":' + value + b",", 1)
        (folder / bundle.MANIFEST).write_bytes(raw)
        (folder / bundle.SIGNATURE).write_bytes(shop.signer.sign(raw))

    return harm


REFUSED: dict[str, tuple[Harm, str]] = {
    "unsigned": (unsigned, r"manifest\.sig cannot be opened|holds no manifest\.sig"),
    "empty signature": (empty_signature, "Not a valid Signature"),
    "wrong key": (wrong_key, "not trusted here"),
    "wrong key under our name": (wrong_key_under_our_name, "does not fit what it should sign"),
    "expired": (expired, "R005 Valid until 2020-01-01, which is past"),
    "without expiry": (without_expiry, "R005 Valid until no stated day"),
    "signature of another release": (of_another_release, "does not fit what it should sign"),
    "signature for another purpose": (for_another_purpose, "does not fit what it should sign"),
    "algorithm none": (claims(algorithm="none"), "Not a valid Signature"),
    "algorithm named": (claims(alg="HS256"), "Not a valid Signature"),
    "older format": (claims(format=0), "The signature has format 0"),
    "newer format": (claims(format=2), "The signature has format 2"),
    "hash with the public key": (keyed_hash, "does not fit what it should sign"),
    "duplicate version": (doubled(b"version", b"9"), "Not the canonical form of a Manifest"),
    "duplicate model": (doubled(b"model", b'"other"'), "Not the canonical form of a Manifest"),
    "duplicate files": (doubled(b"files", b"{}"), "Not the canonical form of a Manifest"),
}


@pytest.mark.parametrize("as_archive", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize(("harm", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_release_that_nobody_may_bring_in(
    here: Workspace, offer: Callable[..., Path], harm: Harm, reason: str, as_archive: bool
) -> None:
    with pytest.raises(Refused, match=reason) as refusal:
        import_bundle(here, offer(1, harm, as_archive=as_archive), principal="test")
    assert refusal.value.exit == 1
    assert refusal.value.fix
    assert here.registry.models() == []
    assert not list((here.project.state / "staging").glob("*/*"))


def test_the_command_refuses_with_exit_one_and_takes_with_zero(
    here: Workspace, shop: Workshop, offer: Callable[..., Path]
) -> None:
    def run(*words: str) -> tuple[int, dict[str, object]]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "seaway.cli", *words, "--json", "-C", str(here.project.folder)],
            capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout)

    code, told = run("import", str(offer(1, wrong_key)))
    assert (code, told["error"]["code"]) == (1, "unknown-key")  # type: ignore[index]
    code, told = run("import", str(offer(2, as_archive=True)))
    assert (code, told["version"], told["champion"]) == (0, 2, True)
    code, told = run("import", str(offer(3)), "--older")
    assert (code, told["error"]["code"]) == (2, "bad-input")  # type: ignore[index]


# ------------------------------------------------------------------------------------------------------- trust


def test_a_key_named_by_the_caller_is_trusted_from_then_on_and_this_is_audited(
    here: Workspace, shop: Workshop, offer: Callable[..., Path]
) -> None:
    (here.project.keys / "them.pub").unlink()
    with pytest.raises(Refused, match="not trusted here"):
        import_bundle(here, offer(1), principal="test")
    found = import_bundle(here, offer(2), trust=shop.keys, principal="ann")
    assert found.trusted == shop.signer.key_id
    assert shop.signer.key_id in list(here.verifier.keys())
    (entry,) = [one for one in here.registry.history("credit") if one.kind == "trusted"]
    assert entry.principal == "ann"
    assert shop.signer.key_id in entry.reason
    assert import_bundle(here, offer(3), principal="test").trusted == ""


def test_a_key_is_not_kept_where_the_release_is_refused_after_all(
    here: Workspace, shop: Workshop, offer: Callable[..., Path]
) -> None:
    import_bundle(here, offer(2), principal="test")
    (here.project.keys / "them.pub").unlink()
    with pytest.raises(Refused, match="older than what is here"):
        import_bundle(here, offer(1), trust=shop.keys, principal="test")
    assert shop.signer.key_id not in list(here.verifier.keys())
    kinds = [one.kind for one in here.registry.history("credit")]
    assert kinds[-2:] == ["trusted", "distrusted"]


# ------------------------------------------------------------------------------------------- older ones (A40)


def test_an_older_release_is_refused_unless_it_is_meant(here: Workspace, offer: Callable[..., Path]) -> None:
    newer, older = offer(2), offer(1)
    first = import_bundle(here, newer, principal="test")
    assert first.champion
    with pytest.raises(Refused, match="older than what is here") as refusal:
        import_bundle(here, older, principal="test")
    assert refusal.value.code == "older-release"
    assert [one.version for one in here.registry.releases("credit")] == [2]
    with pytest.raises(BadInput, match="needs a reason"):
        import_bundle(here, older, is_older=True, principal="test")
    found = import_bundle(here, older, is_older=True, reason="to compare with last year", principal="ann")
    assert not found.champion
    (entry,) = [one for one in here.registry.history("credit") if one.kind == "imported older"]
    assert entry.principal == "ann"
    assert "to compare with last year" in entry.reason
    assert here.registry.assignment("credit").champion == first.digest  # type: ignore[union-attr]


def test_a_rollback_restores_an_older_release_and_is_audited(here: Workspace, offer: Callable[..., Path]) -> None:
    first, second = (import_bundle(here, offer(number), principal="test").digest for number in (1, 2))
    promote(here.registry, "credit", second, reason="newer", principal="test")
    rollback(here.registry, "credit", reason="worse on Mondays", principal="ann")
    assert here.registry.assignment("credit").champion == first  # type: ignore[union-attr]
    last = here.registry.history("credit")[-1]
    assert (last.principal, "worse on Mondays" in last.reason) == ("ann", True)


def test_the_same_release_twice_changes_nothing(here: Workspace, offer: Callable[..., Path]) -> None:
    path = offer(1)
    first = import_bundle(here, path, principal="test")
    before = list(here.registry.history("credit"))
    assert import_bundle(here, path, principal="test").digest == first.digest
    assert list(here.registry.history("credit")) == before


# ------------------------------------------------------------------------------------------------------ export


def test_what_is_exported_is_the_same_bytes_and_is_taken_elsewhere(
    here: Workspace, offer: Callable[..., Path], shop: Workshop, tmp_path: Path
) -> None:
    found = import_bundle(here, offer(1), principal="test")
    made = [export_bundle(here, reference, tmp_path / f"{place}.zip") for place, reference in enumerate(["1", ""])]
    assert {one.digest for one in made} == {found.digest}
    assert made[0].file.read_bytes() == made[1].file.read_bytes()
    files = archive.read(made[0].file, here.verifier)
    assert files == bundle.read_files(shop.state / "staging" / "credit-1", shop.verifier)
    with pytest.raises(BadInput, match="a file of that name already"):
        export_bundle(here, "1", tmp_path / "0.zip")
    with pytest.raises(SeawayError, match="no such folder"):
        export_bundle(here, "1", tmp_path / "nowhere" / "0.zip")
