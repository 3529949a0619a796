"""The first load of a bundle: in a process of its own, with little memory, little time, and nothing else it may do.

Signature, digests and the walk over the program's bytes come first, there as everywhere. What they cannot see is what a
library does with bytes that look right: how much memory it takes, whether it ever ends, whether it dies. So a release that this
installation has never loaded is opened and replayed by a child that may hold `memory` bytes, live `seconds`, write no file,
open no connection and start no process. `seaway.security.proven` remembers which releases came through.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from seaway.core import chance
from seaway.core.answer import Answerer
from seaway.core.errors import MissingExtra, SeawayError, Unavailable, Untrusted
from seaway.security.sign import TrustFolder

FILES = 256
"""Open files of the child; Python and the libraries need a few dozen."""

PASSED, REFUSED, FORBIDDEN = 0, 1, 70

_LOOK_S = 0.02
_MESSAGE = 2000
_LINE = 16_384
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "TZDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

FORBIDDEN_EVENTS = frozenset(
    "os.exec os.fork os.forkpty os.posix_spawn os.system os.startfile subprocess.Popen pty.spawn pickle.find_class "
    "socket.__new__ socket.bind socket.connect socket.getaddrinfo urllib.Request os.remove os.rename os.rmdir os.mkdir "
    "os.link os.symlink os.truncate os.chmod os.chown os.kill os.putenv".split()
)
"""Audit events (PEP 578) that no load of a bundle has a reason to raise."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the child is told on standard input, which stays open while its parent wants the answer."""

    folder: str
    keys: str
    memory: int
    seconds: float


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the child says on standard output: the digest it loaded, or what was wrong."""

    digest: str = ""
    what: str = ""
    where: str = ""
    fix: str = ""
    code: str = ""


def first_load(
    folder: Path, keys: Path, *, memory: int, seconds: float, is_wanted: Callable[[], bool] = lambda: True
) -> str:
    """Open and replay the bundle in `folder` in a child and return its digest; raises `Untrusted` with the child's reason.

    `keys` is the folder of public keys that are trusted. The child has ended when this returns, also where `is_wanted` turned
    false: `Unavailable` then.
    """
    asked = Asked(folder=str(folder.resolve()), keys=str(keys.resolve()), memory=memory, seconds=seconds)
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "seaway.security.sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd="/",
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        try:
            with contextlib.suppress(BrokenPipeError):  # it has died already: its exit code tells
                child.stdin.write(msgspec.json.encode(asked) + b"\n")
                child.stdin.flush()
            until = chance.monotonic() + seconds
            while child.poll() is None:
                if not is_wanted():
                    raise _unwanted(folder)
                if chance.monotonic() >= until:
                    raise _too_long(folder, seconds)
                chance.sleep(_LOOK_S)
            said = _said(os.read(child.stdout.fileno(), _LINE))
        finally:
            _end(child)
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
    return _judged(folder, asked, child.returncode, said)


def confine(memory: int) -> None:
    """Hold this process to `memory` bytes of address space, for good, and let it leave no image of itself behind."""
    for limit, wanted in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(limit)
        bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (bound, bound))


# ------------------------------------------------------------------------------------------------------ the parent


def _environment() -> dict[str, str]:
    """Return what Python needs to start as it did here; tokens and passwords of the parent stay with the parent."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith(("PYTHON", "LC_", "DYLD_"))
    }
    return kept | _ONE_THREAD


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it may have started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _said(line: bytes) -> Said:
    try:
        return msgspec.json.decode(line, type=Said)
    except msgspec.DecodeError:
        return Said()


def _judged(folder: Path, asked: Asked, code: int, said: Said) -> str:
    if code == PASSED and said.digest:
        return said.digest
    if code == -signal.SIGALRM or code == -signal.SIGXCPU:
        raise _too_long(folder, asked.seconds)
    if said.code == MissingExtra.code:
        raise MissingExtra(said.what, where=said.where, fix=said.fix)
    if code == REFUSED and said.what:
        raise Untrusted(said.what, where=said.where, fix=said.fix, code=said.code)
    if code == FORBIDDEN:
        raise _refuse(folder, f"it tried to do what no bundle may: {said.what}", code="first-load-forbidden")
    how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    raise _refuse(folder, f"the process that loaded it ended {how}", code="first-load-died")


