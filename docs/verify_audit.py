"""Checks the audit chain of a Seaway project without Seaway: one file, Python 3.10 or newer.

    python verify_audit.py registry.db --checkpoint checkpoint.json --key signing.pub
    python verify_audit.py audit.jsonl --checkpoint kept-elsewhere.json --key signing.pub --at-most-later 0

The first argument is the project's `.seaway/registry.db`, or what `seaway audit export` wrote. Checkpoints come from
`seaway audit checkpoint` and are worth most when they were kept where nobody who can write to the project can reach; the
project's own lies in `.seaway/audit/`. Signatures need the package `cryptography`, the rest nothing but Python.

What is checked: line n follows line n-1 by its hash, the hash of each is SHA-256 over the canonical JSON of its other fields
(UTF-8, keys sorted, no spaces), the numbers are 1, 2, 3 ..., and the chain holds each checkpoint's head at its size.
Ends with 0: all holds; 1: something was changed; 2: wrong usage or a file that cannot be read.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTEXT = b"seaway audit checkpoint v1"
START = "0" * 64
FIELDS: dict[str, Any] = {
    "number": int,
    "at": str,
    "model": (str, type(None)),
    "kind": str,
    "subject": str,
    "sequence": (int, type(None)),
    "content": str,
    "principal": str,
    "reason": str,
    "evidence": str,
    "previous": str,
    "hash": str,
}


class Broken(Exception):
    """The chain or a checkpoint does not hold."""


def main() -> int:
    """Check what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("audit", type=Path, help="registry.db, or the lines of `seaway audit export`")
    parser.add_argument(
        "--checkpoint", type=Path, action="append", default=[], help="a signed checkpoint; may be repeated"
    )
    parser.add_argument("--key", type=Path, action="append", default=[], help="a public key in PEM that you trust")
    parser.add_argument("--at-most-later", type=int, help="lines there may be behind the newest checkpoint")
    given = parser.parse_args()
    try:
        heads = follow(lines(given.audit))
        say(f"ok: {len(heads)} lines follow one another, each as it was written")
        sizes = [hold(read(path), heads, given.key, str(path)) for path in given.checkpoint]
        later = len(heads) - max(sizes, default=0)
        if given.at_most_later is not None and later > given.at_most_later:
            raise Broken(f"{later} lines are behind the newest checkpoint")
        if not sizes:
            say("no checkpoint was given: whether lines are missing at the end, or all were replaced, cannot be told")
    except Broken as error:
        say(f"BROKEN: {error}")
        return 1
    except (OSError, ValueError, sqlite3.Error, ImportError) as error:
        sys.stderr.write(f"cannot check: {error}\n")
        return 2
    return 0


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a registry or an export, each held to its fields and their types."""
    with path.open("rb") as file:
        is_database = file.read(16) == b"SQLite format 3\0"
    for line in from_database(path) if is_database else from_export(path):
        if set(line) != set(FIELDS):
            raise Broken(f"a line has the fields {sorted(line)}")
        for name, kind in FIELDS.items():
            if not isinstance(line[name], kind) or isinstance(line[name], bool):
                raise Broken(f"{name} of line {line['number']} has another type than it was written with")
        yield line


def from_database(path: Path) -> Iterator[dict[str, Any]]:
    """Read the table, changing nothing."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        kinds = {name: kind for kind, name in connection.execute("SELECT type, name FROM sqlite_master")}
        if kinds.get("audit") != "table":
            raise Broken("the database holds no audit chain")
        cursor = connection.execute("SELECT * FROM audit ORDER BY number")
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))
    except sqlite3.DatabaseError as error:
        raise Broken(f"the database is damaged: {error}") from None
    finally:
        connection.close()


def from_export(path: Path) -> Iterator[dict[str, Any]]:
    """Read one JSON object a line."""
    for number, text in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise Broken(f"line {number} of the file is no JSON: {error}") from None
        if not isinstance(line, dict) or canonical(line) != text:
            raise Broken(f"line {number} of the file is not as it was written")
        yield line


def follow(found: Iterator[dict[str, Any]]) -> list[str]:
    """Return the hash of every line, in order; raises `Broken` at the first that does not hold."""
    heads: list[str] = []
    for line in found:
        number = len(heads) + 1
        if line["number"] != number:
            raise Broken(f"line {number} is missing: number {line['number']} stands in its place")
        if line["previous"] != (heads[-1] if heads else START):
            raise Broken(f"line {number} does not follow the line before it")
        rest = {name: value for name, value in line.items() if name != "hash"}
        if hashlib.sha256(canonical(rest)).hexdigest() != line["hash"]:
            raise Broken(f"line {number} is not what was written")
        heads.append(line["hash"])
    if not heads:
        raise Broken("there is no line: a registry has one from its first moment")
    return heads


def hold(signed: dict[str, Any], heads: list[str], keys: list[Path], name: str) -> int:
    """Hold the chain to a checkpoint and return the checkpoint's size; raises `Broken`."""
    try:
        seen, signature = signed["checkpoint"], signed["signature"]
        size, head, at = int(seen["size"]), str(seen["head"]), str(seen["at"])
        made, who = base64.b64decode(signature["signature"], validate=True), str(signature["key"])
        known = (seen["format"], signature["format"]) == (1, 1)
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"{name} is no checkpoint: {error!r}") from None
    if not known:
        raise ValueError(f"{name} has a format that this script does not know")
    by = require_signature(canonical(seen), made, keys, name) if keys else ""
    if not 1 <= size <= len(heads):
        raise Broken(f"{name} saw {size} lines, {len(heads)} are here: the chain was cut off or replaced")
    if heads[size - 1] != head:
        raise Broken(f"line {size} is not the one that {name} saw on {at}: the chain was replaced")
    trust = f"signed by {by}" if by else f"said to be signed by {who}, NOT checked: no --key was given"
    say(f"ok: the chain holds all {size} lines that {name} saw on {at} ({trust})")
    return size


def require_signature(data: bytes, signature: bytes, keys: list[Path], name: str) -> str:
    """Return the file of the key that signed; raises `Broken` where none of them did."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    for path in keys:
        key = load_pem_public_key(path.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"{path} holds no Ed25519 public key")
        try:
            key.verify(signature, CONTEXT + b"\0" + data)
        except InvalidSignature:
            continue
        return str(path)
    raise Broken(f"none of the keys given signed {name}")


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint; a file that was edited into something else is one that does not hold."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise Broken(f"{path} is no checkpoint: {error}") from None
    return found if isinstance(found, dict) else {}


def canonical(value: dict[str, Any]) -> bytes:
    """Return the one byte form of a value that holds texts, whole numbers and null."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def say(text: str) -> None:
    """Tell a finding."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
