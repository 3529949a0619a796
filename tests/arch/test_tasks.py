"""Rooms and tasks are a matrix: no room names a task, and only the encoder's side asks what a prediction is about.

A room knows a contract's task as a word that it hands to `core.extend`, stores or shows. What it may never do is decide by
that word. So outside `tasks/`, `core/extend.py`, `core/settings.py` (the default) and `testing/`:

- nothing imports a task, also inside functions, and no text names a task's module;
- a task's field (`contract.task`, `settings.project.task`, `message["task"]`, a variable `task`) is never compared, matched,
  looked up in a table, or asked with a method of texts;
- a task's name is never compared with anything, matched, or given as a task (`task="..."`, `load("task", "...")`).

Other words may be spelled alike: an output called "segment", the "segments" of the event log, a figure's legend.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from seaway.core.extend import BUILT_IN
from tests.arch.source import imports, is_in, modules

NAMES = frozenset(BUILT_IN["task"])
EXEMPT = ("tasks/", "core/extend", "core/settings", "testing/")
OF_TEXTS = frozenset({"startswith", "endswith", "removeprefix", "lower", "split", "find", "count", "__eq__"})

ASKS_PER = ("data/encode/", "data/sample", "data/sample_series", "monitor/window", "tasks/", "testing/")
"""Who may decide by `per`: the encoder, what makes queries of a contract, the window over logged cases; a task sets it."""


def test_no_room_names_a_task() -> None:
    found = [
        f"{module.shown}:{line} {what}"
        for module in modules()
        if not is_in(module, EXEMPT)
        for line, what in [*_decisions(module.tree, "task"), *_names(module.tree)]
    ]
    found += [
        f"{one.module.shown}:{one.line} imports {one.target}"
        for one in imports()
        if one.target.startswith("seaway.tasks") and not is_in(one.module, EXEMPT)
    ]
    assert not found, "ask the task, or what the contract says:\n" + "\n".join(found)


def test_a_task_imports_no_other_task() -> None:
    """What tasks share (`tasks/learners`) is no task, and knows none."""
    folders = {
        module.shown.split("/")[1] for module in modules() if module.room == "tasks" and module.shown.count("/") > 1
    }
    assert folders >= NAMES, "a task's folder has its name"
    found = [
        f"{one.module.shown}:{one.line} imports {one.target}"
        for one in imports()
        if one.module.room == "tasks" and one.target.startswith("seaway.tasks.")
        for own, other in [(one.module.shown.split("/")[1], one.target.split(".")[2])]
        if other in NAMES and other != own
    ]
    assert not found, "\n".join(found)


def test_only_the_encoders_side_asks_what_a_prediction_is_about() -> None:
    """Others may hand `per` on, store or show it; what they must know they learn from cases, steps and `contract.series`."""
    found = [
        f"{module.shown}:{line} {what}"
        for module in modules()
        if not is_in(module, ASKS_PER)
        for line, what in _decisions(module.tree, "per")
    ]
    assert not found, "\n".join(found)


# ------------------------------------------------------------------------------------------- what counts as a decision


def _decisions(tree: ast.AST, field: str) -> Iterator[tuple[int, str]]:
    """Yield where code branches on a field: compares it, matches it, looks it up, or asks it as a text."""
    for node in ast.walk(tree):
        for part in _deciders(node):
            if _reads(part, field):
                yield node.lineno, f"decides by {ast.unparse(part)}"  # type: ignore[attr-defined]


def _deciders(node: ast.AST) -> list[ast.expr]:
    """Return the expressions whose value decides what happens at a node."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Match):
        return [node.subject]
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in OF_TEXTS:
            return [node.func.value]
        if node.func.attr in ("get", "pop", "setdefault"):
            return node.args[:1]
    return []


def _reads(part: ast.expr, field: str) -> bool:
    """Say whether an expression is the field itself: `x.field`, `x["field"]`, `x.get("field")`, a variable `field`."""
    if isinstance(part, ast.Attribute):
        return part.attr == field
    if isinstance(part, ast.Name):
        return part.id == field
    if isinstance(part, ast.Subscript):
        return _is_text(part.slice, field)
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == "get":
        return bool(part.args) and _is_text(part.args[0], field)
    return False


def _names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield where a task's name decides something, or is given as a task."""
    for node in ast.walk(tree):
        for part in _named(node):
            texts = part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part]
            for text in texts:
                if isinstance(text, ast.Constant) and text.value in NAMES:
                    yield text.lineno, f"names the task {text.value!r}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "seaway.tasks." in node.value:
            yield node.lineno, f"says {node.value!r}"


def _named(node: ast.AST) -> list[ast.expr]:
    """Return the expressions at a node that a task's name may not be."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.MatchValue):
        return [node.value]
    if isinstance(node, ast.keyword):
        return [node.value] if node.arg == "task" else []
    if isinstance(node, ast.Call):
        return node.args[1:] if node.args and _is_text(node.args[0], "task") else []
    if isinstance(node, ast.AnnAssign | ast.Assign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [node.value] if node.value and any(_reads(target, "task") for target in targets) else []
    if isinstance(node, ast.arguments):
        positional = [*node.posonlyargs, *node.args]
        given = list(zip(positional[len(positional) - len(node.defaults) :], node.defaults, strict=True))
        given += [(one, value) for one, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value]
        return [value for one, value in given if one.arg == "task"]
    return []


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text


# --------------------------------------------------------------------------------------------- that it would be seen


@pytest.mark.parametrize(
    "code",
    [
        "if contract.task == kind: pass",
        "x = 1 if kind != settings.project.task else 2",
        "match contract.task:\n    case _: pass",
        "words = TABLE[contract.task]",
        "words = TABLE.get(contract.task)",
        "if data.contract.task.startswith('t'): pass",
        "if message['task'] in known: pass",
        "if task in ('a', 'b'): pass",
        "if kind == 'forecast': pass",
        "if kind in {'tabular', 'segment'}: pass",
        "match kind:\n    case 'segment': pass",
        "kind = extend.load('task', 'tabular')",
        "Contract(task='forecast')",
        "task: str = 'tabular'",
        "def f(*, task='tabular'): pass",
        "importlib.import_module('seaway.tasks.tabular.task')",
    ],
)
def test_naming_a_task_would_be_seen(code: str) -> None:
    tree = ast.parse(code)
    assert [*_decisions(tree, "task"), *_names(tree)]


@pytest.mark.parametrize(
    "code",
    [
        "task = extend.load('task', data.contract.task)()",
        "document['task'] = contract.task",
        "task = task or cook.task",
        "models = task.models(contract, preset)",
        "answers = {'segment': segment, 'distances': distance}",
        "Line(label='forecast')",
        "if kind == 'segments': pass",
        "msgspec.structs.replace(draft, task=task)",
    ],
)
def test_handing_a_task_on_is_no_offence(code: str) -> None:
    tree = ast.parse(code)
    assert not [*_decisions(tree, "task"), *_names(tree)]
