"""Every way to ask a release, each giving its answers as arrays by output: what A44 compares with the training process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars

import seaway as sw
from seaway.core.batch import Array
from seaway.core.contract import Contract
from tests.e2e.shell import Server, seaway

Row = Mapping[str, Any]
BLOCK = 500


def over_http(server: Server, rows: Sequence[Row], contract: Contract) -> dict[str, Array]:
    """Ask /v1/predict."""
    predictions = [one for block in _blocks(rows) for one in server.predict(block)["predictions"]]
    return arrays(predictions, contract)


def over_v2(server: Server, rows: Sequence[Row], contract: Contract) -> dict[str, Array]:
    """Ask the Open Inference Protocol, column by column."""
    (model,) = (one for one in [server.predict(rows[:1])["model"]])
    inputs = server.get(f"/v2/models/{model}").json()["inputs"]
    found: dict[str, list[Any]] = {}
    for block in _blocks(rows):
        document = {
            "inputs": [
                {
                    "name": column["name"],
                    "datatype": column["datatype"],
                    "shape": [len(block), 1],
                    "data": [row.get(column["name"]) for row in block],
                }
                for column in inputs
            ]
        }
        response = server.post(f"/v2/models/{model}/infer", document)
        assert response.status_code == 200, response.text
        for output in response.json()["outputs"]:
            found.setdefault(output["name"], []).extend(output["data"])
    return _shaped(found, len(rows), contract)


def in_process(bundle: Path, rows: Sequence[Row], contract: Contract) -> dict[str, Array]:
    """Ask the bundle itself, as a notebook does."""
    return arrays(sw.load(bundle).predict(list(rows)), contract)


def by_file(folder: Path, source: Path, contract: Contract) -> dict[str, Array]:
    """Ask `seaway score` about a file."""
    target = source.with_name(f"{source.stem}-answers.parquet")
    done = seaway(folder, "score", source, "-o", target)
    assert done["refused"] == 0, done["cells"]
    table = polars.read_parquet(target)
    if not contract.classes:
        return {"value": table["value"].to_numpy()}
    shares = table.select(f"probabilities.{name}" for name in contract.classes).to_numpy()
    codes = [contract.classes.index(label) for label in table["label"]]
    return {"probabilities": shares, "label": np.asarray(codes, dtype=np.int64)}


def arrays(predictions: Sequence[Mapping[str, Any]], contract: Contract) -> dict[str, Array]:
    """Turn predictions as sent into arrays by output."""
    if not contract.classes:
        return {"value": np.array([one["value"] for one in predictions])}
    return {
        "probabilities": np.array([[one["probabilities"][name] for name in contract.classes] for one in predictions]),
        "label": np.array([contract.classes.index(one["label"]) for one in predictions], dtype=np.int64),
    }


def _shaped(found: Mapping[str, list[Any]], rows: int, contract: Contract) -> dict[str, Array]:
    if not contract.classes:
        return {"value": np.array(found["value"], dtype=np.float64).reshape(rows)}
    codes = [contract.classes.index(label) for label in found["label"]]
    return {
        "probabilities": np.array(found["probabilities"], dtype=np.float64).reshape(rows, len(contract.classes)),
        "label": np.asarray(codes, dtype=np.int64),
    }


def _blocks(rows: Sequence[Row]) -> list[Sequence[Row]]:
    return [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
