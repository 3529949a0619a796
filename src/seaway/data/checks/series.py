"""D015-D020: the times of series, one finding of `data.series.findings` each."""

from __future__ import annotations

from seaway.core.verdict import Verdict
from seaway.data.checks.subject import CheckFunction, Subject, not_applicable
from seaway.data.series import findings
from seaway.data.series.findings import Finding


def check_of(code: str, finding: Finding) -> CheckFunction:
    """Return the check that tells one finding."""

    def check(subject: Subject) -> list[Verdict]:
        if subject.survey is None:
            return not_applicable(code, "The rows are no series")
        return [finding(subject.survey, code)]

    return check


CHECKS: dict[str, tuple[str, Finding]] = {
    "D015": ("rows off the frequency", findings.frequency),
    "D016": ("gaps in series", findings.gaps),
    "D017": ("two rows of one series and time", findings.duplicates),
    "D018": ("time zone", findings.zone),
    "D019": ("daylight saving", findings.daylight),
    "D020": ("short series", findings.shape),
}
