"""The kit itself: its three fronts, its strictness, and what it gives to tests of components."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from magdi.core.errors import TeacherError
from magdi.core.mag import Message
from magdi.core.reply import JsonAnswer
from magdi.core.teacher import Reply, Request
from magdi.plugins.builtins import BUILTINS
from magdi.plugins.testing import (
    ComponentContract,
    ScriptedTeacher,
    check_component,
    checks_for,
    run_checks,
    tiny_student,
)
from magdi.plugins.testing.check_process import CheckProcess, doing
from magdi.plugins.testing.other_interpreter import elsewhere
from magdi.plugins.testing.runner import failures
from magdi.plugins.testing.scripted import unique_word
from tests.plugins.testing import mutant_encoders, mutant_protocols, mutant_tasks, mutant_teachers

REASON = "the moderator's words are its own"


class TestHonestProtocol(ComponentContract):
    component = mutant_protocols.Honest


class TestShippedEncoder(ComponentContract):
    component = next(component for component in BUILTINS["encoder"] if component.name == "gcn")


class TestExpectedFailure(ComponentContract):
    component = "tests.plugins.testing.mutant_protocols:QuotesNobody"
    expected_failures = {"seen_is_provenance": REASON}


CONTRACTS = """
from magdi.plugins.testing import ComponentContract
from tests.plugins.testing import mutant_protocols

class TestWrong(ComponentContract):
    component = mutant_protocols.LeaksGold

class TestBetterThanItsReason(ComponentContract):
    component = mutant_protocols.Honest
    expected_failures = {"ends": "it did not, once", "no_such_check": "never"}
