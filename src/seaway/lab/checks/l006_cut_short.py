"""L006: the search had the time and the rows it needed."""

from __future__ import annotations

from collections.abc import Sequence

from seaway.core.candidate import Candidate
from seaway.core.verdict import Verdict

FEWEST_TRIALS = 10


class CutShort:
    """Warns where the search saw only a part of the rows, or hardly went beyond the defaults."""

    code = "L006"

    def __call__(self, subject: Candidate) -> Sequence[Verdict]:
        """Return one verdict for each shortage, or that there was none."""
        searched, known = int(subject.figures["searched_rows"]), int(subject.figures["training_rows"])
        trials = sum(not trial["is_baseline"] for trial in subject.trials)
        found = []
        if subject.figures["limited_rows"]:
            found.append(
                Verdict(
                    code=self.code,
                    outcome="warn",
                    subject="rows",
                    message=f"The search looked at {searched} of {known} training rows; the members were fitted on all",
                    fix="Give a larger `--budget`, or `--preset best` for larger data.",
                    value=float(searched),
                    limit=float(known),
                )
            )
        if trials < FEWEST_TRIALS and subject.figures["stopped"] == "the time is up":
            found.append(
                Verdict(
                    code=self.code,
                    outcome="warn",
                    subject="trials",
                    message=f"There was time for {trials} trials only",
                    fix="Give a larger `--budget`.",
                    value=float(trials),
                    limit=float(FEWEST_TRIALS),
                )
            )
        enough = Verdict(
            code=self.code, outcome="pass", subject="search", message=f"{trials} trials on {searched} rows"
        )
        return found or [enough]
