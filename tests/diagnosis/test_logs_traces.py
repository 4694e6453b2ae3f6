"""Tracebacks and panics as the languages print them, folded to the line that matters."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tools.diagnosis.logs.digest import digest
from mcp_tools.diagnosis.logs.traces import Trace, traces_in

JAVA = """\
Exception in thread "main" java.lang.IllegalStateException: cannot start
\tat com.shop.App.start(App.java:31)
\tat com.shop.App.main(App.java:12)
Caused by: java.sql.SQLException: Connection refused
\tat org.postgresql.Driver.connect(Driver.java:99)
\tat com.shop.Store.open(Store.java:77)
\t... 1 more
bye"""
NODE = """\
node:internal/process/promises:394
    triggerUncaughtException(err, true /* fromPromise */);

Error: connect ECONNREFUSED 10.0.0.9:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1634:16)
    at async start (/app/node_modules/pg/index.js:7:5)
    at async main (/app/dist/server.js:42:3) {
  errno: -111,"""
GO = """\
2026/11/24 22:00:00 listening
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f0a1]

goroutine 1 [running]:
runtime.gopanic(0x1)
\t/usr/local/go/src/runtime/panic.go:770 +0x132
main.(*Store).Get(...)
\t/src/store.go:18
main.main()
\t/src/main.go:9 +0x1d

goroutine 7 [select]:
main.poll()
\t/src/poll.go:3 +0x1
exit status 2
later"""
DEADLOCK = """\
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
main.main()
\t/src/main.go:7 +0x1d"""
RUST = """\
thread 'main' panicked at src/config.rs:12:34:
called `Result::unwrap()` on an `Err` value: NotPresent
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
next"""
OLD_RUST = "thread 'main' panicked at 'no config', src/main.rs:3:5"


def only(text: str) -> Trace:
    [found] = traces_in(text.splitlines())
    return found


@pytest.mark.parametrize(
    ("text", "language", "line"),
    [
        (JAVA, "java", "java.sql.SQLException: Connection refused (com.shop.Store.java:77)"),
        (NODE, "node", "Error: connect ECONNREFUSED 10.0.0.9:5432 (/app/dist/server.js:42)"),
        (GO, "go", "panic: runtime error: invalid memory address or nil pointer dereference (/src/store.go:18)"),
        (DEADLOCK, "go", "fatal error: all goroutines are asleep - deadlock! (/src/main.go:7)"),
        (RUST, "rust", "panic: called `Result::unwrap()` on an `Err` value: NotPresent (src/config.rs:12)"),
        (OLD_RUST, "rust", "panic: no config (src/main.rs:3)"),
    ],
)
def test_the_line_that_matters_names_the_error_and_the_programs_own_place(text: str, language: str, line: str) -> None:
    found = only(text)
    assert (found.language, str(found.root)) == (language, line)


def test_what_stands_around_a_trace_is_not_part_of_it() -> None:
    for text, rest in ((JAVA, "bye"), (GO, "later"), (RUST, "next")):
        lines = text.splitlines()
        assert lines[only(text).end :] == [rest]


PROGRAMS = {
    "chained": (
        "try:\n    {}['DATABASE_URL']\nexcept KeyError as error:\n    raise RuntimeError('no settings') from error\n",
        "KeyError: 'DATABASE_URL' (<string>:2), which became RuntimeError",
    ),
    "handling": (
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    int('x')\n",
        "ZeroDivisionError: division by zero (<string>:2), which became ValueError",
    ),
    "group": (
        "raise ExceptionGroup('two failed', [ValueError('first'), OSError('second')])\n",
        "ValueError: first, which became ExceptionGroup",
    ),
    "plain": ("import nowhere.at_all\n", "ModuleNotFoundError: No module named 'nowhere' (<string>:1)"),
    "library": ("import json\njson.loads('{')\n", "json.decoder.JSONDecodeError"),
    "syntax": ("exec('x = = 1')\n", "SyntaxError: invalid syntax"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_this_python_prints_is_folded(name: str) -> None:
    program, line = PROGRAMS[name]
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr
    found = only("INFO starting\n" + said + "INFO next\n")
    assert str(found).startswith(line)
    assert found.end == len(said.splitlines()) + 1


def test_the_message_of_a_validation_error_keeps_the_names_of_its_fields() -> None:
    text = """\
Traceback (most recent call last):
  File "/app/settings.py", line 9, in <module>
    settings = Settings()
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
DATABASE_URL
  Field required [type=missing, input_value={}, input_type=dict]"""
    assert "1 validation error for Settings DATABASE_URL (/app/settings.py:9)" in str(only(text))


SAID = [*JAVA.splitlines(), *NODE.splitlines(), *GO.splitlines(), *RUST.splitlines()]
STARTS = ["Traceback (most recent call last):", '  File "a", line 1', "ValueError: x", '{"level": 1e999}']
PIECES = st.lists(
    st.sampled_from([*SAID, *STARTS, "", "  + ", "  | x", "    at x", "Caused by: y"]) | st.text(max_size=40),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(PIECES)
def test_odd_lines_break_nothing_and_every_trace_lies_within_them(lines: list[str]) -> None:
    last = 0
    for found in traces_in(lines):
        assert last <= found.end <= len(lines)
        assert found.first < found.end
        last = found.end
    assert digest(lines).lines == len(lines)
