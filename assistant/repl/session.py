"""What a chat holds: the cluster, the brain, the face; and how one request is answered."""

from __future__ import annotations

import dataclasses
import sys
import threading
from typing import TYPE_CHECKING

from rich.text import Text

from assistant.approvals import Consent
from assistant.brain import make_brain
from assistant.conversation import Conversation
from assistant.render.consoles import make_console, printable
from assistant.render.face import ConsoleFace
from assistant.turn import run_turn
from mcp_tools.errors import NoCluster, ShipmateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from assistant.brain import Brain
    from assistant.cli.options import Chosen
    from assistant.turn import TurnResult
    from mcp_tools.toolbox import Toolbox


class Session:
    """One chat. Changing the cluster or the model makes a new toolbox or brain and keeps the rest.

    Attributes:
        console: Where the chat is shown.
        state: One line about the cluster, for the toolbar.
        names: What there is, for completion: `kind/name` and bare names.
    """

    def __init__(self, chosen: Chosen, *, resume: bool = False) -> None:
        self.chosen = chosen
        self.console = make_console()
        self.state = "not connected yet"
        self.names: set[str] = set()
        self._interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._chrome = self.console if self._interactive else make_console(sys.stderr)
        self._conversation = Conversation.resume() if resume else Conversation.begin()
        self._lock = threading.Lock()
        self._brain: Brain | None = None
        self.settings = chosen.settings()
        self.toolbox = self.settings.toolbox()

    @property
    def model(self) -> str:
        """`offline`, or `provider:name`."""
        return str(self.settings.model) if self.settings.model else "offline"

    def ask(self, text: str) -> int:
        """Answer one request, and show everything about it; returns what would be the exit code."""
        try:
            result = self._turn(text)
            if isinstance(result.error, NoCluster) and self._offer_sandbox(result.error):
                result = self._turn(text)
        except ShipmateError as error:
            self.tell(error)
            return error.exit_code
        if result.error is not None:
            self.tell(result.error)
        return result.exit_code

    def call(self, tool: str, arguments: dict[str, object]) -> int:
        """As `ask`, for one call of one tool, whatever the brain."""
        from assistant.direct import DirectBrain

        result = self._run(DirectBrain(self.toolbox, tool, arguments), tool, narrated=False)
        if result.error is not None:
            self.tell(result.error)
        return result.exit_code

    def follow(self, arguments: dict[str, object]) -> int:
        """As `call`, for a log that is shown until the user stops it."""
        from assistant.direct import FollowingBrain

        result = self._run(FollowingBrain(self.toolbox, arguments), "follow", narrated=False)
        if result.error is not None:
            self.tell(result.error)
        return result.exit_code

    def news(self) -> None:
        """Say what happened to forwarded ports while nobody asked."""
        for text in self.toolbox.forwards.news():
            self._chrome.print(Text(printable(text), style="warn"))

    def tell(self, error: ShipmateError) -> None:
        """Show an error."""
        self._face(narrated=False).error(error)

    def switch(self, **changes: object) -> None:
        """Another cluster, namespace or model, as `Chosen` names them; errors as `Chosen.settings`."""
        chosen = dataclasses.replace(self.chosen, **changes)  # type: ignore[arg-type]
        settings = chosen.settings()
        with self._lock:
            old, self.chosen, self.settings = self.toolbox, chosen, settings
            self.toolbox = self.settings.toolbox()
            self.state, self.names = "not connected yet", set()
        self._drop_brain()
        if len(old.forwards):
            self._chrome.print(Text("The forwarded ports led to the old place and are closed.", style="warn"))
        old.close()

    def begin_anew(self) -> None:
        """Forget the conversation; the old one stays stored."""
        self._conversation = Conversation.begin()
        self._drop_brain()

    def warm(self, refreshed: Callable[[], None]) -> None:
        """Connect and import behind the first prompt; called in a thread of its own."""
        if self.settings.model is not None:
            from assistant.agent import preload

            preload()
        try:
            self._look(self.toolbox)
        except ShipmateError as error:
            # It is said in full when something is asked of the cluster; here it is a word in the toolbar.
            self.state = error.message
        refreshed()

    def close(self) -> None:
        """Close the brain and the toolbox."""
        self._drop_brain()
        self.toolbox.close()

    def _look(self, toolbox: Toolbox) -> None:
        connection = toolbox.connection
        self.state = f"{connection.context} · {connection.namespace} · {connection.server_version}"
        data = toolbox.call("cluster_overview", {}).data
        for sentence in toolbox.recover():
            self._chrome.print(Text(sentence, style="warn"))
        for item in (*data["workloads"], *data["services"]):
            self.names |= {item["name"], f"{item.get('kind', 'service').lower()}/{item['name']}"}

    def _turn(self, text: str) -> TurnResult:
        if self._brain is None:
            self._brain = make_brain(self.settings, self.toolbox, self._conversation)
        return self._run(self._brain, text, narrated=self._brain.name != "offline")

    def _run(self, brain: Brain, text: str, *, narrated: bool) -> TurnResult:
        face = self._face(narrated=narrated)
        try:
            return run_turn(brain, self.toolbox, text, face)
        finally:
            face.end()

    def _face(self, *, narrated: bool) -> ConsoleFace:
        consent = Consent.ASK if self._interactive else Consent.NOBODY
        return ConsoleFace(self.console, self._chrome, consent, narrated=narrated)

    def _offer_sandbox(self, error: NoCluster) -> bool:
        if not self._interactive:
            return False
        face = self._face(narrated=False)
        face.error(NoCluster(error.message, ""))
        if not face.confirm("Use the embedded sandbox instead?"):
            return False
        self.switch(sandbox=True, context=None, kubeconfig=None)
        return True

    def _drop_brain(self) -> None:
        brain, self._brain = self._brain, None
        if brain is not None:
            brain.close()
