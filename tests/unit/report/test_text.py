import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seaway.report import text

SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


def read_back(shown: str) -> float:
    return float(shown.replace(SPACE, "").replace(MINUS, "-"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.5, "0.500"),
        (0.91234, "0.912"),
        (12, "12"),
        (12.5, "12.5"),
        (9999, "9999"),
        (12345.678, f"12{SPACE}346"),
        (-1234567, f"{MINUS}1{SPACE}234{SPACE}567"),
        (999.9996, "1000"),
        (0.00012345, "0.000123"),
        (1e-7, "1e-7"),
        (1.234e20, "1.23e20"),
        (math.inf, "∞"),
        (-math.inf, f"{MINUS}∞"),
        (math.nan, "–"),
        (None, "–"),
    ],
)
def test_a_number_has_three_significant_digits_and_never_loses_whole_ones(value, shown):
    assert text.number(value) == shown


@given(st.floats(-1e300, 1e300))
def test_a_number_reads_back_to_three_digits(value):
    assert read_back(text.number(value)) == pytest.approx(value, rel=0.00501, abs=0)


@given(st.lists(st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-3), min_size=1))
def test_a_column_keeps_the_order_of_its_numbers(values):
    shown = text.column(values)
    ordered = sorted(zip(values, map(read_back, shown), strict=True))
    assert [back for _, back in ordered] == sorted(back for _, back in ordered)


def test_a_column_shares_its_decimals():
    assert text.column([0.912, 0.85, 0.9, None]) == ["0.912", "0.850", "0.900", "–"]
    assert text.column([1.0, 25.0, math.nan]) == ["1", "25", "–"]
    assert text.column([1e-9, 5.0]) == ["1e-9", "5"]


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0%"), (1, "100%"), (0.5, "50%"), (0.1234, "12.3%"), (0.061, "6.1%"), (1e-9, "<0.1%"), (0.99999, ">99.9%"), (-0.2, f"{MINUS}20%"), (1.5, "150%"), (math.nan, "–")],
)  # fmt: skip
def test_percent_never_rounds_to_none_or_all(share, shown):
    assert text.percent(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (3.4e-7, "340 ns"), (0.00034, "340 µs"), (0.0123, "12.3 ms"), (0.9999, "1 s"), (4.2, "4.2 s"), (59.99, "1 min"), (119.7, "2 min"), (192, "3 min 12 s"), (7500, "2 h 5 min"), (3599.9, "1 h"), (273600, "3 d 4 h"), (86_399.9, "1 d"), (-5, f"{MINUS}5 s")],
)  # fmt: skip
def test_a_duration_names_its_two_largest_units(seconds, shown):
    assert text.duration(seconds) == shown


@pytest.mark.parametrize(
    ("quantity", "shown"),
    [(0, "0 B"), (812, "812 B"), (1200, "1.2 kB"), (999_600, "1 MB"), (3.44e6, "3.4 MB"), (123e9, "123 GB"), (5e15, "5000 TB")],
)  # fmt: skip
def test_sizes_are_decimal(quantity, shown):
    assert text.size(quantity) == shown


def test_small_words():
    assert text.count(1, "row") == "1 row"
    assert text.count(12000, "row") == f"12{SPACE}000 rows"
    assert text.count(2, "category", "categories") == "2 categories"
    assert text.signed(0.02) == "+0.0200"
    assert text.signed(-3) == f"{MINUS}3"
    assert text.interval(0.912, 0.9014, 0.9233) == "0.912 (0.901 to 0.923)"
    assert text.interval(0.912, None, 0.9) == "0.912"
    assert text.moment(1763919000) == "2025-11-23 17:30 UTC"
    assert text.number(5.2, unit="ms") == "5.20\N{NO-BREAK SPACE}ms"


@given(st.text(), st.integers(1, 40))
def test_shortened_text_fits_and_short_text_is_left_alone(name, limit):
    shown = text.shorten(name, limit)
    assert len(shown) <= limit
    assert shown == name or len(name) > limit


def test_width_counts_columns_of_a_terminal():
    assert text.width("ab") == 2
    assert text.width("日本") == 4
    assert text.width("n\u0303") == 1
