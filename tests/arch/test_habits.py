"""House rules that a machine can hold: errors, excepts, words, names, docstrings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.arch.source import ROOT, Module, calls, functions, is_in, modules, tracked

JUNK_DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "base2", "tools", "stuff"}


# --------------------------------------------------------------------------------------------------------- errors


def _error_classes() -> dict[str, ast.ClassDef]:
    """Collect SeawayError and everything that inherits from it, wherever it is defined."""
    classes = {
        node.name: node for module in modules() for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)
    }
    family = {"SeawayError"}
    while True:
        grown = family | {
            name
            for name, node in classes.items()
            if any(ast.unparse(base).rpartition(".")[2] in family for base in node.bases)
        }
        if grown == family:
            return {name: classes[name] for name in family if name in classes}
        family = grown


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _faults(call: ast.Call) -> list[str]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if None in given or any(isinstance(arg, ast.Starred) for arg in call.args):
        return []  # passes on what it was given; the text was checked where it was written
    what = call.args[0] if call.args else given.get("what")
    missing = [] if what is not None and not _is_empty(what) else ["what"]
    return missing + [name for name in ("where", "fix") if name not in given or _is_empty(given[name])]


def test_every_error_says_what_where_and_what_to_do_next() -> None:
    errors = set(_error_classes())
    assert "SeawayError" in errors
    own = {name for name, node in _error_classes().items() if name != "SeawayError" and _has_own_text(node)}
    silent = [
        f"{module.shown}:{call.lineno} {name} lacks {', '.join(faults)}"
        for module in modules()
        for name, call in calls(module.tree)
        if name.rpartition(".")[2] in errors - own and (faults := _faults(call))
    ]
    assert not silent, "\n".join(silent)


def _has_own_text(node: ast.ClassDef) -> bool:
    """Say whether the class builds its text itself: its constructor takes no `fix`."""
    constructor = next((item for item in functions(node) if item.name == "__init__"), None)
    if constructor is None:
        return False
    names = {argument.arg for argument in constructor.args.args + constructor.args.kwonlyargs}
    return "fix" not in names


def test_a_silent_error_would_be_seen() -> None:
    def check(text: str) -> list[str]:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        return _faults(call)

    assert check("BadInput('x', where='y', fix='z')") == []
    assert check("BadInput('x', fix='')") == ["where", "fix"]
    assert check("BadInput('', where=path, fix='z')") == ["what"]


def test_errors_of_python_are_not_raised_at_users() -> None:
    """A bare ValueError tells nobody where and what to do.

    `report/` is exempt: only code calls it, and lists of unequal length handed to a figure are a mistake in that code.
    """
    bare = re.compile(r"^(Exception|ValueError|RuntimeError|OSError|IOError|BaseException)$")
    found = [
        f"{module.shown}:{node.lineno} {ast.unparse(node.exc.func)}"
        for module in modules()
        if module.room != "report"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and bare.match(ast.unparse(node.exc.func))
    ]
    assert not found, "\n".join(found)


# -------------------------------------------------------------------------------------------------------- excepts


def _broad_excepts() -> list[tuple[Module, int]]:
    """List handlers that swallow whatever comes; one that cleans up and raises again swallows nothing."""
    return [
        (module, node.lineno)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and _is_broad(node)
        and not any(isinstance(last, ast.Raise) and last.exc is None for last in node.body[-1:])
    ]


def _is_broad(node: ast.ExceptHandler) -> bool:
    names = {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)} if node.type else {"Exception"}
    return bool(names & {"Exception", "BaseException"})


def test_broad_excepts_are_few() -> None:
    thousands = sum(module.lines for module in modules()) / 1000
    found = [f"{module.shown}:{line}" for module, line in _broad_excepts()]
    assert len(found) <= max(1, 0.5 * thousands), "\n".join(found)


def test_a_broad_except_carries_its_reason() -> None:
    bare = []
    for module, line in _broad_excepts():
        text = module.text.splitlines()
        comment = text[line - 1].partition("#")[2]
        reason = re.sub(r"noqa:?\s*[A-Z0-9, ]*", "", comment).strip(" -:#") or text[line].partition("#")[2].strip()
        if len(reason) < 15:
            bare.append(f"{module.shown}:{line}")
    assert not bare, "say why on the line itself or the next:\n" + "\n".join(bare)


# ---------------------------------------------------------------------------------------------- calls, names, words


def test_print_belongs_to_the_command_line() -> None:
    found = [
        f"{module.shown}:{call.lineno}"
        for module in modules()
        if module.room != "cli"
        for name, call in calls(module.tree)
        if name == "print"
    ]
    assert not found, "\n".join(found)


def test_code_is_made_from_text_in_the_encoder_only() -> None:
    found = [
        f"{module.shown}:{call.lineno} {name}"
        for module in modules()
        if not is_in(module, ("data/encode/",))
        for name, call in calls(module.tree)
        if name in {"eval", "exec", "compile", "builtins.exec", "builtins.eval"}
    ]
    assert not found, "\n".join(found)


def test_no_pickle_anywhere() -> None:
    """Reading a pickle runs what is in it, so no file and no message is one."""
    reads_code = re.compile(r"\b(c?loud)?pickle\b|\bjoblib\b|\bdill\b|\bshelve\b|\bmarshal\b|allow_pickle\s*=\s*True")
    found = [
        f"{module.shown}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Import | ast.ImportFrom) and reads_code.search(ast.unparse(node)))
        or (isinstance(node, ast.keyword) and reads_code.search(f"{node.arg}={ast.unparse(node.value)}"))
    ]
    assert not found, "\n".join(found)


def test_no_junk_drawers() -> None:
    found = [module.shown for module in modules() if JUNK_DRAWERS & set(module.name.strip("_").split("."))]
    assert not found, "name the idea:\n" + "\n".join(found)


def test_every_public_name_has_a_docstring() -> None:
    missing = []
    for module in modules():
        if module.text.strip() and not ast.get_docstring(module.tree):
            missing.append(module.shown)
        shapes = module.room != "core"  # a structural type outside core is described by its own docstring
        missing += [f"{module.shown}:{line} {name}" for line, name in _undocumented(module.tree.body, shapes)]
    assert not missing, "\n".join(missing)


def _undocumented(body: list[ast.stmt], skip_shapes: bool, owner: str = "") -> list[tuple[int, str]]:
    """List public functions, classes and methods without one; a private class's methods need none."""
    found: list[tuple[int, str]] = []
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if any("overload" in ast.unparse(mark) for mark in node.decorator_list):
            continue
        if not ast.get_docstring(node) and not any("override" in ast.unparse(mark) for mark in node.decorator_list):
            found.append((node.lineno, owner + node.name))
        if isinstance(node, ast.ClassDef):
            if skip_shapes and any(ast.unparse(base) == "Protocol" for base in node.bases):
                continue
            found += _undocumented(node.body, skip_shapes, f"{owner}{node.name}.")
    return found


