"""The generated row function: what is in its text, and what a process that uses it has loaded."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from seaway.core.contract import Column, Contract
from seaway.data.encode.table import TableEncoder


def test_names_and_values_of_a_contract_never_become_code() -> None:
    name = "x'); raise SystemExit('"
    contract = Contract(
        task="any",
        per="row",
        columns=(
            Column(name=name, kind="category", categories=("'''\n", name)),
            Column(name="import os\n", kind="number", range=(0, 1)),
            Column(name='"', kind="integer"),
        ),
    )
    x = TableEncoder(contract).request([{name: "'''\n", "import os\n": 0.5, '"': 7}]).x
    np.testing.assert_array_equal(x, np.array([[2.0, 0.5, 7.0]], dtype=np.float32))


def test_a_contract_without_features_gives_an_empty_matrix() -> None:
    contract = Contract(task="any", per="row", columns=(Column(name="id", kind="text", role="id"),))
    assert TableEncoder(contract).request([{"id": "a"}, {}]).x.shape == (2, 0)


def test_wide_contracts_are_one_function_too() -> None:
    columns = tuple(Column(name=f"c{place}", kind="number") for place in range(3000))
    row = {f"c{place}": place for place in range(3000)}
    x = TableEncoder(Contract(task="any", per="row", columns=columns)).request([row]).x
    np.testing.assert_array_equal(x[0], np.arange(3000, dtype=np.float32))


def test_encoding_a_request_loads_no_data_frame_library() -> None:
    code = """
import sys
from seaway.core.answer import encoder_of
from seaway.core.contract import Column, Contract
encoder = encoder_of(Contract(task="any", per="row", columns=(Column(name="a", kind="number"),)))
encoder.encode(encoder.decode(b'{"rows": [{"a": 1}]}'))
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"polars", "pandas", "pyarrow", "scipy", "sklearn", "tomlkit"}, loaded
ours = {name for name in sys.modules if name.startswith("seaway.")}
assert all(name.startswith(("seaway.core", "seaway.data")) for name in ours), ours
assert not {name for name in ours if name.startswith("seaway.data.")} - {
    name for name in ours if name.startswith("seaway.data.encode")
}, ours
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
