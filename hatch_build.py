"""The package's own build step: the native kernel, where a C compiler is there; without one the package is pure Python."""

from __future__ import annotations

import os
import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path("src/seaway/engines/native")


class NativeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles `forest.c` beside itself: into the wheel, and for an editable install into the source tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and mark the wheel as one of this platform if that went well."""
        if self.target_name != "wheel":
            return
        folder = Path(self.root) / NATIVE
        steps = runpy.run_path(str(folder / "compile.py"))
        skipped = "SEAWAY_NO_NATIVE is set" if os.environ.get("SEAWAY_NO_NATIVE") else ""
        why = skipped or steps["compile_kernel"]()
        if why:
            steps["LIBRARY"].unlink(missing_ok=True)
            self.app.display_warning(f"No native kernel: {why}. Everything works on onnxruntime, more slowly.")
            return
        # One wheel serves every Python 3 of a platform: the library knows nothing of Python.
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        build_data["artifacts"].append(f"/{NATIVE}/*.so")
