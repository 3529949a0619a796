from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.core.errors import BadInput
from seaway.data import write

COLUMNS: dict[str, write.Kind] = {"id": "text", "value": "number", "row": "integer"}
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@pytest.mark.parametrize("suffix", write.SINKS)
@given(
    blocks=st.lists(
        st.lists(st.tuples(st.none() | TEXT, st.none() | st.floats(allow_nan=False, allow_infinity=False)), min_size=1),
        max_size=4,
    )
)
def test_what_is_written_reads_back_bit_equal(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, blocks: list[list[tuple[str | None, float | None]]]
) -> None:
    target = tmp_path_factory.mktemp("out") / f"answers{suffix}"
    with write.table(target, COLUMNS) as sink:
        for block in blocks:
            ids, values = zip(*block, strict=True)
            sink.write({"id": ids, "value": values, "row": np.arange(len(block))})
    found = _read(target)
    expected = [(text, value) for block in blocks for text, value in block]
    assert found["id"].to_list() == [text for text, _ in expected]
    assert found["value"].to_list() == [value for _, value in expected]
    assert found["row"].to_list() == [row for block in blocks for row in range(len(block))]
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def _read(path: Path) -> polars.DataFrame:
    if path.suffix == ".parquet":
        return polars.read_parquet(path)
    if path.suffix in (".arrow", ".feather"):
        return polars.read_ipc(path)
    schema = {"id": polars.String, "value": polars.Float64, "row": polars.Int64}
    if path.suffix == ".jsonl":
        return polars.DataFrame([json.loads(line) for line in path.read_bytes().split(b"\n") if line], schema=schema)
    return polars.read_csv(path, schema=schema, separator="\t" if path.suffix == ".tsv" else ",")


def test_an_error_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "answers.csv"
    target.write_text("what was there\n")
    with pytest.raises(FileNotFoundError, match="the source went away"):
        _interrupted(target)
    assert target.read_text() == "what was there\n"
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]


def _interrupted(target: Path) -> None:
    with write.table(target, COLUMNS) as sink:
        sink.write({"id": ["a"], "value": [1.0], "row": [0]})
        raise FileNotFoundError("the source went away")


@pytest.mark.parametrize("suffix", write.SINKS)
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    """A process may write 64 kB per file: beyond that the kernel refuses, as a full disk does."""
    program = f"""
import resource, sys
from pathlib import Path
from seaway.core.errors import Unavailable
from seaway.data import write
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    with write.table(Path({str(tmp_path / "answers")!r} + {suffix!r}), {{"value": "text"}}) as sink:
        for block in range(50):
            sink.write({{"value": [__import__("secrets").token_hex(64) for _ in range(200)]}})
except Unavailable as error:
    sys.exit(f"told: {{error}}")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "told: The file cannot be written" in done.stderr
    assert not list(tmp_path.iterdir())


def test_nobody_sees_a_half_written_file(tmp_path: Path) -> None:
    target = tmp_path / "answers.parquet"
    with write.table(target, COLUMNS) as sink:
        sink.write({"id": ["a"], "value": [1.0], "row": [0]})
        assert not target.exists()
    assert polars.read_parquet(target).height == 1


def test_a_form_that_is_not_known_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"The form of out\.xlsx is not known"):
        write.refuse_unwritable(tmp_path / "out.xlsx")


def test_a_folder_that_is_not_there_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no folder"):
        write.refuse_unwritable(tmp_path / "nowhere" / "out.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        write.refuse_unwritable(tmp_path / "out.csv")


def test_the_source_is_never_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("a\n1\n")
    link = tmp_path / "again.csv"
    link.symlink_to(source)
    with pytest.raises(BadInput, match="is the file that is read"):
        write.refuse_unwritable(link, source=source)
