"""The path as people walk it: new, check, train, release, verify, serve, predict, explain, label, score, monitor."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import polars
import pytest

from tests.e2e.projects import Walked, copied
from tests.e2e.shell import Server, contents, run, seaway

ROWS = slice(0, 40)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    return copied(tmp_path_factory, "credit")


@pytest.fixture(scope="module")
def server(project: Walked) -> Iterator[Server]:
    with Server(project.folder) as running:
        yield running


# ------------------------------------------------------------------------------------------------------------ lab


def test_new_infers_a_contract_that_people_can_read(project: Walked) -> None:
    made = project.steps["new"]
    roles = {column["name"]: column.get("role", "feature") for column in made["contract"]["columns"]}
    kinds = {column["name"]: column["kind"] for column in made["contract"]["columns"]}
    assert made["rows"] == 1000
    assert roles["Status"] == "target"
    assert roles["case"] == "id"
    assert kinds["Job"] == "category"
    assert kinds["Income"] in ("number", "integer")
    assert made["contract"]["truth"]["categories"] == ["good", "bad"], "the rarer answer is the positive class"
    assert "[columns.Job]" in (project.folder / "contract.toml").read_text()
    assert ".seaway/" in (project.folder / ".gitignore").read_text()


def test_what_people_edit_in_the_contract_holds_and_stays_as_written(project: Walked, server: Server) -> None:
    text = (project.folder / "contract.toml").read_text()
    assert "# every loan has one" in text
    assert "hard = true # longer loans are not ours to give" in text
    columns = {column["name"]: column for column in server.get("/v1/contract").json()["contract"]["columns"]}
    assert columns["Amount"]["absent"] == columns["Amount"]["null"] == "error"
    assert (columns["Time"]["unit"], columns["Time"]["range"], columns["Time"]["hard"]) == ("months", [6, 72], True)


def test_check_finds_nothing_fatal_and_writes_a_page(project: Walked) -> None:
    found = project.steps["check"]
    assert (found["rows"], found["broken"]) == (1000, 0)
    assert found["verdicts"]
    assert found["outcome"] != "fail", [one for one in found["verdicts"] if one["outcome"] == "fail"]
    page = Path(found["report"]).read_text()
    assert "<svg" in page
    assert 'src="http' not in page, "the page is self-contained"


def test_train_beats_the_baseline_and_says_so_with_an_interval(project: Walked) -> None:
    run_document = project.steps["train"]
    score = run_document["scores"]["test.roc_auc"]
    assert 0.70 < score["low"] + 0.05 < score["value"] + 0.05 < 1.0
    assert score["low"] <= score["value"] <= score["high"]
    assert score["n"] == 200
    assert len(run_document["trials"]) >= 3
    assert "<svg" in Path(run_document["report"]).read_text()


def test_the_runs_are_listed_with_their_scores(project: Walked) -> None:
    listed = seaway(project.folder, "runs")
    assert {one["run"] for one in listed} == {project.steps["train"]["run"], project.steps["second train"]["run"]}
    assert all(one["state"] == "finished" and one["scores"] for one in listed)


def test_release_makes_the_first_champion_and_the_second_challenger(project: Walked) -> None:
    first, second = project.steps["release"], project.steps["second release"]
    assert (first["version"], first["champion"]) == (1, True)
    assert (second["version"], second["champion"]) == (2, False)
    assert first["digest"] != second["digest"]
    assert all(verdict["outcome"] in ("pass", "not-applicable") for verdict in first["verdicts"]), first["verdicts"]


def test_the_state_is_for_its_owner_alone(project: Walked) -> None:
    assert stat.S_IMODE((project.folder / ".seaway").stat().st_mode) == 0o700
    secret = [path for path in (project.folder / ".seaway" / "keys").rglob("*") if path.suffix != ".pub"]
    assert secret
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in secret)


def test_verify_holds_signature_digests_program_and_parity(project: Walked) -> None:
    for reference in ("1", project.digests[0][:10], project.steps["release"]["folder"]):
        found = seaway(project.folder, "verify", reference)["verdicts"]
        assert len(found) >= 4
        assert all(verdict["outcome"] == "pass" for verdict in found), found


def test_the_card_tells_what_the_model_is_for(project: Walked) -> None:
    text = seaway(project.folder, "card")["card"]
    assert "roc_auc" in text
    assert project.model in text


# ---------------------------------------------------------------------------------------------------------- serve


def test_predictions_name_the_release_and_sum_to_one(project: Walked, server: Server) -> None:
    answer = server.predict(project.rows(0, 40))
    assert answer["model"] == project.model
    assert answer["release"] == project.digests[0]
    assert answer["request_id"]
    assert len(answer["predictions"]) == 40
    for prediction in answer["predictions"]:
        shares = prediction["probabilities"]
        assert set(shares) == {"good", "bad"}
        assert sum(shares.values()) == pytest.approx(1, abs=1e-9)
        assert prediction["label"] == max(shares, key=lambda name: shares[name])


def test_the_named_route_gives_the_same_answers(project: Walked, server: Server) -> None:
    rows = project.rows(0, 5)
    named = server.post(f"/v1/models/{project.model}/predict", {"rows": rows}).json()
    assert named["predictions"] == server.predict(rows)["predictions"]


def test_a_batch_answers_as_its_rows_do_one_by_one(project: Walked, server: Server) -> None:
    """To the twelfth digit: the engine may add up a forest's leaves in another order for many rows than for one."""
    rows = project.rows(40, 30)
    for ours, row in zip(server.predict(rows)["predictions"], rows, strict=True):
        (alone,) = server.predict([row])["predictions"]
        assert ours["label"] == alone["label"]
        assert ours["probabilities"] == pytest.approx(alone["probabilities"], rel=1e-12)


