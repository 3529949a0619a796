"""A source of one release that no registry knows yet: what the replay before publication serves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seaway.core import bundle
from seaway.core.assignment import Assignment
from seaway.core.errors import NotFound
from seaway.core.protocols import Verifier


class SingleBundle:
    """A `Source` in which the bundle of one folder is the champion of its model. The bundle is verified first."""

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        opened = bundle.open_bundle(folder, verifier)
        self._folder = folder
        self._assignment = Assignment(
            model=opened.manifest.model, sequence=opened.manifest.sequence, champion=opened.digest, reason="replay"
        )

    def assignments(self) -> Mapping[str, Assignment]:
        """Return the one assignment."""
        return {self._assignment.model: self._assignment}

    def bundle(self, digest: str) -> Path:
        """Return the folder."""
        if digest != self._assignment.champion:
            raise NotFound(f"There is no release {digest[:12]}", where=str(self._folder), fix="Serve from a registry.")
        return self._folder

    def keys(self) -> None:
        """Ask for no key: it answers the replay on loopback, for a moment."""
