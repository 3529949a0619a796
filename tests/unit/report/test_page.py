import base64
import hashlib
import re
import subprocess
import sys

from seaway.report import elements, figures
from seaway.report.page import page, section
from seaway.report.tables import table

MADE = 1763919000.0


def whole(**more):
    sections = [
        section("Scores", table(["model", "AUC"], [["a", 0.9]]), intro="How good."),
        section("Größe & more", "A paragraph.", short="Size"),
        section("Scores", elements.figure(figures.histogram({"x": [1, 2, 3]}, title="x"))),
    ]
    return page("Run 3", "It went well.", sections, kind="Training run", project="credit", made=MADE, **more)


def test_a_page_says_what_it_is_and_where_it_comes_from(read):
    text = " ".join(read(whole(outcome="warn", outcome_words="2 findings")).text)
    for part in (
        "Run 3 – Training run",
        "It went well.",
        "2 findings",
        "How good.",
        "Project credit",
        "Made 2025-11-23 17:30 UTC",
        "Seaway",
    ):
        assert part in text, part


def test_every_section_has_its_own_place_in_the_contents(read):
    reader = read(whole())
    targets = [one["href"] for one in reader.named("a") if one.get("class") != "skip"]
    anchors = [one["id"] for one in reader.named("section")]
    assert anchors == ["scores", "grosse-more" if "grosse-more" in anchors else "groe-more", "scores-2"]
    assert {f"#{anchor}" for anchor in anchors} == set(targets)
    assert "Size" in reader.text


def test_a_short_page_has_no_contents(read):
    assert read(page("x", "", [section("One")], made=MADE)).named("nav") == []


def test_a_section_named_like_the_main_part_does_not_take_its_place(read):
    reader = read(page("x", "", [section("main"), section("日本"), section("日本")], made=MADE))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) == 4


def test_nothing_but_our_own_style_and_script_may_run(read):
    document = whole()
    policy = next(
        one["content"] for one in read(document).named("meta") if one.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for name in ("style", "script"):
        (content,) = re.findall(rf"<{name}>(.*?)</{name}>", document, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_no_request_leaves_the_page(read):
    for name, attributes in read(whole()).elements:
        for key in ("src", "href", "srcset", "action", "data", "poster", "style"):
            assert key not in attributes or (name, key) == ("a", "href"), (name, key)
        assert not any(key.startswith("on") for key in attributes)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", whole())


def test_equal_input_gives_equal_bytes_in_any_process():
    source = (
        "import hashlib, sys\n"
        "from seaway.report import figures, elements\n"
        "from seaway.report.page import page, section\n"
        "names = {'b', 'a', 'c'} | {f'n{i}' for i in range(20)}\n"
        "bars = figures.bars({'x': {name: 1.0 for name in sorted(names)}})\n"
        "lines = figures.lines([figures.Line(name='l', x=[1, 2], y=[3, 4])])\n"
        "print(hashlib.sha256(page('t', 'l', [section('s', bars, lines)], made=0.0).encode()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", source],
            env={"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, locale, zone in (("1", "C.UTF-8", "UTC"), ("2", "C", "Asia/Tokyo"))
    }
    assert len(digests) == 1


def test_the_page_is_a_document_a_browser_reads_without_guessing(read):
    document = whole()
    assert document.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert read(document).named("meta")[0] == {"charset": "utf-8"}
    assert [len(read(document).named(name)) for name in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
    document.encode("utf-8")
