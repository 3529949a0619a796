"""One project opened: its folder, settings and the objects that verbs share."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seaway.core import extend, project, settings
from seaway.core.contract import Contract
from seaway.core.errors import BadInput, NotFound
from seaway.core.project import Project
from seaway.core.protocols import Task
from seaway.core.settings import Settings
from seaway.registry.store import Registry
from seaway.security.sign import TrustFolder

if TYPE_CHECKING:
    from seaway.data.sources.address import Source


@dataclass(frozen=True)
class Workspace:
    """A project with its settings; everything else is opened on use."""

    project: Project
    settings: Settings

    @cached_property
    def contract(self) -> Contract:
        """The contract as people and inference left it."""
        # Here and not above: a serving environment has no polars, and what serves asks the bundles for their contracts.
        from seaway.data import files

        return files.load(self.project)

    @cached_property
    def registry(self) -> Registry:
        """The registry of this project."""
        return Registry(self.project.make().state)

    @property
    def model(self) -> str:
        """The model's name."""
        return self.settings.project.name

    @property
    def task(self) -> Task:
        """What kind of problem this is."""
        task: Task = extend.load("task", self.contract.task)()
        return task

    @property
    def verifier(self) -> TrustFolder:
        """Whom this project trusts."""
        return TrustFolder(self.project.keys)

    def source(self, name: str = "") -> Source:
        """Return the file or address named in the settings or by the caller, or say that its file is not there."""
        from seaway.data.sources import address  # as above: who serves reads no data

        given = name or self.settings.project.data
        if not given:
            raise BadInput(
                "This project names no data",
                where=str(self.project.settings),
                fix='Set data = "FILE" under [project], or name a file.',
            )
        # A file the caller names is found from where they stand; one of the settings, from the project.
        found = address.of(given) if name else address.within(given, self.project.folder)
        address.refuse_absent(found)
        return found

    def bundle(self, reference: str = "") -> Path:
        """Return the folder of a release: a path, a digest (or its start), a version number, or the champion."""
        if reference and Path(reference).is_dir():
            return Path(reference)
        if reference:
            return self.registry.store.get(self.registry.release(self.model, reference).digest)
        assignment = self.registry.assignment(self.model)
        if assignment is None:
            raise NotFound(
                f"{self.model} has no release yet", where=str(self.project.folder), fix="Run `seaway release` first."
            )
        return self.registry.store.get(assignment.champion)


def open_project(start: Path | str = ".", overrides: Mapping[str, Any] | None = None) -> Workspace:
    """Open the project that `start` lies in."""
    found = project.find(Path(start))
    return Workspace(found, settings.load(found.settings, overrides))


def person() -> str:
    """Return who is acting, for the history: the account name on this machine."""
    try:
        return f"person:{getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in some containers
        return "person:unknown"
