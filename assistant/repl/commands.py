"""What begins with a slash: about the chat itself, not about the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from assistant.render.tables import table
from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from assistant.repl.session import Session

LEAVE = frozenset({"exit", "quit", "bye", ":q", "/exit", "/quit"})


@dataclass(frozen=True, slots=True)
class Command:
    """One command: how it is written after its name, what it does, and the function that does it."""

    usage: str
    about: str
    run: Callable[[Session, str], None]


def run_command(session: Session, text: str) -> None:
    """Run a line that begins with a slash.

    Raises:
        UsageError: There is no such command, or it wants another argument.
    """
    name, _, argument = text.removeprefix("/").partition(" ")
    command = COMMANDS.get(name.lower())
    if command is None:
        raise UsageError(f"There is no command /{name}.", f"There are: {', '.join(f'/{known}' for known in COMMANDS)}.")
    command.run(session, argument.strip())


def _help(session: Session, _: str) -> None:
    session.console.print(
        table(("command", "", "what it does"), [(f"/{n}", c.usage, c.about) for n, c in COMMANDS.items()])
    )
    session.console.print(
        Text("\nAlt-Enter or a \\ at the end begins another line. Ctrl-C stops the answer, Ctrl-D leaves.")
    )
    session.console.print(Text("Everything else is a request; `help` says what is understood without a model."))


def _sandbox(session: Session, _: str) -> None:
    session.switch(sandbox=True, context=None, kubeconfig=None)
    session.call("cluster_overview", {})


def _context(session: Session, name: str) -> None:
    from mcp_tools.cluster.kubeconfig import context_names

    if name:
        session.switch(sandbox=False, context=name)
        session.call("cluster_overview", {})
        return
    current, names = context_names(session.settings.target)
    rows = [("*" if known == current else "", known) for known in names]
    session.console.print(table(("", "context"), rows) if rows else Text("No kubeconfig context; /sandbox is there."))


def _namespace(session: Session, name: str) -> None:
    if not name:
        raise UsageError("Which namespace?", "/namespace NAME")
    session.switch(namespace=name)
    session.call("cluster_overview", {})


def _model(session: Session, name: str) -> None:
    if name:
        session.switch(model=name)
    session.console.print(Text(f"The model is {session.model}."))


def _history(session: Session, _: str) -> None:
    session.call("list_changes", {})


def _undo(session: Session, number: str) -> None:
    if number and not number.isdigit():
        raise UsageError(f"{number!r} is no number of a change.", "/history lists them.")
    session.call("undo_change", {"change_id": int(number)} if number else {})


def _follow(session: Session, target: str) -> None:
    if not target or " " in target:
        raise UsageError("Whose log?", "/follow NAME or KIND/NAME")
    session.follow({"target": target})


def _forwards(session: Session, _: str) -> None:
    session.call("connect_pod", {"action": "list_forwards"})


def _new(session: Session, _: str) -> None:
    session.begin_anew()
    session.console.print(Text("A new conversation."))


def _doctor(session: Session, _: str) -> None:
    from assistant.doctor import examine
    from assistant.render.checkup import render_checkup

    session.console.print(render_checkup(examine(session.chosen)))


def _clear(session: Session, _: str) -> None:
    session.console.clear()


COMMANDS = {
    "help": Command("", "this list", _help),
    "sandbox": Command("", "go to the embedded cluster", _sandbox),
    "context": Command("[NAME]", "list the contexts, or go to one", _context),
    "namespace": Command("NAME", "go to a namespace", _namespace),
    "model": Command("[PROVIDER:NAME]", "show or change the model; `offline` is none", _model),
    "history": Command("", "what was changed", _history),
    "undo": Command("[NUMBER]", "put back what a change replaced", _undo),
    "follow": Command("TARGET", "show a log as it is written, until Ctrl-C", _follow),
    "forwards": Command("", "which local ports lead to pods", _forwards),
    "new": Command("", "begin a new conversation", _new),
    "doctor": Command("", "what is configured, reachable and missing", _doctor),
    "clear": Command("", "clear the screen", _clear),
}
