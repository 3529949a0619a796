"""Where things are in a project: a folder with `seaway.toml`, its state in `.seaway/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seaway.core.errors import BadInput, NotFound

SETTINGS, CONTRACT, LOCK, STATE = "seaway.toml", "contract.toml", "contract.lock.json", ".seaway"


@dataclass(frozen=True)
class Project:
    """Paths of one project; nothing is created by asking."""

    folder: Path

    @property
    def settings(self) -> Path:
        """The settings people edit."""
        return self.folder / SETTINGS

    @property
    def contract(self) -> Path:
        """The contract people edit."""
        return self.folder / CONTRACT

    @property
    def lock(self) -> Path:
        """What was inferred from the data."""
        return self.folder / LOCK

    @property
    def state(self) -> Path:
        """Seaway's own files: readable by the owner alone, ignored by git."""
        return self.folder / STATE

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.state / "runs"

    @property
    def bundles(self) -> Path:
        """Content-addressed bundles."""
        return self.state / "bundles"

    @property
    def registry(self) -> Path:
        """The registry's SQLite file."""
        return self.state / "registry.db"

    @property
    def log(self) -> Path:
        """The event log: one folder per model."""
        return self.state / "log"

    @property
    def keys(self) -> Path:
        """The signing key, the keys that are trusted, and the secret under which callers' keys are hashed."""
        return self.state / "keys"

    @property
    def audit(self) -> Path:
        """Signed checkpoints of the audit chain, apart from the registry that holds the chain."""
        return self.state / "audit"

    @property
    def proven(self) -> Path:
        """One file per release that was loaded within limits once, by digest."""
        return self.state / "proven"

    @property
    def serving(self) -> Path:
        """What running servers say of themselves: one file per worker."""
        return self.state / "serving"

    @property
    def reports(self) -> Path:
        """HTML reports."""
        return self.state / "reports"

    @property
    def windows(self) -> Path:
        """Compacted events and monitoring results."""
        return self.state / "windows"

    @property
    def updates(self) -> Path:
        """The update loop's journal."""
        return self.state / "updates"

    def make(self) -> Project:
        """Create the state folder for the owner alone."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self


def find(start: Path) -> Project:
    """Return the project that `start` lies in."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / SETTINGS).is_file():
            return Project(folder)
    raise NotFound(
        f"No {SETTINGS} here or above",
        where=str(start),
        fix="Go to a project's folder, or make one: `seaway new DIR --data FILE --target COLUMN`.",
        code="no-project",
    )


def refuse_existing(folder: Path) -> None:
    """Raise `BadInput` where a project stands already: nothing of it is touched."""
    if (folder / SETTINGS).exists():
        raise BadInput(
            "There is a project here already",
            where=str(folder),
            fix="Choose another folder, or edit its seaway.toml and contract.toml.",
            code="project-exists",
        )
