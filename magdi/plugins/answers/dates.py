"""Dates and times of day, in one spelling: "July 4th, 1776", "4 Jul 1776" and "1776-07-04" are the same day."""

from __future__ import annotations

from datetime import datetime

from magdi.plugins.answers.phrase import phrase

_MONTHS = "january february march april may june july august september october november december"
_MONTH = rf"(?P<month>{'|'.join(f'{month[:3]}(?:{month[3:]})?' for month in _MONTHS.split())}|sept)\.?"
_DAY = r"(?:the\s)?(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{3,4})"
_DATES = [
    phrase(rf"(?:on\s)?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s(?:the\s)?)?{form}")
    for form in (
        rf"{_MONTH}\s{_DAY}(?:,?\s{_YEAR})?",
        rf"{_DAY}(?:\sof|-)?\s?{_MONTH}(?:,?[\s-]{_YEAR})?",
        rf"(?:in\s)?{_MONTH},?\s{_YEAR}",
        r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
    )
]
_TIME = phrase(r"(?:at\s)?(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s?(?P<half>[ap])\.?\s?m\.?")


def normal_date(text: str) -> str | None:
    """Returns a date as 1776-07-04, 1776-07 or 07-04, or a time of day as 15:30; None for any other text.

    Of "05/12/2001" the month is taken to come first, as in most benchmarks.
    """
    text = " ".join(text.split()).strip(" .")
    if not any(sign.isdigit() for sign in text[:40]) or len(text) > 40:
        return None
    if time := _TIME.fullmatch(text):
        hour = int(time["hour"]) % 12 + 12 * (time["half"].lower() == "p")
        return f"{hour:02}:{time['minute'] or '00'}" if 1 <= int(time["hour"]) <= 12 else None
    found = next((said for form in _DATES if (said := form.fullmatch(text))), None)
    return _written(found.groupdict()) if found else None


def _written(said: dict[str, str | None]) -> str | None:
    month, day, year = said["month"] or "", said.get("day"), said["year"]
    number = int(month) if month.isdigit() else 1 + [name[:3] for name in _MONTHS.split()].index(month[:3].lower())
    try:
        datetime(int(year or 2000), number, int(day or 1))
    except ValueError:
        return None
    return "-".join([*([f"{int(year):04}"] if year else []), f"{number:02}", *([f"{int(day):02}"] if day else [])])
