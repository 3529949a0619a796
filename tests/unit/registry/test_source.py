"""What a server follows."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seaway.core import extend
from seaway.core.assignment import Assignment
from seaway.core.errors import NotFound, Unavailable
from seaway.registry.promote import promote
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from tests.bundles import add_release


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / ".seaway"


def test_before_the_first_release_nothing_is_assigned(state: Path) -> None:
    source = RegistrySource(state)
    assert source.assignments() == {}
    Registry(state)
    assert source.assignments() == {}
    assert source.trouble == ""


def test_every_move_is_seen_as_it_was_made(state: Path) -> None:
    one, two = add_release(state, "a"), add_release(state, "b")
    other = add_release(state, "x", model="churn")
    source, registry = RegistrySource(state), Registry(state)
    first = promote(registry, "credit", one, "first", "me")
    assert source.assignments() == {"credit": first}
    second = registry.move(
        Assignment(model="credit", sequence=0, champion=one, canary=(two, 0.05), shadows=(two,), salt="s"),
        expect=1,
        reason="trial",
        principal="me",
    )
    third = promote(registry, "churn", other, "first", "me")
    assert source.assignments() == {"credit": second, "churn": third}
    assert source.bundle(two) == registry.store.get(two)
    with pytest.raises(NotFound, match="There is no bundle"):
        source.bundle("0" * 64)


def test_the_caller_cannot_change_what_the_source_knows(state: Path) -> None:
    promote(Registry(state), "credit", add_release(state, "a"), "first", "me")
    source = RegistrySource(state)
    dict(source.assignments()).clear()
    source.assignments().clear()  # type: ignore[attr-defined]
    assert set(source.assignments()) == {"credit"}


def test_asking_again_is_cheap(state: Path) -> None:
    promote(Registry(state), "credit", add_release(state, "a"), "first", "me")
    source = RegistrySource(state)
    source.assignments()
    best = min(_seconds(source.assignments) for _ in range(200))
    assert best < 0.001


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def test_while_the_registry_is_locked_the_last_known_holds(state: Path) -> None:
    first = promote(Registry(state), "credit", add_release(state, "a"), "first", "me")
    source = RegistrySource(state)
    source.assignments()
    holder = sqlite3.connect(state / "registry.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    assert source.assignments() == {"credit": first}
    assert time.monotonic() - began < 1.0, "a poll must not hold up the server"
    assert "locked" in source.trouble
    holder.close()
    assert source.assignments() == {"credit": first}
    assert source.trouble == ""


def test_a_registry_that_was_replaced_is_opened_anew(state: Path, tmp_path: Path) -> None:
    one, two = add_release(state, "a"), add_release(state, "b")
    source, registry = RegistrySource(state), Registry(state)
    first = promote(registry, "credit", one, "first", "me")
    backup = tmp_path / "backup.db"
    shutil.copy(state / "registry.db", backup)
    promote(registry, "credit", two, "second", "me")
    assert source.assignments()["credit"].champion == two
    backup.rename(state / "registry.db")
    assert source.assignments() == {"credit": first}


def test_a_registry_that_goes_away_or_breaks_is_reported_and_survived(state: Path) -> None:
    first = promote(Registry(state), "credit", add_release(state, "a"), "first", "me")
    source = RegistrySource(state)
    source.assignments()
    good = (state / "registry.db").read_bytes()
    (state / "registry.db").unlink()
    assert source.assignments() == {"credit": first}
    assert "No such file" in source.trouble
    (state / "registry.db").write_bytes(b"not a database" * 1000)
    assert source.assignments() == {"credit": first}
    assert "not a database" in source.trouble
    (state / "registry.db").unlink()
    (state / "registry.db").write_bytes(good)
    assert source.assignments() == {"credit": first}
    assert source.trouble == ""


def test_a_broken_registry_at_the_start_is_an_error(state: Path) -> None:
    state.mkdir()
    (state / "registry.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(Unavailable, match="The registry cannot be read: file is not a database"):
        RegistrySource(state).assignments()


def test_it_cannot_write(state: Path) -> None:
    promote(Registry(state), "credit", add_release(state, "a"), "first", "me")
    source = RegistrySource(state)
    source.assignments()
    assert source._connection is not None
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        source._connection.execute("DELETE FROM meta")


def test_threads_may_share_it(state: Path) -> None:
    promote(Registry(state), "credit", add_release(state, "a"), "first", "me")
    source = RegistrySource(state)
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(len(source.assignments()) for _ in range(50))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 200


def test_a_forked_worker_opens_the_file_itself(state: Path) -> None:
    digest = add_release(state, "a")
    promote(Registry(state), "credit", digest, "first", "me")
    code = f"""
import os, sys
from pathlib import Path
from seaway.registry.source import RegistrySource
source = RegistrySource(Path({str(state)!r}))
assert source.assignments()["credit"].champion == {digest!r}
child = os.fork()
if child == 0:
    held = source._connection
    assert source.assignments()["credit"].champion == {digest!r}
    os._exit(0 if source._connection is not held else 7)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
assert source.assignments()["credit"].champion == {digest!r}
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=os.environ)


def test_it_is_found_by_name_and_brings_no_sqlalchemy(state: Path) -> None:
    assert extend.load("source", "registry") is RegistrySource
    code = (
        "import sys; from pathlib import Path; from seaway.core import extend;"
        "extend.load('source', 'registry')(Path(sys.argv[1])).assignments();"
        "sys.exit(any(name.partition('.')[0] in ('sqlalchemy', 'cryptography') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code, str(state)], check=True, timeout=60)
