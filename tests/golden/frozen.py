"""Frozen projects as they were written: a test works on a copy, the files themselves never change."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def thaw(name: str, target: Path) -> Path:
    """Copy a frozen project to where it can be worked on, with the rights that a project has."""
    shutil.copytree(FOLDER / name, target, ignore=shutil.ignore_patterns("answers.json"))
    (target / "state").rename(target / ".seaway")
    (target / ".seaway").chmod(0o700)
    (target / ".seaway" / "keys").chmod(0o700)
    return target


def answers(name: str) -> dict[str, Any]:
    """Return what the server said when the project was frozen."""
    found: dict[str, Any] = json.loads((FOLDER / name / "answers.json").read_text(encoding="utf-8"))
    return found


def content(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder: what must not change when something is refused."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
