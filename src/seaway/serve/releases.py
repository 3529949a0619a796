"""Releases that a worker holds: loaded twice, so that long work in the background never meets short work in the loop."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seaway.core import bundle, parity
from seaway.core.answer import Answerer, encoder_of
from seaway.core.assignment import Assignment
from seaway.core.batch import Query
from seaway.core.contract import Contract
from seaway.core.errors import BadInput, NotFound, SeawayError, Unavailable, Untrusted
from seaway.core.protocols import Verifier
from seaway.core.settings import ServeSettings
from seaway.core.verdict import Verdict
from seaway.serve.log import EventLog
from seaway.serve.repeats import Repeats

EXAMPLES = 400
"""Parity vectors among which the example of the documentation is sought."""


class Loaded:
    """One release, verified and replayed. `front` belongs to the event loop's thread, `back` to the background thread."""

    def __init__(
        self, folder: Path, verifier: Verifier, *, model: str, digest: str, limits: ServeSettings | None = None
    ) -> None:
        self.front = _limited(Answerer(folder, verifier, engine=limits.engine if limits else "auto"), limits)
        # The vectors were replayed by the engine that answers in front, so that very engine answers in the back.
        self.back = _limited(Answerer(folder, verifier, engine=self.front.answering, replay=False), limits)
        manifest = self.front.bundle.manifest
        if self.front.digest != digest or self.back.digest != digest or manifest.model != model:
            raise Untrusted(
                f"The bundle holds release {self.front.digest[:12]} of {manifest.model!r}, not {digest[:12]} of {model!r}",
                where=str(folder),
                fix="Fetch the bundle again from the registry, or release it again.",
            )
        self.digest, self.model, self.version = digest, model, manifest.version
        self.contract: Contract = self.front.contract
        self.width = len(self.contract.encoded)
        self.unlogged = frozenset(
            column.name for column in self.contract.columns if column.personal or column.log != "full"
        )

    def answerer(self, is_bulk: bool) -> Answerer:
        """Return the answerer of the calling thread."""
        return self.back if is_bulk else self.front

    @cached_property
    def example(self) -> Query:
        """What the contract accepts without a flag: the shortest (of a series: with a season and more), then the fullest vector."""
        best = Query(rows=[{}])
        least: tuple[bool, int, int] | None = None
        enough = self.contract.series.season + 1 if self.contract.series else 1
        vectors = parity.read_vectors(self.front.bundle.files[bundle.PARITY])
        for vector in itertools.islice(vectors, EXAMPLES):
            rows = vector.query.rows
            empty = -sum(value is not None for row in rows for value in row.values())
            order = (len(rows) < enough, len(rows), empty)
            if (least is None or order < least) and self._is_clean(vector.query):
                best, least = vector.query, order
        return best

    @cached_property
    def is_explainable(self) -> bool:
        """Say whether the program can tell why it answers as it does."""
        encoder = self.front.encoder
        _, told = self.front.explain(encoder.request(self.example.rows, self.example.options))
        return not isinstance(told, Verdict)

    def _is_clean(self, query: Query) -> bool:
        encoder = self.front.encoder
        try:
            return not encoder.encode(encoder.request(query.rows, query.options)).flags
        except BadInput:
            return False


def _limited(answerer: Answerer, limits: ServeSettings | None) -> Answerer:
    """Hold requests to the server's limits; parity was replayed without them."""
    if limits is not None:
        answerer.encoder = encoder_of(answerer.contract, limits)
    return answerer


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A model as it answers between two swaps: its assignment, the releases that it names, its log."""

    assignment: Assignment
    champion: Loaded
    canary: Loaded | None
    shadows: tuple[Loaded, ...]
    log: EventLog
    repeats: Repeats

    @property
    def model(self) -> str:
        """The model's name."""
        return self.assignment.model

    @property
    def releases(self) -> tuple[Loaded, ...]:
        """Every release held, champion first."""
        return (self.champion, *((self.canary,) if self.canary else ()), *self.shadows)


class Models:
    """What a worker serves now; swapped as a whole, so that a request sees one state only."""

    def __init__(self) -> None:
        self.by_name: Mapping[str, Serving] = {}
        self.troubles: Mapping[str, SeawayError] = {}
        self.has_looked = False

    def __getitem__(self, name: str) -> Serving:
        """Return a served model; an empty name means the only one."""
        if not name and len(self.by_name) == 1:
            return next(iter(self.by_name.values()))
        found = self.by_name.get(name)
        if found is not None:
            return found
        if not self.has_looked or name in self.troubles or (not name and not self.by_name):
            raise Unavailable(
                "No release is ready to answer",
                where="model",
                fix="Try again in a moment; GET /health/ready tells when.",
                code="not-ready",
            )
        raise self._unknown(name)

    def _unknown(self, name: str) -> NotFound:
        served = ", ".join(sorted(self.by_name))
        if name:
            return NotFound(f"No model {name[:64]!r} is served here", where="/v1/models", fix=f"Served are: {served}.")
        return NotFound(
            f"This server has {len(self.by_name)} models and the request names none",
            where="/v1/models",
            fix=f"Ask /v1/models/NAME/predict with one of: {served}.",
        )

    def swap(self, serving: Serving) -> None:
        """Make a new state the one that answers, between two requests."""
        self.by_name = {**self.by_name, serving.model: serving}
        self.clear(serving.model)

    def trouble(self, model: str, error: SeawayError) -> None:
        """Note that a model's newest assignment could not be followed; what answered goes on answering."""
        self.troubles = {**self.troubles, model: error}

    def clear(self, model: str) -> None:
        """Forget a trouble that is over."""
        if model in self.troubles:
            self.troubles = {name: error for name, error in self.troubles.items() if name != model}

    def drop(self, name: str) -> None:
        """Stop serving a model."""
        self.by_name = {model: serving for model, serving in self.by_name.items() if model != name}
