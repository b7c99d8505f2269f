"""A fuzz target for the reader of answers; not collected by pytest.

    python tests/plugins/answers/fuzz_answers.py --seconds 60

Puts fragments of real answers together, cuts, repeats and damages them, and checks that reading ends at once, never
raises, and that what was read is read as itself. The text that broke a rule is printed as a Python literal.
"""

from __future__ import annotations

import argparse
import random
import time

from magdi.plugins.answers import extract, normal_form
from tests.plugins.answers.test_answers_extraction import (
    BOOLEANS,
    EXPRESSIONS,
    LETTERS,
    NONE,
    NUMBERS,
    OPTIONS,
    TEXTS,
    question,
)
from tests.plugins.answers.test_answers_hostile import TYPES

FRAGMENTS = [
    *(text for pairs in (NUMBERS, LETTERS, BOOLEANS, EXPRESSIONS, TEXTS, NONE) for pair in pairs for text in pair),
    *"0123456789.,-+/*^$%\\{}()[]#:=!?'\"\n\t \u200b\u202e\u200f½٣４−é🙂",
    "\\boxed{", "\\frac{", "\\text{", "the answer is ", "####", "A:", "not ", "yes", "None", "1e9", "9" * 50, "(" * 40,
]  # fmt: skip
SLOW = 0.25


def text(draw: random.Random) -> str:
    """Returns a text that no model has written yet."""
    parts = draw.choices(FRAGMENTS, k=draw.randrange(1, 12))
    if draw.random() < 0.2:
        parts = parts * draw.randrange(1, 2000)
    made = draw.choice(["", " ", "\n"]).join(parts)
    for _ in range(draw.randrange(4)):
        place = draw.randrange(len(made) + 1)
        made = made[:place] + draw.choice(["", chr(draw.randrange(0x3000)), draw.choice(FRAGMENTS)]) + made[place + 1 :]
    return made


def check(given: str) -> str | None:
    """Returns which rule a text breaks; None where it breaks none."""
    for kind in TYPES:
        asked = question(kind, OPTIONS if kind == "letter" else ())
        start = time.process_time()
        answer = extract(given, asked)
        if time.process_time() - start > SLOW:
            return f"{kind}: takes {time.process_time() - start:.1f} s"
        if answer is None:
            continue
        if kind == "letter" and answer not in {choice.label for choice in OPTIONS}:
            return f"letter: {answer!r} is no option"
        if kind in ("number", "boolean", "letter") and (
            extract(answer, asked) != answer or extract(f"The answer is {answer}.", asked) != answer
        ):
            return f"{kind}: {answer!r} is not read as itself"
        if kind == "number" and normal_form(answer, kind) != answer:
            return f"number: {answer!r} is not in normal form"
    return None


def main() -> None:
    """Tries texts until the time is up or one breaks a rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(2**32)
    draw, end, count = random.Random(seed), time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        given = text(draw)
        broken = check(given)
        count += 1
        if broken:
            raise SystemExit(f"seed {seed}, text {count}: {broken}\n{given!r}")
    print(f"{count} texts, seed {seed}: no rule broken")  # noqa: T201


if __name__ == "__main__":
    main()
