"""How an answer is given in other languages, said in English: "La respuesta es sí" is "the answer is yes"."""

from __future__ import annotations

import re

from magdi.plugins.answers.phrase import phrase

_NOUNS = (
    "respuesta|réponse|resposta|risposta|antwort|lösung|antwoord|svaret|svar|odpowiedź|odpověď|cevap|yanıt|răspunsul|răspuns|vastaus"
    "|ответ|відповідь|απάντηση|jawabannya|jawaban|đáp án|câu trả lời|उत्तर|उत्तर है|উত্তর|الجواب|الإجابة|คำตอบ|정답|답변|답"
)
_NOUNS_WITHOUT_SPACES = "最终答案|最終答案|正确答案|正確答案|答案|答え|正解|回答"
_COMMA_NOUNS = tuple(noun for noun in _NOUNS.split("|") if noun < "\u0530")
"""Nouns of languages with a comma for the decimal point."""
_ALL_NOUNS = tuple(f"{_NOUNS}|{_NOUNS_WITHOUT_SPACES}".split("|"))
_BEFORE = (
    r"(?:la|l[ae]s?|el|a|o|il|die|der|das|det|het|η)\s|l'|(?:so|also|donc"
    r"|entonces,?|logo|allora|por\slo\stanto,?|daher)\s"
)
_QUALITIES = (
    r"correcta|final|correcte|finale|corretta|exacte|richtige|korrekte|endgültige|bonne|juiste|correta|certa|правильный|окончательный"
    r"|konečná|poprawna|doğru|σωστή"
)
_KINDS = (
    r"(?:la|die|a|l'|der|de)?\s?(?:opción|option|alternativa|opzione|antwort|letra|lettre|вариант|选项|選項)\s{1,3}"
)
_IS = (
    r"(?:(?:es|est|ist|lautet|è|é|is|är|jest|je|este|είναι|adalah"
    r"|là|هو|هي)\b|है|คือ|是|为|為|应为|应该是|は|은|는|이|—|–|-)?\s{0,3}[:=]?"
)
_GIVEN = phrase(
    rf"(?:(?<![^\W\d_])(?:{_BEFORE})?(?:(?:{_QUALITIES})\s{{1,3}})?(?:{_NOUNS})|{_NOUNS_WITHOUT_SPACES})(?:\s{{1,3}}(?:{_QUALITIES}|en|de)\b)?\s{{0,3}}{_IS}\s{{0,3}}(?:{_KINDS})?"
    r"(?=[\w$\\(（【\[「\"'«*-])"
)
_RIGHT = phrase(
    r"\b(?:la\s|l'|die\s|a\s)?(?:opción|option|alternativ[ae]|opzione|opção|antwort|respuesta|réponse|risposta|resposta)\s(?P<label>\(?[A-J]\)?)"
    r"\s(?:es|est|ist|è|é|is)\s(?:l[ae]\s|die\s|de\s|a\s)?(?:corre[ct]\w*|richtig\w*|juste|bonne|cert[ao]|goed\w?|juist\w?)\b"
)
_CHOSEN = re.compile(
    r"(?:故选|应选|应该选|選|选择|选)(?:择)?\s{0,3}[:：]?\s{0,3}(?:选项)?\s{0,3}(?=[(（【]?[A-J](?![a-zA-Z]))"
)
_YES = (
    "sí|sì|oui|ja|da|да|sim|evet|tak|ano|ναι|はい|是的|是|对|正确|正確|네|예|نعم"
    "|हाँ|हां|verdadero|vrai|richtig|vero|verdadeiro|правда|có|ya|так"
)
_NO = (
    "non|nein|нет|não|nao|nee|nej|hayır|nie|όχι|いいえ|不是|否|不|错误"
    "|錯誤|错|아니요|아니오|لا|नहीं|falso|faux|falsch|không|tidak|ні"
)
_WORD = phrase(
    rf"(?P<before>\A\W*|\bthe answer is[\s:：\"'「«*]*)(?:(?P<yes>{_YES})|(?P<no>{_NO}))(?:です|である|입니다"
    rf"|이다)?(?=\s?है|[\s\"'」»*)]*(?:\Z|[\n,.!;:，、。]))"
)
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOUCHING = re.compile(rf"(?<=[{_CJK}])(?=[A-Za-z0-9(\\$-])|(?<=[A-Za-z0-9)$}}])(?=[{_CJK}])")
_FOREIGN_WORD = phrase(
    r"\b(?:d(?:er|ie|as|em|en|es?|u|i|os|on[cd]e?)|und|ist|sind|nicht|eine?|es|bleib\w+|ihm|insgesamt|kostet|mit|sich|euros?"
    r"|l(?:e|as?|es|os)|est|et|une?|reste|dans|elle|il|el|por|cuesta|en|hay|para|che|sono|quindi|costa|het|een|niet|og|em)\b"
    r"|(?-i:\b\w*[\u00c0-\u024f\u0370-\u03ff\u0400-\u052f]\w*)"
)
_ENGLISH_WORD = phrase(r"\b(?:the|is|are|and|of|to|has|so|for|with|we|he|she|they|it|answer|that)\b")
_COMMA_OR_GROUPS = re.compile(r"\d,\d|\d[. ]\d{3}(?!\d)")
_COMMA = re.compile(
    r"(?<![\d.,(\[])(?<!\\\{)(?P<whole>(?<!\d )\d{1,3}(?: \d{3})+(?! \d)|\d{1,3}(?:\.\d{3})+|0(?=,)"
    r"|\d+(?=,(?!\d{3}(?!\d))))(?:,(?P<part>\d+))?(?![\d,]|\.\d)"
)
_POINT = re.compile(r"(?<![\d.])(?:\d+\.\d{1,2}(?!\d)|0\.\d)")
LANGUAGE_WITHIN = 2000
"""Characters, from the end, by whose words it is told whether a comma is a decimal point."""
_STOP = re.compile("[。｡]")


