"""Rig R1: processes that die, or whose disk fails, at any moment or at the k-th system call of a kind (strace)."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import re
import shutil
import signal
import subprocess
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from seaway.core.errors import SeawayError

PR_SET_PTRACER, ANY = 0x59616D61, -1

Fault = Literal["kill", "EIO", "ENOSPC"]
FAULTS: tuple[Fault, ...] = ("kill", "EIO", "ENOSPC")

CALLS = (
    "openat", "mkdir", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "link", "unlink", "unlinkat",
    "rmdir", "chmod", "fchmod", "fchmodat",
)  # fmt: skip
"""The system calls that change a file, or open one: each is a moment to die at, and a call that may fail."""

REFUSED, BROKE = 3, 70


def fork(work: Callable[[int], None]) -> tuple[int, int]:
    """Run `work(pipe)` in a child; return its pid and the end of the pipe that reads."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writes)
        return pid, reads
    status = 1
    try:
        os.close(reads)
        work(writes)
        status = 0
    finally:
        os._exit(status)


def drain(handle: int) -> bytes:
    parts = []
    while part := os.read(handle, 65536):
        parts.append(part)
    os.close(handle)
    return b"".join(parts)


def tracer() -> str:
    """Return strace, or skip where it is not installed or may not trace."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    if subprocess.run([found, "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")
    return found


class Ledger:
    """What a child was told, line by line, in memory that outlives it; noting makes no system call that could fail."""

    def __init__(self, size: int = 1 << 20) -> None:
        self._shared = mmap.mmap(-1, size)
        self._end = 8

    def note(self, line: str) -> None:
        """Add a line; it counts once its length is in."""
        data = f"{line}\n".encode()
        self._shared[self._end : self._end + len(data)] = data
        self._end += len(data)
        self._shared[:8] = self._end.to_bytes(8, "little")

    @property
    def lines(self) -> list[str]:
        end = int.from_bytes(self._shared[:8], "little")
        return self._shared[8:end].decode().splitlines()


@dataclass(frozen=True)
class End:
    """How a child ended: `told` is what it was told when it was refused, or the trace of a fault of ours."""

    how: Literal["done", "killed", "refused", "broke"]
    injected: int
    told: str


def struck(strace: str, call: str, k: int, fault: Fault, work: Callable[[], object]) -> End:
    """Run `work` in a child whose k-th such system call (of each thread) kills it, or fails."""
    effect = "signal=SIGKILL" if fault == "kill" else f"error={fault}"
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:{effect}:when={k}"]
    status, said, traced = _traced(strace, inject, work)
    if status == -signal.SIGKILL:
        return End("killed", 1, said)
    assert status in (0, REFUSED, BROKE), (status, said)
    return End({0: "done", REFUSED: "refused", BROKE: "broke"}[status], traced.count("(INJECTED)"), said)  # type: ignore[arg-type]


def killed_at(strace: str, calls: str, k: int, work: Callable[[], object]) -> bool:
    """Run `work` in a child that is killed at its k-th system call of these; return whether it was."""
    inject = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=SIGKILL:when={k}"]
    status, said, _ = _traced(strace, inject, work)
    assert status in (0, -signal.SIGKILL), said
    return status != 0


def counted(strace: str, work: Callable[[], object]) -> dict[str, int]:
    """Run `work` once, unharmed; return how often each of `CALLS` was made by the thread that made it most."""
    status, said, traced = _traced(strace, ["-e", f"trace={','.join(CALLS)}"], work)
    assert status == 0, said
    made = Counter(re.findall(r"^(\d+) +(?:<\.\.\. )?(\w+)\(", traced, re.MULTILINE))
    most: dict[str, int] = {}
    for (_, call), times in made.items():
        most[call] = max(most.get(call, 0), times)
    return most


def _traced(strace: str, options: list[str], work: Callable[[], object]) -> tuple[int, str, str]:
    """Return a child's exit status, what it said, and the trace of its system calls."""
    said = Ledger()
    waits, starts = os.pipe()

    def child(_: int) -> None:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY)  # some systems let only a parent trace
        os.read(waits, 1)
        os._exit(_ended(work, said))

    pid, pipe = fork(child)
    with tempfile.NamedTemporaryFile("r") as trace:
        command = [strace, "-f", "-p", str(pid), "-o", trace.name, *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracing:
            assert tracing.stderr is not None
            assert "attached" in tracing.stderr.readline()
            os.write(starts, b"g")
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for handle in (waits, starts, pipe):
            os.close(handle)
        return status, "\n".join(said.lines), trace.read()


def _ended(work: Callable[[], object], said: Ledger) -> int:
    """Run `work`; what Seaway refuses on purpose is told apart from whatever else comes through."""
    try:
        work()
    except SeawayError as error:
        said.note(f"{error.exit} {error.code} {error}")
        return REFUSED
    except BaseException:  # noqa: BLE001 - whatever comes through is what the rig looks for
        said.note(traceback.format_exc())
        return BROKE
    return 0


@contextlib.contextmanager
def failing(strace: str, pid: int, call: str, fault: Fault, *, when: str = "1") -> Iterator[None]:
    """Make a call of a running process and all its threads fail until the block ends."""
    command = [strace, "-f", "-p", str(pid), "-o", os.devnull, "-e", f"trace={call}"]
    command += ["-e", f"inject={call}:error={fault}:when={when}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracing:
        assert tracing.stderr is not None
        assert "attached" in tracing.stderr.readline()
        try:
            yield
        finally:
            tracing.send_signal(signal.SIGINT)


def copies(folder: Path, beside: Path) -> Iterator[Path]:
    """Yield one fresh copy of a folder after the other; each is gone when the next is asked for."""
    number = 0
    while True:
        copy = beside / f"copy-{number}"
        shutil.copytree(folder, copy, symlinks=True)
        yield copy
        shutil.rmtree(copy)
        number += 1