def test_a_repeated_request_gets_the_first_answer(project: Walked, server: Server) -> None:
    row, other = project.rows(0, 2)
    first = server.post("/v1/predict", {"rows": [row], "request_id": "order-17"})
    again = server.post("/v1/predict", {"rows": [other], "request_id": "order-17"})
    assert again.status_code == first.status_code == 200
    assert again.json() == first.json()


def test_v2_speaks_the_open_inference_protocol(project: Walked, server: Server) -> None:
    rows = project.rows(0, 7)
    metadata = server.get(f"/v2/models/{project.model}").json()
    assert metadata["name"] == project.model
    inputs = [
        {
            "name": column["name"],
            "datatype": column["datatype"],
            "shape": [len(rows), 1],
            "data": [row.get(column["name"]) for row in rows],
        }
        for column in metadata["inputs"]
    ]
    response = server.post(f"/v2/models/{project.model}/infer", {"inputs": inputs})
    assert response.status_code == 200, response.text
    outputs = {output["name"]: output for output in response.json()["outputs"]}
    shares = [list(one["probabilities"].values()) for one in server.predict(rows)["predictions"]]
    assert outputs["probabilities"]["shape"] == [7, 2]
    assert outputs["probabilities"]["data"] == [share for row in shares for share in row], (
        "same rows at once: same bits"
    )
    assert server.get("/v2/health/ready").status_code == 200


def test_the_openapi_example_works_as_pasted(server: Server) -> None:
    document = server.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    body = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]
    example = body.get("example") or next(iter(body["examples"].values()))["value"]
    response = server.post("/v1/predict", example)
    assert response.status_code == 200, response.text
    assert len(response.json()["predictions"]) == len(example["rows"])
    assert not any(prediction.get("flags") for prediction in response.json()["predictions"])


def test_the_contract_and_the_models_are_told(project: Walked, server: Server) -> None:
    columns = {column["name"] for column in server.get("/v1/contract").json()["contract"]["columns"]}
    assert {"Job", "Income", "case"} <= columns
    assert project.model in server.get("/v1/models").text
    assert server.get("/health/live").status_code == server.get("/health/ready").status_code == 200
    assert "seaway" in server.get("/metrics").text


def test_explanations_add_up_to_the_margin(project: Walked, server: Server) -> None:
    rows = project.rows(0, 20)
    response = server.post("/v1/explain", {"rows": rows})
    assert response.status_code == 200, response.text
    for one in response.json()["explanations"]:
        assert one["base"] + sum(one["attributions"].values()) == pytest.approx(one["margin"], rel=1e-6, abs=1e-6)
        assert one["reasons"]
    told = seaway(project.folder, "explain", project.source, "--rows", 20)
    assert told["importance"]
    for ours, theirs in zip(told["explanations"], response.json()["explanations"], strict=True):
        assert ours["margin"] == pytest.approx(theirs["margin"], rel=1e-9, abs=1e-9)


