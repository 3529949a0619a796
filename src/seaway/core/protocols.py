"""Every extension point on one page. What a room needs from another it asks for here; `core/extend.py` joins them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from seaway.core.batch import Array, Batch, Flag, Glance, Ids, Json, Outcomes, Query, Request, Sample

if TYPE_CHECKING:  # the papers name these protocols in turn
    from seaway.core.access import Key
    from seaway.core.assignment import Assignment
    from seaway.core.candidate import Candidate, Program
    from seaway.core.contract import Contract
    from seaway.core.dataset import Dataset
    from seaway.core.event import Event
    from seaway.core.verdict import Verdict


# ------------------------------------------------------------------ data
class Rows(Protocol):
    """A table. Values are numpy arrays in their own type; `missing` is True where a cell holds nothing."""

    def __len__(self) -> int: ...
    @property
    def names(self) -> Sequence[str]:
        """Column names in order."""
        ...

    def column(self, name: str) -> tuple[Array, Array]:
        """Return (values, missing): texts as object, numbers as float64 or int64, times as datetime64[ns]."""
        ...

    def codes(self, name: str, known: Mapping[str, float]) -> tuple[Array, Array]:
        """Return (codes, missing) of a column of texts: float64, -1 where a text is not one of `known`."""
        ...

    def take(self, index: Array) -> Rows:
        """Return the rows at `index`."""
        ...

    def records(self, index: Array | None = None) -> list[dict[str, Json]]:
        """Return rows as JSON objects, as a client would send them."""
        ...


class Quick(Protocol):
    """The short way of an encoder: the ordinary request at once, its answer at once, the same bits as the long way's."""

    def read(self, body: bytes) -> Glance | None:
        """Read a request's JSON where nothing is to be said of it; None sends it the long way, which says why."""
        ...

    def cases(self, answers: Mapping[str, Array]) -> list[Any]:
        """Return, for each case, what msgspec writes as the JSON object of `Encoder.render`."""
        ...


class Encoder(Protocol):
    """Turns what callers send into numbers and answers into what callers read; one per thread and contract.

    `quick` is None where no request of the contract is ordinary.
    """

    version: int
    quick: Quick | None

    def decode(self, body: bytes) -> Request:
        """Read a request's JSON; raises `Malformed` (not JSON) or `BrokenContract` (not as the contract says)."""
        ...

    def request(self, rows: Sequence[Mapping[str, Json]], options: Mapping[str, Json] | None = None) -> Request:
        """Make a request of rows that are objects already, held to the contract in the same way."""
        ...

    def encode(self, request: Request, history: Mapping[str, Rows] | None = None) -> Batch:
        """Turn accepted rows into numbers; soft breaks become flags."""
        ...

    def batch(self, rows: Rows, flags: Iterable[Flag] = ()) -> Batch:
        """Turn rows that were validated already into numbers, column by column: the same bits as one by one.

        `flags` are those that validation has raised; the batch has them too.
        """
        ...

    def render(self, answers: Mapping[str, Array], batch: Batch) -> list[dict[str, Json]]:
        """Turn answers into one JSON object per case, flags included."""
        ...

    def ask(self, data: Dataset, known: Array, asked: Array) -> Sample:
        """Return the asked rows of a table; of each series with an asked row, its known history + the asked rows behind it.

        A row that is both known and asked is history whose truth is told: asking about all known rows gives what to learn
        from.
        """
        ...

    def queries(self, data: Dataset, known: Array, asked: Array) -> list[Query]:
        """Return what a client would send to ask just that: one query per case of `ask`, in its order."""
        ...

    def cases(self, rows: Rows) -> Array:
        """Return which case each row belongs to (rows,) int64: what a sample of the rows must keep together."""
        ...

    def logged(self, request: Request) -> bytes:
        """Return the accepted rows as JSON, masked as the contract's `log` and `personal` marks say."""
        ...


# ------------------------------------------------------------------ tasks
Params = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where a hyper-parameter may lie: numbers between low and high, or one of `choices`. `default` starts the search."""

    default: Any
    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure for a report: its title, SVG, and the sentence that says what to see."""

    title: str
    svg: str
    note: str = ""


