"""A conclusion that says a yes-or-no question again as a statement: "Would it fit?", "Therefore, it would not fit"."""

from __future__ import annotations

import re

from magdi.plugins.answers.phrase import phrase

LONGEST_QUESTION = 400
LEAST_CONTENT = 2
"""Words of a question's own without which no statement is taken for it."""
MANY = 5
"""Words of a question's own of which another question may lack one."""

_TOKEN = phrase(r"n't\b|[^\W_]+(?:'(?!t\b)[^\W_]+)?")
_N_T = phrase(r"(?<=\w)n't\b")
_IS = re.compile(r"\b(it|he|she|that|there)'s\b")
_LEAD = phrase(r"\s*(?:yes or no|true or false)\W+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|\n+")
_FIRST_NAME = re.compile(r"(?<=\s)[A-Z][a-z]+\s(?=[A-Z][a-z]+\b)")
"""What of a name an answer may leave out: of "Abraham Lincoln", "Queen Victoria"."""
_EMBEDDED = phrase(r"\W*is\sit\s(?:true|correct|the\scase|a\sfact)\sthat\s")
_NOT = phrase(r"\s?\bnot\b|n't\b")
_REASON = phrase(
    r"[,;]?\s(?:because|since|as|due\sto|given|which|considering|so)\s.*"
    r"|\([^()]*\)",
    re.DOTALL,
)


_IRREGULAR = {
    "met": "meet", "went": "go", "gone": "go", "wrote": "write", "written": "write", "won": "win", "beat": "beat",
    "saw": "see", "seen": "see", "knew": "know", "known": "know", "made": "make", "took": "take", "taken": "take",
    "gave": "give", "given": "give", "got": "get", "came": "come", "became": "become", "began": "begin", "ate": "eat",
    "eaten": "eat", "drank": "drink", "flew": "fly", "fought": "fight", "found": "find", "held": "hold",
    "kept": "keep", "led": "lead", "left": "leave", "lost": "lose", "paid": "pay", "ran": "run", "sold": "sell",
    "sent": "send", "slept": "sleep", "spoke": "speak", "spoken": "speak", "swam": "swim", "taught": "teach",
    "thought": "think", "told": "tell", "wore": "wear", "bought": "buy", "brought": "bring", "built": "build",
    "caught": "catch", "chose": "choose", "fell": "fall", "felt": "feel", "grew": "grow", "heard": "hear",
}  # fmt: skip


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_AUXILIARIES = _set(
    "is are was were am be been being do does did has have had can could will would should must may might shall"
)
_FUNCTION = _AUXILIARIES | _set(
    """a an the this that these those it its they their them he she his her him you your we our us i my me there of to
    in on at by for with from into as and or so than then also too very just ever any some even still inside within
    about during through out up one who what when where"""
)
_DO = ("do", "does", "did")
_SAME = {
    word: words
    for words in map(_set, ("can could", "would will", "do does", "is are", "was were", "has have"))
    for word in words
}
"""Auxiliaries that answer each other."""
_PRONOUNS = _set("it that this they he she there i you we")
_IF_POSSIBLE = phrase(
    r"\W*(?:so|thus|therefore|hence)?\W*(?:it|that|this)(?:'s|\s(?:is|was|would\sbe|seems))\s(?P<not>not\s|im)?possible\W*"
)
_LEADS = _set("so thus therefore hence yes no indeed most")
LONGEST_SUBJECT = 3
"""Words of a question's own that "it" or "they" may stand for."""
_OPPOSITES = {"off": "on", "down": "up", "out": "in", "outside": "inside", "in": "out", "from": "to", "to": "from"}
"""Words that say the contrary of one that a question has, and which is no word of its content."""
_NEGATIVE = _set("not n't never no none nobody nothing neither nor without unlikely hardly barely")
_DOUBTFUL = _NEGATIVE | _set(
    """if unless whether may might maybe perhaps possible possibly possibility potentially unclear unknown uncertain
    depends depending impossible unable incapable fail fails failed only few rarely little less almost nearly some
    sometimes technically partially partly wrong false incorrect untrue exception except lack lacks lacking free
    difficult hard question answer evidence information one but although though while whereas
    doubtful doubt improbable implausible"""
)


