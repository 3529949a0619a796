"""Checks of the machine: what is installed, SQLite, open files, the port."""

from __future__ import annotations

import os
import platform
import re
import resource
import socket
import sqlite3
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Annotated

import msgspec

from seaway import __version__
from seaway.core.verdict import Verdict
from seaway.workflow.doctor.patient import Patient, say

LEAST_FILES = 1024
WAL_SAFE = (3, 51, 3)
"""The first SQLite whose write-ahead log cannot corrupt; Seaway does not use that log."""


class _Process(msgspec.Struct, frozen=True):
    pid: Annotated[int, msgspec.Meta(gt=0)]


_NEED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(?:>=\s*(?P<least>[0-9.]+))?")
_EXTRA = re.compile(r"extra == ['\"](?P<extra>[a-z]+)['\"]")
_OPTIONAL = ("lab", "sql")


def packages(_: Patient) -> Verdict:
    """What serving needs is installed in versions that it was tested with; which extras are missing is said."""
    old: list[str] = []
    missing: dict[str, list[str]] = {}
    for line in requires("seaway") or ():
        need, extra = _NEED.match(line), _EXTRA.search(line)
        if need is None or (extra and extra["extra"] not in _OPTIONAL):
            continue
        try:
            found = version(need["name"])
        except PackageNotFoundError:
            if "sys_platform" not in line:
                missing.setdefault(extra["extra"] if extra else "", []).append(need["name"])
            continue
        if need["least"] and _numbers(found) < _numbers(need["least"]):
            old.append(f"{need['name']} {found} (needs {need['least']})")
    base = missing.pop("", [])
    if base or old:
        told = "; ".join([*(f"{name} is missing" for name in base), *old])
        return say("H001", "packages", "fail", told, 'Run: pip install --upgrade "seaway"')
    without = "".join(f"; without extra {extra!r} ({', '.join(names)})" for extra, names in missing.items())
    return say("H001", "packages", "pass", f"Seaway {__version__} on Python {platform.python_version()}{without}")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def sqlite(_: Patient) -> Verdict:
    """SQLite is one that the registry can rely on."""
    found = sqlite3.sqlite_version_info
    note = (
        "" if found >= WAL_SAFE else "; its write-ahead log can corrupt before 3.51.3, and Seaway does not use that log"
    )
    if found < (3, 35):
        fix = "Use a Python with SQLite 3.35 or newer."
        return say("H002", "SQLite", "fail", f"SQLite {sqlite3.sqlite_version} is too old", fix)
    return say("H002", "SQLite", "pass", f"SQLite {sqlite3.sqlite_version}{note}")


def open_files(_: Patient) -> Verdict:
    """This user may open as many files and connections as a busy server does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    shown = "without limit" if soft == resource.RLIM_INFINITY else f"{soft:,}"
    if soft != resource.RLIM_INFINITY and soft < LEAST_FILES:
        fix = f"Run `ulimit -n {LEAST_FILES}` before `seaway serve`" + (
            "." if hard >= LEAST_FILES else ", as an administrator."
        )
        return say("H003", "open files", "warn", f"A process may hold {shown} files and connections open", fix)
    return say("H003", "open files", "pass", f"A process may hold {shown} files and connections open")


def port(patient: Patient) -> Verdict:
    """The port that the settings name is free, or held by this project's own server."""
    told = patient.settings.serve
    place = f"{told.host}:{told.port}"
    if told.port == 0:
        return say("H004", "port", "pass", "The server takes a free port")
    family = socket.AF_INET6 if ":" in told.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((told.host, told.port))
        except OSError as error:
            if servers(patient):
                return say("H004", "port", "pass", f"{place} is held, and this project's server is running")
            fix = "End the other program, or choose another port: `seaway serve --port N`, or `port` under [serve]."
            return say("H004", "port", "warn", f"{place} cannot be taken: {error.strerror}", fix)
    return say("H004", "port", "pass", f"{place} is free")


def servers(patient: Patient) -> list[int]:
    """Return the process ids of this project's living workers."""
    if patient.project is None:
        return []
    found = []
    for path in sorted(patient.project.serving.glob("*.json")):
        try:
            pid = msgspec.json.decode(path.read_bytes(), type=_Process).pid
            os.kill(pid, 0)
        except PermissionError:  # it lives, and is another user's
            found.append(pid)
        except (OSError, msgspec.DecodeError):
            continue  # it has just left
        else:
            found.append(pid)
    return found
