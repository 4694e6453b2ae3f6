"""Setting fields, labels and annotations of any object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mcp_tools.changes.diff import MERGE_KEYS, Edit, render_path, value_at
from mcp_tools.changes.model import ABSENT, FieldPath, JsonValue, PathStep
from mcp_tools.changes.operations import Wanted
from mcp_tools.errors import UsageError
from mcp_tools.quantity import BadQuantity, parse

if TYPE_CHECKING:
    from mcp_tools.cluster.resolve import Found

_STEP = re.compile(r"(?P<key>[^.\[\]]+)|\[(?P<index>[^\[\]]+)\]")
STORAGE: FieldPath = ("spec", "resources", "requests", "storage")
UNTOUCHABLE = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)
# The grammar of label and annotation keys: k8s.io/apimachinery, pkg/util/validation (qualified name).
_KEY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?")


def patch(
    found: Found,
    fields: Mapping[str, JsonValue],
    labels: Mapping[str, str | None],
    annotations: Mapping[str, str | None],
) -> Wanted:
    """Set what is given and leave the rest; None takes a field, label or annotation away.

    Args:
        fields: By paths such as `spec.type`, `spec.template.spec.containers[app].imagePullPolicy`, `data[app.conf]`;
            a list's element is named by its merge key or its index.

    Raises:
        UsageError: A path or key cannot be read or must not be set, or nothing was given.
    """
    edits = [
        *(Edit(_path(found, text), ABSENT if value is None else value) for text, value in fields.items()),
        *_marks("labels", labels),
        *_marks("annotations", annotations),
    ]
    if not edits:
        raise UsageError("There is nothing to set.", "Give fields, labels or annotations.")
    said = ", ".join(render_path(edit.path) for edit in edits)
    size = next((edit.value for edit in edits if edit.path == STORAGE), None)
    if found.kind.plural == "persistentvolumeclaims" and size is not None:
        return _expand(found, str(size))
    return Wanted(
        action="patch",
        title=f"Set {said} of {found}",
        found=found,
        edits=tuple(edits),
        arguments={"paths": [render_path(edit.path) for edit in edits]},
    )


def _expand(found: Found, size: str) -> Wanted:
    before = str(value_at(found.object, STORAGE))
    try:
        grows = parse(size) >= parse(before)
    except BadQuantity as error:
        raise UsageError(f"{size!r} is no size.", "Write it as 10Gi.") from error
    if not grows:
        raise UsageError(f"{found} has {before}: a volume grows and never shrinks.", f"Ask for more than {before}.")
    return Wanted(
        action="expand",
        title=f"Expand {found} from {before} to {size}",
        found=found,
        edits=(Edit(STORAGE, size),),
        arguments={"size": size},
        reversible=False,
        notes=(
            "A volume never shrinks: this cannot be undone. Some drivers grow it at the next start of its pod only.",
        ),
    )


def cordon(found: Found, *, schedulable: bool) -> Wanted:
    """Keep new pods off a node, or let them on again; what runs there stays.

    Raises:
        UsageError: It is no node.
    """
    if found.kind.plural != "nodes":
        raise UsageError(f"{found} is no node.", "Name a node; list_resources nodes shows them.")
    verb = "Uncordon" if schedulable else "Cordon"
    return Wanted(
        action=verb.lower(),
        title=f"{verb} {found}",
        found=found,
        edits=(Edit(("spec", "unschedulable"), ABSENT if schedulable else True),),
    )


def _marks(kind: str, given: Mapping[str, str | None]) -> list[Edit]:
    edits = []
    for key, value in given.items():
        if not _KEY.fullmatch(key):
            raise UsageError(f"{key!r} is no key of {kind}.", "Write it as name or prefix/name.")
        edits.append(Edit(("metadata", kind, key), ABSENT if value is None else value))
    return edits


def _path(found: Found, text: str) -> FieldPath:
    steps: list[PathStep] = []
    position = 0
    for match in _STEP.finditer(text):
        between = text[position : match.start()]
        if between not in {"", "."}:
            raise UsageError(
                f"{text!r} is no path of a field.", "Write it as spec.template.spec.containers[app].image."
            )
        position = match.end()
        if match["key"] is not None:
            steps.append(match["key"])
        else:
            steps.append(_element(found, tuple(steps), match["index"]))
    if not steps or position != len(text):
        raise UsageError(f"{text!r} is no path of a field.", "Write it as spec.template.spec.containers[app].image.")
    if steps[0] in {"status", "apiVersion", "kind"} or (steps[0] == "metadata" and steps[-1] in UNTOUCHABLE):
        raise UsageError(f"{text} is not for users to set.", "")
    return tuple(steps)


def _element(found: Found, parent: FieldPath, index: str) -> PathStep:
    held = value_at(found.object, parent)
    if not isinstance(held, list):
        return index
    if index.isdigit():
        return int(index)
    key = next((k for k in MERGE_KEYS if any(isinstance(i, dict) and str(i.get(k)) == index for i in held)), None)
    if key is None:
        raise UsageError(f"{render_path(parent)} has no element {index!r}.", "")
    return (key, index)