# ---------------------------------------------------------------------------------------------------------- score


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_score_writes_one_row_of_answers_per_row_of_the_file(
    project: Walked, server: Server, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"answers{suffix}"
    done = seaway(project.folder, "score", project.source, "-o", target)
    assert (done["rows"], done["refused"], done["cells"]) == (1000, 0, [])
    assert done["release"] == project.digests[0]
    table = polars.read_csv(target) if suffix == ".csv" else polars.read_parquet(target)
    assert table["case"].to_list() == project.table()["case"].to_list()
    answers = server.predict(project.rows(0, 40))["predictions"]
    assert table["label"].to_list()[ROWS] == [answer["label"] for answer in answers]
    served = [answer["probabilities"]["bad"] for answer in answers]
    assert table["probabilities.bad"].to_list()[ROWS] == pytest.approx(served, rel=1e-12)


def test_score_keeps_a_refused_row_in_its_place_with_the_reason(project: Walked, tmp_path: Path) -> None:
    source = tmp_path / "later.csv"
    table = project.table().drop(project.target).head(30).with_columns(polars.all().cast(polars.String))
    ages = ["not a number" if row == 11 else age for row, age in enumerate(table["Age"])]
    jobs = ["astronaut" if row == 4 else job for row, job in enumerate(table["Job"])]
    table.with_columns(polars.Series("Age", ages), polars.Series("Job", jobs)).write_csv(source)
    done = seaway(project.folder, "score", source, "-o", tmp_path / "out.csv")
    assert (done["rows"], done["refused"]) == (29, 1)
    (cell,) = done["cells"]
    assert (cell["row"], cell["column"]) == (11, "Age")
    with (tmp_path / "out.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["case"] for row in written] == table["case"].to_list()
    assert [number for number, row in enumerate(written) if row["error"]] == [11]
    assert written[11]["label"] == ""
    assert "Age" in written[11]["error"]
    assert written[4]["flags"] == "Job:unseen"
    assert all(row["label"] for number, row in enumerate(written) if number != 11)


# -------------------------------------------------------------------------------------------------- label, monitor


def test_labels_arrive_over_http_and_from_a_file_and_are_monitored(project: Walked, server: Server) -> None:
    truth = project.table()[project.target].to_list()
    by_request = [(server.predict([row])["request_id"], row) for row in project.rows(300, 60)]
    labels = [
        {"request_id": request, "row": 0, "value": truth[300 + number], "time": "2026-11-01T10:00:00Z"}
        for number, (request, _) in enumerate(by_request[:30])
    ]
    response = server.post("/v1/labels", {"labels": labels})
    assert response.status_code == 200, response.text
    by_id = [{"id": row["case"], "value": truth[330 + n]} for n, (_, row) in enumerate(by_request[30:])]
    response = server.post("/v1/labels", {"labels": by_id})
    assert response.status_code == 200, response.text

    for row in project.rows(400, 100):
        server.predict([row])
    late = project.folder / "late.csv"
    project.table().slice(400, 100).select("case", project.target).write_csv(late)
    assert seaway(project.folder, "label", late) == {"taken": 100, "refused": 0, "cells": []}

    found = seaway(project.folder, "monitor", exits=(0, 1))
    assert found["verdicts"]
    assert all(verdict["code"].startswith("M") for verdict in found["verdicts"]), found["verdicts"]
    page = Path(found["report"]).read_text()
    assert "160" in page or any("160" in json.dumps(verdict) for verdict in found["verdicts"]), "labelled cases"


def test_a_label_that_is_no_answer_is_refused_by_name(project: Walked, server: Server) -> None:
    request = server.predict(project.rows(0, 1))["request_id"]
    wrong = {"labels": [{"request_id": request, "row": 0, "value": "excellent"}]}
    response = server.post("/v1/labels", wrong)
    assert response.status_code == 422, response.text
    assert "excellent" in response.text
    late = project.folder / "wrong.csv"
    late.write_text(f"request_id,row,value\n{request},0,excellent\n")
    done = seaway(project.folder, "label", late, exits=(1,))
    assert (done["taken"], done["refused"]) == (0, 1)
    assert done["cells"][0]["fix"]


# ------------------------------------------------------------------------------------------------------- for people


def test_verbs_that_look_speak_to_people_and_change_nothing(project: Walked) -> None:
    before = contents(project.folder)
    for arguments in (["models"], ["history"], ["runs"], ["card"], ["explain", str(project.source)]):
        done = run(project.folder, *arguments, as_json=False)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout) > 40
        assert not done.stdout.startswith("{")
    after = contents(project.folder)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert not {name for name in changed if not name.startswith(".seaway/serving/")}


def test_a_run_can_be_rebuilt_to_the_bit(project: Walked) -> None:
    run_document = project.steps["train"]
    again = seaway(project.folder, "train", "--replay", run_document["run"])
    assert again["digest"] == run_document["digest"]
