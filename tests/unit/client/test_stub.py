"""Generated modules: strict mypy takes them and finds a caller's mistakes; every kind of contract has one; they ask a real server."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from seaway.client.stub import stub
from seaway.core.contract import Column, Contract, Output
from tests import credit, sales
from tests.serving import Running

ODD = Contract(
    task="tabular",
    per="row",
    columns=(
        Column(name="class", kind="number", unit="a\nb"),
        Column(name="two words", kind="integer", absent="error", null="error"),
        Column(name="quote\"'\\", kind="category", categories=("x'", 'y"'), hard=True),
        Column(name="__private", kind="boolean"),
        Column(name="when", kind="time", parts=("hour",)),
        Column(name="customer", kind="text", role="id"),
        Column(name="note", kind="text", role="ignore"),
    ),
    options=(Column(name="depth", kind="integer"),),
    outputs=(Output(name="value", kind="number"), Output(name="ranks", kind="code", axes=("rank",))),
)

USE = """
from credit_client import AsyncCreditClient, CreditClient, CreditPrediction, CreditRow

row: CreditRow = {"amount": 3000.0, "months": 24, "purpose": "car", "owner": False}
client = CreditClient("http://127.0.0.1:1")

def ask() -> float:
    one: CreditPrediction = client.predict([row]).predictions[0]
    for many in client.predict_many([row]):
        one = many
    return one["probabilities"]["bad"]

async def ask_too() -> str:
    async with AsyncCreditClient() as asking:
        return (await asking.predict([row])).predictions[0]["label"]
"""

WRONG = """
from credit_client import CreditClient

client = CreditClient()
client.predict([{"amount": "much"}])
client.predict([{"amount": 1.0, "unknown": 2}])
client.predict([{"amount": 1.0}]).predictions[0]["lable"]
client.predict([{"amount": 1.0}]).predictions[0]["probabilities"]["worse"]
"""


def strictly(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    found = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        str(folder / "cache"),
        *names,
    ]
    (folder / "mypy.ini").write_text("[mypy]\n")
    return subprocess.run(found, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_strict_mypy_takes_every_stub_and_finds_mistakes(tmp_path: Path) -> None:
    contracts = {"credit": credit.CONTRACT, "sales": sales.CONTRACT, "odd": ODD}
    for name, contract in contracts.items():
        (tmp_path / f"{name}_client.py").write_text(stub(contract, name), encoding="utf-8")
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(WRONG)
    done = strictly(tmp_path, *(f"{name}_client.py" for name in contracts), "use.py", "wrong.py")
    lines = [line.split(":", 2) for line in done.stdout.splitlines() if ": error:" in line]
    assert {name for name, _, _ in lines} == {"wrong.py"}, done.stdout + done.stderr
    assert {int(line) for _, line, _ in lines} == {5, 6, 7, 8}, done.stdout


@pytest.mark.parametrize("contract", [credit.CONTRACT, sales.CONTRACT, ODD])
def test_a_stub_can_be_imported_and_is_the_same_every_time(contract: Contract, tmp_path: Path) -> None:
    source = stub(contract, "some-model.2")
    assert stub(contract, "some-model.2") == source
    module = imported(tmp_path, source)
    assert contract.digest == module.CONTRACT
    assert module.MODEL == "some-model.2"
    target = contract.target.name if contract.target and not contract.series else None
    assert set(module.SomeModel2Row.__annotations__) == {column.name for column in contract.columns} - {target}
    assert {output.name for output in contract.outputs} <= set(module.SomeModel2Prediction.__annotations__)


def test_a_stub_asks_a_real_server(server: Running, tmp_path: Path) -> None:
    module = imported(tmp_path, stub(credit.CONTRACT, "credit"))
    with module.CreditClient(f"http://127.0.0.1:{server.port}") as client:
        assert client.contract().digest == module.CONTRACT
        told = client.predict(credit.rows(1)).predictions[0]
        assert set(told) - {"flags"} == {"label", "probabilities"}


def imported(folder: Path, source: str) -> ModuleType:
    path = folder / "made.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("made", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
