"""A conversation with a model that a test scripts at the wire."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assistant.agent.brain import AgentBrain
from assistant.events import Event, TextDelta
from assistant.settings import ModelSettings

if TYPE_CHECKING:
    from wire_server import Wire

    from assistant.conversation import Conversation
    from mcp_tools.toolbox import Toolbox

KEY = "sk-test-0123456789abcdef"


@dataclass
class Talk:
    """A conversation with a model that a test scripts."""

    wire: Wire
    toolbox: Toolbox
    conversation: Conversation
    namespace: str
    timeout: float = 20.0
    provider: str = "openai"
    model: str = "m"
    address: str = ""
    key: str = KEY
    events: list[Event] = field(default_factory=list)
    _brain: AgentBrain | None = None

    @property
    def brain(self) -> AgentBrain:
        if self._brain is None:
            model = ModelSettings(
                self.provider,
                self.model,
                self.address or self.wire.url,
                self.key,
                f"{self.provider.upper()}_API_KEY",
                self.timeout,
            )
            self._brain = AgentBrain(model, self.toolbox, self.conversation)
        return self._brain

    def __call__(self, sentence: str) -> str:
        self.events.clear()
        self.brain.respond(sentence, self.events.append)
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def replicas(self) -> int:
        path = f"/apis/apps/v1/namespaces/{self.namespace}/deployments/web"
        return int(self.toolbox.connection.get_object(path)["spec"]["replicas"])

    def changes(self) -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = self.toolbox.call("list_changes", {}).data["changes"]
        return changes

    def close(self) -> None:
        if self._brain is not None:
            self._brain.close()
        self.toolbox.close()


def until(seen: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.2)
