import re

from seaway.report import look


def test_nothing_of_the_style_reaches_beyond_the_report():
    flat = re.sub(r"@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\}", r"\1", look.content_style())
    selectors = [one.strip() for head in re.findall(r"([^{}]+)\{", flat) for one in re.split(r",(?![^(]*\))", head)]
    assert len(selectors) > 100
    assert [one for one in selectors if ".sw" not in one] == []


def test_nothing_is_asked_of_the_network():
    for source in (look.page_style(), look.script()):
        assert not re.search(
            r"@import|url\(|https?:|//cdn|fetch\(|XMLHttpRequest|import\(|WebSocket|sendBeacon", source
        )


def test_the_script_makes_no_markup_of_text():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", look.script())


def test_a_digest_is_the_one_a_browser_computes():
    assert look.digest("") == "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
