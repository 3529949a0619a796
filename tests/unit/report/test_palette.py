from itertools import combinations

import pytest

from seaway.report import look, palette

THEMES = pytest.mark.parametrize("theme", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
TONES = ["pass", "warn", "fail", "not-applicable"]

# Machado, Oliveira and Fernandes 2009, severity 1.0: what people without red or green cones see, on linear RGB.
DEFICIENCIES = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}


def linear(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def lab(rgb):
    """CIELAB of linear RGB under D65."""
    red, green, blue = (min(1.0, max(0.0, c)) for c in rgb)
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def seen(colour, deficiency):
    rgb = linear(colour)
    if deficiency == "none":
        return lab(rgb)
    return lab(
        [sum(weight * channel for weight, channel in zip(row, rgb, strict=True)) for row in DEFICIENCIES[deficiency]]
    )


@THEMES
def test_text_is_readable(theme):
    for surface in ("paper", "panel"):
        for text in ("ink", "muted", "accent"):
            assert palette.contrast(theme[text], theme[surface]) >= 4.5, (text, surface)
    for tone in TONES:
        assert palette.contrast(theme[tone], theme[f"{tone}-soft"]) >= 4.5, tone
        assert palette.contrast(theme[tone], theme["paper"]) >= 4.5, tone
        assert palette.contrast(theme["ink"], theme[f"{tone}-soft"]) >= 4.5, tone
    assert palette.contrast(theme["accent"], theme["accent-soft"]) >= 4.5


@THEMES
def test_numbers_in_shaded_cells_are_readable(theme):
    for step in range(palette.HEAT):
        on_heat = theme["strong" if step >= palette.STRONG_HEAT else "ink"]
        on_diverging = theme["strong" if step in palette.STRONG_DIVERGING else "ink"]
        assert palette.contrast(on_heat, theme[f"h{step}"]) >= 4.5, step
        assert palette.contrast(on_diverging, theme[f"d{step}"]) >= 4.5, step


@THEMES
def test_series_stand_out_from_the_paper(theme):
    for place in range(1, palette.SERIES + 1):
        assert palette.contrast(theme[f"s{place}"], theme["paper"]) >= (3.0 if place <= 5 else 2.5), place


@THEMES
@pytest.mark.parametrize("deficiency", ["none", *DEFICIENCIES])
def test_the_first_series_are_told_apart_by_everyone(theme, deficiency):
    for first, second in combinations(range(1, 5), 2):
        one, other = seen(theme[f"s{first}"], deficiency), seen(theme[f"s{second}"], deficiency)
        distance = sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
        assert distance >= 12, (first, second, distance)


@THEMES
def test_the_sequential_ramp_runs_one_way(theme):
    ratios = [palette.contrast(theme[f"h{step}"], theme["paper"]) for step in range(palette.HEAT)]
    assert ratios == sorted(ratios)


def test_contrast_of_black_on_white():
    assert palette.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert palette.contrast("#777777", "#777777") == pytest.approx(1.0)


def test_every_colour_named_in_the_style_sheets_exists():
    names = {part.split(")")[0] for part in look.page_style().split("var(--")[1:]}
    assert names <= set(palette.LIGHT)
    assert set(palette.LIGHT) == set(palette.DARK)
