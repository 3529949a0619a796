"""The style sheets and the script of every page, read from the files beside this one and joined with the palette."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources

from seaway.report import palette

# Where a person's choice of theme stands: our own button, the system, JupyterLab, VS Code.
_DARK = '[data-theme="dark"] .sw,[data-theme="dark"].sw,[data-jp-theme-light="false"] .sw,.vscode-dark .sw'
_LIGHT = '[data-theme="light"] .sw,[data-theme="light"].sw,[data-jp-theme-light="true"] .sw,.vscode-light .sw'


@cache
def content_style() -> str:
    """The rules for tables, figures and text; every selector starts at `.sw`, so a notebook's own look is not touched."""
    light, dark = palette.declarations(palette.LIGHT), palette.declarations(palette.DARK)
    variables = (
        f".sw{{{light}color-scheme:light}}"
        f"@media (prefers-color-scheme:dark){{.sw{{{dark}color-scheme:dark}}}}"
        f"{_LIGHT}{{{light}color-scheme:light}}{_DARK}{{{dark}color-scheme:dark}}"
        f"@media print{{.sw.sw.sw{{{light}color-scheme:light}}}}"
    )
    return variables + _compact(_read("content.css")) + _series_rules()


@cache
def page_style() -> str:
    """The content's rules and those of a whole page around it."""
    return content_style() + _compact(_read("page.css"))


@cache
def script() -> str:
    """Sorting, theme and tooltips. A page reads fully without it."""
    return _read("page.js")


def digest(text: str) -> str:
    """The text's digest as a Content-Security-Policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return resources.files("seaway.report").joinpath(name).read_text(encoding="utf-8")


def _compact(css: str) -> str:
    without_comments = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", without_comments)).strip()


def _series_rules() -> str:
    """`fill-s1` fills, `line-s1` strokes; the same for the heat ramps (h, d), so that figures hold no colour of their own."""
    names = [f"s{place}" for place in range(1, palette.SERIES + 1)]
    names += [f"{ramp}{step}" for ramp in "hd" for step in range(palette.HEAT)]
    names += ["none", "pass", "warn", "fail", "ink", "muted"]
    return "".join(
        f".sw .fill-{name}{{fill:var(--{name})}}.sw .line-{name}{{stroke:var(--{name});fill:none}}" for name in names
    )
