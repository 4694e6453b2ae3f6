"""Which piece of a stream belongs to which tool call, whatever a server does to indexes and ids.

Gemini's compatible endpoint sends parallel calls without an index, or all with index 0, and some without an id; merged,
they become one call with broken arguments. Local servers use the same id again, in one answer or in the next. The
client tells calls apart by index, and the agent loop by id: here each call gets one of each that is its own.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Container
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class _Call:
    """One call as it grows. `given_id` and `given_index` are the server's."""

    index: int
    id: str
    given_id: str | None
    given_index: int | None
    name: str = ""
    arguments: str = ""

    @property
    def is_whole(self) -> bool:
        try:
            return isinstance(json.loads(self.arguments), dict)
        except ValueError:
            return False


class ToolCalls:
    """The calls of one choice.

    Args:
        taken: Ids that calls earlier in the conversation have.
    """

    def __init__(self, taken: Container[str] = ()) -> None:
        self._taken = taken
        self._calls: list[_Call] = []

    def mend(self, piece: dict[str, Any]) -> None:
        """Set the index and the id of a piece to those of its call."""
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        if not isinstance(function.get("arguments"), str | None):
            function["arguments"] = json.dumps(function["arguments"])
        call = self._owner(piece, function)
        call.name = call.name or function.get("name") or ""
        call.arguments += function.get("arguments") or ""
        piece.update(index=call.index, id=call.id, function=function)

    def _owner(self, piece: dict[str, Any], function: dict[str, Any]) -> _Call:
        given_id, index, name = piece.get("id") or None, piece.get("index"), function.get("name")
        if given_id:
            found = self._latest(lambda call: call.given_id == given_id)
            if found and not (name and function.get("arguments") and found.is_whole):
                return found
            # Some servers give each piece an id of its own: without a name it goes on with what was begun.
            found = None if name or index is None else self._latest(lambda call: call.given_index == index)
            return found if found and not found.is_whole else self._begin(given_id, index)
        found = self._latest(lambda call: index is None or call.given_index == index)
        if name:
            goes_on = found and (not found.name or (found.name == name and found.arguments and not found.is_whole))
            return found if found and goes_on else self._begin(None, index)
        return found or (self._calls[-1] if self._calls else self._begin(None, index))

    def _latest(self, fits: Any) -> _Call | None:
        return next((call for call in reversed(self._calls) if fits(call)), None)

    def _begin(self, given_id: str | None, index: Any) -> _Call:
        used = {call.id for call in self._calls}
        fresh = given_id and given_id not in used and given_id not in self._taken
        call = _Call(
            index=len(self._calls),
            id=given_id if given_id and fresh else f"call_{secrets.token_hex(8)}",
            given_id=given_id,
            given_index=index if isinstance(index, int) else None,
        )
        self._calls.append(call)
        return call
