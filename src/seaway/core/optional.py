"""The one door for libraries that not every installation has."""

from __future__ import annotations

import importlib
from types import ModuleType

from seaway.core.errors import MissingExtra


def need(module: str, *, extra: str, why: str) -> ModuleType:
    """Import `module`, or say which extra brings it and what it is needed for."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # the module is there but one of its own imports is broken: that must stay visible
        raise MissingExtra(
            f"{module} is not installed",
            where=why,
            fix=f'Run: pip install "seaway[{extra}]"',
        ) from None
