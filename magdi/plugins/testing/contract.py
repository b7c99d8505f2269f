"""The conformance kit as a pytest class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from pydantic import BaseModel

from magdi.plugins.component import Component
from magdi.plugins.target import resolve
from magdi.plugins.testing.runner import checks_for, run_check
from magdi.plugins.testing.specimen import Specimen, kind_of
from magdi.plugins.testing.stub_server import StubServer


class ComponentContract:
    """Subclass it in a test file, set ``component``, and pytest runs every check as a test of its own.

        class TestRing(ComponentContract):
            component = Ring

    Attributes:
        component: The class under test, "module:Class", or the registered `Component`.
        config: An instance of its ``Config``; its defaults when None.
        expected_failures: Names of checks that are known to fail, with the reasons; strict: one that passes is a
            failure.
        server: For a teacher: what makes the server that it is tried against, e.g. a subclass of `StubServer`.
        stub_reply: For a teacher of another wire format than the usual ones: from a text to the reply of its server
            that says it, a JSON value, or a string that is sent as it is. The teacher's class may have it instead.
    """

    component: ClassVar[type | str | Component]
    config: ClassVar[BaseModel | None] = None
    expected_failures: ClassVar[Mapping[str, str]] = {}
    server: ClassVar[Callable[[], Any] | None] = None
    stub_reply: ClassVar[Callable[[str], Any] | None] = None
    _specimens: ClassVar[dict[type, Specimen]] = {}

    @classmethod
    def specimen(cls) -> Specimen:
        """Returns what the checks are given, always the same: its process makes all of them."""
        if cls not in ComponentContract._specimens:
            ComponentContract._specimens[cls] = cls._specimen()
        return ComponentContract._specimens[cls]

    @classmethod
    def _specimen(cls) -> Specimen:
        registered = cls.component if isinstance(cls.component, Component) else None
        target = resolve(cls.component.target if isinstance(cls.component, Component) else cls.component)
        server, reply = cls.__dict__.get("server", cls.server), cls.__dict__.get("stub_reply", cls.stub_reply)
        if server is None and reply is not None:
            server = partial(StubServer, reply.__func__ if isinstance(reply, staticmethod) else reply)
        return Specimen(kind_of(target), target, cls.config, registered, server)

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Makes one test of every check (called by pytest)."""
        if "check_name" in metafunc.fixturenames:
            checks = checks_for(type(self).specimen().kind)
            unknown = sorted(set(self.expected_failures) - set(checks))
            metafunc.parametrize("check_name", [*checks, *(f"no such check: {name}" for name in unknown)])

    def test_conforms(self, check_name: str) -> None:
        """Runs one check."""
        import pytest

        specimen = self.specimen()
        checks = checks_for(specimen.kind)
        if check_name not in checks:
            pytest.fail(f"expected_failures names a check that there is not; {check_name}", pytrace=False)
        reason = self.expected_failures.get(check_name, "")
        result = run_check(check_name, checks[check_name], specimen, reason)
        if not result.passed:
            pytest.fail(f"{check_name}: {result.message}", pytrace=False)
        if not result.applies:
            pytest.skip(result.message)
        if reason:
            pytest.xfail(reason)
