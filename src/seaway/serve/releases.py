"""Releases that a worker holds: loaded twice, so that long work in the background never meets short work in the loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from seaway.core import bundle, extend, parity
from seaway.core.answer import Answerer
from seaway.core.assignment import Assignment
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.errors import BadInput, NotFound, SeawayError, Unavailable, Untrusted
from seaway.core.protocols import Verifier
from seaway.core.settings import ServeSettings
from seaway.serve.log import EventLog
from seaway.serve.repeats import Repeats

EXAMPLES = 400
"""Parity vectors among which the example row of the documentation is sought."""


class Loaded:
    """One release, verified and replayed. `front` belongs to the event loop's thread, `back` to the background thread."""

    def __init__(
        self, folder: Path, verifier: Verifier, *, model: str, digest: str, limits: ServeSettings | None = None
    ) -> None:
        self.front = _limited(Answerer(folder, verifier), limits)
        self.back = _limited(Answerer(folder, verifier, replay=False), limits)
        manifest = self.front.bundle.manifest
        if self.front.digest != digest or self.back.digest != digest or manifest.model != model:
            raise Untrusted(
                f"The bundle holds release {self.front.digest[:12]} of {manifest.model!r}, not {digest[:12]} of {model!r}",
                where=str(folder),
                fix="Fetch the bundle again from the registry, or release it again.",
            )
        self.digest, self.model, self.version = digest, model, manifest.version
        self.contract: Contract = self.front.contract
        self.between = f'","model":"{model}","release":"{digest}","predictions":'.encode()
        self.unlogged = frozenset(
            column.name for column in self.contract.columns if column.personal or column.log != "full"
        )

    def answerer(self, is_bulk: bool) -> Answerer:
        """Return the answerer of the calling thread."""
        return self.back if is_bulk else self.front

    @cached_property
    def example(self) -> dict[str, Json]:
        """A row that the contract accepts without a flag: the fullest of the bundle's parity vectors."""
        best: dict[str, Json] = {}
        fullest = -1
        for place, vector in enumerate(parity.read_vectors(self.front.bundle.files[bundle.PARITY])):
            filled = sum(value is not None for value in vector.row.values())
            if filled > fullest and self._is_clean(vector.row):
                best, fullest = vector.row, filled
            if place >= EXAMPLES:
                break
        return best

    def _is_clean(self, row: dict[str, Json]) -> bool:
        try:
            return not self.front.encoder.encode(self.front.encoder.request([row])).flags
        except BadInput:
            return False


def _limited(answerer: Answerer, limits: ServeSettings | None) -> Answerer:
    """Hold requests to the server's limits; parity was replayed without them."""
    if limits is not None:
        answerer.encoder = extend.load("encoder", answerer.contract.per)(answerer.contract, limits)
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
