"""The real tables the path is measured on: what is predicted, what must be left out and why, and what others have reached.

Identifiers and leaks are those that the data's own notes (shared/data/README.md) name; `seaway check` has to find them by itself.
Published figures marked [q] are quoted from the publication, [s] read in the named source; none was measured here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Set:
    """One table. `figures` are the measures to report, the published one first; `time` splits by time, `test` is a given split."""

    file: str
    target: str
    figures: tuple[str, ...]
    published: str
    ids: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    time: str = ""
    test: str = ""
    positive: str = ""
    notes: str = field(default="")

    def options(self, folder: Path) -> list[str]:
        """Return the options of `seaway new`: the target, and what the notes say must be left out."""
        named = [*(("--id", name) for name in self.ids), *(("--ignore", name) for name in self.leaks)]
        if self.time:
            named.append(("--time", self.time))
        if self.test:
            named.append(("--test", str(folder / self.test)))
        return [part for option in named for part in option]


SETS: Mapping[str, Set] = {
    "german_credit": Set(
        file="tabular/german_credit.csv",
        target="credit_risk",
        positive="bad",
        figures=("f1_weighted", "roc_auc"),
        published="weighted F1, 10 folds: TPOT 0.727, FEDOT 0.753, AutoGluon 0.759, H2O 0.766 [s: FEDOT docs]; AUC 0.79-0.80 [q: AMLB 2023]",
    ),
    "telco_churn": Set(
        file="tabular/telco_churn.csv",
        target="Churn",
        positive="Yes",
        figures=("roc_auc", "accuracy"),
        ids=("customerID",),
        published="none agreed; AUC 0.84-0.85 is usual [q]",
    ),
    "adult": Set(
        file="tabular/adult_train.csv.gz",
        test="tabular/adult_test.csv",
        target="income",
        positive=">50K",
        figures=("accuracy", "f1_weighted", "roc_auc"),
        published="accuracy, official split: C4.5 0.8446, NBTree 0.8590, FSS naive Bayes 0.8595 [q: adult.names]; weighted F1, 10 folds, 0.874-0.875 for four AutoML tools [s: FEDOT docs]",
    ),
    "heart_disease_cleveland": Set(
        file="tabular/heart_disease_cleveland.csv",
        target="diameter_narrowing",
        positive="1",
        figures=("accuracy", "roc_auc"),
        published="accuracy 0.77 (Detrano 1989) [q]; 0.83-0.85 for logistic regression in cross-validation [q]",
    ),
    "bike_sharing_hour": Set(
        file="tabular/bike_sharing_hour.csv",
        target="cnt",
        figures=("rmse", "rmsle", "r2"),
        ids=("instant",),
        leaks=("casual", "registered"),
        time="dteday",
        published="none for this cut (test on the newest rows)",
    ),
    "hr_job_change": Set(
        file="tabular/hr_job_change.csv",
        target="target",
        positive="1",
        figures=("roc_auc", "accuracy"),
        ids=("enrollee_id",),
        published="none",
    ),
    "ai4i2020": Set(
        file="manufacturing/ai4i2020.csv",
        target="Machine failure",
        positive="1",
        figures=("average_precision", "f1", "roc_auc"),
        ids=("UDI", "Product ID"),
        leaks=("TWF", "HDF", "PWF", "OSF", "RNF"),
        published="none as one table",
    ),
    "steel_plates_faults": Set(
        file="manufacturing/steel_plates_faults.csv",
        target="Fault",
        figures=("accuracy", "log_loss"),
        published="accuracy 0.77-0.81 for forests and boosting [q]",
    ),
}


def data_folder() -> Path | None:
    """Return the folder of real data: `SEAWAY_SHARED_DATA`, else `shared/data` beside the checkout or above it."""
    named = os.environ.get("SEAWAY_SHARED_DATA")
    if named:
        return Path(named)
    return next((up / "shared" / "data" for up in ROOT.parents if (up / "shared" / "data").is_dir()), None)
