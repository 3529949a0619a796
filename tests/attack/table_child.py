"""Reads damaged files one after another, as `seaway check` and `seaway score` do: one line of JSON about each.

    python tests/attack/table_child.py FOLDER COUNT SEED KIND...

Prints the number before it reads a file, so that whoever waits knows which one ended this process.
"""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sqlite3
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import openpyxl
import polars as pl

from seaway.core import chance
from seaway.core.errors import SeawayError
from seaway.data import blocks, read

ROWS = 300
DEADLINE_S = 20

Rng = np.random.Generator
Make = Callable[[Path], str]


def frame() -> pl.DataFrame:
    """Return rows of every type that a table may hold."""
    rng = chance.rng("table bytes")
    return pl.DataFrame(
        {
            "n": np.arange(ROWS),
            "x": rng.normal(size=ROWS),
            "text": [f"value {number % 7} ü" for number in range(ROWS)],
            "flag": rng.random(ROWS) < 0.5,
            "day": pl.Series(np.arange(ROWS), dtype=pl.Int32).cast(pl.Date),
            "gap": [None if number % 5 == 0 else float(number) for number in range(ROWS)],
        }
    )


def parquet(path: Path) -> str:
    frame().write_parquet(path, row_group_size=100, compression="snappy")
    return str(path)


def arrow(path: Path) -> str:
    frame().write_ipc(path, record_batch_size=100)
    return str(path)


def packed_arrow(path: Path) -> str:
    frame().write_ipc(path, record_batch_size=100, compression="zstd")
    return str(path)


def arrow_stream(path: Path) -> str:
    frame().write_ipc_stream(path)
    return str(path)


def csv(path: Path) -> str:
    frame().write_csv(path)
    return str(path)


def lines(path: Path) -> str:
    frame().with_columns(pl.col("day").cast(pl.String)).write_ndjson(path)
    return str(path)


def workbook(path: Path) -> str:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(frame().columns)
    for row in frame().iter_rows():
        sheet.append(list(row))
    book.save(path)
    return str(path)


def sqlite(path: Path) -> str:
    connection = sqlite3.connect(path)
    with contextlib.closing(connection), connection:
        connection.execute("CREATE TABLE t (n INTEGER, x REAL, text TEXT, flag INTEGER, day TEXT, gap REAL)")
        rows = frame().with_columns(pl.col("day").cast(pl.String)).rows()
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
    return f"sqlite:///{path}#t"


def duck(path: Path) -> str:
    rows = frame()  # noqa: F841 - DuckDB finds it by its name
    with contextlib.closing(duckdb.connect(str(path))) as connection:
        connection.execute("CREATE TABLE t AS SELECT * FROM rows")
    return f"duckdb:///{path}#t"


def damaged(data: bytes, rng: Rng) -> bytes:
    """Return the bytes after one to eight blows: bits, bytes, numbers, runs, cuts, copies."""
    made = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        at = int(rng.integers(max(1, len(made))))
        length = int(rng.integers(1, 64))
        match int(rng.integers(7)):
            case 0:
                made[at : at + 1] = bytes(byte ^ 1 << int(rng.integers(8)) for byte in made[at : at + 1])
            case 1:
                made[at : at + length] = rng.bytes(length)
            case 2:
                made[at : at + 4] = int(rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])).to_bytes(4, "little")
            case 3:
                made[at : at + length] = b"\0" * length
            case 4:
                del made[at : at + length]
            case 5:
                made[at:at] = made[max(0, at - length) : at]
            case _:
                del made[max(at, len(made) // 2) :]
    return bytes(made)


def damaged_part(data: bytes, rng: Rng) -> bytes:
    """Damage one part of an archive before it is packed, so that no checksum stands before the damage."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        struck = str(rng.choice([name for name in old.namelist() if "docProps" not in name]))
        for name in old.namelist():
            new.writestr(name, damaged(old.read(name), rng) if name == struck else old.read(name))
    return made.getvalue()


KINDS: dict[str, tuple[str, Make, Callable[[bytes, Rng], bytes]]] = {
    "csv": ("a.csv", csv, damaged),
    "parquet": ("a.parquet", parquet, damaged),
    "arrow": ("a.arrow", arrow, damaged),
    "packed arrow": ("a.arrow", packed_arrow, damaged),
    "arrow stream": ("a.arrows", arrow_stream, damaged),
    "lines": ("a.jsonl", lines, damaged),
    "workbook": ("a.xlsx", workbook, damaged),
    "part of a workbook": ("a.xlsx", workbook, damaged_part),
    "sqlite": ("a.db", sqlite, damaged),
    "duckdb": ("a.duckdb", duck, damaged),
}


def outcome(source: str) -> dict[str, Any]:
    """Read by both doors; tell what came of it."""
    told = []
    for door in (lambda: [len(piece) for piece in blocks.pieces(source)], lambda: len(read.table(source))):
        try:
            door()
            told.append("read")
        except SeawayError as error:
            told.append("refused" if error.what and error.fix and "Traceback" not in error.what else f"badly: {error}")
    return {"told": told}


def peak_kib() -> int:
    """Return the most memory that this process has held; `getrusage` counts what its parent held, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def strike(kind: str, count: int, seed: int, folder: Path) -> None:
    """Read `count` damaged files of a kind."""
    name, make, damage = KINDS[kind]
    path = folder / name
    source = make(path)
    whole = path.read_bytes()
    assert outcome(source)["told"] == ["read", "read"], "the file these attacks start from is good"
    for number in range(count):
        path.write_bytes(damage(whole, chance.rng("table bytes", kind, seed, number)))
        print(f"{kind} {number}", flush=True)
        signal.alarm(DEADLINE_S)
        began = time.monotonic()
        found = outcome(source)
        signal.alarm(0)
        seconds, peak = time.monotonic() - began, peak_kib()
        print(json.dumps(found | {"kind": kind, "seconds": seconds, "peak_kib": peak}), flush=True)
    path.unlink()


if __name__ == "__main__":
    for one in sys.argv[4:]:
        strike(one, int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[1]))
