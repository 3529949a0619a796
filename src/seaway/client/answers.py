"""What the server says, as values. Fields that a newer server adds are passed over."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from seaway.core.contract import Contract

Prediction = TypeVar("Prediction")


class Answer(msgspec.Struct, Generic[Prediction], frozen=True, kw_only=True):
    """One prediction per case. `request_id` is the server's name of the request, for labels; `client_id` the caller's."""

    request_id: str
    model: str
    release: str
    predictions: list[Prediction]
    client_id: str = ""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One explanation per case: base + attributions = margin."""

    model: str
    release: str
    explanations: list[dict[str, Any]]


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """How many labels were taken in and refused; `cells` say why."""

    model: str
    taken: int
    refused: int
    cells: list[dict[str, Any]] = []


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One release that a model holds, and its part: champion, canary or shadow."""

    arm: str
    release: str
    version: int
    contract: str
    engine: str = ""


class ModelState(msgspec.Struct, frozen=True, kw_only=True):
    """One served model; `share` is the canary's share of the requests."""

    name: str
    release: str
    version: int
    sequence: int
    share: float
    arms: list[Arm]


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """Every served model that the caller may know of."""

    models: list[ModelState]


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """The contract of the release that answers now, and its digest."""

    model: str
    release: str
    digest: str
    contract: Contract


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server takes requests; why not, and its models, are told to callers who may know of models."""

    ready: bool
    keys: bool = False
    insecure: bool = False
    reasons: list[str] = []
    models: dict[str, dict[str, Any]] = {}
