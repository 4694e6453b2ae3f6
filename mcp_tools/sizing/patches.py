"""Recommendations as files: a patch of manifests, or the values of a Helm chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import UsageError
from mcp_tools.helm import releases
from mcp_tools.helm.values import computed
from mcp_tools.sizing.changing import quantities

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.sizing.looking import ContainerSizing, WorkloadSizing

RELEASE = "meta.helm.sh/release-name"
API = "apps/v1"
DEPTH = 8


def as_patch(sized: Sequence[WorkloadSizing]) -> str:
    """A strategic-merge patch of each workload that is to be changed, for `kubectl patch` and Kustomize; perhaps empty.

    Returns:
        YAML, a document a workload, with the reasons as comments.
    """
    documents = []
    for one in sized:
        containers = [_resources(part) for part in one.containers]
        changing = [found for found in containers if found]
        if not changing:
            continue
        ref = one.workload.ref
        body = {
            "apiVersion": API,
            "kind": ref.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "spec": {"template": {"spec": {"containers": changing}}},
        }
        documents.append("".join(f"# {line}\n" for line in _why(one)) + _yaml(body))
    return "---\n".join(documents)


def as_values(connection: Connection, sized: Sequence[WorkloadSizing]) -> str:
    """Values for the charts of the releases that the workloads belong to; perhaps empty.

    Returns:
        YAML, a document a release.

    Raises:
        UsageError: A workload is of no release, or nothing in its values is what the container has.
        ShipmateError: As `releases.history`.
    """
    found: dict[tuple[str, str], tuple[list[str], dict[str, Any]]] = {}
    for one in sized:
        for part in one.containers:
            wanted = _resources(part)
            if wanted is None:
                continue
            release = ((one.workload.meta.get("annotations") or {}).get(RELEASE)) or ""
            if not release:
                raise UsageError(
                    f"{one.workload.ref} is of no Helm release.", "Ask for a patch of its manifest: --format patch."
                )
            key = (one.workload.namespace, release)
            why, values = found.setdefault(key, ([], {}))
            why += [line for line in _why(one) if line not in why]
            _lay(values, _path(connection, release, one, part), wanted["resources"])
    return "---\n".join(
        f"# helm upgrade {release} CHART -n {namespace} --reuse-values -f THIS\n"
        + "".join(f"# {line}\n" for line in why)
        + _yaml(values)
        for (namespace, release), (why, values) in found.items()
    )


def _resources(part: ContainerSizing) -> dict[str, Any] | None:
    requests, limits = quantities(part)
    sides = {"requests": requests, "limits": limits}
    given = {side: amounts for side, amounts in sides.items() if amounts}
    return {"name": part.name, "resources": given} if given else None


def _why(one: WorkloadSizing) -> list[str]:
    lines = []
    for part in one.containers:
        if part.advice is None:
            continue
        head = f"{one.workload.ref}, container {part.name}"
        preliminary = f" PRELIMINARY: {part.advice.preliminary}." if part.advice.preliminary else ""
        lines += [f"{head}: {'; '.join(part.advice.reasons)}.{preliminary}"]
    return lines


def _path(connection: Connection, release: str, one: WorkloadSizing, part: ContainerSizing) -> tuple[str, ...]:
    """Where the values of a release hold what a container has.

    Several maps may hold the same: then the one whose path bears the name of the workload or the container.
    """
    stored = releases.history(connection, release, one.workload.namespace)[-1].stored
    values = computed(stored.chart.values or {}, stored.config or {})
    live = next(spec for spec in one.workload.template["containers"] if spec["name"] == part.name)
    wanted = live.get("resources") or {}
    paths = [path for path, resources in _maps(values) if _same(resources, wanted)]
    short = one.workload.name.removeprefix(f"{release}-")
    for name in (one.workload.name, short, part.name):
        named = [path for path in paths if any(_plain(step) == _plain(name) for step in path)]
        if len(named) == 1:
            return named[0]
    if len(paths) == 1:
        return paths[0]
    what = f"{len(paths)} places of the values" if paths else "no place of the values"
    raise UsageError(
        f"{what} of release {release} hold{'' if paths else 's'} what {one.workload.ref} has.",
        "Ask for a patch (--format patch) and set it where the chart takes its resources from.",
    )


def _maps(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every map called `resources` or so, that holds requests or limits."""
    for key, value in values.items():
        if not isinstance(value, dict) or len(path) > DEPTH:
            continue
        if "requests" in value or "limits" in value:
            yield (*path, str(key)), value
        yield from _maps(value, (*path, str(key)))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    sides = ("requests", "limits")
    return all(
        {key: str(value) for key, value in (one.get(side) or {}).items()}
        == {key: str(value) for key, value in (other.get(side) or {}).items()}
        for side in sides
    )


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _lay(values: dict[str, Any], path: tuple[str, ...], resources: Mapping[str, Any]) -> None:
    inner = values
    for step in path:
        inner = inner.setdefault(step, {})
    inner.update(resources)


def _yaml(body: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120))
