"""Columns that look personal, by what stands in them or by what they are called."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable

E_MAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(\+|00|\()?\d[\d\s()/.-]{6,18}\d")
SOCIAL_SECURITY = re.compile(r"(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
ADDRESS = re.compile(r"(\d{1,3}\.){3}\d{1,3}")
TITLED = re.compile(r".*\b(Mr|Mrs|Ms|Miss|Dr|Herr|Frau|Mme|Sr|Sra)\b\.?.*", re.IGNORECASE)
SHARE, FEWEST = 0.5, 5
"""Half of the distinct texts have to fit, and at least five."""

WORDS = {
    "e-mail": {"email", "e-mail", "mail", "emailaddress"},
    "phone": {"phone", "telephone", "mobile", "fax", "phonenumber"},
    "name": {"firstname", "lastname", "surname", "forename", "fullname", "givenname", "familyname", "maidenname"},
    "address": {"street", "address", "streetaddress", "postaladdress"},
    "birth date": {"birthdate", "dateofbirth", "dob", "birthday"},
    "social security number": {"ssn", "socialsecuritynumber", "nino", "nationalid", "passport"},
    "account": {"iban", "creditcard", "cardnumber", "accountnumber"},
    "IP address": {"ip", "ipaddress"},
}
NAMED = 20
"""A column with a personal name and fewer distinct values than this holds answers such as yes and no, not persons."""


def by_content(texts: Iterable[str]) -> str:
    """Return what distinct texts look like ("e-mail", "phone" ...); "" where they look like nothing personal."""
    sample = [text.strip() for text in texts if text.strip()][:2000]
    if len(sample) < FEWEST:
        return ""
    for what, fits in TESTS.items():
        if sum(map(fits, sample)) >= SHARE * len(sample):
            return what
    return ""


def by_name(name: str, distinct: int) -> str:
    """Return what a column's name says its values are, if there are enough of them to tell persons apart."""
    if distinct < NAMED:
        return ""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    parts = [part.lower() for part in re.split(r"[\s_.\-/]+", spaced) if part]
    candidates = {*parts, *("".join(pair) for pair in itertools.pairwise(parts)), "".join(parts)}
    if parts == ["name"]:
        return "name"
    return next((what for what, words in WORDS.items() if candidates & words), "")


def _is_iban(text: str) -> bool:
    """ISO 7064 modulus 97 over the rearranged account number."""
    plain = text.replace(" ", "").upper()
    if not IBAN.fullmatch(plain):
        return False
    digits = "".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])
    return int(digits) % 97 == 1


def _is_card(text: str) -> bool:
    """Luhn 1960: the check digit of payment cards."""
    digits = re.sub(r"[ -]", "", text)
    if not digits.isdigit() or not 13 <= len(digits) <= 19 or len(set(digits)) < 2:
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


def _is_phone(text: str) -> bool:
    if not PHONE.fullmatch(text) or re.fullmatch(r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*", text):
        return False
    digits = sum(sign.isdigit() for sign in text)
    # Plain digits are numbers far more often than telephones: ask for a mark that only telephones have.
    return 7 <= digits <= 15 and (text[0] in "+(" or re.fullmatch(r"\d{2,4}([ /-])\d{3}[\d /-]*\d", text) is not None)


def _is_internet_address(text: str) -> bool:
    return ADDRESS.fullmatch(text) is not None and all(int(part) < 256 for part in text.split("."))


TESTS: dict[str, Callable[[str], bool]] = {
    "e-mail": lambda text: E_MAIL.fullmatch(text) is not None,
    "social security number": lambda text: SOCIAL_SECURITY.fullmatch(text) is not None,
    "account": _is_iban,
    "payment card": _is_card,
    "IP address": _is_internet_address,
    "phone": _is_phone,
    "name": lambda text: len(text) < 120 and TITLED.fullmatch(text) is not None,
}
"""Tests of one text, the surest first."""