def read_restated(statement: str, question: str) -> str | None:
    """Returns the yes or no that a statement gives to a question whose words it repeats; None in any doubt.

    All words of the question must come again, in their order, with the same auxiliary. A "not" or "unlikely" is told
    from its place; any other word that turns or weakens a statement leaves it unread.

    Args:
        statement: A concluding clause.
        question: The question; of a longer text the last sentence that asks, or else its last one.
    """
    question = _last_sentence(question)
    known_by_name = _FIRST_NAME.sub("", question)
    if known_by_name != question and (said_of_it := read_restated(statement, known_by_name)):
        return said_of_it
    if embedded := _EMBEDDED.match(question):  # "Is it true that whales are not fish?"
        held, negated = _NOT.subn("", question[embedded.end() :])
        said_of_it = read_restated(statement, held)
        return {"yes": "no", "no": "yes"}.get(said_of_it or "") if negated == 1 else said_of_it
    asked = _words(question)
    said = _words(_REASON.sub("", statement))
    asks = next((word for word in asked if word in _AUXILIARIES), None)
    if asks is None or _doubtful(asked) or any(_OPPOSITES.get(word) in asked for word in set(said) - set(asked)):
        return None
    if asks in _SAME["can"] and (possible := _IF_POSSIBLE.fullmatch(statement)):
        return "no" if possible["not"] else "yes"
    auxiliaries = _SAME.get(asks, {asks})
    content = _content(asked)
    by_pronoun = _by_pronoun(said, auxiliaries, content)
    if not (by_pronoun or _repeated(content, said) or _begun(content, said)) or _doubtful(
        [word for word in said if word not in _NEGATIVE]
    ):
        return None
    negations = [place for place, word in enumerate(said) if word in _NEGATIVE]
    if len(negations) > 1:
        return None
    if by_pronoun:
        return "no" if negations else "yes"
    if negations == [0] and said[0] == "no" and _stem(said[1]) == content[0]:
        return "no"
    if not negations:
        return "yes" if auxiliaries & set(said) or asks in _DO else None
    at = negations[0]
    auxiliaries = auxiliaries | (_SAME["can"] if asks == "did" and said[at + 1 : at + 2] == ["have"] else set())
    before = [word for word in said[:at] if not word.endswith("ly")]  # "would certainly not"
    return "no" if said[at] == "unlikely" or _denies([*before[-1:], *said[at : at + 2]], auxiliaries, asked) else None


def _by_pronoun(said: list[str], auxiliaries: set[str] | frozenset[str], asked: list[str]) -> bool:
    """Returns whether a statement is a pronoun, the question's auxiliary and the end of the question: "They can't"."""
    said = [word for word in said if word not in _LEADS and not word.endswith("ly")]
    if len(said) < 2 or said[0] not in _PRONOUNS or said[1] not in auxiliaries:
        return False
    content = [_stem(word) for word in said[1:] if word not in _FUNCTION | _NEGATIVE]
    begins = [asked[place : place + len(content)] for place in range(1, LONGEST_SUBJECT + 1)]
    return bool(asked) and (not content or content in begins)


def can_be_restated(question: str) -> bool:
    """Returns whether a question has enough words of its own to be known again by them."""
    return len(_content(_words(_last_sentence(question)))) >= LEAST_CONTENT


def asks_the_same(another: str, question: str) -> bool:
    """Returns whether a question has all the words of the one that was asked, or all but one of many, or only "it"."""
    asked, said = set(_content(_words(_last_sentence(question)))), set(_content(_words(another)))
    return not said - {"true", "right", "correct", "possibl"} or len(asked - said) <= (len(asked) > MANY)


def _denies(said: list[str], auxiliaries: set[str] | frozenset[str], asked: list[str]) -> bool:
    """Returns whether a "not" stands behind the question's auxiliary, and before a word of the question's own."""
    if len(said) == 3 and said[1] == "never" and _stem(said[2]) in _content(asked):
        return True
    if len(said) < 3 or said[0] not in auxiliaries or said[1] not in ("not", "n't"):
        return False
    return said[2] in _FUNCTION or _stem(said[2]) in _content(asked)


def _last_sentence(question: str) -> str:
    """Returns what a question asks, without what it only tells: "... Is it heads up? Note that it starts so."."""
    said = _SENTENCE.split(question[-LONGEST_QUESTION:].strip())
    return _LEAD.sub("", next((sentence for sentence in reversed(said) if sentence.endswith("?")), said[-1]))


def _words(text: str) -> list[str]:
    text = _N_T.sub(" n't", text.lower().replace("can't", "can n't").replace("won't", "will n't"))
    text = _IS.sub(r"\1 is", text.replace("cannot", "can not").replace("'re ", " are "))
    return [word.removesuffix("'s") for word in _TOKEN.findall(text)]


def _content(words: list[str]) -> list[str]:
    return [_stem(word) for word in words if word not in _FUNCTION]


def _begun(content: list[str], said: list[str]) -> bool:
    """Returns whether a statement is the beginning of a question, and nothing of its own: "Pears will not sink"."""
    stems = [_stem(word) for word in said if word not in _FUNCTION | _NEGATIVE]
    return len(stems) >= LEAST_CONTENT and stems == content[: len(stems)]


def _stem(word: str) -> str:
    word = _IRREGULAR.get(word, word)
    if len(word) > 3 and not word[-1].isdigit():
        word = re.sub(r"(?:ing|ied|ies|ed|es|s|e|y)$", "", word)
        word = word[:-1] if word[-1:] == word[-2:-1] else word
    return word


def _doubtful(words: list[str]) -> bool:
    return bool(set(words) & _DOUBTFUL)


def _repeated(content: list[str], said: list[str]) -> bool:
    """Returns whether all of a question's words come again, in their order."""
    stems = iter(map(_stem, said))
    return len(content) >= LEAST_CONTENT and all(word in stems for word in content)
