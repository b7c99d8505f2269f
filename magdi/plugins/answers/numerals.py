r"""Finds the numbers in a text: 1,000 and $300.00, 3e2, 1/2, \frac{1}{2}, 2 1/2, -5, 5 %, 3 million, two hundred."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from magdi.plugins.answers.number_words import SCALES, and_part, spelt_numbers
from magdi.plugins.answers.phrase import phrase
from magdi.plugins.answers.units import ratio, unit_behind

LARGEST_EXPONENT = 30

_BEFORE_GROUPS = "|".join(
    f"(?<={word}[ ])" for word in ("is", "are", "was", "were", "has", "have", "had", "of", "sold", "[=:$€£]")
)
_GROUPED = (
    r"0,\d{2,15}(?![\d,]|\.\d)"  # 0,75, which begins no thousands
    r"|\d{1,3}(?:,\d{2,3}){0,8},\d{3}(?:\.\d{1,30}|,\d{1,2}(?=\s?€))?"  # 1,000.5 and, as in India, 1,00,000
    r"|(?<!\d[ ])\d{1,3}(?:[ ~_]\d{3}){1,8}(?=[ $€)\]}*]{0,6}[.!;]?[ ]{0,4}(?:\n|\Z))"  # 1 000, where nothing follows
    r"|(?<!\d[ ])\d{1,3}(?:(?:[ ]\d{3}){2,8}|[ ]0\d\d)(?![ ]?\d)|\d{1,3}(?:[_~]\d{3}){1,8}(?!\d)"
    rf"|(?:^|{_BEFORE_GROUPS})\d{{1,3}}[ ]\d{{3}}(?=[ ](?:[a-z]{{3,}}|\())"
    r"|\d{1,3}(?:'\d{3}){1,8}(?:\.\d{1,30})?"  # as in Switzerland
    r"|\d{1,3}(?:\.\d{3}){2,8}(?:,\d{1,30})?|\d{1,3}\.\d{3},\d{1,2}"  # as in Germany, where it can be nothing else
    r"|(?:(?<=[$€£])|(?<=[$€£][ ]))\d{1,9},\d{1,2}(?![\d,$])"
    r"|\d{1,9},\d{1,2}(?=\s?(?:€|%|EUR\b|[kcm]?m\b|k?g\b))|\d{1,9},\d\d(?=\s(?:\$|£|doll?[aá]r|euro|kr\b|zł))"
)
_POWER = r"(?:\^|\*\*)[{(]?(?P<power>[-+]?\d{1,3})[)}]?"
_NUMBER = phrase(
    rf"""
    (?<![\w.])(?<!\d[,:/'])(?<!\^)(?<![\^_]\{{)(?<!\^-)(?<!\*\*)(?<!√)(?<!sqrt\{{)
    (?P<sign>(?:(?<![\d)\]}}])[-+]|(?<=[\s(])-[ ]?(?=[$€£¥]))?)
    (?:(?P<currency>[$€£¥]|\b(?:USD|EUR|GBP|Rs\.?))[ ]?(?P<sign2>-?))?
    (?:
        (?P<top>\d{{1,15}}(?:\.\d{{1,15}})?)[ ]?/[ ]?(?P<bottom>\d{{1,15}}(?:\.\d{{1,15}})?)
      | 10{_POWER.replace("power", "ten")}
      | (?P<whole>\d{{1,15}})[ ]{{1,2}}(?:and[ ])?(?P<wtop>\d{{1,15}})/(?P<wbottom>\d{{1,15}})
      | (?P<body>{_GROUPED}|\d{{1,30}}(?:\.\d{{1,30}})?|\.\d{{1,30}})
        (?:[eE](?P<e>[-+]?\d{{1,3}})|[ ]?[x×*·][ ]?10{_POWER})?
    )
    (?!\d|/\s?\d|[.,:]\d|'\d|[xyzn]\b|\s?(?:√|π|\\sqrt|\\pi\b)|\.?\\overline|\s?(?:\^|\*\*)\s?[{{(]?-?\d)
    (?P<ordinal>(?:st|nd|rd|th)\b(?!\ place\b))?
    (?:[ -]?(?P<unit>{"|".join(SCALES)})s?\b|(?P<kilo>bn|k(?=\ (?:dollars|euros|pounds|USD)))\b
      |(?(currency)(?P<short>[kmbt]n?)(?![-\w])|(?!)))?
    """,
    re.VERBOSE,
)
_SHORT_SCALES = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_THOUSANDS = phrase(r"k\b")
_DOZEN = phrase(r"[ -]dozens?\b")
_AND_UNIT = re.compile(r"\s?(?:([a-zA-Z]{4,9}?|h|hr|min|ft|lb|yr|wk|[mk]?[mg])s?\.?)?,?(?:\s(?:and\s)?|(?<=[a-z]))")
_LATEX_FRACTION = re.compile(
    r"(?P<outer>-\s?)?\\[dtc]?frac\s?"
    r"(?:\{\s?(?P<minus>-)?\s?(?P<top>[\d.,]{1,20})\s?\}|(?P<top1>\d))\s?"
    r"(?:\{\s?(?P<minus2>-)?\s?(?P<bottom>[\d.,]{1,20})\s?\}|(?P<bottom1>\d))"
)
_LATEX_NOISE = re.compile(
    r"\\(?:left|right)(?![a-zA-Z])|(?<=\d)\\[,!;:\s]\s?(?=\d)|(?<=\d,)\\[,!;:]\s?(?=\d)|\{(?=,\})|(?<=,)\}"
)
_FEET = re.compile(r"(?<![\w.])(\d)\s?'\s?(\d{1,2})\s?(?:\"|'')")
_HALF_MORE = phrase(
    r"\b(?:an?|one)\s(?P<unit>hour|day|week|month|year|mile|pound|dozen)s?\sand\s(?:an?\s)?(?P<part>half|quarter)\b"
)
_APART_FROM_SIGN = re.compile(r"((?:=|[({]|(?<![\w)}\]])\$|\b(?:is|are|equals|be|get|gives))[ ]?)[-–][ ]?(?=[\d.$€£])")
_DECIMAL_COMMA = re.compile(r"\d{1,9}(?:,\d{3})*,\d{1,2}")
_BELOW_ZERO = re.compile(
    r"(?<![\w.,-])\d{1,3}(?:\.\d+)?(?=\s?(?:degrees?\s|°\s?)?(?:[CF]|Celsius|Fahrenheit)?\s?below\szero\b)"
)
_HOURS_AND = re.compile(r"(?<=\dh)(?=\d{1,2}\s?m(?:in)?\b)|(?<=\dhr)(?=\d{1,2}\s?m(?:in)?\b)")
_SIGNED_BRACKET = re.compile(r"(?<![\w)}\]])-[({](?=\$?[\d.,]{1,20}[)}])")
REPEATING = re.compile(r"(-?)(\d{0,9})\.(\d{0,9})\\overline\{(\d{1,9})\}")
_FULL_HOUR = re.compile(r"(?<=\b\d):00\b(?!:)|(?<=\b\d\d):00\b(?!:)")
_NEGATIVE = phrase(
    r"(?:\bnegative|(?:^|\b(?:is|was|be|are|to|equals?|gets?|got|gives?|giving|yields?|obtain|becomes?|at|of|simply|just)"
    r"|[^\w\s)\]}]|\n)\s*\bminus)[ ]$"
)
_PRONOUN = re.compile(r"\s+(?:of|who|that|which|way|thing|another|with|whose)\b")
_LABEL = phrase(
    r"(?:\b(?:agent|step|round|problem|question|example|part|equation|solution|case|option|scenario|method|stage)[ ]?"
    r"|(?:^|\n)[ \t]*\(?|(?<!\#)\#)$"
)
_ENUMERATES = re.compile(r"[.):][ \t]+\S")


class Numeral(NamedTuple):
    """A number, and where in the text it stands.

    Attributes:
        value: The number; None for what looks like one and has no value (5/0).
        start: Where it begins.
        end: Where it ends, its unit of thousands included.
        weak: Whether it may be no quantity: "Agent 2", "1. First", "this one".
        spelt: Whether it is spelt out or an ordinal ("3rd"), which counts where no plain number is.
    """

    value: Fraction | None
    start: int
    end: int
    weak: bool = False
    spelt: bool = False


def numerals(text: str, start: int = 0, end: int | None = None) -> list[Numeral]:
    """Returns the numbers of a text (from `plain`), or of a part of it, in order, those in words among them."""
    last = len(text) if end is None else end
    found = [_numeral(text, match) for match in _NUMBER.finditer(text, start, last)]
    taken = {place for numeral in found for place in range(numeral.start, numeral.end)}
    for spelt in spelt_numbers(text, start, last):
        weak = text[spelt.start : spelt.end].lower() == "one"
        if spelt.start not in taken and not (weak and _PRONOUN.match(text, spelt.end)):
            found.append(_signed(text, Numeral(*spelt, weak, spelt=True)))
    in_order = sorted(
        (_in_dozens(text, _with_part(text, numeral)) for numeral in found), key=lambda numeral: numeral.start
    )
    ends = [0, *(numeral.end for numeral in in_order)]
    apart = [numeral for numeral, end in zip(in_order, ends, strict=False) if numeral.start >= end]
    return _joined(text, apart)


def plain(text: str) -> str:
    """Takes LaTeX's wrapping off numbers."""
    text = _HALF_MORE.sub(lambda more: f"{1.5 if more['part'].lower() == 'half' else 1.25} {more['unit']}s", text)
    text = _FEET.sub(r"\1 feet \2 inches", text)
    text = _FULL_HOUR.sub("", text.replace(r"\times", "×").replace(r"\cdot", "·"))
    text = _LATEX_NOISE.sub("", _LATEX_FRACTION.sub(_plain_fraction, text))
    text = REPEATING.sub(lambda digits: repeating(*digits.groups()), text) if "\\overline" in text else text
    text = _BELOW_ZERO.sub(r"-\g<0>", text) if "below" in text else text
    text = _HOURS_AND.sub(" ", text.replace("-\\$", "-$"))
    return _APART_FROM_SIGN.sub(r"\1-", _SIGNED_BRACKET.sub("-", text))


def _plain_fraction(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - 2) : match.start()].rstrip()
    negative = (match["outer"] is not None) ^ (match["minus"] is not None) ^ (match["minus2"] is not None)
    top, bottom = (match[name] or match[name + "1"] for name in ("top", "bottom"))
    mixed = " " if before[-1:].isdigit() and match["outer"] is None else ""
    return mixed + "-" * negative + top.replace(",", "") + "/" + bottom.replace(",", "")


