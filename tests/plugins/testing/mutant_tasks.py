"""Tasks with one thing wrong each. `Honest` has nothing wrong."""

import itertools
import re

from mutant_register import caught_by

from magdi.core import answers
from magdi.core.errors import DataError
from magdi.core.mag import Choice, Question
from magdi.core.task import Task

STARTS = {"train": 0, "test": 100}
_ever = itertools.count()


class Honest(Task):
    """Sums; it has no validation split."""

    def questions(self, split):
        if split not in STARTS:
            raise DataError(f"there is no {split} split")
        return [self.question(split, number) for number in range(STARTS[split], STARTS[split] + 60)]

    def question(self, split, number):
        gold = str(3 * number + 1)
        return Question(
            id=f"{split}-{number}", text=f"What is {number} + {2 * number + 1}?", gold=gold, answer_type="number"
        )

    def extract(self, text, question):
        return answers.extract(text, question)


@caught_by("gold_passes")
class TakesTheTextAsItIs(Honest):
    """Raw string equality."""

    def extract(self, text, question):
        return text


@caught_by("usual_forms")
class KnowsOneSentence(Honest):
    def extract(self, text, question):
        found = re.search(r"The answer is (\d+)\.", text)
        return found and found[1]


@caught_by("gold_passes")
class SaysYesWithAMatch(Honest):
    """Truthy is not True: JSON, statistics and isinstance checks come after it."""

    def grade(self, answer, gold):
        return re.fullmatch(re.escape(gold), answer or "")


@caught_by("altered_gold_fails")
class IsContentWithAPart(Honest):
    def grade(self, answer, gold):
        return answer is not None and gold in answer


@caught_by("altered_gold_fails")
class IsContentWithAnything(Honest):
    def grade(self, answer, gold):
        return answer is not None


@caught_by("bad_input_is_wrong")
class RaisesOnWords(Honest):
    def grade(self, answer, gold):
        return answer is not None and float(answer) == float(gold)


@caught_by("bad_input_is_wrong")
class TakesSilenceForConsent(Honest):
    """Du's code: no parsed answer counts as right."""

    def grade(self, answer, gold):
        return answer is None or answer == gold


@caught_by("bad_input_is_wrong")
class RaisesOnOddText(Honest):
    def extract(self, text, question):
        return answers.extract(text.split("answer is ")[1], question)


@caught_by("runs_no_code")
class RunsWhatItReads(Honest):
    """MATH through sympify, in the authors' code."""

    def grade(self, answer, gold):
        try:
            return str(eval(answer or "None")) == gold
        except Exception:
            return False


@caught_by("always_ends")
class ComputesTowers(Honest):
    def grade(self, answer, gold):
        if answer and set(answer) <= set("0123456789*"):
            return str(eval(answer)) == gold
        return answer == gold


@caught_by("always_ends")
class BacktracksForEver(Honest):
    def extract(self, text, question):
        return "1" if re.match(r"(a+)+$", text) else answers.extract(text, question)


@caught_by("ids")
class GivesOneIdTwice(Honest):
    def question(self, split, number):
        return super().question(split, number).model_copy(update={"id": f"{split}-{number // 2}"})


@caught_by("ids")
class NumbersAnew(Honest):
    def question(self, split, number):
        return super().question(split, number).model_copy(update={"id": f"{split}-{next(_ever)}"})


@caught_by("ids")
class HasNothing(Honest):
    def questions(self, split):
        return []


@caught_by("splits_disjoint")
class TrainsOnTheTest(Honest):
    """One test question, spelt a little otherwise, among the training questions."""

    def questions(self, split):
        leaked = self.question("test", 100).model_copy(update={"id": "leak", "text": "what is  100 + 201?"})
        return [*super().questions(split), *([leaked] if split == "train" else [])]


@caught_by("questions_are_whole")
class LacksGold(Honest):
    def question(self, split, number):
        return super().question(split, number).model_copy(update={"gold": None if number == 7 else "1"})


@caught_by("questions_are_whole")
class LacksTheRightOption(Honest):
    def question(self, split, number):
        choices = tuple(Choice(label=label, text=str(number)) for label in "AB")
        update = {"answer_type": "letter", "choices": choices, "gold": "C"}
        return super().question(split, number).model_copy(update=update)
