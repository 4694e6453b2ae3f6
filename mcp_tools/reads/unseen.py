"""What a read could not look at for want of rights: it answers with the rest, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mcp_tools.errors import Forbidden
from mcp_tools.reads.answer import Answer, listed

T = TypeVar("T")


@dataclass(slots=True)
class Unseen:
    """Collects refusals. Where nothing at all was seen, the refusal itself is the answer."""

    refusals: dict[str, Forbidden] = field(default_factory=dict)
    seen: int = 0

    def look(self, what: str, ask: Callable[[], list[T]]) -> list[T]:
        """What `ask` returns, or nothing where RBAC refused it; `what` names it for people, such as `events`."""
        try:
            found = ask()
        except Forbidden as refusal:
            self.refusals.setdefault(what, refusal)
            return []
        self.seen += 1
        return found

    def told(self, answer: Answer, *, needs: int = 1) -> Answer:
        """The answer with `unseen` and a sentence about it, where something was refused.

        Args:
            needs: How many looks must have succeeded for an answer to mean anything.

        Raises:
            Forbidden: Fewer did.
        """
        if not self.refusals:
            return answer
        if self.seen < needs:
            raise next(iter(self.refusals.values()))
        names = list(self.refusals)
        summary = f"{answer.summary} Not seen, for want of rights: {listed(names, 8)}."
        return Answer(summary, {**answer.data, "unseen": names})
