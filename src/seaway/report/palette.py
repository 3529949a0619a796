"""The colours, light and dark, each a CSS variable. Tests hold every text pair to WCAG AA and the series to being told apart.

Series follow Okabe and Ito 2008 ("Color Universal Design"), shifted until they stand out on white and on night blue. Figures never
rely on colour alone: line patterns, marks and labels repeat what it says.
"""

from __future__ import annotations

LIGHT = {
    "paper": "#ffffff", "panel": "#f4f7f9", "ink": "#13212c", "muted": "#546472", "line": "#d5dde3", "grid": "#e6ebef",
    "accent": "#0b6b8a", "accent-soft": "#e2f1f5", "none": "#8a97a2", "strong": "#ffffff",
    "pass": "#1a7548", "pass-soft": "#e4f4ea", "warn": "#8f5200", "warn-soft": "#fdf1dc",
    "fail": "#bd2a23", "fail-soft": "#fdeae8", "not-applicable": "#546472", "not-applicable-soft": "#eef2f5",
    "s1": "#1170b0", "s2": "#d2580a", "s3": "#0a8a66", "s4": "#a9498c", "s5": "#94700a", "s6": "#4aa3dc", "s7": "#6b5bb0", "s8": "#7d8791",
    "h0": "#f3f8fc", "h1": "#e0ecf6", "h2": "#c9ddee", "h3": "#a6cae3", "h4": "#7fb3d8", "h5": "#5b9ecd", "h6": "#2272b3", "h7": "#0f548d", "h8": "#093667",
    "d0": "#7d3500", "d1": "#ad4f0c", "d2": "#eba874", "d3": "#f8dcc5", "d4": "#f1f4f6", "d5": "#cde2f1", "d6": "#8dbfe0", "d7": "#2475b3", "d8": "#0a4679",
}  # fmt: skip

DARK = {
    "paper": "#0e161d", "panel": "#16212a", "ink": "#e4ecf2", "muted": "#9db0be", "line": "#2c3b47", "grid": "#22303a",
    "accent": "#62c3de", "accent-soft": "#143440", "none": "#73838f", "strong": "#0b1117",
    "pass": "#5fcf94", "pass-soft": "#12301f", "warn": "#efb350", "warn-soft": "#382809",
    "fail": "#ff8a80", "fail-soft": "#401a18", "not-applicable": "#9db0be", "not-applicable-soft": "#1d2933",
    "s1": "#52a9e6", "s2": "#ff9450", "s3": "#3cc699", "s4": "#e18fc8", "s5": "#dcb544", "s6": "#a3d7f7", "s7": "#ab9df0", "s8": "#93a0ab",
    "h0": "#14202a", "h1": "#182d3e", "h2": "#1b3b54", "h3": "#1f496a", "h4": "#245880", "h5": "#2a6795", "h6": "#62a8da", "h7": "#97c9ec", "h8": "#cfe7f9",
    "d0": "#ffc08f", "d1": "#ef9455", "d2": "#9c5527", "d3": "#523624", "d4": "#1c2832", "d5": "#1c3d55", "d6": "#27648f", "d7": "#62b0e2", "d8": "#aedaf6",
}  # fmt: skip

SERIES = 8  # distinct series colours; further series repeat them with another line pattern
HEAT = 9  # steps of the sequential ramp h0..h8 and the diverging ramp d0..d8
STRONG_HEAT = 6  # from this step of h on, text is written in the "strong" colour
STRONG_DIVERGING = (0, 1, 7, 8)


def declarations(colours: dict[str, str]) -> str:
    """The palette as CSS custom properties."""
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