def _with_points(text: str) -> str:
    """Returns a text with decimal points, where its language has commas for them: "1.250,5" is 1250.5."""
    end = text[-LANGUAGE_WITHIN:]
    if not _COMMA_OR_GROUPS.search(text) or _POINT.search(text):
        return text
    foreign = len(_FOREIGN_WORD.findall(end)) + 2 * any(noun in end.casefold() for noun in _COMMA_NOUNS)
    if foreign < max(2, 2 * len(_ENGLISH_WORD.findall(end))):
        return text
    return _COMMA.sub(
        lambda number: re.sub(r"\D", "", number["whole"]) + (f".{number['part']}" if number["part"] else ""), text
    )


_NOT = phrase(
    rf"(?:\b(?:{_NOUNS})\s(?:{_QUALITIES})?\s?)(?:ist\snicht|n'est\spas|no\ses|non\sè|não\sé|is\sniet|не)\s|(?:{_NOUNS_WITHOUT_SPACES})不是"
)
_BUT = re.compile(
    r"(?<=[\w.)$}]),?\s?(?:\b(?:sondern|mais|sino|ma|bensì|mas|maar|а)\b|而是)\s?(?:es\s|la\s)?(?=[\W\d]|[A-J]\b)"
)


def in_english(text: str) -> str:
    """Returns a text whose markers of an answer, and a yes or no behind them or alone, are said in English.

    What else it says stays as it is: numbers, letters and formulas are the same in all languages.
    """
    text = _with_points(text)
    folded = text.casefold()
    if any(noun in folded for noun in _ALL_NOUNS):
        if _NOT.search(text):
            text = _BUT.sub(" but ", _NOT.sub(" The answer is not ", text))
        text = _GIVEN.sub(" The answer is ", text)
    text = _RIGHT.sub(r"option \g<label> is correct", text)
    if "选" in text or "選" in text:
        text = _CHOSEN.sub(" The answer is ", text)
    text = _WORD.sub(lambda said: said["before"] + ("yes" if said["yes"] else "no"), text)
    return text if text.isascii() else _TOUCHING.sub(" ", _STOP.sub(". ", text))
