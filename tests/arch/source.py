"""The source tree as the architecture tests read it: parsed once, never imported."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "seaway"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the package; `name` is dotted and leaves out `__init__`."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The first folder below seaway; empty for `seaway/__init__.py`."""
        parts = self.path.relative_to(SOURCE).parts
        return parts[0] if len(parts) > 1 else ""

    @property
    def shown(self) -> str:
        """The path as messages show it."""
        return str(self.path.relative_to(SOURCE))

    @property
    def lines(self) -> int:
        """Lines of the file, blank ones and comments included."""
        return len(self.text.splitlines())


@dataclass(frozen=True)
class Import:
    """`module` imports `target` (dotted, the longest name the statement gives)."""

    module: Module
    target: str
    line: int
    is_lazy: bool
    is_for_types: bool


@cache
def modules() -> tuple[Module, ...]:
    """Parse every file of the package."""
    return tuple(_parse(path) for path in sorted(SOURCE.rglob("*.py")))


def _parse(path: Path) -> Module:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(path, name, text, ast.parse(text, filename=str(path)))


@cache
def imports() -> tuple[Import, ...]:
    """List every import of the package, those inside functions and for types only included."""
    return tuple(found for module in modules() for found in _walk(module, module.tree, False, False))


def _walk(module: Module, node: ast.AST, is_lazy: bool, is_for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(module, alias.name, child.lineno, is_lazy, is_for_types)
        elif isinstance(child, ast.ImportFrom) and child.module:
            for alias in child.names:
                yield Import(module, f"{child.module}.{alias.name}", child.lineno, is_lazy, is_for_types)
        else:
            typed = is_for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            yield from _walk(module, child, is_lazy or isinstance(child, Function), typed)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the dotted name it is made by, as written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def is_in(module: Module, places: tuple[str, ...]) -> bool:
    """Say whether the file is one of the places: a folder ends with `/`, a file is named without `.py`."""
    here = module.shown.removesuffix(".py")
    return any(here.startswith(place) if place.endswith("/") else here == place for place in places)


@cache
def tracked() -> tuple[Path, ...]:
    """List the files that are or would be committed; without git, every file outside hidden folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not any(part[0] == "." for part in path.parts[1:])]
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())
