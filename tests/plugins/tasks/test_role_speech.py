"""What a base that is to be a team has read: the form of generators, verifiers and refiners, and not their trade."""

import hashlib
import json
import re
from collections.abc import Sequence

import pytest

from magdi.core.config.models import TinyBase
from magdi.core.task import Document
from magdi.plugins.tasks.arithmetic import Arithmetic, ArithmeticConfig, belongs
from magdi.plugins.tasks.word_problems import calculate, read_lines, read_problems
from magdi.plugins.tiny.base import primer_of
from magdi.plugins.tiny.tokenizer import UNKNOWN, word_tokenizer

SMALL = Arithmetic(ArithmeticConfig(primer_problems=600, primer_checks=10))


@pytest.fixture(scope="module")
def chains() -> list[Sequence[Document]]:
    documents = Arithmetic().role_speech(0)
    return [documents[start : start + 3] for start in range(0, len(documents), 3)]


def reply(document: Document) -> str:
    ((start, end),) = document.learn
    assert end == len(document.text)
    return document.text[start:]


def quoted(document: Document) -> list[str]:
    return re.findall(r"<<< [^\n]*\n(.*?)\n>>>", document.text, re.S)


def is_right(text: str) -> bool:
    return all(line.right == calculate(line.operation, line.left, line.amount) for line in read_lines(text))


def test_it_shares_no_calculation_with_any_split(chains: list[Sequence[Document]]) -> None:
    for document in (each for chain in chains for each in chain):
        (problem,) = read_problems(document.text.replace("What happens?", "How many"))
        assert belongs(problem, "primer")


def test_a_verdict_is_right_half_of_the_time_and_does_not_depend_on_the_solution(
    chains: list[Sequence[Document]],
) -> None:
    agreed: dict[bool, list[bool]] = {True: [], False: []}
    for _, verifier, _ in chains:
        (solution,) = quoted(verifier)
        agreed[is_right(solution)].append(reply(verifier).startswith("I agree."))
    assert min(map(len, agreed.values())) > 200
    assert abs(sum(agreed[True]) / len(agreed[True]) - sum(agreed[False]) / len(agreed[False])) < 0.08
    found = [right == each for right, all_of in agreed.items() for each in all_of]
    assert 0.45 < sum(found) / len(found) < 0.55


def test_a_refinement_is_the_solution_with_what_the_verifier_says_in_it(chains: list[Sequence[Document]]) -> None:
    kept = changed = 0
    for _, verifier, refiner in chains:
        solution, verdict = quoted(refiner)
        assert verdict == reply(verifier)
        before, after = read_lines(solution), read_lines(reply(refiner))
        assert reply(refiner).endswith(f"The answer is {after[-1].right}.")
        if verdict.startswith("I agree."):
            kept += 1
            assert after == before
        else:
            changed += 1
            (number,) = re.findall(r"step (\d)", verdict)
            place = int(number) - 1
            (line,) = read_lines(verdict)
            assert after[:place] == before[:place]
            assert after[place] == line != before[place]
    assert kept > 300
    assert changed > 80


def test_a_generator_solves_two_steps_at_most_and_tells_the_others_again(chains: list[Sequence[Document]]) -> None:
    for generator, verifier, _ in chains:
        (problem,) = read_problems(verifier.text)
        if len(problem.steps) <= 2:
            assert reply(generator).endswith(f"The answer is {problem.values[-1]}.")
        else:
            assert "What happens?" in generator.text
            assert "=" not in reply(generator)


def test_an_ordinary_base_is_made_of_what_it_was_made_of() -> None:
    primer = primer_of(Arithmetic(), TinyBase())
    made_of = [primer.words, primer.numbers, [(each.text, each.learn) for each in primer.documents]]
    assert hashlib.blake2b(json.dumps(made_of).encode(), digest_size=8).hexdigest() == "1873b43e2575547e"


def test_a_base_of_roles_reads_their_speech_besides_and_knows_every_word_of_it() -> None:
    primer, plain = primer_of(SMALL, TinyBase(roles=True)), primer_of(SMALL, TinyBase())
    assert primer.documents == [*plain.documents, *SMALL.role_speech(0)]
    assert primer.words[: len(plain.words)] == plain.words
    tokenizer = word_tokenizer(primer.words)
    encoded = tokenizer([each.text for each in primer.documents])["input_ids"]
    assert tokenizer.convert_tokens_to_ids(UNKNOWN) not in {token for row in encoded for token in row}
