"""Each way in which input can be bad: a clear refusal (what, where, what to do), nothing lost, nothing left behind."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seaway.registry.promote import promote
from seaway.registry.store import Registry
from tests.e2e.projects import Walked, copied
from tests.e2e.shell import Server, contents, refused, refused_in_words, run, seaway, taken_port

# -------------------------------------------------------------------------------------------------- files of data

GOOD = "amount,purpose,outcome\n" + "".join(
    f"{100 + 7 * row % 900},{('car', 'home', 'study')[row % 3]},{('good', 'bad')[row % 4 == 0]}\n" for row in range(120)
)
LINES = GOOD.splitlines()


def _with_outcome(values: list[str]) -> str:
    lines = [f"{line.rpartition(',')[0]},{value}" for line, value in zip(LINES[1:], values, strict=False)]
    return "\n".join([LINES[0], *lines]) + "\n"


BAD_FILES: dict[str, tuple[bytes, str]] = {
    # What the file holds, and what the message has to name.
    "empty file": (b"", "empty"),
    "blank lines only": (b"\n\n  \n", "empty"),
    "header only": (LINES[0].encode() + b"\n", "no rows"),
    "one class only": (_with_outcome(["good"] * 120).encode(), "good"),
    "target all null": (_with_outcome([""] * 120).encode(), "outcome"),
    "target missing": (GOOD.replace("outcome", "result").encode(), "outcome"),
    "duplicate column names": (GOOD.replace("purpose", "amount").encode(), "amount"),
    "an encoding that is none": (GOOD.encode() + bytes(range(128, 160)) * 40, "UTF-8"),
    "zero bytes": (GOOD.replace("car", "c\0r").encode(), "zero bytes"),
    "a line with too many cells": ((GOOD + "1,car,good,what\n").encode(), "Line 122"),
    "a workbook": (b"PK\x03\x04" + b"\0" * 400, "Excel"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_makes_no_project(tmp_path: Path, case: str) -> None:
    data, named = BAD_FILES[case]
    (tmp_path / "table.csv").write_bytes(data)
    before = contents(tmp_path)
    error = refused(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcome")
    assert named in error["message"] + error["where"] + error["fix"], error
    assert contents(tmp_path) == before
    assert not (tmp_path / "project").exists()


def test_a_file_that_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(GOOD)
    error = refused(tmp_path, "new", "project", "--data", "customer.csv", "--target", "outcome")
    assert "customers.csv" in error["fix"]
    assert not (tmp_path / "project").exists()


def test_a_misspelt_target_gets_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(GOOD)
    error = refused(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcom")
    assert "'outcome'" in error["fix"]
    assert error["message"] in refused_in_words(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcom")


def test_western_text_that_is_not_utf8_is_read_right(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(GOOD.replace("study", "Büro").encode("cp1252"))
    made = seaway(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcome")
    categories = {column["name"]: column.get("categories", []) for column in made["contract"]["columns"]}
    assert "Büro" in categories["purpose"]


def test_a_project_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(GOOD)
    seaway(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcome")
    before = contents(tmp_path)
    refused(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcome")
    assert contents(tmp_path) == before


def test_data_that_went_bad_after_new_leave_no_run_behind(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(GOOD)
    seaway(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcome")
    (tmp_path / "table.csv").write_text(_with_outcome(["good"] * 120))
    error = refused(tmp_path / "project", "train", "--trials", "1")
    assert "one value only, 'good'" in error["message"]
    assert seaway(tmp_path / "project", "runs") == []


# ------------------------------------------------------------------------------------------------------- commands


def test_an_unknown_option_gets_the_nearest_one(tmp_path: Path) -> None:
    done = run(tmp_path, "train", "--bugdet", "60s", as_json=False)
    assert done.returncode == 2
    assert "--budget" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_verb_gets_the_nearest_one(tmp_path: Path) -> None:
    done = run(tmp_path, "trian", as_json=False)
    assert done.returncode == 2
    assert "train" in done.stderr


def test_a_span_that_is_none_is_told_how_to_write(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(GOOD)
    seaway(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcome")
    assert "60s" in refused(tmp_path / "project", "train", "--budget", "soon")["fix"]


def test_outside_a_project_the_way_in_is_told(tmp_path: Path) -> None:
    assert "seaway new" in refused(tmp_path, "check")["fix"]
    assert "seaway new" in refused_in_words(tmp_path, "check")


def test_a_setting_that_is_none_lists_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(GOOD)
    seaway(tmp_path, "new", "project", "--data", "table.csv", "--target", "outcome")
    settings = tmp_path / "project" / "seaway.toml"
    settings.write_text(settings.read_text() + "\n[split]\nrul = 'random'\n")
    error = refused(tmp_path / "project", "check")
    assert "rul" in error["message"]
    assert "rule" in error["fix"]


# --------------------------------------------------------------------------------------------------------- server


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    return copied(tmp_path_factory, "credit")


@pytest.fixture(scope="module")
def server(project: Walked) -> Iterator[Server]:
    with Server(project.folder) as running:
        yield running


def _answers_as_before(server: Server, project: Walked) -> None:
    assert server.predict(project.rows(0, 1))["release"] == project.digests[0]


def _told(response: httpx.Response, status: int) -> dict[str, Any]:
    """Hold the form of a refusal over HTTP: what, where, what to do, and nothing of the server's inside."""
    assert response.status_code == status, response.text
    error: dict[str, Any] = response.json()["error"]
    assert error["code"]
    assert error["message"]
    assert error["path"] or error.get("cells")
    assert error["fix"]
    for inside in ("Traceback", ".py", "msgspec", "numpy", "onnx"):
        assert inside not in response.text
    return error


