"""M008: answers take too long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seaway.core.verdict import Verdict
from seaway.monitor.checks import shares
from seaway.monitor.look import Look, LookCheck


def find(look: Look) -> Sequence[Verdict]:
    """Hold the 99th percentile to `monitor.latency_ms`: at most 1 % of the requests may take longer."""
    took, limit = look.window.took_ms, look.settings.latency_ms
    p50, p99 = (float(value) for value in np.percentile(took, [50, 99])) if len(took) else (0.0, 0.0)
    return [
        shares.verdict(
            "M008",
            look,
            bad=int((took > limit).sum()),
            count=len(took),
            limit=0.01,
            what=f"took longer than {limit:g} ms (99th percentile {p99:.3g} ms)",
            fix="Add workers (`serve.workers`), send fewer rows per request, or see what else the machine does.",
            evidence={"p50_ms": p50, "p99_ms": p99, "limit_ms": limit},
        )
    ]


CHECK = LookCheck(code="M008", stage="open", find=find)
