"""What the documents say is so: links lead somewhere, commands exist, settings and metrics have their defaults and names."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from seaway.core.metrics import METRICS
from seaway.core.settings import Settings
from tests.arch.source import ROOT, SOURCE, tracked

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^\s*(?:\$ )?make ([a-z]+)", re.MULTILINE)
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|", re.MULTILINE)


@cache
def pages() -> dict[str, str]:
    """Return every tracked Markdown page by its path from the root."""
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in tracked() if path.suffix == ".md"}


def anchors(text: str) -> set[str]:
    """Return the anchors a page's headings make."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    dead = []
    for page, text in pages().items():
        for target in LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            path = (ROOT / page).parent / name if name else ROOT / page
            if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
                dead.append(f"{page}: {target}")
    assert not dead, "\n".join(dead)


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    unknown = [f"{page}: make {name}" for page, text in pages().items() for name in COMMAND.findall(text)]
    assert not [line for line in unknown if line.rpartition(" ")[2] not in targets]
    assert {"install", "demo", "test", "check", "bench", "soak", "docs", "help"} <= targets


def test_the_first_screen_of_the_readme_says_how_to_see_it_work() -> None:
    screen = "\n".join(pages()["README.md"].splitlines()[:40])
    for needed in ("make demo", "make test", "seaway new", "seaway train", "seaway release", "seaway serve"):
        assert needed in screen


def test_every_setting_is_documented_with_its_default() -> None:
    text = pages()["docs/settings.md"]
    sections = {part.splitlines()[0].strip("]"): part for part in text.split("## [")[1:]}
    assert set(sections) == {section.name for section in msgspec.structs.fields(Settings)}
    for section in msgspec.structs.fields(Settings):
        if not isinstance(section.type, type):  # [recipe] holds whatever its recipe asks for
            continue
        said = dict(ROW.findall(sections[section.name]))
        meant = {
            field.name: f"`{msgspec.json.encode(field.default).decode().replace(',', ', ')}`"
            for field in msgspec.structs.fields(section.type)
        }
        assert said == meant, f"docs/settings.md, [{section.name}]"


def test_every_metric_is_documented_with_what_it_reads_and_its_direction() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (higher|lower) \|", pages()["docs/metrics.md"], re.MULTILINE)
    assert sorted(rows) == sorted(
        (metric.name, metric.reads, "higher" if metric.greater_is_better else "lower") for metric in METRICS.values()
    )


@pytest.mark.parametrize("page", ["docs/glossary.md", "docs/architecture.md", "CONTRIBUTING.md"])
def test_every_file_a_page_names_is_there(page: str) -> None:
    rooms = "|".join(sorted(path.name for path in SOURCE.iterdir() if path.is_dir() and path.name[0] != "_"))
    named = set(re.findall(rf"`((?:src/seaway/)?(?:{rooms})/[\w/]*(?:\.py)?)`", pages()[page]))
    missing = [name for name in sorted(named) if not (SOURCE / name.removeprefix("src/seaway/")).exists()]
    assert named
    assert not missing, f"{page} names files that are not there: {', '.join(missing)}"


def test_the_glossary_names_every_room() -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert rooms <= set(re.findall(r"^\| `(\w+)` \|", pages()["docs/glossary.md"], re.MULTILINE))


def test_a_dead_anchor_would_be_seen() -> None:
    assert anchors("# The five papers\n\n## [train]\n") == {"the-five-papers", "train"}
    assert not (Path(ROOT) / "docs" / "nowhere.md").exists()


NAMED_TEST = re.compile(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`")


def test_every_test_that_a_page_names_exists() -> None:
    unknown = []
    for page, text in pages().items():
        for name, function in NAMED_TEST.findall(text):
            path = ROOT / name
            if not path.exists() or (function and f"def {function}(" not in path.read_text(encoding="utf-8")):
                unknown.append(f"{page}: {name}{'::' + function if function else ''}")
    assert not unknown, "\n".join(unknown)
