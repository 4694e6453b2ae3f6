"""Somebody who types what the documents say: in a copy of the checkout, on a sandbox of their own."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pexpect
from click.testing import CliRunner
from written import ROOT

from assistant.cli.main import shipmate

SECONDS = 150
SHELL = set("|&;<>$`*?(){}\"\\'")
LOOKS = re.compile(
    r"--dry-run|--read-only|^shipmate (doctor|diagnose|history|monitor)\b"
    r"|^shipmate (runbook|agents) (list|show|runs|card)\b"
    r"|^shipmate ask \"(why|is|can|status|top|get|logs|diff|helm list)\b"
    r"|^kubectl (get|top|config|cluster-info)\b|^(cp|git|grep) "
)
QUESTIONS = ("--yes", "--dry-run", "--json")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    command: str
    code: int
    said: str

    def __str__(self) -> str:
        return f"{self.command}\n{self.said}"


@dataclass
class Reader:
    """Types commands in a folder; who is asked says yes.

    Attributes:
        changed: Something that was typed may have changed the sandbox.
    """

    folder: Path
    changed: bool = True

    def __call__(self, command: str) -> Done:
        """Run one line: Shipmate in this process, all else in a shell."""
        self.changed |= not LOOKS.search(command)
        outside = re.sub(r"\"[^\"$`]*\"|'[^']*'", "", command)
        serves = re.match(r"shipmate( --sandbox)?( mcp)?$", command)
        if serves or not command.startswith("shipmate ") or SHELL & set(outside):
            return self.shell(command)
        words = shlex.split(command)[1:]
        if (words[0] in {"ask", "undo"} or words[:2] == ["runbook", "run"]) and not set(QUESTIONS) & set(words):
            words.append("--yes")
        ended = CliRunner().invoke(shipmate, words)
        wrong = "" if ended.exception is None or isinstance(ended.exception, SystemExit) else repr(ended.exception)
        return Done(command, ended.exit_code, ended.output + wrong)

    def until(self, text: str, command: str) -> Done:
        """Run one line in a terminal until it says a text, and then press Ctrl-C; where it listens, at a free port."""
        self.changed |= not LOOKS.search(command)
        typed = re.sub(r"--listen \S+", "--listen 127.0.0.1:0", command)
        screen = io.StringIO()
        terminal = pexpect.spawn(
            "bash", ["-c", typed],
            cwd=str(self.folder), env=self._environment(), encoding="utf-8", timeout=SECONDS, dimensions=(24, 200),
            # In the background of a script Ctrl-C is ignored, and so it would be here.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        terminal.logfile_read = screen
        try:
            terminal.expect_exact(text)
            terminal.sendintr()
            terminal.expect(pexpect.EOF)
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            return Done(command, 1, f"{screen.getvalue()}\nIt never came to {text!r}, or never ended: {error!r}")
        finally:
            terminal.close(force=True)
        return Done(command, terminal.exitstatus or terminal.signalstatus or 0, screen.getvalue())

    def shell(self, script: str) -> Done:
        """Run a script as a shell does that stops at the first failure."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(script, done.returncode, done.stdout + done.stderr)

    @staticmethod
    def _environment() -> dict[str, str]:
        return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def copy_checkout(place: Path) -> Path:
    """What git would give somebody who clones, without this checkout's own `.env` files and builds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place / name)
    subprocess.run(["git", "init", "-q"], cwd=place, check=True)
    return place
