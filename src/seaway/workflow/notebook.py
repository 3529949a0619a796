"""The path as objects that show themselves: data, run, release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seaway.core import settings as core_settings
from seaway.core.answer import Answerer
from seaway.core.batch import Json
from seaway.core.contract import Contract
from seaway.core.dataset import Dataset
from seaway.core.errors import BadInput
from seaway.core.project import SETTINGS, Project
from seaway.core.verdict import Verdict
from seaway.data import prepared
from seaway.data import read as reader
from seaway.data.sources import address
from seaway.data.sources.address import Address
from seaway.report import notebook
from seaway.security.sign import TrustFolder
from seaway.serve import explain
from seaway.workflow import dataset, models, spans
from seaway.workflow import release as releases
from seaway.workflow import train as lab
from seaway.workflow.new import new
from seaway.workflow.sent import as_sent
from seaway.workflow.workspace import Workspace, open_project


class Data:
    """Rows under a contract, in a project that keeps what comes of them."""

    def __init__(self, workspace: Workspace, data: Dataset) -> None:
        self.workspace = workspace
        self.dataset = data

    @property
    def contract(self) -> Contract:
        """What a row must look like."""
        return self.dataset.contract

    def __len__(self) -> int:
        return len(self.dataset.rows)

    def _facts(self) -> dict[str, object]:
        target = self.contract.target
        return {
            "rows": len(self),
            "to train / to judge": f"{len(self.dataset.split.train)} / {len(self.dataset.split.test)}",
            "target": target.name if target else "–",
            "project": str(self.workspace.project.folder),
            "fingerprint": self.dataset.fingerprint[:12],
        }

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (c.name, c.kind, c.role, ", ".join(c.categories[:4]) + (" …" if len(c.categories) > 4 else ""))
            for c in self.contract.columns
        ]

    def __repr__(self) -> str:
        return notebook.plain("Data", self._facts(), ("column", "kind", "role", "categories"), self._rows())

    def _repr_html_(self) -> str:
        return notebook.summary("Data", self._facts(), ("column", "kind", "role", "categories"), self._rows())


class Run:
    """A finished run: what was tried, how good it is, and the candidate."""

    def __init__(self, data: Data, trained: lab.Trained) -> None:
        self._data = data
        self.trained = trained

    @property
    def scores(self) -> dict[str, float]:
        """The figures on the rows kept for the judgement and out of fold."""
        return {name: score.value for name, score in self.trained.candidate.scores.items()}

    @property
    def report(self) -> Path:
        """The report's page."""
        return self.trained.report

    def release(self) -> Release:
        """Compile, prove equal, replay over HTTP, sign and register."""
        done = releases.release(self._data.workspace, self.trained.run, data=self._data.dataset)
        workspace = self._data.workspace
        return Release(Answerer(done.published.folder, workspace.verifier), workspace)

    def _facts(self) -> dict[str, object]:
        return {
            "run": self.trained.run,
            "trials": len(self.trained.candidate.trials),
            "seconds": round(self.trained.seconds, 1),
            "report": str(self.report),
        }

    def _rows(self) -> list[tuple[str, float, float, float, float]]:
        return [(name, s.value, s.low, s.high, float(s.n)) for name, s in self.trained.candidate.scores.items()]

    def __repr__(self) -> str:
        return notebook.plain("Run", self._facts(), ("measure", "value", "low", "high", "cases"), self._rows())

    def _repr_html_(self) -> str:
        return notebook.summary("Run", self._facts(), ("measure", "value", "low", "high", "cases"), self._rows())


class Predictions(list[dict[str, Json]]):
    """Predictions in the order of the rows, as the HTTP interface would send them."""

    def _table(self) -> tuple[tuple[str, ...], list[list[Any]]]:
        names = tuple(dict.fromkeys(name for prediction in self[:50] for name in prediction))
        return names, [[_cell(prediction.get(name)) for name in names] for prediction in self[:50]]

    def __repr__(self) -> str:
        return notebook.plain("Predictions", {"rows": len(self)}, *self._table())

    def _repr_html_(self) -> str:
        return notebook.summary("Predictions", {"rows": len(self)}, *self._table())


def _cell(value: Json) -> str | float | None:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part:.3g}" if isinstance(part, float) else f"{key}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return value  # type: ignore[no-any-return]


