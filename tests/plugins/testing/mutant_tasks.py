"""Tasks with one thing wrong each. `Honest` has nothing wrong."""

import itertools
import math
import re
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from magdi.core.errors import DataError
from magdi.core.mag import Choice, Question
from magdi.core.task import Document, Primer, Split, Task
from magdi.plugins import answers
from tests.plugins.testing.mutant_register import caught_by

STARTS: dict[Split, int] = {"train": 0, "test": 100}
_ever = itertools.count()


class Honest(Task):
    """Sums; it has no validation split."""

    def questions(self, split: Split) -> Sequence[Question]:
        if split not in STARTS:
            raise DataError(f"there is no {split} split")
        return [self.question(split, number) for number in range(STARTS[split], STARTS[split] + 24)]

    def question(self, split: Split, number: int) -> Question:
        gold = str(3 * number + 1)
        return Question(
            id=f"{split}-{number}", text=f"What is {number} + {2 * number + 1}?", gold=gold, answer_type="number"
        )

    def extract(self, text: str, question: Question) -> str | None:
        return answers.extract(text, question)


@caught_by("gold_passes")
class TakesTheTextAsItIs(Honest):
    """Raw string equality."""

    def extract(self, text: str, question: Question) -> str | None:
        return text


@caught_by("usual_forms")
class KnowsOneSentence(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        found = re.search(r"The answer is (\d+)\.", text)
        return found and found[1]


@caught_by("gold_passes")
class SaysYesWithAMatch(Honest):
    """Truthy is not True: JSON, statistics and isinstance checks come after it."""

    def grade(self, answer: str | None, gold: str) -> bool:
        return re.fullmatch(re.escape(gold), answer or "")  # type: ignore[return-value]


@caught_by("altered_gold_fails")
class IsContentWithAPart(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is not None and gold in answer


@caught_by("altered_gold_fails")
class IsContentWithAnything(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is not None


@caught_by("bad_input_is_wrong")
class RaisesOnWords(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is not None and float(answer) == float(gold)


@caught_by("bad_input_is_wrong")
class TakesSilenceForConsent(Honest):
    """Du's code: no parsed answer counts as right."""

    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is None or answer == gold


@caught_by("bad_input_is_wrong")
class RaisesOnOddText(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        return answers.extract(text.split("answer is ")[1], question)


@caught_by("runs_no_code")
class RunsWhatItReads(Honest):
    """MATH through sympify, in the authors' code."""

    def grade(self, answer: str | None, gold: str) -> bool:
        try:
            return str(eval(answer or "None")) == gold
        except Exception:
            return False


@caught_by("always_ends")
class ComputesTowers(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        if answer and set(answer) <= set("0123456789*"):
            return str(eval(answer)) == gold
        return answer == gold


@caught_by("always_ends")
class BacktracksForEver(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        return "1" if re.match(r"(a+)+$", text) else answers.extract(text, question)


@caught_by("ids", alone=True)
class GivesOneIdTwice(Honest):
    def question(self, split: Split, number: int) -> Question:
        return super().question(split, number).model_copy(update={"id": f"{split}-{number // 2}"})


@caught_by("ids")
class NumbersAnew(Honest):
    def question(self, split: Split, number: int) -> Question:
        return super().question(split, number).model_copy(update={"id": f"{split}-{next(_ever)}"})


@caught_by("ids")
class HasNothing(Honest):
    def questions(self, split: Split) -> Sequence[Question]:
        return []


@caught_by("splits_disjoint")
class TrainsOnTheTest(Honest):
    """One test question, spelt a little otherwise, among the training questions."""

    def questions(self, split: Split) -> Sequence[Question]:
        leaked = self.question("test", 100).model_copy(update={"id": "leak", "text": "what is  100 + 201?"})
        return [*super().questions(split), *([leaked] if split == "train" else [])]


@caught_by("questions_are_whole")
class LacksGold(Honest):
    def question(self, split: Split, number: int) -> Question:
        return super().question(split, number).model_copy(update={"gold": None if number == 7 else "1"})


@caught_by("questions_are_whole")
class LacksTheRightOption(Honest):
    def question(self, split: Split, number: int) -> Question:
        choices = tuple(Choice(label=label, text=str(number)) for label in "AB")
        update = {"answer_type": "letter", "choices": choices, "gold": "C"}
        return super().question(split, number).model_copy(update=update)


@caught_by("altered_gold_fails", alone=True)
class IsOneOff(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        try:
            return answer is not None and abs(int(answer) - int(gold)) <= 1
        except ValueError:
            return False


@caught_by("altered_gold_fails")
class ComparesLoosely(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        try:
            return answer is not None and math.isclose(float(answer), float(gold), rel_tol=0.01)
        except (ValueError, OverflowError):
            return False


@caught_by("altered_gold_fails")
class ForgetsTheSign(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is not None and answer.lstrip("-") == gold.lstrip("-")


@caught_by("mentioned_gold_fails", alone=True)
class ReadsTheFirstNumberOfASentence(Honest):
    """ "Not 7 but 8" is 7."""

    def extract(self, text: str, question: Question) -> str | None:
        found = re.search(r"answer is not (\d+)", text)
        return found[1] if found else super().extract(text, question)


@caught_by("reads_without_gold")
class LooksForTheGoldAnswer(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        if question.gold and re.search(rf"\b{question.gold}\b", text):
            return question.gold
        return super().extract(text, question)


@caught_by("reads_without_gold", alone=True)
class PrefersTheGoldAnswer(Honest):
    """It says nothing rather than what is wrong, and so knows what is right."""

    def extract(self, text: str, question: Question) -> str | None:
        found = super().extract(text, question)
        return None if "slip" in text and found != question.gold and question.gold is not None else found


@caught_by("reads_past_reasoning", alone=True)
class GivesUpOnLongReplies(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        first = re.match(r"(?:We weigh|There are).*?(\d+)", text, re.S)
        return first[1] if first else super().extract(text, question)


@caught_by("one_form", alone=True)
class HasTwoForms(Honest):
    """7.0 is right, and is another answer than 7 in a vote."""

    def extract(self, text: str, question: Question) -> str | None:
        found = super().extract(text, question)
        return found and (f"{found}.0" if f"{found}.0" in text else found)

    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is not None and answer.removesuffix(".0") == gold


@caught_by("primer", alone=True)
class PrimesWithTheTest(Honest):
    def primer(self, seed: int) -> Primer | None:
        return Primer(documents=[Document(f"{self.question('test', 103).text}\nIt is 310.")])


@caught_by("ids")
class ShufflesInPlace(Honest):
    def __init__(self, config: BaseModel | None = None) -> None:
        super().__init__(config)
        self.kept = {split: list(super(ShufflesInPlace, self).questions(split)) for split in STARTS}

    def questions(self, split: Split) -> Sequence[Question]:
        if split not in STARTS:
            raise DataError(f"there is no {split} split")
        self.kept[split].reverse()
        return list(self.kept[split])


@caught_by("another_process", alone=True)
class OrdersByHash(Honest):
    def questions(self, split: Split) -> Sequence[Question]:
        return sorted(super().questions(split), key=lambda question: hash(question.id))


@caught_by("questions_are_whole", alone=True)
class HasTwoOptionsA(Honest):
    def question(self, split: Split, number: int) -> Question:
        choices = tuple(Choice(label=label, text=f"{number}, or {place}") for place, label in enumerate("AAB"))
        update = {"answer_type": "letter", "choices": choices, "gold": "A"}
        return super().question(split, number).model_copy(update=update)


@caught_by("ids")
class YieldsItsQuestions(Honest):
    def questions(self, split: Split) -> Sequence[Question]:
        return (question for question in super().questions(split))  # type: ignore[return-value]


@caught_by("ids")
class CannotReadItsQuestions(Honest):
    def questions(self, split: Split) -> Sequence[Question]:
        row: dict[str, Question] = {}
        return [row["question"]]


@caught_by("bad_input_is_wrong", alone=True)
class CountsInATrait(Honest):
    def traits(self, text: str, question: Question) -> Mapping[str, bool]:
        return {"words": len(text.split())}  # type: ignore[dict-item]


@caught_by("always_ends", alone=True)
class SwallowsTheTimeOut(Honest):
    """Nothing that is raised in it ends it."""

    def extract(self, text: str, question: Question) -> str | None:
        while "a b a b" in text:
            try:
                re.match(r"(a+)+$", "a" * 40 + "!")
            except BaseException:
                continue
        return super().extract(text, question)


@caught_by("runs_no_code", alone=True)
class RunsBlocks(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        if found := re.search(r"```python\n(.*?)```", text, re.S):
            exec(found[1], {})
        return super().extract(text, question)


@caught_by("bad_input_is_wrong", alone=True)
class RaisesOnZero(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        if "\x00" in text:
            raise ValueError("embedded null byte")
        return super().extract(text, question)


@caught_by("splits_disjoint", alone=True)
class SharesOneQuestion(Honest):
    def questions(self, split: Split) -> Sequence[Question]:
        leaked = self.question("test", 100).model_copy(update={"id": "leak"})
        return [*super().questions(split), *([leaked] if split == "train" else [])]


@caught_by("gold_passes", alone=True)
class FailsOneGoldAnswer(Honest):
    def grade(self, answer: str | None, gold: str) -> bool:
        return super().grade(answer, gold) and gold != "22"


@caught_by("usual_forms", alone=True)
class ReadsNoBoxes(Honest):
    def extract(self, text: str, question: Question) -> str | None:
        return None if "boxed" in text else super().extract(text, question)


class Tolerant(Honest):
    """Honest: numbers within 1 % are right, and it says so."""

    lenient = "numbers within 1 %"

    def grade(self, answer: str | None, gold: str) -> bool:
        try:
            return answer is not None and math.isclose(float(answer), float(gold), rel_tol=0.01)
        except (ValueError, OverflowError):
            return False


class TolerantBySetting(Tolerant):
    """Honest: a setting says so."""

    lenient = ""

    class Config(BaseModel, extra="forbid"):
        tolerance: float = Field(0.01, description="Relative difference that is let pass.")


class Capitals(Honest):
    """Honest: texts, whose case and article do not matter."""

    def question(self, split: Split, number: int) -> Question:
        update = {"text": f"Which town is number {number} of {split}?", "gold": f"town{number}", "answer_type": "text"}
        return super().question(split, number).model_copy(update=update)

    def grade(self, answer: str | None, gold: str) -> bool:
        return answer is not None and answer.lower().removeprefix("the ") == gold


HONEST = [Honest, Tolerant, TolerantBySetting, Capitals]
