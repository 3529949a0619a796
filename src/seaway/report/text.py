"""Numbers, shares, durations and sizes as people read them; pages, notebooks and the terminal share these."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

NONE = "–"  # shown where there is no value
THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"

# Control characters command a terminal and are no XML; lone surrogates are no UTF-8; directional overrides make text lie about its order.
_FORBIDDEN = {
    code: "\N{REPLACEMENT CHARACTER}"
    for first, last in (
        (0x00, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x9F), (0x202A, 0x202E), (0x2066, 0x2069), (0xD800, 0xDFFF), (0xFFFE, 0xFFFF),
    )
    for code in range(first, last + 1)
}  # fmt: skip

_SECOND_PARTS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def harmless(text: str) -> str:
    """The text with every character replaced that no page or terminal may be handed; tabs and line ends stay."""
    return text.translate(_FORBIDDEN)


def line(value: object) -> str:
    """The value on one line, safe to print: what data or a user named must not steer a terminal."""
    return " ".join(harmless(str(value)).split())


def number(value: float | None, digits: int = 3, *, unit: str = "") -> str:
    """The value to `digits` significant digits; digits before the point are never cut (12 346, not 12 300)."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    return _with_unit(_significant(float(value), digits), unit)


def fixed(value: float | None, decimals: int, *, unit: str = "") -> str:
    """The value with a fixed number of decimals, so that numbers under one another line up."""
    if value is None or not math.isfinite(value):
        return number(value)
    return _with_unit(_grouped(f"{value:.{decimals}f}"), unit)


def exponent(value: float, digits: int = 3) -> str:
    """The value with a power of ten, `2.5e12`, its trailing zeros dropped."""
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    return _grouped(_trimmed(mantissa)) + f"e{int(power)}"


def integer(value: int) -> str:
    """A count, its thousands set apart from 10 000 on (years stay 2024)."""
    return _grouped(str(int(value)))


def count(value: int, noun: str, plural: str = "") -> str:
    """`1 row`, `12 rows`."""
    return f"{integer(value)} {noun if abs(value) == 1 else plural or noun + 's'}"


def percent(share: float | None, digits: int = 3) -> str:
    """A share of one as per cent. What is neither none nor all never reads 0% or 100%."""
    if share is None or not math.isfinite(share):
        return number(share)
    if 0 < abs(share) < 0.0005:
        return "<0.1%" if share > 0 else f">{MINUS}0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    decimals = max(0, min(digits - 1 - _magnitude(share * 100), 1)) if share else 0
    return _grouped(_trimmed(f"{share * 100:.{decimals}f}")) + "%"


def signed(value: float | None, digits: int = 3, *, unit: str = "") -> str:
    """A difference, its sign always shown."""
    shown = number(value, digits, unit=unit)
    return "+" + shown if value is not None and value > 0 else shown


def interval(value: float, low: float | None, high: float | None, *, unit: str = "") -> str:
    """`0.912 (0.901 to 0.923)`, all with the same decimals; the value alone where the interval is not known."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return number(value, unit=unit)
    shown = column([value, low, high])
    return f"{_with_unit(shown[0], unit)} ({shown[1]} to {shown[2]})"


def column(values: Sequence[float | None], digits: int = 3) -> list[str]:
    """Numbers to stand under one another: the same decimals for all, unless they differ a thousandfold."""
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value) and value != 0]
    if not sizes or max(sizes) >= 1e15 or min(sizes) < 1e-4 or max(sizes) / min(sizes) >= 1e4:
        return [number(value, digits) for value in values]
    if all(value is None or not math.isfinite(value) or float(value).is_integer() for value in values):
        return [fixed(value, 0) for value in values]
    spread = _magnitude(max(sizes)) - _magnitude(min(sizes))
    decimals = max(0, digits - 1 - _magnitude(max(sizes)) + min(spread, 1))
    return [fixed(value, decimals) for value in values]


def duration(seconds: float | None) -> str:
    """`340 µs`, `12.3 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return number(seconds)
    if seconds < 0:
        return MINUS + duration(-seconds)
    for unit, scale in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * scale:
            return f"{_trimmed(_significant(seconds / scale, 3))} {unit}" if seconds else "0 s"
    if seconds < 59.95:
        return f"{_trimmed(_significant(seconds, 3))} s"
    return _parts(seconds)


def size(quantity: float) -> str:
    """Bytes in decimal units: `812 B`, `1.2 kB`, `3.4 MB`."""
    for unit, scale in (("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)):
        if abs(quantity) < 999.5 * scale or unit == "TB":
            return f"{_trimmed(_significant(quantity / scale, 3 if abs(quantity) >= 100 * scale else 2))} {unit}"
    raise AssertionError("unreachable: the last unit takes every size")


def moment(seconds: float) -> str:
    """A point in time, seconds since 1970: `2025-11-23 17:30 UTC`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut in the middle: names often differ at their ends."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return text[: limit - 1 - tail].rstrip() + "…" + (text[-tail:].lstrip() if tail else "")


def width(text: str) -> int:
    """Columns the text takes in a terminal: wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1e15 or abs(value) < 1e-4:
        return exponent(value, digits)
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - _magnitude(rounded))
    return _grouped(_trimmed(f"{value:.{decimals}f}") if float(value).is_integer() else f"{value:.{decimals}f}")


def _parts(seconds: float) -> str:
    """The two largest units, rounded to the smaller of them: 119.7 s is 2 min, not 1 min 60 s."""
    place = next((i for i, (_, scale) in enumerate(_SECOND_PARTS) if seconds >= scale), len(_SECOND_PARTS) - 1)
    small_unit, small = _SECOND_PARTS[min(place + 1, len(_SECOND_PARTS) - 1)]
    rounded = round(seconds / small) * small
    if place and rounded >= _SECOND_PARTS[place - 1][1]:
        return _parts(rounded)
    unit, scale = _SECOND_PARTS[place]
    whole, rest = divmod(rounded, scale)
    return f"{_grouped(str(whole))} {unit}" + (f" {rest // small} {small_unit}" if rest else "")


def _grouped(digits: str) -> str:
    """Thousands set apart by a narrow space from five digits on, and a true minus sign."""
    sign, digits = (MINUS, digits[1:]) if digits.startswith("-") else ("", digits)
    whole, point, rest = digits.partition(".")
    if not whole.strip("0") and not rest.strip("0"):
        sign = ""
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", THIN)
    return sign + whole + point + rest


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _with_unit(shown: str, unit: str) -> str:
    return f"{shown}\N{NO-BREAK SPACE}{unit}" if unit else shown