def _numeral(text: str, match: re.Match[str]) -> Numeral:
    value = _value(match)
    if value is not None and (scale := match["unit"] or match["short"] or match["kilo"]):
        value *= SCALES.get(scale.lower()) or _SHORT_SCALES[scale[0].lower()]
    if _THOUSANDS.match(text, match.end()):
        value = None  # of what, is not said: "5k"
    if value is not None and "-" in (match["sign"] + (match["sign2"] or "")):
        value = -value
    enumerates = _LABEL.search(text, max(0, match.start() - 12), match.start())
    weak = bool(enumerates and (enumerates[0].strip(" \t\n(") or _ENUMERATES.match(text, match.end())))
    return _signed(text, Numeral(value, match.start(), match.end(), weak, spelt=bool(match["ordinal"])))


def _signed(text: str, numeral: Numeral) -> Numeral:
    """Returns "negative 5" with its sign."""
    said = _NEGATIVE.search(text, max(0, numeral.start - 12), numeral.start)
    if said is None or numeral.value is None or numeral.value < 0:
        return numeral
    return numeral._replace(value=-numeral.value, start=said.start())


def _with_part(text: str, numeral: Numeral) -> Numeral:
    """Returns "2 and a half" whole."""
    part = and_part(text, numeral.end)
    if part is None or numeral.value is None or numeral.value.denominator != 1:
        return numeral
    value = numeral.value + (part.value if numeral.value >= 0 else -part.value)
    return numeral._replace(value=value, end=part.end, weak=False)


