"""How an answer is given in other languages, said in English: "La respuesta es sí" is "the answer is yes"."""

from __future__ import annotations

import re

_NOUNS = (
    "respuesta|réponse|resposta|risposta|antwort|lösung|antwoord|svaret|svar|odpowiedź|odpověď|cevap|yanıt|răspunsul|răspuns|vastaus"
    "|ответ|відповідь|απάντηση|jawabannya|jawaban|đáp án|câu trả lời|उत्तर|उत्तर है|উত্তর|الجواب|الإجابة|คำตอบ|정답|답변|답"
)
_NOUNS_WITHOUT_SPACES = "最终答案|最終答案|正确答案|正確答案|答案|答え|正解|回答"
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
_GIVEN = re.compile(
    rf"(?:(?<![^\W\d_])(?:{_BEFORE})?(?:(?:{_QUALITIES})\s{{1,3}})?(?:{_NOUNS})|{_NOUNS_WITHOUT_SPACES})(?:\s{{1,3}}(?:{_QUALITIES}|en|de)\b)?\s{{0,3}}{_IS}\s{{0,3}}(?:{_KINDS})?"
    r"(?=[\w$\\(（【\[「\"'«*-])",
    re.IGNORECASE,
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
_WORD = re.compile(
    rf"(?P<before>\A\W*|\bthe answer is[\s:：\"'「«*]*)(?:(?P<yes>{_YES})|(?P<no>{_NO}))(?:です|である|입니다"
    rf"|이다)?(?=\s?है|[\s\"'」»*)]*(?:\Z|[\n,.!;:，、。]))",
    re.IGNORECASE,
)
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TOUCHING = re.compile(rf"(?<=[{_CJK}])(?=[A-Za-z0-9(\\$-])|(?<=[A-Za-z0-9)$}}])(?=[{_CJK}])")
_DECIMAL_COMMA = re.compile(
    r"(?<= The answer is )(?P<before>[\\$€£(*\s]{0,4})(?P<whole>\d{1,3}(?:\.\d{3})+|\d+),(?P<part>\d{1,2})(?![\d,])"
)
_STOP = re.compile("[。｡]")


def _with_a_point(number: re.Match[str]) -> str:
    return f"{number['before']}{number['whole'].replace('.', '')}.{number['part']}"


def in_english(text: str) -> str:
    """Returns a text whose markers of an answer, and a yes or no behind them or alone, are said in English.

    What else it says stays as it is: numbers, letters and formulas are the same in all languages.
    """
    folded = text.casefold()
    if any(noun in folded for noun in _ALL_NOUNS):
        text = _DECIMAL_COMMA.sub(_with_a_point, _GIVEN.sub(" The answer is ", text))
    if "选" in text or "選" in text:
        text = _CHOSEN.sub(" The answer is ", text)
    text = _WORD.sub(lambda said: said["before"] + ("yes" if said["yes"] else "no"), text)
    return text if text.isascii() else _TOUCHING.sub(" ", _STOP.sub(". ", text))
