"""What a base that is to be a team has read: roles' form at every length, and their trade for short problems alone."""

import hashlib
import json
import random
import re

import pytest

from magdi.core.config.models import TinyBase
from magdi.core.task import Document
from magdi.plugins.tasks.arithmetic import Arithmetic, ArithmeticConfig, belongs
from magdi.plugins.tasks.bugs import Bugs
from magdi.plugins.tasks.order import Order, OrderConfig
from magdi.plugins.tasks.procedures import work
from magdi.plugins.tasks.role_speech import SHORT, slipped
from magdi.plugins.tasks.word_problems import Line, Problem, read_lines, read_problems, read_verdicts, verified
from magdi.plugins.tiny.base import primer_of
from magdi.plugins.tiny.tokenizer import UNKNOWN, word_tokenizer

SMALL = Arithmetic(ArithmeticConfig(primer_problems=600, primer_checks=10))
SMALL_ORDER = OrderConfig(primer_problems=300, primer_checks=10, primer_conclusions=100)
TASKS = (Arithmetic, Order, Bugs)
SIGNS = re.compile(r" ([-+*/]) (\d+) ")


def reply(document: Document) -> str:
    return document.text[document.learn[0][0] :]


def learned(document: Document) -> str:
    return " ".join(document.text[start:end] for start, end in document.learn)


def quoted(document: Document) -> list[str]:
    return re.findall(r"<<< [^\n]*\n(.*?)\n>>>", document.text, re.S)


def problem_of(document: Document) -> Problem:
    (problem,) = read_problems(document.text.replace("What happens?", "How many"))
    return problem


def by_role(task: Arithmetic | Order) -> dict[str, list[Document]]:
    """Documents of generators, of those who tell again, of verifiers and of refiners."""
    found: dict[str, list[Document]] = {"generator": [], "retold": [], "verifier": [], "refiner": []}
    for document in task.role_speech(0):
        told = "retold" if "What happens?" in document.text else "generator"
        found[(told, "verifier", "refiner")[len(quoted(document))]].append(document)
    return found


@pytest.fixture(scope="module", params=TASKS)
def speech(request: pytest.FixtureRequest) -> dict[str, list[Document]]:
    return by_role(request.param())


def test_it_shares_no_calculation_with_any_split(speech: dict[str, list[Document]]) -> None:
    for document in (each for documents in speech.values() for each in documents):
        assert belongs(problem_of(document), "primer")


def test_verifiers_of_short_problems_are_right_and_half_of_what_they_see_is_wrong(
    speech: dict[str, list[Document]],
) -> None:
    sound = []
    for document in speech["verifier"]:
        problem, (solution,) = problem_of(document), quoted(document)
        if len(problem.steps) <= SHORT:
            shown = read_lines(solution)
            assert reply(document) == learned(document) == verified(shown, work(problem))
            sound.append(shown == work(problem))
    assert len(sound) >= 240
    assert 0.4 < sum(sound) / len(sound) < 0.6


def test_of_longer_ones_no_verifier_learns_which_step_comes_next(speech: dict[str, list[Document]]) -> None:
    verdicts: set[bool] = set()
    for document in speech["verifier"]:
        if len(problem_of(document).steps) > SHORT:
            assert not SIGNS.search(f" {learned(document)} ")
            own, (solution,) = read_lines(reply(document)), quoted(document)
            assert verified(read_lines(solution), own) == reply(document)
            verdicts |= {*read_verdicts(reply(document))}
    assert verdicts == {True, False}


def test_generators_solve_short_problems_and_tell_longer_ones_again(speech: dict[str, list[Document]]) -> None:
    for document in speech["generator"]:
        problem = problem_of(document)
        if len(problem.steps) <= SHORT:
            assert read_lines(learned(document)) == work(problem)
        else:
            assert not SIGNS.search(f" {learned(document)} ")
    assert speech["retold"]
    assert all("=" not in reply(document) for document in speech["retold"])


def test_a_refiner_writes_down_what_the_verifier_found(speech: dict[str, list[Document]]) -> None:
    for document in speech["refiner"]:
        problem, (_, verification) = problem_of(document), quoted(document)
        lines = read_lines(verification)
        assert read_lines(reply(document)) == lines
        assert learned(document).endswith(f"The answer is {problem.answer(lines[-1].right)}.")


def test_what_order_shows_and_finds_tells_no_procedure() -> None:
    same = follows = count = 0
    for document in by_role(Order())["verifier"]:
        problem, (solution,) = problem_of(document), quoted(document)
        if len(problem.steps) > SHORT:
            shown, own = read_lines(solution), read_lines(reply(document))
            count, same, follows = count + 1, same + (shown == own), follows + (own == work(problem))
    assert count == 250
    assert 0.4 < same / count < 0.75  # half of them, and those that come to it by another draw
    assert follows / count < 0.35


def test_a_slip_is_one_step_gone_wrong_and_what_follows_from_it() -> None:
    right = (Line(12, "+", 5, 17), Line(17, "-", 3, 14))
    for seed in range(40):
        wrong = slipped(random.Random(seed), right)
        (first, *_) = [place for place in range(2) if wrong[place] != right[place]]
        assert wrong[:first] == list(right[:first])
        assert all(later.left == line.right for line, later in zip(wrong, wrong[1:], strict=False))
    assert slipped(random.Random(0), ()) == ()


def test_an_ordinary_base_is_made_of_what_it_was_made_of() -> None:
    for task, made in ((Arithmetic(), "1873b43e2575547e"), (Order(SMALL_ORDER), "3a425a3948fa5770")):
        primer = primer_of(task, TinyBase())
        of = [primer.words, primer.numbers, [(each.text, each.learn) for each in primer.documents]]
        assert hashlib.blake2b(json.dumps(of).encode(), digest_size=8).hexdigest() == made


@pytest.mark.parametrize("task", [SMALL, Order(SMALL_ORDER)])
def test_a_base_of_roles_reads_their_speech_besides_and_knows_every_word_of_it(task: Arithmetic | Order) -> None:
    primer, plain, speech = primer_of(task, TinyBase(roles=True)), primer_of(task, TinyBase()), task.role_speech(0)
    assert primer.documents == [*plain.documents, *speech]
    assert primer.words[: len(plain.words)] == plain.words
    tokenizer = word_tokenizer(primer.words)
    encoded = tokenizer([each.text for each in speech])["input_ids"]
    assert tokenizer.convert_tokens_to_ids(UNKNOWN) not in {token for row in encoded for token in row}
