"""Ed25519 signatures (RFC 8032) under a stated context, keys in files, and the folder of keys that are trusted.

A signature file is the canonical JSON `{"format":1,"key":<id>,"signature":<base64>}`. The format fixes the algorithm, so
there is none to choose and none to downgrade to; the context keeps a signature made for one purpose from serving another.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from seaway.core import canonical, chance
from seaway.core.durable import sync_folder
from seaway.core.errors import Refused, Unavailable, Untrusted

MANIFEST = b"seaway bundle manifest v1"
"""The context of a release's signature."""

PRIVATE, PUBLIC = "signing.key", "signing.pub"
FORMAT = 1
MAX_KEY_FILE = 16_384


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in a signature file: 64 bytes by the key with id `key`."""

    format: int
    key: str
    signature: bytes


class Ed25519Signer:
    """Signs under one context with one private key."""

    def __init__(self, key: Ed25519PrivateKey, *, context: bytes = MANIFEST) -> None:
        self._key = key
        self._context = context
        self.key_id = key_id(key.public_key())

    @staticmethod
    def load_or_make(folder: Path, *, context: bytes = MANIFEST) -> Ed25519Signer:
        """Return the signer of the key in `folder`; make the key there, for the owner alone, where there is none yet.

        Of two processes that make it at once, both sign with the key that came first.
        """
        path = folder / PRIVATE
        if not path.exists():
            _make(folder)
        key = _read_private(path)
        if not (folder / PUBLIC).exists():
            _place(folder / PUBLIC, _public_pem(key.public_key()), 0o644)
        return Ed25519Signer(key, context=context)

    @property
    def public(self) -> bytes:
        """The public key in PEM, as another machine's trust folder takes it."""
        return _public_pem(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the content of the signature file."""
        made = self._key.sign(_message(self._context, data))
        return canonical.encode(Signature(format=FORMAT, key=self.key_id, signature=made))


class TrustFolder:
    """Trusts every `*.pub` in a folder; looked up at each verification, so that adding or removing a key acts at once."""

    def __init__(self, folder: Path, *, context: bytes = MANIFEST) -> None:
        self.folder = folder
        self._context = context

    def verify(self, data: bytes, signature: bytes) -> None:
        """Raise `Untrusted` unless a trusted key signed exactly these bytes under this context."""
        claim = canonical.decode(signature, Signature, where="signature")
        if claim.format != FORMAT:
            raise Untrusted(
                f"The signature has format {claim.format}, this version reads {FORMAT} (Ed25519)",
                where="signature",
                fix="Use the Seaway version that signed it, or have it signed again.",
            )
        key = self._find(claim.key)
        try:
            key.verify(claim.signature, _message(self._context, data))
        except InvalidSignature:
            raise Untrusted(
                f"The signature by key {claim.key} does not fit what it should sign",
                where="signature",
                fix="The content was changed after signing: fetch it again from where it was made.",
            ) from None

    def keys(self) -> dict[str, Path]:
        """Return the trusted keys: file by key id. A file that holds no Ed25519 key is left out."""
        found = {}
        for path in self._files():
            key = _read_public(path)
            if key is not None:
                found[key_id(key)] = path
        return found

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == ".pub")
        except FileNotFoundError:
            return []

    def _find(self, wanted: str) -> Ed25519PublicKey:
        unreadable = []
        for path in self._files():
            key = _read_public(path)
            if key is None:
                unreadable.append(path.name)
            elif key_id(key) == wanted:
                return key
        beside = f" (no Ed25519 public key: {', '.join(unreadable)})" if unreadable else ""
        raise Untrusted(
            f"Signed by key {wanted!r}, which is not trusted here{beside}",
            where=str(self.folder),
            fix=f"If you trust who signed it, copy their signing.pub into this folder as a file ending in .pub "
            f"and check that `seaway doctor` shows it as {wanted!r}.",
            code="unknown-key",
        )


def key_id(key: Ed25519PublicKey) -> str:
    """Return the first 128 bits of the SHA-256 of the raw public key, in hexadecimal."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:32]


def _message(context: bytes, data: bytes) -> bytes:
    """Return what is signed; the zero byte ends the context, so that no context is the beginning of another."""
    return context + b"\0" + data


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    _place(folder / PRIVATE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)


def _place(path: Path, data: bytes, mode: int) -> None:
    """Write a file that nobody has written yet, whole and durable; the first of several writers wins."""
    temporary = path.with_name(f".{path.name}.{chance.token(8)}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(
            f"The key cannot be written: {error.strerror}", where=str(path), fix="Make the folder writable for you."
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _read_private(path: Path) -> Ed25519PrivateKey:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(
            f"The signing key cannot be opened: {error.strerror}",
            where=str(path),
            fix="It must be a plain file (no link) that you may read.",
        ) from None
    with os.fdopen(handle, "rb") as file:
        _refuse_shared(os.fstat(file.fileno()), path)
        data = file.read(MAX_KEY_FILE)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(
            "The signing key is no unencrypted Ed25519 key in PEM",
            where=str(path),
            fix="Restore it from a backup, or move it away: the next release makes a new one, to be trusted anew.",
        )
    return key


def _refuse_shared(status: os.stat_result, path: Path) -> None:
    """Hold a private key to the rule of ssh: a plain file of this user, closed to everyone else."""
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise Refused(
            f"Others may read or change the signing key (mode {mode:04o})",
            where=str(path),
            fix=f"Run: chmod 600 {path}",
            code="shared-key",
        )
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0):
        raise Refused(
            "The signing key belongs to another user or is no plain file",
            where=str(path),
            fix="Sign with a key of your own.",
            code="shared-key",
        )


def _read_public(path: Path) -> Ed25519PublicKey | None:
    try:
        with path.open("rb") as file:
            key = load_pem_public_key(file.read(MAX_KEY_FILE))
    except (OSError, ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
