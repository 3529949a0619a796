"""What `import seaway` promises: a few names, none of which hides a room."""

from __future__ import annotations

import ast
import json

from tests.arch.source import SOURCE, modules
from tests.arch.test_import import run

# Adding a name is a promise and removing one breaks somebody's notebook: change this list on purpose.
NAMES = ["Data", "Release", "Run", "SeawayError", "load", "mount", "read", "train"]


def test_the_public_names_are_these() -> None:
    code = (
        "import seaway, json; print(json.dumps(sorted(n for n in dir(seaway) if n[0] != '_' and n != 'annotations')))"
    )
    assert json.loads(run(code)) == sorted(NAMES)


def test_every_public_name_resolves() -> None:
    assert run(f"import seaway\nfor name in {NAMES!r}: assert getattr(seaway, name) is not None") == ""


def test_no_public_name_hides_a_room() -> None:
    """`seaway.train` next to a room `train` would make one of them unreachable, depending on what was imported first."""
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    top = next(module for module in modules() if module.name == "seaway")
    bound = {node.id for node in ast.walk(top.tree) if isinstance(node, ast.Name)}
    bound |= {node.name for node in ast.walk(top.tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    bound |= {alias.asname or alias.name for alias in _aliases(top.tree)}
    bound |= {text for text in _texts(top.tree) if text.isidentifier()}
    assert not bound & rooms


def _aliases(tree: ast.AST) -> list[ast.alias]:
    return [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]


def _texts(tree: ast.AST) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
