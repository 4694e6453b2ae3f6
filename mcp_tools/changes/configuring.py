"""What a workload's containers are given: image, environment and resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mcp_tools.changes.diff import Edit
from mcp_tools.changes.model import ABSENT, FieldPath
from mcp_tools.changes.operations import Wanted, pick_container, require_workload
from mcp_tools.errors import UsageError
from mcp_tools.quantity import BadQuantity, parse

if TYPE_CHECKING:
    from mcp_tools.cluster.resolve import Found

# The API server takes any printable ASCII name; what a shell can read is what is meant.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# The reference grammar of the distribution project: [registry/]path[:tag][@digest].
IMAGE = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@[a-z0-9]+:[a-f0-9]{32,})?"
)


def configure(
    found: Found,
    container: str | None,
    *,
    image: str | None = None,
    env: Mapping[str, str | None] = MappingProxyType({}),
    requests: Mapping[str, str] = MappingProxyType({}),
    limits: Mapping[str, str] = MappingProxyType({}),
) -> Wanted:
    """Set image, environment variables, requests and limits of one container, in one rollout.

    Args:
        image: A reference such as `repository:tag`.
        env: Values by name; None takes a variable away.
        requests: Quantities such as `250m` and `512Mi`, by `cpu`, `memory` or another resource.
        limits: As `requests`.

    Raises:
        UsageError: A name, quantity or image cannot be read, nothing was given, or the kind has no pods.
        Ambiguous: There are several containers and none was named.
    """
    require_workload(found, "configured")
    name, spec = pick_container(found, container)
    base: FieldPath = ("spec", "template", "spec", "containers", ("name", name))
    edits = [
        *_image(base, image),
        *_variables(base, spec, env),
        *_quantities(base, "requests", requests),
        *_quantities(base, "limits", limits),
    ]
    if not edits:
        raise UsageError("There is nothing to set.", "Give image, env, requests or limits, such as memory: 512Mi.")
    before = spec.get("image", "none")
    said = [f"image from {before} to {image}"] if image else []
    said += [f"environment {', '.join(sorted(env))}"] if env else []
    said += [f"{resource} request {quantity}" for resource, quantity in requests.items()]
    said += [f"{resource} limit {quantity}" for resource, quantity in limits.items()]
    title = f"Set {', '.join(said)} of {found} (container {name})"
    if image and len(said) == 1:
        title = f"Set the image of {found} (container {name}) from {before} to {image}"
    return Wanted(
        action="set_image" if image and len(said) == 1 else "configure",
        title=title,
        found=found,
        edits=tuple(edits),
        arguments={
            "container": name,
            "image": image,
            "env": sorted(env),
            "requests": dict(requests),
            "limits": dict(limits),
        },
    )


def _image(base: FieldPath, image: str | None) -> list[Edit]:
    if image is None:
        return []
    if not IMAGE.fullmatch(image):
        raise UsageError(f"{image!r} is not an image reference.", "Write it as repository:tag.")
    return [Edit((*base, "image"), image)]


def _variables(base: FieldPath, spec: dict[str, Any], env: Mapping[str, str | None]) -> list[Edit]:
    for variable in env:
        if not VARIABLE.fullmatch(variable):
            raise UsageError(f"{variable!r} is no name of an environment variable.", "Use letters, digits and _.")
    given = [{"name": variable, "value": value} for variable, value in env.items() if value is not None]
    if not spec.get("env"):
        return [Edit((*base, "env"), given)] if given else []
    # A value that came from a ConfigMap or Secret is replaced whole: both together are refused by the API server.
    return [
        Edit((*base, "env", ("name", variable)), ABSENT if value is None else {"name": variable, "value": value})
        for variable, value in env.items()
    ]


def _quantities(base: FieldPath, group: str, quantities: Mapping[str, str]) -> list[Edit]:
    for quantity in quantities.values():
        try:
            parse(quantity)
        except BadQuantity as error:
            raise UsageError(f"{quantity!r} is no quantity.", "Write CPU as 250m or 1, memory as 512Mi.") from error
    return [Edit((*base, "resources", group, resource), quantity) for resource, quantity in quantities.items()]