class Fitted(Protocol):
    """A model in its native library, inside the process that trained it."""

    def predict(self, batch: Batch) -> Mapping[str, Array]:
        """Return the library's own answers: `margin` (cases, ...) float64, averaged over the members of a blend."""
        ...

    def export(self) -> Program:
        """Return the program with the same answers, or raise `InexactExport`."""
        ...

    def edges(self) -> Mapping[int, Array]:
        """Return, by matrix column, the values where the answer jumps."""
        ...

    def importance(self) -> Array:
        """Return the weight of each matrix column (features,), summing to 1 where anything matters."""
        ...


class Model(Protocol):
    """A way to learn."""

    name: str

    def supports(self, contract: Contract) -> Verdict:
        """Say whether this model can learn under the contract."""
        ...

    def space(self, train: Sample) -> Mapping[str, Range]:
        """Return the hyper-parameters; empty for a model without any."""
        ...

    def fit(
        self, train: Sample, valid: Sample | None, *, contract: Contract, params: Params, seed: int, until: float
    ) -> Fitted:
        """Learn; `valid` is for early stopping; `until` is the monotonic time to stop by, keeping what is done."""
        ...


class Finish(Protocol):
    """The last step: calibration, decision, intervals."""

    name: str

    def apply(self, raw: Mapping[str, Array]) -> Mapping[str, Array]:
        """Turn blended answers into the contract's outputs."""
        ...

    def export(self) -> Program:
        """Return the program with the same answers."""
        ...


class Task(Protocol):
    """A kind of problem; all that rooms may ask of it.

    `blends` says whether the margins of several models may be averaged, `samples` whether a contract can be inferred from rows
    drawn from all over a large file (the rows of a series cannot: their rhythm is between them).
    """

    name: str
    blends: bool
    samples: bool

    def shape(self, draft: Contract, rows: Rows, settings: Mapping[str, Json]) -> Contract:
        """Complete a draft: per, truth, outputs, options; raises `BadInput` where the data cannot serve the task."""
        ...

    def folds(self, data: Dataset, count: int, seed: int) -> Sequence[tuple[Array, Array]]:
        """Return `count` pairs (known rows, asked rows) within the training rows; none can leak."""
        ...

    def metrics(self, contract: Contract) -> Sequence[str]:
        """Return the metrics' names; the first decides."""
        ...

    def models(self, contract: Contract, preset: str) -> Sequence[Model]:
        """Return the candidates' kinds, baselines first."""
        ...

    def finish(self, oof: Outcomes, contract: Contract, settings: Mapping[str, Json]) -> Finish:
        """Fit the last step on out-of-fold answers; with settings {"calibrate": False} only the plain link."""
        ...

    def checks(self, stage: str) -> Sequence[Check]:
        """Return the task's own checks for a stage: "new" and "data" look at (rows, contract), "lab" and "release" at a candidate."""
        ...

    def settle(self, contract: Contract, members: Sequence[Fitted]) -> Contract:
        """Complete the contract with what training found out: labels of answers nobody knew before, and what they mean."""
        ...

    def figures(self, candidate: Candidate) -> Sequence[Drawing]:
        """Draw what a person would look at to judge the candidate."""
        ...


class Recipe(Protocol):
    """A recorded step that makes a project's rows of other rows, the same way whenever they are read.

    `task` names the kind of problem it prepares for; `prepare` raises `BadInput` for rows it cannot use, with settings
    by name (column names and figures that a person may have set).
    """

    name: str
    task: str

    def settings(self, rows: Rows) -> Mapping[str, Json]:
        """Return the settings that fit the rows, to be recorded in the project when it is made."""
        ...

    def prepare(self, rows: Rows, settings: Mapping[str, Json]) -> Rows:
        """Return the prepared rows."""
        ...

    def ids(self, settings: Mapping[str, Json]) -> Sequence[str]:
        """Return the columns that name a prepared row."""
        ...

    def verdicts(self, rows: Rows, settings: Mapping[str, Json]) -> Sequence[Verdict]:
        """Return what is to be known of rows that were not prepared yet: what is left out, and why."""
        ...


# ------------------------------------------------------------------ engines
Compose = Callable[[Sequence[tuple["Program", float]], "Program | None"], "Program"]
"""Members with their weights and a finish as one program of their engine; raises `InexactExport`."""


@dataclass(frozen=True, kw_only=True)
class Reasons:
    """Exact additive explanation: base (cases, targets) + attributions (cases, features, targets) = margin.

    The features axis is the matrix's; `margin` is what the program itself answered.
    """

    base: Array
    attributions: Array
    margin: Array


