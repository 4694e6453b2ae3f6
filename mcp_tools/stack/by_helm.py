"""The stack as a release of its chart: what the release needs beside it first, then the release itself."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mcp_tools.changes.applying import want
from mcp_tools.stack.locate import chart_dir
from mcp_tools.stack.objects import checksum, host_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_tools.changes.model import JsonValue
    from mcp_tools.changes.operations import Wanted
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.stack.objects import Object, Shape
    from mcp_tools.stack.settings import Environment

RELEASE = "todo"
BALANCED = frozenset({"prod"})
"""The environments whose values ask for a load balancer."""
WAITS_INSIDE = 4
STAGES = ("Apply the namespace and the secrets", "Apply the database", "Bring the release up")


def parts(
    connection: Connection,
    documents: Sequence[tuple[int, Object]],
    shape: Shape,
    registry: str | None,
) -> tuple[Wanted, ...]:
    """What is wanted: namespace and Secret, the database where it is inside, and the release.

    Args:
        documents: The stack's objects, as `objects` gives them.
        shape: All its images have one tag.

    Raises:
        ShipmateError: As `mcp_tools.helm.changing.upgrade`; there is no Helm on this machine.
    """
    from mcp_tools.helm.changing import upgrade

    staged = [(stage, document) for _, document in documents if (stage := _stage(document)) is not None]
    wanted = [
        dataclasses.replace(want(connection, document, shape.namespace), stage=stage)
        for stage, document in sorted(staged, key=lambda pair: pair[0])
    ]
    tag = next(iter(shape.images.values())).rpartition(":")[2]
    sets: dict[str, JsonValue] = {
        "publicUrl": shape.url,
        "image.tag": tag,
        "image.registry": f"{registry.rstrip('/')}/" if registry else "",
    }
    if shape.marked:
        # The Secret is no part of the release, and a change of it would replace no pod.
        sets["secret.checksum"] = checksum(shape.secrets)
    if shape.environment == "dev" and shape.node_port:
        sets["components.frontend.service.nodePort"] = shape.node_port
    if not host_of(shape.url):
        sets["ingress.enabled"] = False
    elif shape.url.startswith("http:"):
        # With a certificate, controllers lead on to an address that is not the one that sign-in insists on.
        sets["ingress.tlsSecret"] = ""
    chart = chart_dir()
    release = upgrade(
        connection, RELEASE, chart, shape.namespace, values=[chart / f"values-{shape.environment}.yaml"], sets=sets
    )
    last = len(STAGES) - 1
    wanted += [dataclasses.replace(part, stage=last) for part in release.parts if part.found.kind.name != "Namespace"]
    return tuple(wanted)


def running(documents: Sequence[tuple[int, Object]], environment: Environment) -> list[Object]:
    """What will run, for its requests: the chart's programs by its values, and what is brought beside the release."""
    import yaml

    from mcp_tools.helm.values import computed

    chart = chart_dir()
    texts = [(chart / name).read_text(encoding="utf-8") for name in ("values.yaml", f"values-{environment}.yaml")]
    values = computed(*map(yaml.safe_load, texts))
    scaled = values["autoscaling"]
    own = [
        {
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": scaled["min"]
                if scaled["enabled"] and name in scaled["components"]
                else component["replicas"],
                "template": {"spec": {"containers": [{"resources": component["resources"]}]}},
            },
        }
        for name, component in values["components"].items()
    ]
    return own + [document for _, document in documents if _stage(document) == 1]


def notes(environment: Environment) -> tuple[str, ...]:
    """What to know of the chart's objects before saying yes."""
    from mcp_tools.helm.command import major

    if environment not in BALANCED:
        return ()
    note = (
        "The frontend's Service asks for a load balancer: where the cluster has none to give, the Service stays "
        "pending, the stack serves all the same, and an Ingress or `open the todo stack` leads there."
    )
    # Helm 4 asks whether the Service has an address inside; Helm 3, whether it has one outside.
    older = "Helm 3 waits for the load balancer and calls the release failed without: use Helm 4 on such a cluster."
    return (note, older) if major() < WAITS_INSIDE else (note,)


def _stage(document: Object) -> int | None:
    """The stage of an object that is no part of the release; None for those that are."""
    if document["kind"] in {"Namespace", "Secret"}:
        return 0
    return 1 if document["metadata"]["name"] == "postgres" else None
