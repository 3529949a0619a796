"""Where tasks and rooms meet: built-ins by kind and name, loaded on use; others join by entry points.

A package adds its own under the entry point group `seaway.<kind>`, for example `seaway.task`.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from seaway.core.errors import NotFound

BUILT_IN: dict[str, dict[str, str]] = {
    # Add a built-in here: kind -> name -> "module:attribute". Order within a kind is the order of preference.
    "task": {
        "tabular": "seaway.tasks.tabular.task:Tabular",
        "forecast": "seaway.tasks.forecast.task:Forecast",
        "segment": "seaway.tasks.segment.task:Segment",
    },
    "recipe": {
        "customer-behaviour": "seaway.tasks.segment.recipes.customer_behaviour:CustomerBehaviour",
    },
    "encoder": {
        "row": "seaway.data.encode.table:TableEncoder",
        "series": "seaway.data.encode.series:SeriesEncoder",
    },
    "engine": {
        "onnx": "seaway.engines.ladder:Ladder",
        "series": "seaway.engines.series.engine:SeriesEngine",
    },
    "rung": {
        # One way alone to run what an engine runs, for who sets `[serve] engine`.
        "native": "seaway.engines.native.engine:NativeEngine",
        "onnx": "seaway.engines.onnx:OnnxEngine",
    },
    "compose": {
        "onnx": "seaway.engines.compose:compose",
        "series": "seaway.engines.series.compose:compose",
    },
    "replay": {
        "http": "seaway.serve.dry_run:replay",
    },
    "source": {
        "registry": "seaway.registry.source:RegistrySource",
    },
}


def names(kind: str) -> list[str]:
    """Return what can be loaded under `kind`, built-ins first."""
    return [*BUILT_IN.get(kind, {}), *(point.name for point in entry_points(group=f"seaway.{kind}"))]


def load(kind: str, name: str) -> Any:
    """Return the object registered under `kind` and `name`, importing its module now."""
    place = BUILT_IN.get(kind, {}).get(name)
    if place:
        module, attribute = place.split(":")
        return getattr(importlib.import_module(module), attribute)
    for point in entry_points(group=f"seaway.{kind}", name=name):
        return point.load()
    raise NotFound(
        f"There is no {kind} called {name!r}",
        where="core/extend.py",
        fix=f"Use one of: {', '.join(names(kind)) or 'none is installed'}.",
    )
