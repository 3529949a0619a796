"""One `seaway update` in a process of its own, with requests and labels that keep coming: what the crash test kills.

Usage: python update_child.py PROJECT NUMBER
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    # Another package called `tests` may be installed: this checkout's folder comes first.
    sys.modules["tests"] = types.ModuleType("tests")
    sys.modules["tests"].__path__ = [str(ROOT / "tests")]

    from seaway.core.project import Project
    from seaway.update import journal, loop
    from tests.crash.update_settings import SETTINGS
    from tests.unit.update.traffic import Traffic

    project = Project(Path(sys.argv[1]))
    traffic = Traffic(project, SETTINGS, seed=sys.argv[2])
    is_first = journal.newest(project.updates / SETTINGS.project.name) is None
    sys.stdout.write(loop.run(project, SETTINGS, asked=is_first, progress=traffic).state)
