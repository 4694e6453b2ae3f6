"""The screen: panes that fill what there is, and the keys."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Footer, Static

from assistant.dashboard import panes
from assistant.dashboard.trends import Trends
from assistant.render.consoles import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from assistant.dashboard.looking import Looking, Seen
    from mcp_tools.health.frame import Frame

TALL = 32
SLOW_SECONDS, LATE_SECONDS = 2.0, 5.0


class Looked(Message):
    """The looking thread has something to tell."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen = seen


class Pane(VerticalScroll):
    """A titled part of the screen that scrolls by itself."""

    def __init__(self, title: str, name: str) -> None:
        super().__init__(id=name)
        self.border_title = title
        self.body = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """Its one child."""
        yield self.body

    def show(self, what: RenderableType) -> None:
        """Show something else; the place that was scrolled to stays."""
        self.body.update(what)


class Dashboard(App[None]):
    """The whole screen."""

    TITLE = "shipmate health"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("a", "everywhere", "All namespaces"),
        Binding("p", "pause", "Pause"),
        Binding("r", "look", "Look now"),
        Binding("tab", "focus_next", "Next pane", show=True),
    ]
    CSS = """
    #head { height: 1; padding: 0 1; background: $panel; }
    #state { height: 1; padding: 0 1; }
    Pane { height: auto; border-top: solid $panel-lighten-2; border-title-color: $text-muted; }
    Pane { padding: 0 1; scrollbar-size-vertical: 1; }
    Pane:focus { border-top: solid $accent; border-title-color: $accent; }
    #pods { height: 1fr; min-height: 4; }
    #scores { max-height: 5; }
    #first { max-height: 4; }
    #events { max-height: 4; }
    .tall #scores { max-height: 9; }
    .tall #first { max-height: 10; }
    .tall #events { max-height: 10; }
    .lost Pane { opacity: 60%; }
    """

    def __init__(self, looking: Looking) -> None:
        super().__init__()
        self._looking = looking
        self._trends = Trends()
        self._frame: Frame | None = None
        self._trouble = ""
        self._lost_at: dt.datetime | None = None
        self._took = 0.0
        self._paused = False

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static("", id="head", markup=False)
        yield Static("", id="state", markup=False)
        yield Pane("scores", "scores")
        yield Pane("do first", "first")
        yield Pane("pods", "pods")
        yield Pane("events", "events")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to look."""
        self.query_one("#pods").focus()
        self._state()
        self.set_interval(1.0, self._state)
        self._looking.start(self._tell)

    def _tell(self, seen: Seen) -> None:
        self.post_message(Looked(seen))

    def on_looked(self, message: Looked) -> None:
        """Show what was seen; of a cluster that does not answer, what was seen last."""
        seen = message.seen
        self._took = seen.seconds
        self._trouble = seen.trouble
        if seen.frame is None:
            self._lost_at = self._lost_at or dt.datetime.now(dt.UTC)
        else:
            self._lost_at = None
            self._frame = seen.frame
            self._trends.add(seen.frame)
        self.set_class(bool(self._trouble), "lost")
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Fit what is shown to the new size."""
        # Textual tells its screens by a timer of 8 ms: where a busy machine skips it, no later size is heard.
        for screen in self.screen_stack:
            screen.post_message(events.Resize(event.size, event.virtual_size))
        self.set_class(event.size.height >= TALL, "tall")
        self.call_after_refresh(self._draw)

    def action_everywhere(self) -> None:
        """The whole cluster, or back to the namespace."""
        self._looking.everywhere = not self._looking.everywhere
        self._trends.clear()
        self._frame = None
        self._looking.at_once()
        self._state()

    def action_pause(self) -> None:
        """Stand still, or go on."""
        self._paused = self._looking.pause()
        self._state()

    def action_look(self) -> None:
        """Look now."""
        self._looking.at_once()

    def _draw(self) -> None:
        self._state()
        frame = self._frame
        if frame is None:
            return
        self.query_one("#head", Static).update(panes.head(frame, self._trends, self.size.width))
        width = self.size.width
        drawn = {
            "scores": panes.scores(frame, width),
            "first": panes.first(frame),
            "pods": panes.pods(frame, self._trends, width),
            "events": panes.events(frame, width),
        }
        for name, what in drawn.items():
            self.query_one(f"#{name}", Pane).show(what)

    def _state(self) -> None:
        line = Text(no_wrap=True, overflow="ellipsis")
        if self._trouble:
            since = (dt.datetime.now(dt.UTC) - (self._lost_at or dt.datetime.now(dt.UTC))).total_seconds()
            line.append(f"No answer for {since:.0f} s, asked every {self._looking.every:g} s. ", style="bold red")
            line.append(printable(self._trouble), style="red")
        elif self._looking.asking > LATE_SECONDS:
            line.append(f"No answer yet, asked {self._looking.asking:.0f} s ago", style="yellow")
        elif self._frame is None:
            line.append("Looking…", style="dim")
        else:
            scope = self._frame.health["scope"]
            age = (dt.datetime.now(dt.UTC) - self._frame.at).total_seconds()
            paused = "paused, " if self._paused else ""
            slow = f", a look takes {self._took:.1f} s" if self._took >= SLOW_SECONDS else ""
            missed = f"; not seen: {', '.join(scope['not_seen'])}" if scope["not_seen"] else ""
            line.append(
                printable(f"{scope['context']}: {scope['pods']} pods, {paused}seen {age:.0f} s ago{slow}{missed}"),
                style="dim",
            )
        self.query_one("#state", Static).update(line)
