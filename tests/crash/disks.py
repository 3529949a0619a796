"""Disks of their own for tests: rig R2 (power loss of a loop-mounted ext4) and rig R3 (a disk of a few MiB that fills up)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

IMAGE_BYTES = 48 << 20


def may_mount(*tools: str) -> None:
    """Skip where this process may not mount."""
    for tool in ("mount", "umount", *tools):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk of its own")


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")


@contextlib.contextmanager
def mounted(at: Path, *options: str | Path) -> Iterator[Path]:
    """Mount until the block ends; skip where the machine allows root no mount either (a container)."""
    at.mkdir()
    try:
        _run("mount", *options, at)
    except OSError as error:
        at.rmdir()
        pytest.skip(f"this machine mounts no disk: {error}")
    try:
        yield at
    finally:
        for _ in range(50):
            with contextlib.suppress(OSError):
                _run("umount", at)
                break
            time.sleep(0.1)
        else:
            _run("umount", "-l", at)


@contextlib.contextmanager
def tmpfs(at: Path, size: int) -> Iterator[Path]:
    """Mount a disk of so many bytes."""
    may_mount()
    with mounted(at, "-t", "tmpfs", "-o", f"size={size}", "tmpfs") as disk:
        yield disk


@dataclass(frozen=True)
class Ext4:
    """A file system in a file. It writes back by itself after five minutes only: what nobody made durable is not in the file."""

    image: Path
    disk: Path

    def cut_power(self, processes: Sequence[int]) -> Stopped:
        """Stop the processes between two system calls, as the moment at which the power goes."""
        return Stopped(self, processes)

    @contextlib.contextmanager
    def after_power_loss(self, image: Path) -> Iterator[Path]:
        """Mount what was on the disk at the moment that an image holds."""
        with mounted(image.with_suffix(".disk"), "-o", "loop", image) as disk:
            yield disk


class Stopped:
    """Processes held still: between entering and leaving nothing changes, and `copy` is what a power loss leaves."""

    def __init__(self, ext4: Ext4, processes: Sequence[int]) -> None:
        self._ext4, self._processes = ext4, processes

    def __enter__(self) -> Stopped:
        for pid in self._processes:
            os.kill(pid, signal.SIGSTOP)
        until = time.monotonic() + 20
        while not all(_is_stopped(pid) for pid in self._processes):
            assert time.monotonic() < until, "a process does not stop"
            time.sleep(0.001)
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._processes:
            os.kill(pid, signal.SIGCONT)

    def copy(self, to: Path) -> Path:
        _run("cp", "--sparse=always", self._ext4.image, to)
        return to


def _is_stopped(pid: int) -> bool:
    """Say whether every thread stands still, none within a system call that still writes."""
    with contextlib.suppress(FileNotFoundError):
        states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
        return set(states) <= {"T", "Z"}
    return True


@contextlib.contextmanager
def ext4(folder: Path) -> Iterator[Ext4]:
    """Make and mount an ext4 in a file of `folder`."""
    may_mount("mkfs.ext4", "losetup")
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    _run("mkfs.ext4", "-q", "-F", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
    with mounted(folder / "disk", "-o", "loop,commit=300", image) as disk:
        yield Ext4(image, disk)
