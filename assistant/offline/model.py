"""What a sentence can become."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from mcp_tools.errors import UsageError

ProcedureKind = Literal["runbook", "agent"]
Day = Literal["today", "yesterday"]


class Mention(NamedTuple):
    """An object as it was named: `name` or `kind/name`, and where, if that was said."""

    target: str
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool.

    Attributes:
        alternatives: Other readings of the target, tried in order when the first names nothing: the singular of a
            plural ("three backends"), never a guess at a misspelt name.
        note: What the user should know about how the sentence was read.
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    alternatives: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Relative:
    """A scaling that depends on how many replicas there are.

    Attributes:
        target: Empty while it is asked for.
        to: The wanted number; without it `factor` times what is there, plus `add`.
        direction: 1 where the sentence said up, -1 where it said down: the other way is a misunderstanding.
        was: How many the sentence said there are.
    """

    target: str
    namespace: str | None = None
    to: int | None = None
    add: int = 0
    factor: float = 1.0
    direction: int = 0
    was: int | None = None
    alternatives: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A call that gets a manifest which is read first.

    Attributes:
        source: A file, a folder, an address, or `-` for standard input.
    """

    source: str
    step: ToolCall


@dataclass(frozen=True, slots=True)
class Several:
    """Changes that one sentence asks for, carried out as one plan."""

    steps: tuple[ToolCall | Relative, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A Helm release put back to what it was before the first revision of a day.

    Attributes:
        release: The arguments that name it: `release`, and `namespace` where that was said.
        day: `yesterday` or `today`, where the user is.
    """

    release: dict[str, Any]
    day: str


@dataclass(frozen=True, slots=True)
class Heal:
    """A fix of the first cause that a diagnosis names and that a change can heal.

    Attributes:
        where: Arguments of the diagnosis; None for where the last one looked.
        option: Which of the cause's fixes, from 1 on.
    """

    where: dict[str, Any] | None = None
    option: int = 1


@dataclass(frozen=True, slots=True)
class Silencing:
    """Nobody is told of some alerts for a while. It changes no cluster, and is a person's word: no model can say it.

    Attributes:
        time: Such as `2h`.
        object: A name or `kind/name`; empty for any.
    """

    time: str
    object: str = ""
    rule: str = ""
    namespace: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Unsilencing:
    """The end of a silence, named by its id or by the object it is about."""

    what: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed since a moment, by whomever.

    Attributes:
        since: `last` for the last run, `today`, `yesterday` (days begin where the user is), or seconds ago.
        namespace: None is the current one.
    """

    since: Day | Literal["last"] | int
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Procedure:
    """Runbooks and agents: listed, one shown, or one run.

    Attributes:
        kind: Which of the two.
        name: Empty for a list.
        given: A runbook's parameters as they were said; the one that `for` gave has the name "".
        request: What an agent is asked; empty for what it is for.
    """

    kind: ProcedureKind
    action: Literal["list", "show", "run"]
    name: str = ""
    given: dict[str, str] = field(default_factory=dict)
    request: str = ""


@dataclass(frozen=True, slots=True)
class Clarify:
    """A question back: what lacks of `step` is said by the next sentence."""

    message: str
    step: ToolCall | Relative
    missing: Literal["target", "replicas"]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nothing is done. `suggestions` are sentences that would be understood; a lone one can be answered with yes."""

    message: str
    suggestions: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that needs no tool."""

    text: str


Step = (
    ToolCall
    | Relative
    | Manifest
    | Several
    | Earlier
    | Heal
    | Changed
    | Procedure
    | Silencing
    | Unsilencing
    | Clarify
    | Refuse
    | Reply
)


class NotUnderstood(UsageError):
    """The sentence is none that the planner carries out; nothing was done."""

    code = "not_understood"
