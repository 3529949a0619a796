"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Folder = Annotated[Path, typer.Option("--project", "-C", help="A folder inside the project.", show_default=False)]
HERE = Path()
SOURCE = "CSV, Parquet, Arrow, FILE.xlsx#Sheet, JSON lines, or sqlite:///, duckdb:///, postgresql:// with #TABLE or #SELECT ..."
