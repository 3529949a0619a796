"""A worker: an event loop, its listener, and everything that follows the registry. The home of `import uvloop`.

`serve` starts the workers; `run` is what each of them does.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import os
import signal
import socket
import ssl
import sys
from pathlib import Path

import msgspec
import uvloop

from seaway.core import extend
from seaway.core.errors import SeawayError
from seaway.core.protocols import Source
from seaway.core.settings import ServeSettings
from seaway.security import proven, sandbox
from seaway.security.sign import TrustFolder
from seaway.serve import http, openapi, tls
from seaway.serve.desk import Desk
from seaway.serve.follow import Prove
from seaway.serve.listener import Listener
from seaway.serve.process import Told
from seaway.serve.reports import Report, Reporter
from seaway.serve.segments import held
from seaway.serve.single import SingleBundle
from seaway.serve.supervise import serve as serve

GRACE_S, FINISH_S = 0.3, 8
"""Seconds between "not ready" and the closed door; seconds that requests have to finish then."""

COLLECT = (50_000, 20, 50)
"""Objects made, and collections of the generation below, before Python looks for cycles: requests leave none behind."""

_log = logging.getLogger("seaway.serve")


class Worker:
    """Everything one worker process holds, from start to drained."""

    def __init__(self, told: Told) -> None:
        self._told = told
        settings, verifier = told.settings, TrustFolder(Path(told.keys))
        self._reporter = Reporter()
        self._desk = Desk(
            Path(told.state),
            told.worker,
            settings,
            _source(told, verifier),
            verifier,
            keys=Path(told.keys),
            port=told.port,
            prove=None if told.bundle else _prover(told),
            report=self._reporter.wrong_key,
        )
        self._listener = Listener(self._desk.app, tls=_tls(settings))
        self._is_over = asyncio.Event()
        self._has_shown = False

    async def run(self) -> None:
        """Serve until a signal or the parent's end."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._drain)
        loop.add_reader(0, self._parent_ended)
        gc.freeze()  # what was imported and made so far stays; looking through it again and again would stop the loop
        gc.set_threshold(*COLLECT)
        await self._desk.open(self._tell, self._is_over.set)
        await self._listener.open(socket.socket(fileno=self._told.handle))
        await self._is_over.wait()
        await self._listener.close(GRACE_S, FINISH_S)
        await self._desk.close()

    def _drain(self) -> None:
        """Say "not ready", go on for a moment, then finish what is there and end."""
        if not self._desk.standing.is_draining:
            self._desk.standing.is_draining = True
            self._tell()
            asyncio.get_running_loop().call_later(GRACE_S, self._is_over.set)

    def _parent_ended(self) -> None:
        """Standard input ends with the parent, however it died."""
        if not os.read(0, 4096):
            asyncio.get_running_loop().remove_reader(0)
            self._drain()

    def _tell(self) -> None:
        self._reporter.send()
        self._show_example()
        self._desk.tell()

    def _show_example(self) -> None:
        """Tell the supervisor, once, a request that works as pasted."""
        models = self._desk.models.by_name
        if not self._has_shown and models and self._told.worker == 0:
            name, serving = next(iter(models.items()))
            path = "/v1/predict" if len(models) == 1 else f"/v1/models/{name}/predict"
            body = http.encode(openapi.example(serving.champion)).decode()
            self._has_shown = self._reporter.say(Report(kind="example", subject=path, text=body))


def _prover(told: Told) -> Prove:
    """Return what loads a release for the first time, in a process of its own."""
    return functools.partial(
        proven.prove,
        keys=Path(told.keys),
        proven=Path(told.state) / "proven",
        memory=told.settings.load_memory,
        seconds=told.settings.load_s,
    )


def _tls(settings: ServeSettings) -> ssl.SSLContext | None:
    """Return the TLS context, where there is to be TLS."""
    return tls.context(settings.tls_cert, settings.tls_key) if settings.tls_cert else None


def _source(told: Told, verifier: TrustFolder) -> Source:
    if told.bundle:
        return SingleBundle(Path(told.bundle), verifier)
    source: Source = extend.load("source", told.source)(Path(told.state))
    return source


def run() -> int:
    """Be a worker: read what to do from standard input, serve, and return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    sys.setswitchinterval(0.00005)  # work in the background thread hands the loop back its turn sooner
    told = msgspec.json.decode(_line(), type=Told)
    if told.bundle:  # a dry run: this process is the limited one in which a release is loaded for the first time
        sandbox.confine(told.settings.load_memory)
    try:
        with held(Path(told.state) / "log", told.worker, wait_s=15.0):
            worker = Worker(told)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(worker.run())
    except SeawayError as error:
        _log.error("%s", error)
        return error.exit
    return 0


def _line() -> bytes:
    """Read the first line without taking what comes behind it."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 1)
        if not part:
            break
        line += part
    return line
