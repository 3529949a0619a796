"""A verified bundle that answers: encoder + engine. The lab, release, serve and update all use this one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seaway.core import bundle, extend, parity
from seaway.core.batch import Array, Batch, Json, Query, Request, join, split
from seaway.core.contract import Contract
from seaway.core.errors import Untrusted
from seaway.core.protocols import Encoder, Engine, Reasons, Rung, Runner, Verifier
from seaway.core.settings import ServeSettings
from seaway.core.verdict import Verdict

_log = logging.getLogger("seaway.engines")

BLOCK = 1024
"""Queries per run where many are asked."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One request's numbers, answers by output name, and the predictions as JSON objects."""

    batch: Batch
    answers: Mapping[str, Array]
    predictions: list[dict[str, Json]]


class Answerer:
    """Answers with one release. Used by one thread at a time, as its encoder and its runner are.

    Opening verifies the signature, the digests, the program's allow-list and the parity vectors, in that order. Where an engine
    has several ways to run the program, the first that repeats the vectors answers; `engine` names the only one to take, "auto"
    none. `replay=False` is for who has replayed the vectors with that very engine.
    """

    def __init__(self, folder: Path, verifier: Verifier, *, engine: str = "auto", replay: bool = True) -> None:
        self.bundle = bundle.open_bundle(folder, verifier)
        self.contract: Contract = self.bundle.contract
        self.encoder: Encoder = encoder_of(self.contract)
        if self.encoder.version != self.bundle.manifest.encoder:
            raise Untrusted(
                f"The bundle was made with encoder {self.bundle.manifest.encoder}, this is {self.encoder.version}",
                where=str(folder),
                fix="Serve it with the Seaway version that made it, or release it again.",
            )
        self.engine: Engine = self._engine(engine)
        self.runner: Runner = self.engine.load(self.bundle.program, self.contract)
        if replay:
            self.parity().require()

    @property
    def digest(self) -> str:
        """The release."""
        return self.bundle.digest

    @property
    def answering(self) -> str:
        """Which engine answers: of several ways to run the program, the one taken."""
        return self.runner.engine if isinstance(self.runner, Rung) else self.engine.name

    @property
    def why(self) -> str:
        """Why no faster engine answers; empty where none is faster."""
        return self.runner.why if isinstance(self.runner, Rung) else ""

    def answer(self, requests: Sequence[Request]) -> list[Answered]:
        """Answer accepted requests in one run of the engine."""
        return [
            Answered(batch=batch, answers=answer, predictions=self.encoder.render(answer, batch))
            for batch, answer in self.run(requests)
        ]

    def run(self, requests: Sequence[Request]) -> list[tuple[Batch, Mapping[str, Array]]]:
        """Return each request's numbers and its answers by output name, from one run of the engine."""
        if not requests:
            return []
        batches = [self.encoder.encode(request) for request in requests]
        answers = split(self.runner.run(join(batches)), [batch.cases for batch in batches])
        return list(zip(batches, answers, strict=True))

    def explain(self, request: Request) -> tuple[Batch, Reasons | Verdict]:
        """Explain every case of a request, or say why this program cannot be explained."""
        batch = self.encoder.encode(request)
        return batch, self.runner.reasons(batch)

    def _engine(self, wanted: str) -> Engine:
        kind = self.bundle.manifest.engine
        if wanted in extend.names("rung") or wanted not in ("auto", kind):
            chosen: Engine = extend.load("rung", wanted)()
            if chosen.supports(self.bundle.program):
                return chosen
        engine: Engine = extend.load("engine", kind)()
        return engine

    def parity(self) -> Proof:
        """Replay the bundle's own vectors from raw JSON to answers; an engine that fails them gives way to the next."""
        while True:
            proof = self._replayed()
            if proof.holds:
                return proof
            why = f"it does not repeat the parity vectors: {proof.verdict.message}"
            below = self.runner.below(why) if isinstance(self.runner, Rung) else None
            if below is None:
                return proof
            _log.error("release %s: the engine %r is not used, %s", self.digest[:12], self.answering, why)
            self.runner = below

    def _replayed(self) -> Proof:
        vectors = list(parity.read_vectors(self.bundle.files.get(bundle.PARITY, b"")))
        if not vectors:
            raise Untrusted(
                "The bundle carries no parity vectors, so nothing shows what it answers",
                where=self.digest,
                fix="Release the run again.",
                code="parity",
            )
        queries = [vector.query for vector in vectors]
        difference = parity.compare(
            parity.expected_of(vectors, self.contract),
            answers_to(queries, self.encoder, self.runner),
            self.contract,
            self.bundle.manifest.tolerance,
        )
        return Proof(difference=difference, tolerance=self.bundle.manifest.tolerance, digest=self.digest)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How the loaded program compares with the trained model."""

    difference: parity.Difference
    tolerance: float
    digest: str

    @property
    def holds(self) -> bool:
        """Say whether the answers were the trained model's, of one case at least."""
        return self.difference.holds and bool(self.difference.cases)

    @property
    def verdict(self) -> Verdict:
        """The finding R010."""
        return parity.verdict("R010", self.digest, self.difference, self.tolerance)

    def require(self) -> None:
        """Raise `Untrusted` unless the program gives the trained model's answers."""
        if not self.holds:
            raise Untrusted(
                f"The program does not repeat the trained model's answers: {self.verdict.message}",
                where=self.digest,
                fix="Keep serving the former release, and release this run again.",
                code="parity",
            )


def answers_to(queries: Sequence[Query], encoder: Encoder, runner: Runner) -> dict[str, Array]:
    """Return the answers (cases, ...) to queries of one case each, by output name, in blocks that bound the memory."""
    parts = []
    for start in range(0, len(queries), BLOCK):
        requests = [encoder.request(query.rows, query.options) for query in queries[start : start + BLOCK]]
        parts.append(runner.run(join([encoder.encode(request) for request in requests])))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def encoder_of(contract: Contract, limits: ServeSettings | None = None) -> Encoder:
    """Return a new encoder for a contract, by what one of its predictions is about; `limits` bound what callers send."""
    encoder: Encoder = extend.load("encoder", contract.per)(contract, limits)
    return encoder


def finite(answers: Mapping[str, Array]) -> bool:
    """Say whether every number is one: NaN never leaves."""
    return all(bool(np.isfinite(values).all()) for values in answers.values() if values.dtype.kind == "f")