class Release:
    """A verified release that answers in this process, with the program that serves."""

    def __init__(self, answerer: Answerer, workspace: Workspace | None = None) -> None:
        self._answerer = answerer
        self._workspace = workspace

    @property
    def digest(self) -> str:
        """The bundle's content digest."""
        return self._answerer.digest

    @property
    def version(self) -> int:
        """The version under the model's name."""
        return self._answerer.bundle.manifest.version

    @property
    def card(self) -> str:
        """The model card in Markdown."""
        return self._answerer.bundle.files["card.md"].decode()

    def predict(self, rows: Any, **options: Json) -> Predictions:
        """Answer rows: one mapping, a list of mappings, a frame, or a file; `options` are those of the contract (`horizon`)."""
        request = self._answerer.encoder.request(self._records(rows), options)
        return Predictions(self._answerer.answer([request])[0].predictions)

    def explain(self, rows: Any) -> list[dict[str, Json]]:
        """Say why: base, attributions by column and the reasons in words; base + attributions = margin."""
        return explain.explanations(self._answerer, self._answerer.encoder.request(self._records(rows)))

    def verify(self) -> list[Verdict]:
        """Replay the bundle's parity vectors through the loaded program."""
        return [self._answerer.parity().verdict]

    def promote(self, reason: str) -> None:
        """Make this release answer for the model."""
        if self._workspace is None:
            raise BadInput(
                "This release was loaded from a folder, not from a project",
                where=self.digest,
                fix="Open it through its project: `seaway promote VERSION --reason ...`.",
            )
        models.promote(self._workspace, self.digest, reason=reason)

    def _records(self, rows: Any) -> Sequence[Mapping[str, Json]]:
        if isinstance(rows, Mapping):
            return [rows]
        if isinstance(rows, list | tuple):
            return rows
        return as_sent(reader.table(rows), self._answerer.contract)

    def _facts(self) -> dict[str, object]:
        manifest = self._answerer.bundle.manifest
        return {
            "model": manifest.model,
            "version": manifest.version,
            "digest": self.digest[:12],
            "created": manifest.created,
            "engine": manifest.engine,
            "tolerance": manifest.tolerance,
            "size": f"{sum(size for _, size in manifest.files.values()) / 1e6:.2f} MB",
        }

    def _rows(self) -> list[tuple[str, float, float, float]]:
        return [(name, s.value, s.low, s.high) for name, s in self._answerer.bundle.manifest.scores.items()]

    def __repr__(self) -> str:
        return notebook.plain("Release", self._facts(), ("measure", "value", "low", "high"), self._rows())

    def _repr_html_(self) -> str:
        return notebook.summary("Release", self._facts(), ("measure", "value", "low", "high"), self._rows())


def read(
    source: Any,
    *,
    target: str = "",
    ids: Sequence[str] = (),
    time: str = "",
    task: str = "",
    recipe: str = "",
    shape: Mapping[str, Json] | None = None,
    project: Path | str | None = None,
) -> Data:
    """Read a CSV, a Parquet file or a frame (polars, pandas, Arrow) into a project.

    `shape` is what the task is told beyond the columns' roles, for example {"horizon": 24} of series. The project stands in `project`, by default a folder named after the file; one that is there already is opened, and its
    contract (with what people changed in it) holds.
    """
    folder = Path(project) if project is not None else Path(f"{_stem(source)}-seaway")
    if not (folder / SETTINGS).exists():
        new(folder, source, target=target, ids=ids, time=time, task=task, recipe=recipe, shape=shape)
    workspace = open_project(folder)
    known = workspace.contract.target
    if target and (known is None or known.name != target):
        raise BadInput(
            f"The project predicts {known.name if known else 'nothing'}, not {target}",
            where=str(folder),
            fix="Give another folder as `project`, or change the role in contract.toml.",
        )
    return Data(workspace, dataset.load(workspace, prepared.table(source, workspace.settings)))


def _stem(source: Any) -> str:
    if not isinstance(source, str | Path | Address):
        return "model"
    return address.of(source).name.split(".")[0].replace("#", "-")


def train(data: Data, *, budget: str | float | None = None, trials: int | None = None, seed: int = 0) -> Run:
    """Search, validate, ensemble and calibrate; `budget` bounds the time, `trials` fixes the work."""
    workspace = data.workspace
    given = {
        "train.budget_s": 0.0 if trials and budget is None else spans.seconds(budget),
        "train.trials": trials,
        "train.seed": seed,
    }
    tuned = Workspace(workspace.project, core_settings.load(workspace.project.settings, given))
    return Run(Data(tuned, data.dataset), lab.train(tuned, data=data.dataset))


def load(bundle: Path | str, *, trust: Path | str | None = None) -> Release:
    """Open a bundle without a server: `trust` is a folder of public keys, by default those of the project around it."""
    folder = Path(bundle)
    keys = Path(trust) if trust is not None else Project(folder.resolve().parents[2]).keys
    return Release(Answerer(folder, TrustFolder(keys)))
