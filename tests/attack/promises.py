"""Checks of schemathesis as this server's document means them; its configuration names this file as hooks."""

from __future__ import annotations

import schemathesis
from schemathesis.specs.openapi import checks


@schemathesis.check
def broken_data_is_refused(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> bool | None:
    """Hold what breaks the schema to a refusal, but not with "partial": true, which asks to answer the rest."""
    if isinstance(case.body, dict) and case.body.get("partial") is True:
        return None
    return checks.negative_data_rejection(ctx, response, case)
