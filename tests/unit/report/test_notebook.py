from seaway.report import notebook
from seaway.report.markup import tag


def test_a_fragment_brings_its_style_and_no_script(read):
    markup = notebook.html(tag("p", "hello"), "<b>")
    reader = read(markup)
    assert reader.elements[0] == ("div", {"class": "sw sw-notebook"})
    assert reader.named("script") == []
    assert "<p>hello</p>&lt;b&gt;" in markup


def test_a_summary_holds_facts_and_a_table(read):
    text = read(notebook.summary("Run <3>", {"Rows": 1000}, ["model", "AUC"], [["a", 0.9]])).text
    for part in ("Run <3>", "Rows", "1000", "model", "AUC", "a", "0.900"):
        assert part in text, part


def test_the_plain_twin_lines_up():
    shown = notebook.plain(
        "Run 3", {"Rows": 1000, "Target": "y"}, ["model", "AUC"], [["ensemble", 0.9123], ["日本", None], ["l", 0.5]]
    )
    assert shown.splitlines() == [
        "Run 3",
        "  Rows    1000",
        "  Target  y",
        "",
        "  model       AUC",
        "  ────────  ─────",
        "  ensemble  0.912",
        "  日本          –",
        "  l         0.500",
    ]


def test_a_cell_stays_on_its_line():
    (_, _, line) = notebook.plain_table(["x"], [["a\nb\x1b[31m" + "c" * 100]])
    assert "\n" not in line
    assert len(line) <= 44


def test_no_rows_and_no_facts():
    assert notebook.plain("Empty", {}) == "Empty"
    assert notebook.plain_table(["a", "b"], []) == ["  a  b", "  ─  ─"]