def _in_dozens(text: str, numeral: Numeral) -> Numeral:
    """Returns "12 dozen" as what it counts."""
    dozen = _DOZEN.match(text, numeral.end)
    if dozen is None or numeral.value is None:
        return numeral
    return numeral._replace(value=numeral.value * 12, end=dozen.end(), weak=False)


def _joined(text: str, found: list[Numeral]) -> list[Numeral]:
    """Returns amounts in two units as one number, in the smaller unit ("1 hour and 5 minutes" is 65) or in dollars."""
    joined: list[Numeral] = []
    for numeral in found:
        gap = _AND_UNIT.fullmatch(text, joined[-1].end, numeral.start) if joined else None
        unit = unit_behind(text, numeral.end) if gap else None
        large_unit = ((gap[1] if gap else None) or (text[joined[-1].start] if joined else "")).lower()
        small = unit["unit"].lower().replace("¢", "cent") if unit else ""
        factor = ratio(large_unit, "euro-cent" if small == "cent" and large_unit in ("euro", "€") else small)
        large, rest = joined[-1].value if joined else None, numeral.value
        if unit and factor and large is not None and rest is not None and 0 <= rest < factor and large >= 0:
            value, end = (
                (large + rest / factor, unit.end()) if small == "cent" else (large * factor + rest, numeral.end)
            )
            joined[-1] = joined[-1]._replace(value=value, end=end, spelt=False, weak=False)
        else:
            joined.append(numeral)
    return joined


