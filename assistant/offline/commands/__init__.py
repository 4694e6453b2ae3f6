"""Requests that carry values: objects, settings, manifests, commands, files, ports.

Read whole or not at all, values as they were typed: the grammar of plain sentences puts every word into a canonical
form; here quotes, capitals and `KEY=value` matter, so these are read from the text itself. A word too many and nothing
matches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.offline.model import Mention, Step


def match(raw: str, last: Mention | None) -> Step | None:
    """The step that the text asks for, or None."""
    from assistant.offline.commands import (
        alerts,
        creating,
        docker,
        fixing,
        helm,
        images,
        pods,
        procedures,
        setting,
        sizing,
        stack,
    )
    from assistant.offline.commands.said import said

    if step := procedures.asked(raw):
        return step
    given = said(raw)
    if given is None:
        question = said(raw.rstrip(" ?!"))
        if question:
            step = (
                alerts.asked(question) or stack.asked(question) or helm.asked(question) or docker.asked(question, last)
            )
            if step := step or images.asked(question) or sizing.asked(question, last):
                return step
        return docker.asked_typed(raw)
    return (
        alerts.match(given, last)
        or procedures.match(given)
        or stack.match(given)
        or helm.match(given)
        or docker.match(given, raw, last)
        or images.match(given)
        or sizing.match(given, last)
        or fixing.match(given, last)
        or pods.match(given, raw, last)
        or creating.match(given, last)
        or setting.match(given, last)
    )


def stack_refusal(raw: str, step: Step | None) -> Step | None:
    """A refusal where a sentence about the todo stack as a whole was read as a change of one object, else None."""
    from assistant.offline.commands import stack

    return stack.not_whole(raw, step)
