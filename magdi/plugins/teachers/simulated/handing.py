"""Whom a simulated teacher hands over to, where it is to name the next speaker."""

from __future__ import annotations

import re

from magdi.plugins.teachers.simulated.mind import Opinion
from magdi.plugins.teachers.simulated.understanding import Heard

WANTED = re.compile(r"of its own: (?P<word>[A-Z]+:) (?:and one of (?P<names>[^.\n]+)|name)\b")
MEMBERS = re.compile(r"\bYou are (?P<own>[^,\n]+), one of [^:\n]*: (?P<names>[^.\n]+)\.")


def hand_over(heard: Heard, opinion: Opinion) -> str:
    """Returns the line that hands over: to who has not spoken yet, else to who last said otherwise.

    Empty where nobody is to be named, and where all have spoken and agree with it.
    """
    wanted = WANTED.search(heard.question)
    if wanted is None:
        return ""
    group = MEMBERS.search(heard.question)
    listed = wanted["names"] or (group["names"] if group else "")
    own = group["own"] if group else ""
    spoken = {turn.who.lower(): turn for turn in heard.others}
    silent, contrary = [], []
    for name in (each.strip() for each in listed.split(",")):
        turn = next((spoken[who] for who in spoken if who.endswith(name.lower())), None)
        if turn is None and name != own:
            silent.append(name)
        elif turn is not None and turn.answer != opinion.solution.answer:
            contrary.append(name)
    chosen = (silent or contrary)[:1]
    return "".join(f"{wanted['word']} {name}" for name in chosen)
