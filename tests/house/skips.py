"""A pytest plugin for CI: a test that is skipped although its component should be there fails the run.

Loaded with `-p skips`. Only tests that need a real cluster may be skipped, and only where none was promised.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

CLUSTER = "SHIPMATE_CI_CLUSTER"


class Skips:
    """Collects what was skipped and may not be."""

    def __init__(self, *, cluster: bool) -> None:
        self.cluster = cluster
        self.found: list[str] = []

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        # The report on a module that was skipped as a whole has no keywords.
        if "cluster" in getattr(report, "keywords", ()) and not self.cluster:
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        self.found.append(f"{report.nodeid}: {reason}")

    pytest_runtest_logreport = pytest_collectreport = note

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.found:
            terminalreporter.section("skipped, and may not be here", red=True)
            for line in self.found:
                terminalreporter.line(line)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Skips(cluster=bool(os.environ.get(CLUSTER))), "skips-fail")
