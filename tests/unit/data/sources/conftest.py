"""One PostgreSQL server for all tests of the sources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def database() -> Iterator[postgres.Server]:
    """A server with a table of typed columns."""
    with postgres.server() as found:
        found.run(
            "CREATE SCHEMA books",
            """CREATE TABLE books.loans (
                amount float8, months int4, purpose text, paid boolean, day date, at timestamptz, local timestamp,
                cents numeric(12, 0), rate numeric, code char(4), ref uuid, note jsonb)""",
            """INSERT INTO books.loans VALUES
                (0.1::float8 + 0.2::float8, 12, 'car', true, '2024-01-02', '2024-01-02 03:04:05.25+02', '2024-01-02 03:04:05',
                 123456789012, 1.25, 'ab', '11111111-1111-1111-1111-111111111111', '{"a": 1}'),
                (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                (1e-300, -5, '100%', false, '1999-12-31', '1969-12-31 23:59:59Z', '1969-12-31 00:00:00', -1, 'NaN', 'x',
                 NULL, '[]')""",
            "CREATE TABLE many AS SELECT n, n * 0.5::float8 AS half FROM generate_series(1, 50000) AS n",
            "CREATE TABLE kept (n int)",
            "INSERT INTO kept VALUES (1), (2)",
            "CREATE TABLE lists (n int, tags text[])",
            "CREATE TABLE bytes (n int, blob bytea)",
            "CREATE TABLE ages (d date)",
            "INSERT INTO ages VALUES ('0044-03-15 BC')",
            "CREATE TABLE empty (n int, t text)",
            'CREATE TABLE "odd; ""name" (n int)',
            'INSERT INTO "odd; ""name" VALUES (7)',
        )
        yield found
