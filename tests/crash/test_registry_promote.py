"""Whatever moment a process dies at, the registry names exactly one valid release, and nothing acknowledged is lost."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest

from seaway.core.assignment import Assignment
from seaway.core.errors import Conflict
from seaway.registry.promote import promote, rollback
from seaway.registry.source import RegistrySource
from seaway.registry.store import Registry
from tests.bundles import add_release
from tests.crash.rig import drain, fork, killed_at, tracer

KILLS, READERS, SEED = 200, 4, 20261123
NUMBER = struct.Struct("<q")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    state = tmp_path / ".seaway"
    for key in "abc":
        add_release(state, key)
    promote(Registry(state), "credit", 1, "first", "test")
    return state


def move_for_ever(state: Path, seed: int) -> Callable[[int], None]:
    """Promote, start canaries and roll back without end; each number on the pipe is a move that was acknowledged."""

    def work(pipe: int) -> None:
        rng = np.random.default_rng(seed)
        registry = Registry(state)
        digests = [release.digest for release in registry.releases("credit")]
        while True:
            now = registry.assignment("credit")
            assert now is not None
            one, two = rng.choice(digests, 2, replace=False).tolist()
            kind = rng.integers(3)
            try:
                if kind == 0:
                    done = promote(registry, "credit", one, "loop", "test")
                elif kind == 1:
                    trial = Assignment(model="credit", sequence=0, champion=one, canary=(two, 0.1), shadows=(two,))
                    done = registry.move(trial, expect=now.sequence, reason="loop", principal="test")
                else:
                    done = rollback(registry, "credit", "loop", "test") if registry.former("credit") else now
            except Conflict:
                continue
            os.write(pipe, NUMBER.pack(done.sequence))

    return work


def follow(state: Path, digests: set[str], stop: Path) -> Callable[[int], None]:
    """Read as a server does until told to stop; the pipe gets the number of reads, or what was wrong."""

    def work(pipe: int) -> None:
        source, reads, last = RegistrySource(state), 0, 0
        while not stop.exists():
            found = source.assignments()["credit"]
            whole = found.sequence >= last and set(found.digests) <= digests and source.bundle(found.champion).is_dir()
            if not whole:
                os.write(pipe, f"wrong: {found} after {last}".encode())
                return
            reads, last = reads + 1, found.sequence
            time.sleep(0.001)
        os.write(pipe, f"reads {reads}".encode())

    return work


@contextmanager
def readers(state: Path, count: int) -> Iterator[list[str]]:
    """Follow the registry from `count` processes meanwhile; their last words are in the list afterwards."""
    stop, said = state.parent / "stop", list[str]()
    digests = {release.digest for release in Registry(state).releases("credit")}
    children = [fork(follow(state, digests, stop)) for _ in range(count)]
    try:
        yield said
    finally:
        stop.touch()
        for pid, handle in children:
            said.append(drain(handle).decode())
            os.waitpid(pid, 0)


def check(state: Path, acknowledged: int) -> Assignment:
    """Assert that the registry is whole and holds every acknowledged move."""
    registry = Registry(state)
    now = registry.assignment("credit")
    assert now is not None
    assert now.sequence >= acknowledged, "an acknowledged move is lost"
    moves = registry.assignments("credit")
    assert [one.sequence for one in moves] == list(range(1, now.sequence + 1)), "history is linear"
    assert [entry.sequence for entry in registry.history("credit") if entry.sequence] == [one.sequence for one in moves]
    digests = {release.digest for release in registry.releases("credit")}
    assert set(now.digests) <= digests
    assert all(registry.store.get(digest).is_dir() for digest in now.digests)
    assert list(state.glob("bundles/.staging-*")) == []
    return now


def integrity(state: Path) -> str:
    connection = sqlite3.connect(state / "registry.db")
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.slow
def test_200_random_kills_of_a_promotion_loop_under_four_readers(state: Path) -> None:
    rng = np.random.default_rng(SEED)
    acknowledged, moved = 1, 0
    with readers(state, READERS) as said:
        for kill in range(KILLS):
            pid, handle = fork(move_for_ever(state, SEED + kill))
            time.sleep(float(rng.uniform(0.002, 0.08)))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            told = drain(handle)
            acknowledged = max([acknowledged, *(number for (number,) in NUMBER.iter_unpack(told))])
            moved += len(told) // NUMBER.size
            if kill % 20 == 0:
                now = check(state, acknowledged)
                assert now.sequence <= acknowledged + kill + 1
    check(state, acknowledged)
    assert integrity(state) == "ok"
    print(
        f"\n{KILLS} x kill -9 of a loop of moves beside {READERS} readers: {moved} moves acknowledged, 0 lost, 0 corrupt, {said}"
    )
    assert moved > KILLS / 20, "the loop was killed before it did much"
    assert len(said) == READERS
    assert all(one.startswith("reads ") and int(one.split()[1]) > 10 for one in said), said


PAIRS, FEW_PAIRS = 200, 12


def move_in_step(state: Path, barrier: Barrier, side: int, pairs: int) -> Callable[[int], None]:
    """Move from the same assignment at the same moment as another process; tell each sequence, 0 for a conflict."""

    def work(pipe: int) -> None:
        registry = Registry(state)
        digests = [release.digest for release in registry.releases("credit")]
        for pair in range(pairs):
            barrier.wait(30)  # nobody moves before both know what is in force
            now = registry.assignment("credit")
            assert now is not None
            barrier.wait(30)
            wanted = Assignment(model="credit", sequence=0, champion=digests[(pair + side) % len(digests)])
            try:
                done = registry.move(wanted, expect=now.sequence, reason=f"pair {pair}", principal=f"side {side}")
                os.write(pipe, NUMBER.pack(done.sequence))
            except Conflict:
                os.write(pipe, NUMBER.pack(0))

    return work


def pairs_of_moves(state: Path, pairs: int) -> str:
    """Move from two processes at once, again and again; return what came of it."""
    before = check(state, 1).sequence
    barrier = multiprocessing.get_context("fork").Barrier(2)
    children = [fork(move_in_step(state, barrier, side, pairs)) for side in (0, 1)]
    one, two = ([number for (number,) in NUMBER.iter_unpack(drain(handle))] for _, handle in children)
    assert [os.waitpid(pid, 0)[1] for pid, _ in children] == [0, 0]
    assert [max(pair) for pair in zip(one, two, strict=True)] == list(range(before + 1, before + pairs + 1))
    assert all(min(pair) == 0 for pair in zip(one, two, strict=True)), "of two exactly one moves, the other is told"
    registry = Registry(state)
    who = {line.sequence: line.principal for line in registry.audit() if line.kind == "assigned"}
    assert all(who[number] == f"side {side}" for side, told in enumerate((one, two)) for number in told if number)
    check(state, before + pairs)
    assert [verdict.outcome for verdict in registry.verify_audit()[0]] == ["pass"] * 3
    first = sum(number > 0 for number in one)
    return f"{pairs} pairs of moves from one assignment: {pairs} won ({first} by the first process), {pairs} told of a conflict"


def test_moves_at_the_same_moment_make_a_linear_history(state: Path) -> None:
    pairs_of_moves(state, FEW_PAIRS)


@pytest.mark.soak
def test_two_hundred_pairs_of_moves(state: Path) -> None:
    print(f"\n{pairs_of_moves(state, PAIRS)}")


# ---------------------------------------------------------------------------------- at every step, not at random

STEPS = ("pwrite64", "fdatasync,fsync", "unlink")


@pytest.mark.parametrize("calls", STEPS)
def test_killed_at_every_call_that_writes(state: Path, tmp_path: Path, calls: str) -> None:
    """One promotion, killed at its k-th such system call, for every k until it runs to its end."""
    strace = tracer()
    for k in range(1, 100):
        copy = Path(shutil.copytree(state, tmp_path / f"at-{k}" / ".seaway"))
        was_killed = killed_at(
            strace, calls, k, lambda copy=copy: promote(Registry(copy), "credit", 2, "second", "test")
        )
        served = RegistrySource(copy).assignments()  # a server may be the first to meet the half-written file
        now = check(copy, 1)
        assert served == {"credit": now}
        assert integrity(copy) == "ok"
        one, two, _ = (release.digest for release in Registry(copy).releases("credit"))
        assert now.champion in ((one, two) if was_killed else (two,))
        again = promote(Registry(copy), "credit", 2, "again", "test")
        assert again.champion == two, "the same command, run again, arrives"
        if not was_killed:
            assert k > 1, "there was nothing to kill at"
            return
    pytest.fail("the promotion never came to its end")
