"""The path in a script: from a table to a verified model that answers and says why.

Run it in an empty folder; it leaves a project that `seaway serve` can serve at once.
"""

from sklearn.datasets import load_breast_cancer

import seaway as sw

table = load_breast_cancer(as_frame=True)
frame = table.frame.rename(columns={"target": "diagnosis"})
frame["diagnosis"] = frame["diagnosis"].map({0: "malignant", 1: "benign"})
frame.to_csv("tumours.csv", index=False)

data = sw.read("tumours.csv", target="diagnosis")
print(data)

run = sw.train(data, budget="6s")
print(run)

release = run.release()
print(release)

rows = frame.drop(columns="diagnosis").head(3)
print(release.predict(rows))

(reasons,) = release.explain(rows.head(1))
for reason in reasons["reasons"][:3]:
    print(reason)

for verdict in release.verify():
    print(verdict.outcome, verdict.message)

print("Next: cd tumours-seaway && seaway serve")
