"""A recipe makes a project's rows of other rows, whatever the task: the same way whenever a file is read."""

from __future__ import annotations

from pathlib import Path

import polars
import pytest

from seaway.core.errors import BadInput
from seaway.data import prepared
from seaway.workflow import dataset
from seaway.workflow.check import check
from seaway.workflow.new import new
from seaway.workflow.workspace import Workspace, open_project
from tests.e2e.worlds import Buyers

BUYERS = Buyers(90)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A tabular project whose rows are customers: what they bring is predicted from how they buy."""
    place = tmp_path_factory.mktemp("recipe")
    BUYERS.write(place / "orders.csv")
    new(place / "p", place / "orders.csv", recipe="customer-behaviour", task="tabular", target="monetary")
    return open_project(place / "p")


def test_a_table_is_learnt_from_rows_that_a_recipe_made(project: Workspace) -> None:
    data = dataset.load(project)
    assert len(data.rows) == BUYERS.count
    assert project.contract.task == "tabular"
    assert project.contract.by_name["CustomerID"].role == "id"
    assert project.settings.recipe["customer"] == "CustomerID"


def test_the_order_of_the_source_changes_nothing(project: Workspace, tmp_path: Path) -> None:
    orders = polars.read_csv(project.source(), infer_schema=False)
    orders.sample(fraction=1.0, shuffle=True, seed=1).write_csv(tmp_path / "turned.csv")
    turned = prepared.table(tmp_path / "turned.csv", project.settings)
    assert turned.records() == prepared.table(project.source(), project.settings).records()


def test_rows_that_are_prepared_already_are_taken_as_they_are(project: Workspace, tmp_path: Path) -> None:
    rows = prepared.table(project.source(), project.settings)
    polars.DataFrame(rows.records()).write_csv(tmp_path / "customers.csv")
    again = prepared.table(tmp_path / "customers.csv", project.settings, project.contract)
    assert len(again) == BUYERS.count
    assert list(again.names) == list(rows.names)


def test_check_tells_what_the_recipe_left_out(project: Workspace) -> None:
    codes = {verdict.code: verdict for verdict in check(project).verdicts}
    assert codes["T320"].outcome == "pass"
    assert "cancellations" in codes["T321"].message


def test_an_unknown_recipe_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    BUYERS.write(tmp_path / "orders.csv")
    with pytest.raises(BadInput, match="There is no recipe 'soup'") as raised:
        new(tmp_path / "p", tmp_path / "orders.csv", recipe="soup")
    assert "customer-behaviour" in raised.value.fix
    assert not (tmp_path / "p").exists()
