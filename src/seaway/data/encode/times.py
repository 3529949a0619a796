"""Times: texts to nanoseconds since 1970 and back, and the parts of a moment that a model sees.

A time without a zone is taken as it stands; one with a zone is turned into UTC. One arithmetic serves a single moment
(int) and a column of them (int64 array), so that both give the same parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from seaway.core.errors import BadInput

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
EARLIEST, LATEST = datetime(1678, 1, 1), datetime(2262, 1, 1)  # noqa: DTZ001 - a time without a zone is taken as it stands
"""What int64 nanoseconds can say."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - see EARLIEST
_MICROSECOND = timedelta(microseconds=1)
_FIELDS = {
    "Y": ("year", r"\d{4}"),
    "m": ("month", r"\d{1,2}"),
    "d": ("day", r"\d{1,2}"),
    "H": ("hour", r"\d{1,2}"),
    "M": ("minute", r"\d{1,2}"),
    "S": ("second", r"\d{1,2}"),
}

Parse = Callable[[str], int | None]


@lru_cache(maxsize=64)
def parser(form: str) -> Parse:
    """Return the reader of texts in `form` (of %Y %m %d %H %M %S; "" is ISO 8601); None from it is no such time."""
    if not form:
        return _iso
    pattern = _pattern(form)

    def parse(written: str) -> int | None:
        found = pattern.fullmatch(written)
        if found is None:
            return None
        fields = {"month": 1, "day": 1} | {name: int(digits) for name, digits in found.groupdict().items()}
        try:
            return nanoseconds(datetime(**fields))  # type: ignore[arg-type]  # noqa: DTZ001 - see EARLIEST
        except ValueError:
            return None

    return parse


def text(moment: int, form: str) -> str:
    """Write nanoseconds since 1970 in `form`; ISO 8601 where it is empty."""
    when = _EPOCH + timedelta(microseconds=moment // 1000)
    if form:
        return when.strftime(form)
    return when.isoformat() if moment % DAY else when.date().isoformat()


def _iso(written: str) -> int | None:
    try:
        return nanoseconds(datetime.fromisoformat(written))
    except (ValueError, OverflowError):  # OverflowError: the year 1 east of Greenwich
        return None


def nanoseconds(moment: datetime) -> int | None:
    """Return a moment as nanoseconds since 1970, in UTC if it has an offset; None where they cannot say it."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if not EARLIEST <= moment < LATEST:
        return None
    return (moment - _EPOCH) // _MICROSECOND * 1000


def _pattern(form: str) -> re.Pattern[str]:
    written, used = "", set()
    for piece in re.findall(r"%.|[^%]+|%$", form):
        if piece.startswith("%"):
            name, digits = _FIELDS.get(piece[1:], ("", ""))
            if not name or name in used:
                raise BadInput(
                    f"The time format {form!r} is not understood at {piece!r}",
                    where="contract, `format` of a time",
                    fix="Use each of %Y %m %d %H %M %S at most once, or leave the format out for ISO 8601.",
                    code="contract",
                )
            used.add(name)
            written += f"(?P<{name}>{digits})"
        else:
            written += re.escape(piece)
    if "year" not in used:
        raise BadInput(
            f"The time format {form!r} has no year",
            where="contract, `format` of a time",
            fix="A moment needs at least %Y.",
            code="contract",
        )
    return re.compile(written, re.ASCII)


def _days(moment: Any) -> Any:
    return moment // DAY


def civil(moment: Any) -> tuple[Any, Any, Any]:
    """Return (year, month, day) of nanoseconds, by integer arithmetic alone (Hinnant 2013, `civil_from_days`)."""
    shifted = _days(moment) + 719_468
    era = shifted // 146_097
    day_of_era = shifted - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 - 12 * (month_from_march >= 10)
    return year_of_era + era * 400 + (month <= 2), month, day


def days_of_civil(year: Any, month: Any, day: Any) -> Any:
    """Return days since 1970-01-01 of a civil date (Hinnant 2013, `days_from_civil`)."""
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month + 12 * (month <= 2) - 3) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _day_of_year(moment: Any) -> Any:
    before = civil(moment)[0] - 1
    return _days(moment) - (365 * before + before // 4 - before // 100 + before // 400 - 719_162) + 1


PARTS: dict[str, Callable[[Any], Any]] = {
    "year": lambda moment: civil(moment)[0],
    "month": lambda moment: civil(moment)[1],
    "day": lambda moment: civil(moment)[2],
    "dayofyear": _day_of_year,
    "weekday": lambda moment: (_days(moment) + 3) % 7,
    "hour": lambda moment: moment % DAY // (3600 * SECOND),
    "minute": lambda moment: moment % (3600 * SECOND) // (60 * SECOND),
    "second": lambda moment: moment % (60 * SECOND) // SECOND,
}
"""Named parts of a moment; Monday is weekday 0, the first of January is day 1 of the year."""