"""


def test_contract_class_fails_where_it_should(tmp_path: Path) -> None:
    (tmp_path / "test_contract.py").write_text(CONTRACTS)
    command: list[str | Path] = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir", tmp_path, tmp_path]
    path = ":".join(sys.path)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": path}, cwd=tmp_path)
    failed = {line.split("::", 1)[1].split(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")}
    assert failed == {
        "TestWrong::test_conforms[gold_never_shown]",
        "TestBetterThanItsReason::test_conforms[ends]",
        "TestBetterThanItsReason::test_conforms[no such check: no_such_check]",
    }
    assert "the gold answer stands in the prompt of turn 0" in done.stdout
    assert "was expected to fail: it did not, once" in done.stdout


def test_fronts_run_the_same_checks() -> None:
    called = {result.name: result.passed for result in check_component(mutant_protocols.LeaksGold)}
    target = "tests.plugins.testing.mutant_protocols:LeaksGold"
    streamed = {result.name: result.passed for result in run_checks("protocol", target)}
    assert called == streamed
    assert list(called) == list(checks_for("protocol"))
    assert [name for name, passed in called.items() if not passed] == ["gold_never_shown"]


def test_expected_failure_is_strict() -> None:
    names = {"seen_is_provenance": REASON, "ends": "it did not, once"}
    results = {r.name: r for r in run_checks("protocol", mutant_protocols.QuotesNobody, expected_failures=names)}
    assert results["seen_is_provenance"].passed
    assert results["seen_is_provenance"].expected == REASON
    assert "seen has turn 0, 1, 2, not quoted" in results["seen_is_provenance"].message
    assert not results["ends"].passed


def test_expected_failure_of_no_check_is_an_error() -> None:
    with pytest.raises(ValueError, match="no check of a protocol is called terminates"):
        list(run_checks("protocol", mutant_protocols.Honest, expected_failures={"terminates": "typo"}))


def test_settings_reach_the_component() -> None:
    config = mutant_encoders.Honest.Config
    assert all(result.passed for result in check_component(mutant_encoders.Honest, config()))


def test_class_of_no_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="int derives from none"):
        check_component(int)


def test_every_check_says_what_it_asks() -> None:
    for kind in ("protocol", "encoder", "teacher", "task"):
        for name, check in checks_for(kind).items():
            assert check.__doc__, name


def test_kit_is_imported_without_torch() -> None:
    modules = ("magdi.plugins.testing", "magdi.plugins.testing.contract")
    jobs = [{"kind": "task", "module": module, "file": None, "name": "none", "config": None} for module in modules]
    assert [found["heavy"] for found in elsewhere(jobs)] == [[], []]


def ask(teacher: ScriptedTeacher, text: str, sample: int = 0) -> Reply:
    return asyncio.run(teacher.complete(Request(messages=(Message(role="user", content=text),), sample=sample)))


def test_scripted_teacher_follows_its_script_and_remembers() -> None:
    teacher = ScriptedTeacher(["one", "two words"])
    assert [ask(teacher, "a").text, ask(teacher, "b").text] == ["one", "two words"]
    assert [prompt[0].content for prompt in teacher.prompts] == ["a", "b"]
    with pytest.raises(TeacherError, match="the script ends after 2 replies"):
        ask(teacher, "c")


def test_scripted_teacher_counts_words_as_tokens() -> None:
    usage = ask(ScriptedTeacher(["two words"]), "what is it").usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (3, 2)


def test_scripted_teacher_takes_a_function() -> None:
    assert ask(ScriptedTeacher(lambda request: request.messages[0].content.upper()), "abc").text == "ABC"


def test_scripted_teacher_without_a_script_has_a_word_for_every_request() -> None:
    teacher = ScriptedTeacher()
    texts = [ask(teacher, "a").text, ask(teacher, "a", sample=1).text, ask(teacher, "b").text]
    assert len(set(texts)) == 3
    assert ask(teacher, "a").text == texts[0]
    parsed = JsonAnswer().parse(texts[0], lambda text: text)
    assert parsed.answer == "7"
    assert unique_word(Request(messages=(Message(role="user", content="a"),))) in parsed.reasoning


def test_scripted_teacher_conforms() -> None:
    assert all(result.passed for result in check_component(ScriptedTeacher))


def test_tiny_student_is_loaded_by_transformers(tmp_path: Path) -> None:
    model, tokenizer = tiny_student(seed=1)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert all(value.equal(loaded.state_dict()[name]) for name, value in model.state_dict().items())
    text = "Ein Brötchen — 3 €\n\t🙂"
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again.decode(again(text).input_ids) == text
    prompt = again.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
    assert prompt == "<s>user: Hi\nassistant: "


def test_tiny_student_is_its_seed() -> None:
    weights = [tiny_student(seed)[0].model.embed_tokens.weight for seed in (0, 0, 1)]
    assert weights[0].equal(weights[1])
    assert not weights[0].equal(weights[2])


def swallows_all(specimen: str) -> None:
    doing("counting", 0.05)
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


def keeps_the_interpreter(specimen: str) -> None:
    doing("summing", 0.05)
    sum(range(10**12))


def leaves(specimen: str) -> None:
    doing("leaving")
    os._exit(3)


def crashes(specimen: str) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def asks_to_leave(specimen: str) -> None:
    raise SystemExit(2)


def says_seven(specimen: str) -> str:
    return f"seven of {specimen}"


@pytest.mark.parametrize(
    ("check", "how", "message"),
    [
        (swallows_all, "stopped", "counting has not ended after 0.05 s"),
        (keeps_the_interpreter, "stopped", "summing has not ended after 0.05 s"),
        (leaves, "stopped", "leaving: the process ends with exit code 3"),
        (crashes, "stopped", "it: the process ends by SIGTERM"),
        (asks_to_leave, "stopped", "SystemExit: 2 (test_testing_kit.py:"),
        (says_seven, "ok", "seven of seven"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_check_ends_and_the_next_is_made(check: Callable[[str], str | None], how: str, message: str) -> None:
    bench = CheckProcess()
    outcome = bench.make(check, "seven")
    assert outcome.how == how
    assert outcome.message.startswith(message)
    assert bench.make(says_seven, "seven").message == "seven of seven"
    bench.close()


def test_where_nothing_can_be_forked_a_thread_is_left_behind() -> None:
    bench = CheckProcess(in_thread=True)
    assert bench.make(says_seven, "thread").message == "seven of thread"
    assert bench.make(swallows_for_a_while, "thread").message == "waiting has not ended after 0.05 s"
    assert bench.make(says_seven, "thread").message == "seven of thread"
    gone_on.set()


gone_on = threading.Event()


def swallows_for_a_while(specimen: str) -> None:
    doing("waiting", 0.05)
    gone_on.wait()


def test_one_cause_is_one_line() -> None:
    found = failures(check_component(mutant_tasks.CannotReadItsQuestions))
    assert len(found) == 1
    assert found[0].startswith("14 checks not made: questions('train') raises KeyError: 'question' (mutant_tasks.py:")
    (made,) = failures(check_component(mutant_protocols.CannotBeMade))
    assert "not made: CannotBeMade() raises KeyError: 'rounds' (mutant_protocols.py:" in made
    (string,) = failures(check_component(mutant_protocols.PromptsWithAString))
    assert "has a prompt() that gives str" in string
    (changed,) = failures(check_component(mutant_encoders.RectifiesInPlace))
    assert "forward() changes batch.x in place" in changed
    assert any("edges are reversed" in line for line in failures(check_component(mutant_encoders.FlowsBackwards)))
    (nobody,) = failures(check_component(mutant_teachers.NothingListens))
    assert "it does not ask the server that base_url names" in nobody
