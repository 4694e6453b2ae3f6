"""What two layers say of one thing and do not agree on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.clues import variables_of
from mcp_tools.diagnosis.containers import fact, template_path
from mcp_tools.diagnosis.layers.variables import required_variables
from mcp_tools.diagnosis.layers.world import MAKERS
from mcp_tools.diagnosis.model import Evidence, Finding, Mode, Ref
from mcp_tools.diagnosis.names import near

if TYPE_CHECKING:
    from mcp_tools.diagnosis.layers.sources import Chart, Dockerfile, Sources
    from mcp_tools.diagnosis.snapshot import Resource, Snapshot

Object = dict[str, Any]
Tags = Mapping[str, frozenset[str]]
"""The tags that were built, by repository."""
MODES = (
    Mode("layers-port", (), "A container has another port than its Dockerfile exposes"),
    Mode("layers-tag", (), "An image is named by a tag that was never built"),
    Mode("layers-value", (), "A values file sets what no template of its chart reads"),
    Mode("env-missing", (16,), "The code needs a variable that no manifest sets"),
    Mode("probe-port", (26,), "A probe asks a port that its container does not have"),
)
"""Those of the findings here, for the table of contents."""
SURE = 0.9
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_VALUES = re.compile(r"\.Values((?:\.\w+)*)")
_INDEXED = re.compile(r"index\s+[$\w.]*\.Values((?:\s+\"[^\"]+\")+)")


def disagreements(sources: Sources, world: Snapshot, built: Tags | None) -> Iterator[Finding]:
    """A finding for each thing of which two layers say different things.

    Args:
        built: The images of this machine; None where Docker does not answer, which is noted in `sources.unseen`.
    """
    for chart in sources.charts:
        yield from _unread_values(sources, chart)
    for root in (item for kind in sorted(MAKERS) for item in world.all(kind)):
        for index, container in enumerate(root.template.get("containers") or ()):
            field = f"{template_path(root)}.containers[{index}]"
            dockerfile = _dockerfile_of(sources, str(container.get("image", "")))
            yield from _probed_ports(root, container, field)
            if dockerfile is not None:
                yield from _exposed_ports(sources, root, container, field, dockerfile)
                yield from _unset_variables(sources, world, root, container, field, dockerfile)
                yield from _unbuilt(sources, root, container, field, built)


def file(sources: Sources, path: Any) -> Ref:
    """A file as the object of a finding."""
    return Ref("File", "", sources.name(path))


def _dockerfile_of(sources: Sources, image: str) -> Dockerfile | None:
    """The one whose directory an image is named for: `todo-backend` is built from `backend`."""
    name = _repository(image).rpartition("/")[2]
    found = [
        one for one in sources.dockerfiles if name == one.path.parent.name or name.endswith(f"-{one.path.parent.name}")
    ]
    return max(found, key=lambda one: len(one.path.parent.name), default=None)


def _repository(image: str) -> str:
    plain = image.partition("@")[0]
    head, _, last = plain.rpartition("/")
    return f"{head}/{last.partition(':')[0]}" if head else last.partition(":")[0]


def _probed_ports(root: Resource, container: Object, field: str) -> Iterator[Finding]:
    ports = container.get("ports") or ()
    known = {one.get("containerPort") for one in ports} | {one.get("name") for one in ports}
    for kind in PROBES:
        probe = container.get(kind) or {}
        how = next((one for one in ("httpGet", "tcpSocket", "grpc") if probe.get(one)), "")
        port = probe[how].get("port") if how else None
        if how and ports and port not in known:
            offered = ", ".join(str(one.get("containerPort")) for one in ports)
            where = f"{field}.{kind}.{how}.port"
            cause = f"The {kind} of container {container.get('name')} asks port {port}, and the container has {offered}"
            evidence = (fact(root, where, port), fact(root, f"{field}.ports", offered))
            advice = f"Let the {kind} ask port {offered}."
            yield Finding("probe-port", cause, root.ref, where, (), evidence, confidence=SURE, advice=advice)


def _exposed_ports(
    sources: Sources, root: Resource, container: Object, field: str, dockerfile: Dockerfile
) -> Iterator[Finding]:
    own = {str(one.get("name")): one.get("value") for one in container.get("env") or ()}
    for index, port in enumerate(container.get("ports") or ()):
        number = port.get("containerPort")
        # A program that is told its port listens there, whatever its image says.
        if not dockerfile.exposed or number in dockerfile.exposed or own.get("PORT") == str(number):
            continue
        where, exposed = f"{field}.ports[{index}].containerPort", ", ".join(map(str, sorted(dockerfile.exposed)))
        at = file(sources, dockerfile.path)
        cause = f"{root.ref} has port {number}, and the program of its image listens on {exposed} ({at.name})"
        evidence = (fact(root, where, number), Evidence(at, "EXPOSE", exposed))
        advice = f"Set the container's port to {exposed}, with the probes and Services that use it."
        yield Finding("layers-port", cause, root.ref, where, (), evidence, confidence=SURE, advice=advice)


def _unset_variables(  # noqa: PLR0917  all of what is known
    sources: Sources, world: Snapshot, root: Resource, container: Object, field: str, dockerfile: Dockerfile
) -> Iterator[Finding]:
    for entry in container.get("envFrom") or ():
        kept = entry.get("configMapRef") or {}
        if "secretRef" in entry or world.get("ConfigMap", root.namespace, kept.get("name", "")) is None:
            return  # what stands in an object that is not here may be all that is needed
    named = {str(one.get("name")) for one in container.get("env") or ()}
    set_by = named | set(variables_of(world, root, container, field)) | dockerfile.sets
    for name, place in required_variables(sources, dockerfile.path.parent).items():
        if name not in set_by:
            cause = f"The program of {root.ref} needs the variable {name} ({place}), and nothing sets it"
            at, _, line = place.rpartition(":")
            meant = near(name, sorted(set_by))
            advice = f"Set {name} in its env or ConfigMap." + (f" There is {meant}." if meant else "")
            evidence = (
                Evidence(Ref("File", "", at), f"line {line}", name),
                fact(root, f"{field}.env", "does not name it"),
            )
            yield Finding("env-missing", cause, root.ref, f"{field}.env", (), evidence, confidence=SURE, advice=advice)


def _unbuilt(sources: Sources, root: Resource, container: Object, field: str, built: Tags | None) -> Iterator[Finding]:
    image = str(container["image"])
    repository = _repository(image)
    tag = image.removeprefix(repository).removeprefix(":") or "latest"
    if "/" in repository or "@" in image:
        return  # it comes from a registry
    if built is None:
        sources.unseen["the images that were built (Docker does not answer)"] = None
    elif repository not in built:
        sources.unseen[f"a build of {repository} (none on this machine)"] = None
    elif tag not in built[repository]:
        there = ", ".join(sorted(built[repository])[:6])
        cause = f"{root.ref} runs {image}, which was never built on this machine; of {repository} there is {there}"
        evidence = (fact(root, f"{field}.image", image), fact(root, "docker image ls", there))
        advice = f"Build {image}, or name a tag that is there."
        yield Finding("layers-tag", cause, root.ref, f"{field}.image", (), evidence, confidence=SURE, advice=advice)


def _unread_values(sources: Sources, chart: Chart) -> Iterator[Finding]:
    read = {tuple(found.strip(".").split(".")) for found in _VALUES.findall(chart.templates)}
    read |= {tuple(re.findall(r'"([^"]+)"', found)) for found in _INDEXED.findall(chart.templates)}
    if ("",) in read:
        return  # a template takes all of them at once
    for path, values in chart.values:
        for key in _paths(values):
            if key[0] in chart.others or any(key[: len(one)] == one for one in read):
                continue
            if any(one[: len(key)] == key for one in read):
                continue  # an empty map whose keys are read
            name, at = ".".join(key), file(sources, path)
            cause = f"No template of the chart {chart.path.name} reads the value {name} that {at.name} sets"
            meant = near(name, sorted(".".join(one) for one in read))
            advice = f"Write {meant}, which a template reads." if meant else "Remove it, or read it in a template."
            evidence = (Evidence(at, name, "set"),)
            yield Finding("layers-value", cause, at, name, (), evidence, advice=advice)


def _paths(values: Object, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        path = (*before, str(key))
        if isinstance(value, dict) and value:
            yield from _paths(value, path)
        else:
            yield path
