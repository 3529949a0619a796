"""Kills processes: at any moment, or at the k-th system call of a kind."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Callable

import pytest

PR_SET_PTRACER, ANY = 0x59616D61, -1


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


def killed_at(strace: str, calls: str, k: int, work: Callable[[], object]) -> bool:
    """Run `work` in a child that is killed at its k-th system call of these; return whether it was."""
    waits, starts = os.pipe()

    def child(_: int) -> None:
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANY)  # some systems let only a parent trace
        os.read(waits, 1)
        work()

    pid, said = fork(child)
    inject = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=SIGKILL:when={k}"]
    command = [strace, "-f", "-p", str(pid), "-o", os.devnull, *inject]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as traced:
        assert traced.stderr is not None
        assert "attached" in traced.stderr.readline()
        os.write(starts, b"g")
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for handle in (waits, starts, said):
        os.close(handle)
    assert status in (0, -signal.SIGKILL)
    return status != 0