def _value(match: re.Match[str]) -> Fraction | None:
    if match["body"] or match["ten"]:
        exponent = int(match["e"] or match["power"] or match["ten"] or 0)
        return None if abs(exponent) > LARGEST_EXPONENT else _decimal(match["body"] or "1") * Fraction(10) ** exponent
    bottom = Fraction(match["bottom"] or match["wbottom"])
    return Fraction(match["top"] or match["wtop"]) / bottom + int(match["whole"] or 0) if bottom else None


def _decimal(body: str) -> Fraction:
    """Returns the value of digits with separators; what a computer's rounding left of a simple fraction is that one."""
    if body.count(".") > 1 or ("," in body and body.rfind(".") < body.rfind(",") and "." in body):
        body = body.replace(".", "").replace(",", ".")
    if _DECIMAL_COMMA.fullmatch(body) or body.startswith("0,"):
        whole, _, decimals = body.rpartition(",")
        body = f"{whole}.{decimals}"
    body = re.sub(r"[,' ~_]", "", body)
    value = Fraction(Decimal(body))
    digits = body.partition(".")[2]
    if len(digits) >= 10 and len(body) > 14:
        near = value.limit_denominator(10_000)
        return near if abs(near - value) < Fraction(1, 10**11) else round(value, 12)
    return value


def repeating(sign: str, whole: str, once: str, again: str) -> str:
    r"""Returns a repeating decimal as a fraction: 0.\overline{3} is 1/3."""
    tail = Fraction(int(again), 10 ** len(again) - 1) / 10 ** len(once)
    value = int(whole or 0) + Fraction(int(once or 0), 10 ** len(once)) + tail
    return written(-value if sign else value)


def written(value: Fraction) -> str:
    """Writes a fraction as an integer or finite decimal where it is one, and in lowest terms where not."""
    rest, places = value.denominator, 0
    for factor in (2, 5):
        count = 0
        while rest % factor == 0:
            rest, count = rest // factor, count + 1
        places = max(places, count)
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    whole, decimals = (digits[:-places], "." + digits[-places:]) if places else (digits, "")
    return ("-" if value < 0 else "") + whole + decimals
