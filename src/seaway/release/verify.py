"""Is this bundle what was signed, does it hold only what is allowed, and does it answer as the trained model did?

The order is the safety: nothing is parsed before the signature and the digests hold, nothing is run before it was walked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from seaway.core import chance, parity
from seaway.core.answer import Answerer
from seaway.core.bundle import Bundle, lay, open_bundle
from seaway.core.errors import SeawayError
from seaway.core.protocols import Verifier
from seaway.core.verdict import Verdict
from seaway.release import archive

SOON_S = 30 * 86_400
"""A release that expires within this time gets a warning."""

CODES = {"R001": "signature", "R002": "digests", "R003": "allowed program", "R004": "parity", "R005": "expiry"}


FirstLoad = Callable[[Path, str], None]
"""Loads a bundle (folder, digest) in a process of its own, within limits; raises where that fails."""


def verify(bundle: Path, verifier: Verifier, *, first_load: FirstLoad | None = None) -> list[Verdict]:
    """Return one verdict per question R001 to R005; after a `fail` of R001 to R003 the rest is not-applicable.

    `bundle` is a folder or an archive. With `first_load` the program is loaded there before it is loaded here.
    """
    if not bundle.is_file():
        return _all(bundle, verifier, first_load)
    watched = _Watched(verifier)
    try:
        files = archive.read(bundle, watched)
    except SeawayError as error:
        found = [_signature(bundle, None), _digests(bundle, error, 0)] if watched.holds else [_signature(bundle, error)]
        return _rest(bundle, found)
    with tempfile.TemporaryDirectory(prefix="seaway-verify-") as place:
        folder = Path(place) / bundle.stem
        lay(folder, files)
        return _all(folder, verifier, first_load)


def _all(folder: Path, verifier: Verifier, first_load: FirstLoad | None) -> list[Verdict]:
    found: list[Verdict] = []
    for verdict in _steps(folder, verifier, first_load):
        found.append(verdict)
        if verdict.outcome == "fail" and verdict.code in ("R001", "R002", "R003"):
            break
    return _rest(folder, found)


def _rest(folder: Path, found: list[Verdict]) -> list[Verdict]:
    asked = {verdict.code for verdict in found}
    return found + [_unasked(code, folder, found[-1].code) for code in CODES if code not in asked]


def _steps(folder: Path, verifier: Verifier, first_load: FirstLoad | None) -> Iterator[Verdict]:
    watched = _Watched(verifier)
    try:
        opened = open_bundle(folder, watched)
    except SeawayError as error:
        if not watched.holds:
            yield _signature(folder, error)
            return
        yield _signature(folder, None)
        yield _digests(folder, error, 0)
        return
    yield _signature(folder, None)
    yield _digests(folder, None, len(opened.files))
    try:
        if first_load is not None:
            first_load(folder, opened.digest)
        answerer = Answerer(folder, verifier, replay=False)
    except SeawayError as error:
        yield _program(folder, error, opened)
        return
    yield _program(folder, None, opened)
    yield _parity(answerer)
    yield _expiry(opened)


def _signature(folder: Path, error: SeawayError | None) -> Verdict:
    """The manifest is signed by a trusted key."""
    return _say("R001", folder, error, "The manifest is signed by a key that is trusted here")


def _digests(folder: Path, error: SeawayError | None, files: int) -> Verdict:
    """Every file is listed, plain, and has the signed size and SHA-256."""
    return _say("R002", folder, error, f"{files} files, each of the size and SHA-256 that was signed, and no other")


def _program(folder: Path, error: SeawayError | None, opened: Bundle) -> Verdict:
    """The program was walked byte by byte and holds only what the engine allows; then it was loaded."""
    return _say("R003", folder, error, f"The program holds only what the engine {opened.manifest.engine!r} allows")


def _parity(answerer: Answerer) -> Verdict:
    """The loaded program repeats the trained model's answers on the bundle's own vectors."""
    try:
        proof = answerer.parity()
    except SeawayError as error:
        return _say("R004", Path(answerer.digest), error, "")
    return parity.verdict("R004", answerer.digest, proof.difference, proof.tolerance)


def _expiry(opened: Bundle) -> Verdict:
    """The release is not past the day until which it was made to be used."""
    expires = opened.manifest.expires
    try:
        left_s = datetime.fromisoformat(expires).timestamp() - chance.now()
    except ValueError:
        left_s = -1.0
    outcome = "fail" if left_s <= 0 else "warn" if left_s < SOON_S else "pass"
    return Verdict(
        code="R005",
        outcome="fail" if left_s <= 0 else "warn" if left_s < SOON_S else "pass",
        subject=opened.digest,
        message=f"Valid until {expires[:10] or 'no stated day'}"
        + (f", {left_s / 86_400:.0f} days from now" if left_s > 0 else ", which is past"),
        fix="" if outcome == "pass" else "Train and release on newer data: `seaway update`.",
        evidence={"expires": expires},
    )


class _Watched:
    """A verifier that remembers whether the signature held, to tell a bad signature from a bad file."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self.holds = False

    def verify(self, data: bytes, signature: bytes) -> None:
        """Ask the verifier."""
        self._verifier.verify(data, signature)
        self.holds = True


def _say(code: str, folder: Path, error: SeawayError | None, holds: str) -> Verdict:
    return Verdict(
        code=code,
        outcome="fail" if error else "pass",
        subject=folder.name,
        message=error.what if error else holds,
        fix=error.fix if error else "",
        evidence={"where": error.where} if error else {},
    )


def _unasked(code: str, folder: Path, after: str) -> Verdict:
    return Verdict(
        code=code,
        outcome="not-applicable",
        subject=folder.name,
        message=f"The {CODES[code]} was not looked at, since {after} failed",
    )