class Runner(Protocol):
    """A loaded program; used by one thread at a time. Raises where an answer is no finite number: NaN never leaves."""

    gather: int

    def run(self, batch: Batch) -> Mapping[str, Array]:
        """Answer every case, by output name; `margin` comes along where the program has one."""
        ...

    def reasons(self, batch: Batch) -> Reasons | Verdict:
        """Explain every case, or say why this program cannot be explained."""
        ...


@runtime_checkable
class Rung(Protocol):
    """A runner that is one of several ways to run its program, all to the same answers: `engine` names it.

    `why` says why none of the faster ways runs it. `below` gives the next, to which the reason is handed; None at the end.
    """

    engine: str
    why: str

    def below(self, why: str) -> Runner | None:
        """Return the next way to run the program."""
        ...


class Engine(Protocol):
    """Runs programs of one kind."""

    name: str

    def supports(self, program: Program) -> bool:
        """Say whether this engine runs the program."""
        ...

    def load(self, program: Program, contract: Contract) -> Runner:
        """Walk the bytes against the allow-list, then load; raises `Untrusted`."""
        ...


# ------------------------------------------------------------------ checks and metrics
class Check(Protocol):
    """Looks at one subject and says what it found."""

    code: str

    def __call__(self, subject: Any) -> Sequence[Verdict]:
        """Return the findings; not-applicable where the subject has nothing to look at."""
        ...


class Metric(Protocol):
    """One figure of merit over outcomes."""

    name: str
    reads: str
    greater_is_better: bool
    needs_truth: bool
    needs_scale: bool
    unit: str

    def __call__(self, outcomes: Outcomes) -> float:
        """Return the figure; NaN where the outcomes cannot tell (one class only, no rows)."""
        ...


# ------------------------------------------------------------------ release, registry, serving
@runtime_checkable
class Signer(Protocol):
    """Signs manifests."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature, with the key's id."""
        ...


@runtime_checkable
class Verifier(Protocol):
    """Knows whom to trust."""

    def verify(self, data: bytes, signature: bytes) -> None:
        """Raise `Untrusted` unless a trusted key signed exactly these bytes."""
        ...


class Store(Protocol):
    """Bundles by digest."""

    def put(self, folder: Path) -> str:
        """Take in a built folder whole and durable; return its digest."""
        ...

    def get(self, digest: str) -> Path:
        """Return the folder; raises `NotFound`."""
        ...

    def __iter__(self) -> Iterator[str]: ...
    def drop(self, digest: str) -> None:
        """Remove a bundle."""
        ...


class Source(Protocol):
    """What a server follows."""

    def assignments(self) -> Mapping[str, Assignment]:
        """Return the newest assignment by model."""
        ...

    def bundle(self, digest: str) -> Path:
        """Return the folder of a release."""
        ...

    def keys(self) -> Mapping[str, Key] | None:
        """Return every key by id, revoked ones too; None where nobody ever made one, so that none can be asked for."""
        ...


class Rollout(Protocol):
    """Moves assignments and sees them arrive."""

    def apply(self, assignment: Assignment) -> Assignment:
        """Make the assignment the newest; returns it with its sequence."""
        ...

    def answering(self) -> Mapping[str, tuple[str, int]]:
        """Return, by worker, the champion's digest and the sequence of the assignment it follows."""
        ...


class Replay(Protocol):
    """Asks a bundle over the live path."""

    def __call__(
        self,
        bundle: Path,
        real: Sequence[tuple[Query, Mapping[str, Json]]],
        *,
        keys: Path | None = None,
    ) -> list[Verdict]:
        """Replay parity vectors and real (query, expected prediction) pairs through the real server on loopback.

        `keys` is the folder of public keys that the server trusts.
        """
        ...


class State(Protocol):
    """The newest observed rows of each series, shared by all workers of a model."""

    def history(self, model: str, ids: Sequence[Ids], rows: int, upto: int | None) -> tuple[Mapping[str, Rows], int]:
        """Return up to `rows` rows of each id and the sequence they stand at."""
        ...

    def observe(self, model: str, rows: Sequence[Mapping[str, Json]], sequence: int) -> None:
        """Take in new rows; the same sequence twice changes nothing."""
        ...


class Log(Protocol):
    """Where events go before answers leave."""

    def append(self, event: Event) -> Awaitable[None]:
        """Done when the event is as durable as set."""
        ...

    def read(self, after: int) -> Iterator[Event]:
        """Yield events with a higher sequence."""
        ...
