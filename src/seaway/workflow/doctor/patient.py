"""What the checks of `seaway doctor` look at: a machine and, where there is one, a project, however broken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seaway.core import project, segment, settings
from seaway.core.errors import Malformed, NotFound, SeawayError
from seaway.core.project import Project
from seaway.core.settings import Settings
from seaway.core.verdict import Outcome, Verdict
from seaway.registry import copying
from seaway.registry.copying import Survey
from seaway.serve.segments import of_folder

DAY_S = 86_400.0
LOG_BYTES = 256 << 20
"""So much of the newest event log is read through."""


@dataclass(frozen=True, kw_only=True)
class LogReading:
    """What reading the newest segments gave: `damage` by segment, the newest sequence, and how many of how many were read."""

    damage: dict[str, str]
    newest: int
    events: int
    read: int
    segments: int


@dataclass(frozen=True)
class Patient:
    """A project opened for looking; nothing in it is made, mended or brought up to date by asking."""

    start: Path

    @cached_property
    def project(self) -> Project | None:
        """The project around `start`, if there is one."""
        try:
            return project.find(self.start)
        except NotFound:
            return None

    @property
    def home(self) -> Project:
        """The project, for checks that run only where there is one."""
        if self.project is None:
            raise NotFound("There is no project here", where=str(self.start), fix="Go to a project's folder.")
        return self.project

    @cached_property
    def settings(self) -> Settings:
        """The project's settings, or the defaults where they cannot be read; another check says why."""
        try:
            return settings.load(self.home.settings)
        except SeawayError:
            return Settings()

    @cached_property
    def registry(self) -> Survey:
        """What the registry says of itself; raises where it cannot be read."""
        return copying.survey(self.home.registry, at_rest=False)

    @cached_property
    def segments(self) -> list[Path]:
        """Every segment of every model, the newest first."""
        folders = [path for path in self.home.log.glob("*/") if path.is_dir()]
        found = [(number, path) for folder in folders for _, number, path in of_folder(folder)]
        return [path for _, path in sorted(found, key=lambda one: one[0], reverse=True)]

    @cached_property
    def log(self) -> LogReading:
        """The newest segments, read record by record."""
        damage: dict[str, str] = {}
        newest = events = read = size = 0
        for path in self.segments:
            if size >= LOG_BYTES:
                break
            try:
                size += path.stat().st_size
                for _, event in segment.events(path):
                    newest, events = max(newest, event.sequence), events + 1
            except FileNotFoundError:  # sealed under another name meanwhile
                continue
            except Malformed as error:
                damage[f"{path.parent.name}/{path.name}"] = error.what
            read += 1
        return LogReading(damage=damage, newest=newest, events=events, read=read, segments=len(self.segments))


def say(code: str, subject: str, outcome: Outcome, message: str, fix: str = "", **evidence: Any) -> Verdict:
    """Return one finding."""
    return Verdict(code=code, outcome=outcome, subject=subject, message=message, fix=fix, evidence=evidence)
