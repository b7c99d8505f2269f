"""Every promise of the page on security names tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_every_test_that_is_named_exists() -> None:
    source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "tests").rglob("*.py")))
    defined = set(re.findall(r"def (test_\w+)\(", source))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert named <= defined, named - defined


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"`((?:tests|benchmarks)/[\w/.]+)`", PAGE):
        assert (ROOT / name).is_file(), name


def test_every_section_names_a_test() -> None:
    sections = PAGE.split("\n## ")[1:]
    assert [each.partition("\n")[0] for each in sections] == [
        *("Code that runs", "Limits", "Credentials", "What leaves the building", "Hostile servers", "Hostile replies"),
        *("What is never lost", "Bad input"),
    ]
    assert all("`test_" in each for each in sections)


def test_the_policy_leads_to_the_page() -> None:
    policy = (ROOT / "SECURITY.md").read_text("utf-8")
    assert "(docs/security.md)" in policy
