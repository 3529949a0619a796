"""For people who extend Seaway: suites to subclass in one's own tests, and strategies that draw what a contract allows.

    from seaway.testing import Material, TaskSuite

    class TestMyTask(TaskSuite):
        def task(self): ...
        def material(self): ...

It needs pytest and hypothesis, and what training needs. Nothing else in Seaway imports it.
"""

from __future__ import annotations

import pytest

# Before the suites are imported: pytest then tells what stood on both sides of an assertion, as in one's own tests.
pytest.register_assert_rewrite(*(f"seaway.testing.{suite}" for suite in ("claims", "engine", "model", "task")))

from seaway.testing.engine import EngineSuite  # noqa: E402 - see above
from seaway.testing.material import Material, dataset, shaped  # noqa: E402
from seaway.testing.model import ModelSuite  # noqa: E402
from seaway.testing.path import Example, example, trained  # noqa: E402
from seaway.testing.strategies import contracts_of_rows, queries_of, rows_of, series_of, values_of  # noqa: E402
from seaway.testing.task import TaskSuite  # noqa: E402

__all__ = [
    "EngineSuite",
    "Example",
    "Material",
    "ModelSuite",
    "TaskSuite",
    "contracts_of_rows",
    "dataset",
    "example",
    "queries_of",
    "rows_of",
    "series_of",
    "shaped",
    "trained",
    "values_of",
]
