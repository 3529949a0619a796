"""Personal data: known by its own check digits and marks, and not seen where it is not."""

from __future__ import annotations

import pytest

from seaway.data import personal


@pytest.mark.parametrize(
    ("texts", "what"),
    [
        ([f"person{n}@mail.example.org" for n in range(9)], "e-mail"),
        (["+49 228 123456", "(0228) 998-877", "+1-202-555-0143", "0170 123 4567", "+44 20 7946 0958"], "phone"),
        (["123-45-6789", "078-05-1120", "219-09-9999", "457-55-5462", "123-45-6780"], "social security number"),
        (["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "FR1420041010050500013M02606"] * 2, "account"),
        (
            ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "30000000000004", "6011000000000004"],
            "payment card",
        ),
        (["192.168.0.1", "10.0.0.7", "8.8.8.8", "255.255.255.0", "1.2.3.4"], "IP address"),
        (["Braund, Mr. Owen Harris", "Heikkinen, Miss. Laina", "Futrelle, Mrs. Jacques", "Dr. X", "Frau Y"], "name"),
    ],
)
def test_content_gives_it_away(texts: list[str], what: str) -> None:
    assert personal.by_content(texts) == what
    assert personal.by_content([*texts, *["plain"] * len(texts)]) == what
    assert personal.by_content([*texts, *["plain"] * (len(texts) + 1)]) == ""


@pytest.mark.parametrize(
    "texts",
    [
        [f"2024-01-{day:02d}" for day in range(1, 20)],
        [f"{day:02d}.03.2024" for day in range(1, 20)],
        [f"2024-01-{day:02d} 10:30:00" for day in range(1, 20)],
        [str(number) for number in range(1_000_000, 1_000_020)],
        [f"{number}.25" for number in range(20)],
        ["4111 1111 1111 1112"] * 9,
        ["DE89 3704 0044 0532 0130 01"] * 9,
        ["0000000000000000"] * 9,
        ["999.1.1.1"] * 9,
        ["666-12-3456", "000-12-3456", "123-00-4567", "123-45-0000", "900-12-3456"],
        [f"M{number}" for number in range(14860, 14900)],
        ["a@b", "@", "mail"] * 3,
        ["x@example.org"] * 4,
    ],
)
def test_what_only_resembles_it_is_left_alone(texts: list[str]) -> None:
    assert personal.by_content(texts) == ""


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("E-Mail", "e-mail"), ("email_address", "e-mail"), ("customerPhone", "phone"), ("first_name", "name"), ("Surname", "name"),
        ("name", "name"), ("Name", "name"), ("street", "address"), ("date_of_birth", "birth date"), ("birthdate", "birth date"), ("DOB", "birth date"),
        ("SSN", "social security number"), ("iban", "account"), ("credit_card", "account"), ("ip", "IP address"),
        ("product_name", ""), ("age", ""), ("phones_sold", ""), ("workclass", ""), ("relationship", ""), ("PhoneService", "phone"),
    ],
)  # fmt: skip
def test_names_of_columns(name: str, what: str) -> None:
    assert personal.by_name(name, 1000) == what


def test_a_personal_name_over_yes_and_no_is_no_person() -> None:
    assert personal.by_name("telephone", 2) == ""
    assert personal.by_name("PhoneService", 2) == ""