def _too_long(folder: Path, seconds: float) -> Untrusted:
    return _refuse(
        folder,
        f"it was not ready within {seconds:g} s",
        code="first-load-time",
        fix="Keep the former release; a model that needs longer is given it by `load_s` under [serve].",
    )


def _refuse(folder: Path, what: str, *, code: str, fix: str = "") -> Untrusted:
    return Untrusted(
        f"The first load of this bundle failed: {what}",
        where=str(folder),
        fix=fix or "Keep the former release, and release this run again.",
        code=code,
    )


def _unwanted(folder: Path) -> Unavailable:
    return Unavailable(
        "The first load was given up, since nobody waits for it any more",
        where=str(folder),
        fix="Nothing: the next start loads it again.",
        code="first-load-ended",
    )


# ------------------------------------------------------------------------------------------------------- the child


def main() -> NoReturn:
    """Be the child: load one bundle within limits and say how it went."""
    with os.fdopen(0, "rb", closefd=False) as told:
        asked = msgspec.json.decode(told.readline(), type=Asked)
    _bind(asked)
    try:
        _say(Said(digest=Answerer(Path(asked.folder), TrustFolder(Path(asked.keys))).digest), PASSED)
    except SeawayError as error:
        _say(_told(error, asked), REFUSED)
    except MemoryError:
        _say(_out_of_memory(asked), REFUSED)
    except Exception as error:  # noqa: BLE001 - whatever a library raises for hostile bytes, the bundle is refused for it
        if _is_about_memory(error):
            _say(_out_of_memory(asked), REFUSED)
        what = f"The first load of this bundle failed: {type(error).__name__}"
        _say(Said(what=what, where=asked.folder, fix="Keep the former release.", code="first-load"), REFUSED)


def _bind(asked: Asked) -> None:
    """Give up what the load does not need, for good; end with the parent, and when time is over, by the kernel's hand."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    cpu = math.ceil(asked.seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, asked.seconds)
    # A pipe whose other end is closed raises a signal, whose default is to end the process: no thread has to watch.
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([0], [], [], 0)[0]:
        os._exit(REFUSED)
    confine(asked.memory)
    sys.addaudithook(_forbid)


def _forbid(event: str, args: tuple[Any, ...]) -> None:
    """End the process at an event that no load has a reason for; an exception could be caught by who raised it."""
    if event in FORBIDDEN_EVENTS:
        _say(Said(what=event), FORBIDDEN)
    if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
        _say(Said(what=f"open {args[0]!r} for writing"[:200]), FORBIDDEN)


def _told(error: SeawayError, asked: Asked) -> Said:
    if _is_about_memory(error) or (error.__cause__ is not None and _is_about_memory(error.__cause__)):
        return _out_of_memory(asked)
    return Said(what=error.what[:_MESSAGE], where=error.where[:_MESSAGE], fix=error.fix[:_MESSAGE], code=error.code)


def _is_about_memory(error: BaseException) -> bool:
    """Say whether a library ran out of memory: onnxruntime has no class of error for it, only words."""
    return isinstance(error, MemoryError) or any(word in str(error) for word in ("alloc", "memory"))


def _out_of_memory(asked: Asked) -> Said:
    return Said(
        what=f"The first load of this bundle failed: it needs more than {asked.memory >> 20} MiB of memory",
        where=asked.folder,
        fix="Keep the former release; a model that needs more is given it by `load_memory` under [serve].",
        code="first-load-memory",
    )


def _say(said: Said, code: int) -> NoReturn:
    """Answer and end at once: no destructor of a library runs any more."""
    os.write(1, msgspec.json.encode(said))
    os._exit(code)


if __name__ == "__main__":
    main()
