"""An answer that is set against others is read as its writer's, whatever its kind; verdicts turn where the two swap."""

from __future__ import annotations

import pytest

from magdi.core.mag import AnswerType, Choice
from magdi.plugins.answers import read

OPTIONS = [
    Choice(label=label, text=text)
    for label, text in zip("ABCD", ("a bakery", "a library", "the park", "a museum"), strict=True)
]
PAIRS: list[tuple[AnswerType, str, str]] = [
    ("boolean", "yes", "no"),
    ("letter", "B", "A"),
    ("letter", "(C)", "(B)"),
    ("number", "7", "9"),
    ("number", "$12", "$3.50"),
]
FORMS = [
    "Agent 1 says {Y}, but {X}, it seems to me.",
    "Agent 1 says {Y}. In my view: {X}.",
    "Agent 1 says {Y}. In my view it is {X}.",
    "Agent 1 and Agent 3 both answered {Y}; I still think {X}.",
    "Agent 1 and Agent 3 both answered {Y}; I still think it is {X}.",
    "Initially {Y}, now {X}.",
    "My answer was {Y}; it is now {X}.",
    "The answer was {Y} before the correction; it is now {X}.",
    "The answer was {Y} at first. It has become {X}.",
    "I changed my mind: {X}, not {Y}.",
    "While some may say {Y}, the answer is {X}.",
    "The answer is {X} (not {Y}).",
    "Answer: {X}, confidence: 0.9",
    "Final: {X}",
    "Verdict: {X}",
    "Conclusion: {X}",
    "My vote: {X}",
    "So: {X}.",
    "=> {X}",
    "Therefore {X}.",
    "Hence the answer would be {X}.",
    "I lean towards {X}.",
    "I'm inclined to say {X}.",
    "It's closer to {X} than to {Y}.",
    "{X} rather than {Y}.",
    "Probably {X}.",
    "Most likely {X}, though possibly {Y}.",
    "I'd go with {X}.",
    "I'd bet on {X}.",
    "I'm going with {X}.",
    "I vote {X}.",
    "I vote for {X}.",
    "I second Agent 2's {X}.",
    "I support {X}.",
    "{Y} would be the answer if it were summer, but it is winter, so {X}.",
    "If it were summer, {Y}. As it is winter: {X}.",
    "If it were summer it would be {Y}, but it is winter; {X}.",
    "Had it been summer, I would have said {Y}. Now I say {X}.",
    "At first glance {Y}; on closer look {X}.",
    "At first glance it's {Y}. On closer look it's {X}.",
    "Not {Y} but {X}.",
    "Not {Y}. {X}.",
    "{X}, definitely.",
    "{X}, although {Y} was tempting.",
    "{X} (Agent 3 says {Y}).",
    "{X} - Agent 3's {Y} is mistaken.",
    "Two agents say {Y}, one says {X}. I side with the one.",
    "Two agents say {Y}, one says {X}. I side with the minority.",
    "Two agents say {X}, one says {Y}. I side with the majority.",
    "Two agents say {X}, one says {Y}. The majority is right.",
    "Agent 1 said {X}, Agent 2 said {Y}. Agent 1 is right.",
    "Agent 1 said {Y}, Agent 2 said {X}. Agent 1 is wrong.",
    "Agent 1 said {X}, Agent 2 said {Y}. I agree with the former.",
    "Agent 1 said {Y}, Agent 2 said {X}. I agree with the latter.",
    "Agent 1 said {Y}, Agent 2 said {X}. I agree with the second.",
    "Agent 1 said {Y}, Agent 2 said {X}. Agent 2's reasoning is sounder.",
    "Agent 1 argues for {Y} and Agent 2 for {X}; the latter convinces me.",
    "I was wrong to say {Y}. It is {X}.",
    "I was wrong to say {Y}: {X}.",
    "I retract {Y}; {X} is right.",
    "I withdraw {Y} and say {X}.",
    "Scratch that {Y}; {X}.",
    "{Y}... no, {X}.",
    "{Y}? No: {X}.",
    "{Y}? I don't think so. {X}.",
    "Is it {Y}? No, it is {X}.",
    "Could it be {Y}? Hardly. So {X}.",
    "Some think {Y}. They are mistaken: {X}.",
    "It is often believed to be {Y}, but it is {X}.",
    "People assume {Y}; in truth {X}.",
    "People assume {Y}; in truth, it is {X}.",
    "The obvious answer is {Y}, but the right one is {X}.",
    "The obvious answer, {Y}, is wrong. {X} is correct.",
    "The naive answer is {Y}. The correct answer is {X}.",
    "The wrong answer is {Y}. The right answer is {X}.",
    "The trap is to say {Y}. The answer is {X}.",
    "Do not answer {Y}. Answer {X}.",
    "Don't say {Y}, say {X}.",
    "Rather than {Y}, I would answer {X}.",
    "Instead of {Y}, it should be {X}.",
    "It should be {X} instead of {Y}.",
    "I would change {Y} to {X}.",
    "I revise my answer ({Y}) to {X}.",
    "Revised answer: {X} (previously {Y})",
    "Updated answer: {X}",
    "My old answer {Y} stands no more; {X}.",
    "Arguments for {Y}: it is cheap. Arguments for {X}: it fits. The latter outweigh.",
    "For {Y} speaks little; for {X} speaks much. So {X}.",
    "The answer {Y} is refuted, which leaves {X}.",
    "As {Y} is impossible, {X}.",
    "Since {Y} contradicts the premise, the answer must be {X}.",
    "Because {Y} was ruled out, it is {X}.",
    "Having ruled out {Y}, I answer {X}.",
    "The correct answer is {X}, and {Y} is incorrect.",
    "The correct answer isn't {Y}, it's {X}.",
    "{Y} isn't correct; {X} is.",
    "{Y} is not the answer. {X} is.",
    "{X} is the answer, {Y} is not.",
    "{X} is right and {Y} wrong.",
    "Of the two, {X}.",
    "Between {Y} and {X}, I choose {X}.",
    "Given {Y} and {X}, I'd pick {X}.",
    "I hesitate between {Y} and {X}, but choose {X}.",
    "I hesitated between {X} and {Y} and settled on {X}.",
    "After weighing {X} against {Y}, I settle for {X}.",
    "**{X}** (was: {Y})",
    "~~{Y}~~ {X}",
    "The answer is {Y}. Hmm, wait. Let me recheck. The answer is {X}.",
    "The answer is {Y}. Correction: {X}.",
    "The answer is {Y}. Correction: the answer is {X}.",
    "The answer is {Y}. Sorry, I meant {X}.",
    "The answer is {Y}. Oops, {X}.",
    "Agent 1, you claim {Y}. That's false. {X}.",
    "You say {Y}; I say {X}.",
    "You said {Y}, however the evidence points to {X}.",
    "Their answer is {Y}, mine is {X}.",
    "My answer is {X}, theirs is {Y}.",
    "Mine is {X}, theirs {Y}.",
    "Everyone else says {Y}, yet {X} is right.",
    "Everyone else says {Y}, and yet I hold on to {X}.",
    "I maintain {X}.",
    "I maintain my answer of {X}.",
    "I keep {X}.",
    "I stay with {X}, even if all others say {Y}.",
    "I stand by {X}.",
    "I'm sticking with {X} and not switching to {Y}.",
    "I am not convinced by {Y}; {X}.",
    "I am not convinced by {Y}. My answer stays {X}.",
    "I see no reason to go from {X} to {Y}.",
    "No argument for {Y} convinces me, so {X}.",
    "Nobody could convince me of {Y}. {X}.",
]


