"""Signing keys and the folder of trusted keys."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from seaway.core import canonical
from seaway.core.errors import Refused, Untrusted
from seaway.core.protocols import Signer, Verifier
from seaway.security.sign import PRIVATE, PUBLIC, Ed25519Signer, Signature, TrustFolder, key_id


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "state" / "keys"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_once_for_the_owner_alone(keys: Path) -> None:
    before = os.umask(0)
    try:
        first = Ed25519Signer.load_or_make(keys)
    finally:
        os.umask(before)
    assert mode(keys) == 0o700
    assert mode(keys / PRIVATE) == 0o600
    assert Ed25519Signer.load_or_make(keys).key_id == first.key_id
    assert sorted(path.name for path in keys.iterdir()) == [".lock", PRIVATE, PUBLIC]


def test_what_is_signed_here_is_trusted_here(keys: Path) -> None:
    signer, trust = Ed25519Signer.load_or_make(keys), TrustFolder(keys)
    assert isinstance(signer, Signer)
    assert isinstance(trust, Verifier)
    trust.verify(b"manifest", signer.sign(b"manifest"))
    assert trust.keys() == {signer.key_id: keys / PUBLIC}


def test_the_public_key_is_written_again_where_it_was_lost(keys: Path) -> None:
    signer = Ed25519Signer.load_or_make(keys)
    (keys / PUBLIC).unlink()
    assert Ed25519Signer.load_or_make(keys).key_id == signer.key_id
    assert (keys / PUBLIC).read_bytes() == signer.public


def test_processes_that_make_the_key_at_once_agree_on_it(keys: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from seaway.security.sign import Ed25519Signer; sys.stdin.readline();"
        "print(Ed25519Signer.load_or_make(Path(sys.argv[1])).key_id)"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(keys)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    made = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    assert made == {Ed25519Signer.load_or_make(keys).key_id}
    assert sorted(path.name for path in keys.iterdir()) == [".lock", PRIVATE, PUBLIC]


@pytest.mark.parametrize("shared", [0o640, 0o604, 0o660, 0o620, 0o777])
def test_a_key_that_others_may_read_is_refused(keys: Path, shared: int) -> None:
    Ed25519Signer.load_or_make(keys)
    (keys / PRIVATE).chmod(shared)
    with pytest.raises(Refused, match=rf"Others may read or change.*mode {shared:04o}") as raised:
        Ed25519Signer.load_or_make(keys)
    assert "chmod 600" in raised.value.fix
    assert raised.value.exit == 1


def test_a_link_is_no_key(keys: Path) -> None:
    Ed25519Signer.load_or_make(keys)
    (keys / PRIVATE).rename(keys / "elsewhere")
    (keys / PRIVATE).symlink_to(keys / "elsewhere")
    with pytest.raises(Refused, match="cannot be opened"):
        Ed25519Signer.load_or_make(keys)


def other_kinds() -> list[bytes]:
    curve = generate_private_key(SECP256R1())
    own = Ed25519PrivateKey.generate()
    return [
        b"",
        b"no key",
        curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        own.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    ]


@pytest.mark.parametrize("content", other_kinds(), ids=["empty", "text", "curve", "public", "der"])
def test_anything_else_is_no_signing_key(keys: Path, content: bytes) -> None:
    keys.mkdir(parents=True)
    (keys / PRIVATE).write_bytes(content)
    (keys / PRIVATE).chmod(0o600)
    with pytest.raises(Refused, match="no unencrypted Ed25519 key"):
        Ed25519Signer.load_or_make(keys)
    assert (keys / PRIVATE).read_bytes() == content, "what stands there is a person's to move away"


def test_an_unknown_key_is_named_with_the_way_to_trust_it(keys: Path, tmp_path: Path) -> None:
    stranger = Ed25519Signer.load_or_make(tmp_path / "stranger")
    Ed25519Signer.load_or_make(keys)
    trust = TrustFolder(keys)
    with pytest.raises(Untrusted, match=rf"Signed by key '{stranger.key_id}', which is not trusted here") as raised:
        trust.verify(b"manifest", stranger.sign(b"manifest"))
    assert raised.value.code == "unknown-key"
    assert raised.value.where == str(keys)
    assert f"copy their signing.pub into {keys}" in raised.value.fix
    (keys / "stranger.pub").write_bytes(stranger.public)
    trust.verify(b"manifest", stranger.sign(b"manifest"))
    (keys / "stranger.pub").unlink()
    with pytest.raises(Untrusted, match="not trusted"):
        trust.verify(b"manifest", stranger.sign(b"manifest"))


def test_a_file_that_holds_no_public_key_is_named_and_harms_nothing(keys: Path, tmp_path: Path) -> None:
    signer = Ed25519Signer.load_or_make(keys)
    (keys / "broken.pub").write_bytes(b"-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n")
    (keys / "folder.pub").mkdir()
    TrustFolder(keys).verify(b"manifest", signer.sign(b"manifest"))
    stranger = Ed25519Signer.load_or_make(tmp_path / "stranger")
    with pytest.raises(Untrusted, match=r"no Ed25519 public key: broken\.pub, folder\.pub"):
        TrustFolder(keys).verify(b"manifest", stranger.sign(b"manifest"))


def test_a_folder_that_is_not_there_trusts_nobody(tmp_path: Path) -> None:
    signer = Ed25519Signer.load_or_make(tmp_path / "keys")
    with pytest.raises(Untrusted, match="not trusted"):
        TrustFolder(tmp_path / "nowhere").verify(b"manifest", signer.sign(b"manifest"))


def test_a_signature_for_one_purpose_does_not_serve_another(keys: Path) -> None:
    audit = Ed25519Signer.load_or_make(keys, context=b"seaway audit checkpoint v1")
    with pytest.raises(Untrusted, match="does not fit"):
        TrustFolder(keys).verify(b"data", audit.sign(b"data"))
    TrustFolder(keys, context=b"seaway audit checkpoint v1").verify(b"data", audit.sign(b"data"))


def test_no_context_is_the_beginning_of_another(keys: Path) -> None:
    short = Ed25519Signer.load_or_make(keys, context=b"seaway")
    with pytest.raises(Untrusted, match="does not fit"):
        TrustFolder(keys, context=b"seaway bundle").verify(b"x", short.sign(b" bundle\0x"))


@given(data=st.binary(max_size=200), other=st.binary(max_size=200))
def test_a_signature_holds_for_its_own_bytes_only(data: bytes, other: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    signer = Ed25519Signer(key)
    claim = canonical.decode(signer.sign(data), Signature, where="signature")
    assert claim.key == key_id(key.public_key())
    assert len(claim.signature) == 64
    assert signer.sign(data) == signer.sign(data), "Ed25519 needs no randomness, so a repeated build is byte-identical"
    assert (signer.sign(data) == signer.sign(other)) == (data == other)
