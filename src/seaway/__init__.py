"""From the lab to production, and right once it is there.

    import seaway as sw
    data = sw.read("x.csv", target="y")
    run = sw.train(data, budget="60s")
    rel = run.release()
    rel.predict(rows)

Names are resolved on first use, so that importing seaway costs nothing.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seaway.core.errors import SeawayError as SeawayError
    from seaway.workflow.mount import mount as mount
    from seaway.workflow.notebook import Data as Data
    from seaway.workflow.notebook import Release as Release
    from seaway.workflow.notebook import Run as Run
    from seaway.workflow.notebook import load as load
    from seaway.workflow.notebook import read as read
    from seaway.workflow.notebook import train as train

__version__ = "0.1.0"

_HOMES = {
    "SeawayError": "seaway.core.errors",
    "Data": "seaway.workflow.notebook",
    "Release": "seaway.workflow.notebook",
    "Run": "seaway.workflow.notebook",
    "load": "seaway.workflow.notebook",
    "mount": "seaway.workflow.mount",
    "read": "seaway.workflow.notebook",
    "train": "seaway.workflow.notebook",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - the names are the table above, so that the two cannot differ


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(_import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'seaway' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*_HOMES, "__version__"]