def _texts() -> list[tuple[Path, str]]:
    kept = []
    for path in tracked():
        if path.suffix in {".png", ".parquet", ".onnx", ".gz"} or path.name == "LICENSE":
            continue
        kept.append((path, path.read_text(encoding="utf-8", errors="replace")))
    return kept


def test_no_machine_path_and_no_registry_host_is_committed() -> None:
    """What only works on one machine works nowhere; the words are put together here so as not to match themselves."""
    words = [
        "/wo" + "rk/",
        "/ro" + "ot/",
        "/opt/wh" + "eels",
        "py" + "pi.org",
        "python" + "hosted",
        "registry.npm" + "js",
    ]
    words += ["deb." + "debian", "/home/" + "user"]
    found = [f"{path.relative_to(ROOT)}: {word}" for path, text in _texts() for word in words if word in text]
    assert not found, "\n".join(found)


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK|NotImplemented" + r"Error)\b")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, text in _texts()
        if path.suffix in {".py", ".toml", ".sh", ".html", ".css", ".js"}
        for match in marks.finditer(text)
    ]
    assert not found, "do it, or open an issue:\n" + "\n".join(found)


def test_no_mocks() -> None:
    """Real objects and real processes; what is hard to test is changed."""
    mocks = re.compile(r"\bMagic" + r"Mock\b|unittest\.mo" + r"ck|\bmocker\.|monkeypatch\.set" + r"attr")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path, text in _texts()
        if path.suffix == ".py"
        for match in mocks.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_unit_tests_mirror_the_source() -> None:
    """`tests/unit/<room>/test_<file>.py`: the test of a file is found without searching."""
    unit = ROOT / "tests" / "unit"
    rooms = {module.room for module in modules()} | {""}
    strays = [
        str(path.relative_to(ROOT))
        for path in (unit.rglob("test_*.py") if unit.is_dir() else ())
        if path.relative_to(unit).parts[0] not in rooms and len(path.relative_to(unit).parts) > 1
    ]
    assert not strays, "\n".join(strays)
