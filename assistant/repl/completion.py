"""Completion by Tab: commands after a slash, then words of requests, then what the cluster holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion

from assistant.repl.commands import COMMANDS

if TYPE_CHECKING:
    from prompt_toolkit.document import Document

    from assistant.repl.session import Session

STARTS = (
    "status",
    "get",
    "describe",
    "logs of",
    "scale",
    "restart",
    "rollout status",
    "set image of",
    "undo",
    "history",
    "help",
)
KINDS = ("pods", "deployments", "services", "events", "nodes", "configmaps", "ingresses", "namespaces", "jobs")
TAKES_KIND = frozenset({"get", "list", "show"})


class SentenceCompleter(Completer):
    """Completes the word at the cursor by what may stand there."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        """As prompt_toolkit asks for them."""
        before = document.text_before_cursor.lstrip()
        word = document.get_word_before_cursor(WORD=True)
        for choice in self._choices(before, word):
            if choice.startswith(word) and choice != word:
                yield Completion(choice, start_position=-len(word))

    def _choices(self, before: str, word: str) -> Iterable[str]:
        if before.startswith("/"):
            return [f"/{name}" for name in COMMANDS] if " " not in before else ()
        if before == word:
            return STARTS
        names = sorted(self._session.names)
        return (*KINDS, *names) if before.split(maxsplit=1)[0] in TAKES_KIND else names