def _row(project: Walked, **changes: object) -> dict[str, Any]:
    return {**project.rows(0, 1)[0], **changes}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(project: Walked, server: Server, text: str) -> None:
    body = json.dumps({"rows": [_row(project, Age=12345)]}).replace("12345", text)
    response = server.post("/v1/predict", content=body.encode())
    assert response.status_code in (400, 422)
    _told(response, response.status_code)
    _answers_as_before(server, project)


@pytest.mark.parametrize("value", ["36", True, [36], {"age": 36}, 36.5])
def test_a_wrong_type_names_the_cell(project: Walked, server: Server, value: object) -> None:
    rows = [_row(project), _row(project, Age=value)]
    error = _told(server.post("/v1/predict", {"rows": rows}), 422)
    (cell,) = error["cells"]
    assert (cell["row"], cell["column"]) == (1, "Age")
    assert cell["rule"]
    assert cell["fix"]
    _answers_as_before(server, project)


def test_a_whole_number_written_with_a_point_is_one(project: Walked, server: Server) -> None:
    assert (
        server.predict([_row(project, Age=36.0)])["predictions"]
        == server.predict([_row(project, Age=36)])["predictions"]
    )


def test_every_broken_cell_is_listed(project: Walked, server: Server) -> None:
    rows = [_row(project, Age="old", Job=7.5), _row(project), _row(project, Income="much")]
    cells = _told(server.post("/v1/predict", {"rows": rows}), 422)["cells"]
    assert {(cell["row"], cell["column"]) for cell in cells} == {(0, "Age"), (0, "Job"), (2, "Income")}


def test_partial_answers_the_good_rows(project: Walked, server: Server) -> None:
    rows = [_row(project), _row(project, Age="old"), _row(project)]
    response = server.post("/v1/predict", {"rows": rows, "partial": True})
    assert response.status_code == 200, response.text
    first, second, third = response.json()["predictions"]
    assert first["label"] == third["label"]
    assert "label" not in second
    assert "Age" in json.dumps(second)


def test_an_unseen_category_is_answered_and_flagged(project: Walked, server: Server) -> None:
    (prediction,) = server.predict([_row(project, Job="astronaut")])["predictions"]
    assert set(prediction["probabilities"]) == {"good", "bad"}
    assert "Job" in json.dumps(prediction["flags"])
    assert "flags" not in server.predict([_row(project)])["predictions"][0]


def test_a_number_outside_what_was_seen_is_answered_and_flagged(project: Walked, server: Server) -> None:
    (prediction,) = server.predict([_row(project, Age=199)])["predictions"]
    assert "Age" in json.dumps(prediction["flags"])


def test_an_unknown_field_is_refused_with_the_nearest_name(project: Walked, server: Server) -> None:
    error = _told(server.post("/v1/predict", {"rows": [_row(project, Agee=36)]}), 422)
    assert "Agee" in json.dumps(error)
    assert "Age" in json.dumps([cell["fix"] for cell in error["cells"]])
    _answers_as_before(server, project)


def test_a_field_that_may_be_missing_is_answered_without_it(project: Walked, server: Server) -> None:
    row = _row(project)
    del row["Income"]
    assert server.predict([row])["predictions"] == server.predict([{**row, "Income": None}])["predictions"]


@pytest.mark.parametrize("null", [True, False])
def test_a_field_that_a_person_made_required_is_asked_for(project: Walked, server: Server, null: bool) -> None:
    row = _row(project, Amount=None)
    if not null:
        del row["Amount"]
    (cell,) = _told(server.post("/v1/predict", {"rows": [row]}), 422)["cells"]
    assert (cell["row"], cell["column"], cell["rule"]) == (0, "Amount", "null" if null else "required")
    _answers_as_before(server, project)


def test_a_limit_that_a_person_made_hard_refuses(project: Walked, server: Server) -> None:
    assert server.predict([_row(project, Time=72)])["predictions"]
    (cell,) = _told(server.post("/v1/predict", {"rows": [_row(project, Time=73)]}), 422)["cells"]
    assert (cell["column"], cell["rule"]) == ("Time", "range")
    assert "72" in cell["fix"]


def test_a_missing_rows_field_is_told(project: Walked, server: Server) -> None:
    for body in ({}, {"row": [_row(project)]}, {"rows": _row(project)}, {"rows": []}, [], 7):
        response = server.post("/v1/predict", body)
        assert response.status_code in (400, 422), body
        _told(response, response.status_code)
    _answers_as_before(server, project)