@pytest.mark.parametrize("form", FORMS)
def test_of_two_answers_the_writers_own_is_read(form: str) -> None:
    for kind, one, other in PAIRS:
        for own, others in ((one, other), (other, one)):
            said = form.replace("{X}", own).replace("{Y}", others)
            said = said[0].upper() + said[1:]
            plain = own.strip("()$").removesuffix(".50") + (".5" if own.endswith(".50") else "")
            assert read(said, kind, OPTIONS if kind == "letter" else ()).answer == plain, said


@pytest.mark.parametrize("form", FORMS)
def test_an_option_may_be_named_by_its_text(form: str) -> None:
    """Never the other one; where the two are told apart by other rules it may be none."""
    said = form.replace("{X}", "a library").replace("{Y}", "the park")
    assert read(said[0].upper() + said[1:], "letter", OPTIONS).answer in ("B", None), said


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Agent 1 is right that I keep 5 of them. I give 3 away, so 2 remain.", "2"),
        ("I settle for 5 boxes of 3, which makes 15.", "15"),
        ("The answer was 20 dollars short of 50. It is now 30.", "30"),
        ("It is closer to 100 than to 90. The total is 97.", "97"),
        ("I say 4 and you say 5, which adds up to 9.", "9"),
    ],
)
def test_a_story_in_the_first_person_is_no_contrast(text: str, number: str) -> None:
    assert read(text, "number").answer == number


SIDES = [
    ("Agent 1 says {}, Agent 2 says {}. I agree with the {}.", ("former", "latter")),
    ("Agent 1 argues for {} and Agent 2 for {}; the {} convinces me.", ("former", "latter")),
    ("Solver A chose {}, solver B chose {}. Solver {}'s reasoning is sounder.", ("A", "B")),
    ("Agent 1 said {}, Agent 2 said {}. Agent {} is wrong.", ("2", "1")),
    ("Two agents say {}, one says {}. I side with the {}.", ("majority", "minority")),
    ("One agent says {}; most say {}. I side with the {}.", ("one", "majority")),
]


@pytest.mark.parametrize(("form", "sides"), SIDES)
def test_a_side_that_is_taken_is_its_answer(form: str, sides: tuple[str, str]) -> None:
    for kind, one, other in PAIRS:
        if kind != "letter" or "(" not in one:
            for side, taken in zip(sides, (one, other), strict=True):
                plain = taken.strip("$").removesuffix("0")
                said = form.format(one, other, side)
                assert read(said, kind, OPTIONS if kind == "letter" else ()).answer == plain, said
