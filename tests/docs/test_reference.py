"""docs/reference/ is what the code says now, and every verb and flag that a page shows exists."""

from __future__ import annotations

import re
import runpy
from functools import cache

import pytest

from tests.arch.source import ROOT
from tests.docs.test_pages import pages

VERB = re.compile(r"(?:^|`|&& )seaway ([a-z][a-z ]*?)(?=$|[^a-z ]| {2,})((?:[^`\n#]|`(?=\w))*)", re.MULTILINE)


@cache
def written() -> dict[str, str]:
    """Return the pages as docs/reference.py would write them."""
    return dict(runpy.run_path(str(ROOT / "docs" / "reference.py"))["pages"]())


@pytest.mark.parametrize("name", ["errors.md", "checks.md", "cli.md"])
def test_the_reference_is_up_to_date(name: str) -> None:
    path = ROOT / "docs" / "reference" / name
    assert path.read_text(encoding="utf-8") == written()[name], "run `make docs` and commit"


@pytest.mark.parametrize("name", ["errors.md", "checks.md", "cli.md"])
def test_every_entry_of_the_reference_says_something(name: str) -> None:
    """An option without help or a check without a docstring would be an empty cell."""
    silent = [line for line in written()[name].splitlines() if re.match(r"^\| `.*\|\s*\|", line)]
    assert not silent, "\n".join(silent)


def test_every_verb_and_flag_that_a_page_shows_exists() -> None:
    known = {
        section.splitlines()[0].strip("`").removeprefix("seaway ").split(" [")[0]: section
        for section in written()["cli.md"].split("\n## ")[1:]
    }
    verbs = {re.split(r" [A-Z]", name)[0]: set(re.findall(r"--[a-z-]+", text)) for name, text in known.items()}
    wrong = []
    for page, text in pages().items():
        for verb, rest in VERB.findall(text):
            name = next(
                (known for known in sorted(verbs, key=len, reverse=True) if f"{verb} ".startswith(f"{known} ")), ""
            )
            flags = set(re.findall(r"--[a-z][a-z-]*", rest)) - {"--help", "--version"}
            if not name or not flags <= verbs[name]:
                wrong.append(f"{page}: seaway {verb}{rest}")
    assert not wrong, "\n".join(wrong)