def test_a_megabyte_of_text_is_too_large(project: Walked, server: Server) -> None:
    _told(server.post("/v1/predict", {"rows": [_row(project, Job="x" * 1_000_000)]}), 413)
    _answers_as_before(server, project)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"rows":[', b"[[{}],"])
def test_json_nested_250000_deep_is_refused(project: Walked, server: Server, opening: bytes) -> None:
    response = server.post("/v1/predict", content=opening * 250_000)
    assert response.status_code in (400, 413)
    _told(response, response.status_code)
    _answers_as_before(server, project)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace('"Age"', '"Age": 20, "Age"', 1),
        lambda body: '{"rows": [], ' + body[1:],
        lambda body: body.replace('"Age"', '"A\\u0067e": 20, "Age"', 1),
    ],
    ids=["in a row", "in the request", "spelt with an escape"],
)
def test_a_key_given_twice_is_refused(project: Walked, server: Server, change: Any) -> None:
    response = server.post("/v1/predict", content=change(json.dumps({"rows": [_row(project)]})).encode())
    assert response.status_code in (400, 422), response.text
    assert "twice" in _told(response, response.status_code)["message"]
    _answers_as_before(server, project)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe{}", b'{"rows": [{}]} x', b"\x00"])
def test_bytes_that_are_no_json_are_refused(project: Walked, server: Server, body: bytes) -> None:
    _told(server.post("/v1/predict", content=body), 400)
    _answers_as_before(server, project)


def test_another_content_type_is_refused(project: Walked, server: Server) -> None:
    body = json.dumps({"rows": [_row(project)]}).encode()
    response = server.client.post("/v1/predict", content=body, headers={"content-type": "text/csv"})
    _told(response, 415)


def test_an_unknown_model_and_an_unknown_route_are_told(project: Walked, server: Server) -> None:
    error = _told(server.post("/v1/models/nobody/predict", {"rows": [_row(project)]}), 404)
    assert project.model in error["fix"]
    assert server.get("/v1/nothing").status_code == 404
    assert server.get("/v1/predict").status_code == 405


def test_a_taken_port_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    project = copied(tmp_path_factory, "credit")
    with taken_port() as holder:
        port = holder.getsockname()[1]
        done = run(project.folder, "serve", "--port", port, as_json=False)
    assert done.returncode == 2, done.stderr
    assert str(port) in done.stderr
    assert "what to do: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((project.folder / ".seaway" / "serving").glob("*.json")), "nothing says that it is serving"


def test_a_second_server_of_one_project_is_refused_and_the_first_goes_on(project: Walked, server: Server) -> None:
    done = run(project.folder, "serve", "--port", 0, as_json=False)
    assert done.returncode == 3, done.stderr
    assert "Another server is running" in done.stderr
    assert "what to do: " in done.stderr
    _answers_as_before(server, project)


# --------------------------------------------------------------------------------------------------------- bundles


@pytest.mark.parametrize(
    "name", ["manifest.json", "manifest.sig", "contract.json", "parity.ndjson", "program/graph.onnx"]
)
def test_a_bundle_changed_by_one_bit_is_refused(project: Walked, tmp_path: Path, name: str) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(project.steps["release"]["folder"], bundle)
    _flip(bundle / name)
    found = run(project.folder, "verify", bundle)
    assert found.returncode == 1, found.stdout
    document = json.loads(found.stdout)
    verdicts = document.get("verdicts") or [{"outcome": "fail", "fix": document["error"]["fix"]}]
    assert any(verdict["outcome"] == "fail" and verdict["fix"] for verdict in verdicts), document
    assert "Traceback" not in found.stderr


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_server_keeps_the_old_release_when_the_new_one_was_changed(tmp_path_factory: pytest.TempPathFactory) -> None:
    project = copied(tmp_path_factory, "credit")
    row = project.rows(0, 1)[0]
    with Server(project.folder) as server:

        def follows() -> bool:
            found = server.get("/health/ready")
            assert found.status_code == 200
            return bool(found.json()["models"][project.model]["following"])

        before = server.predict([row])
        _flip(Path(project.steps["second release"]["folder"]) / "program" / "graph.onnx")
        refused = run(project.folder, "promote", "2", "--reason", "unaware that it was changed")
        assert refused.returncode == 1
        assert "is not what was signed" in refused.stdout + refused.stderr
        # Whoever moves the registry past that door still does not reach the server.
        promote(Registry(project.folder / ".seaway"), project.model, "2", "unaware that it was changed", "test")
        _wait_until(lambda: not follows())
        answer = server.predict([row])
        assert answer["release"] == before["release"] == project.digests[0]
        assert answer["predictions"] == before["predictions"]
        assert run(project.folder, "verify", "2").returncode == 1
        seaway(project.folder, "rollback", "--reason", "the new release was changed on disk")
        _wait_until(follows)
        assert server.predict([row])["predictions"] == before["predictions"]


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it did not come true within 20 s"
        time.sleep(0.05)
