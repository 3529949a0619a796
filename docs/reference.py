"""Writes docs/reference/ from the code: what the code says once need not be kept twice.

Run by `make docs`; a test compares the pages with what this would write now.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "seaway"
REFERENCE = ROOT / "docs" / "reference"

CODE = re.compile(r"[A-Z]\d{3}")
WRITTEN = "<!-- Written by docs/reference.py from the code; run `make docs` instead of editing. -->\n"


@dataclass(frozen=True)
class Place:
    """A node with the innermost documented function, class or module it stands in."""

    path: Path
    node: ast.AST
    summary: str

    @property
    def shown(self) -> str:
        """The file as pages show it."""
        return str(self.path.relative_to(SOURCE))


def walk() -> Iterator[Place]:
    """Yield every node of the package's source, file by file, top to bottom."""
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from _walk(path, tree, _first_line(tree))


def _walk(path: Path, node: ast.AST, summary: str) -> Iterator[Place]:
    for child in ast.iter_child_nodes(node):
        own = _first_line(child) if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else ""
        yield Place(path, child, own or summary)
        yield from _walk(path, child, own or summary)


def _first_line(node: ast.AST) -> str:
    text = ast.get_docstring(node) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) else None
    return (text or "").split("\n\n")[0].replace("\n", " ").strip()


def _template(node: ast.expr | None) -> str:
    """Return a text with its changing parts as an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def errors_page() -> str:
    """List the codes clients match on, with the exit code and what each means."""
    kinds: dict[str, ast.ClassDef] = {
        place.node.name: place.node
        for place in walk()
        if isinstance(place.node, ast.ClassDef) and place.shown == "core/errors.py"
    }
    rows: dict[str, str] = {}
    for name, node in kinds.items():
        if code := _class_value(node, "code"):
            rows[str(code)] = f"| `{code}` | {_exit(name, kinds)} | {_first_line(node)} |"
    for place in walk():
        if not isinstance(place.node, ast.Call):
            continue
        name = ast.unparse(place.node.func).rpartition(".")[2]
        given = {keyword.arg: keyword.value for keyword in place.node.keywords}
        code = _template(given.get("code"))
        if name in kinds and code and code not in rows and "…" not in code:
            said = _template(place.node.args[0] if place.node.args else given.get("what")) or place.summary
            rows[code] = f"| `{code}` | {_exit(name, kinds)} | {_cell(said)} |"
    table = "\n".join(rows[code] for code in sorted(rows))
    return f"""{WRITTEN}
# Errors

Every error has a stable code, and says what is wrong, where, and what to do next. Over HTTP it is
`{{"error": {{"code", "message", "path", "fix"}}}}`; on the command line the text goes to stderr (with `--json` the same object) and the
exit code is the one below: 1 a check, gate or verification said no; 2 wrong usage or bad input; 3 a resource failed.

| code | exit | means |
|---|---|---|
{table}
"""


def _class_value(node: ast.ClassDef, name: str) -> Any:
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
        value = getattr(item, "value", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(value, ast.Constant):
            return value.value
    return None


def _exit(name: str, kinds: dict[str, ast.ClassDef]) -> int:
    node = kinds[name]
    own = _class_value(node, "exit")
    if own is not None:
        return int(own)
    return next((_exit(base.id, kinds) for base in node.bases if isinstance(base, ast.Name) and base.id in kinds), 3)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()


def checks_page() -> str:
    """List the codes of verdicts with the file that speaks each."""
    found: dict[str, Place] = {}
    for place in walk():
        node = place.node
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            known = found.get(node.value)
            if known is None or (_is_home(place, node.value) and not _is_home(known, node.value)):
                found[node.value] = place
    table = "\n".join(f"| `{code}` | {_cell(found[code].summary)} | `{found[code].shown}` |" for code in sorted(found))
    return f"""{WRITTEN}
# Checks, tests, gates and monitors

Each finding is a verdict: pass, warn, fail or not-applicable, with the evidence and the next step. Its code never changes its meaning.

| code | looks at | file |
|---|---|---|
{table}
"""


def _is_home(place: Place, code: str) -> bool:
    return code.lower() in place.path.stem


def cli_page() -> str:
    """List every verb with its arguments and options, as the command line itself knows them."""
    from typer.main import get_command

    from seaway.cli.main import app

    root: Any = get_command(app)
    sections = "\n".join(_verb(name, command) for name, command in _verbs("seaway", root))
    return f"""{WRITTEN}
# The command line

Exit codes: 0 done; 1 a check, gate or verification said no; 2 wrong usage or bad input; 3 a resource failed.

{sections}"""


def _verbs(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if not children:
        yield name, command
        return
    for child in sorted(children):
        if not children[child].hidden:
            yield from _verbs(f"{name} {child}", children[child])


def _verb(name: str, command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and not param.hidden]
    usage = " ".join([name, *(_usage(argument) for argument in arguments)])
    lines = [f"## `{usage}`", "", " ".join((command.help or "").split("\f")[0].split()), ""]
    described = [(_shown(param), param) for param in arguments if getattr(param, "help", None)]
    described += [(", ".join([*param.opts, *param.secondary_opts]), param) for param in options]
    if described:
        lines += ["| | |", "|---|---|"]
        lines += [f"| `{shown}` | {_cell(param.help or '')} |" for shown, param in described]
        lines.append("")
    return "\n".join(lines) + "\n"


def _usage(argument: Any) -> str:
    name = _shown(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _shown(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper()).strip("[]")


def pages() -> dict[str, str]:
    """Return every page by file name."""
    return {"errors.md": errors_page(), "checks.md": checks_page(), "cli.md": cli_page()}


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
