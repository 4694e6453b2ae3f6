"""A directory diagnosed, as an answer of the same form as that about a cluster."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.diagnosis.layers.checks import disagreements
from mcp_tools.diagnosis.layers.sources import read_sources
from mcp_tools.diagnosis.layers.world import world_of
from mcp_tools.diagnosis.model import PROVEN
from mcp_tools.errors import UsageError
from mcp_tools.reads.answer import Answer, clip, count, listed
from mcp_tools.redaction import redact_text
from mcp_tools.stack.programs import is_there, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.diagnosis.layers.checks import Tags
    from mcp_tools.diagnosis.layers.sources import Sources
    from mcp_tools.diagnosis.model import Finding
    from mcp_tools.diagnosis.snapshot import Snapshot

MOST = 20
WIDTH = 240
IMAGE = "{{.Repository}} {{.Tag}}"


def report_sources(path: Path) -> Answer:
    """Diagnose a directory: its manifests, charts (as Helm renders them with their defaults), Dockerfiles and code.

    Returns:
        `scope` (path, what was looked at and what could not be), `findings` (mode, cause, object, field, evidence,
        certainty, advice), `more`.

    Raises:
        UsageError: There is no such directory.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is no directory.", "Give the directory of a checkout.")
    sources = read_sources(path.resolve())
    found = findings_in(sources, built_images())
    parts = (
        count(len(sources.dockerfiles), "Dockerfile"),
        count(len(sources.charts), "chart"),
        f"{count(len(sources.manifests), 'object')} of manifests",
    )
    looked = ", ".join(parts)
    unseen = [clip(redact_text(text), 120) for text in sources.unseen]
    data: dict[str, Any] = {
        "scope": {"path": str(path), "looked_at": looked, "not_seen": unseen[:8]},
        "findings": [_told(finding) for finding in found[:MOST]],
        "others": [],
        "more": max(0, len(found) - MOST),
    }
    missed = f" Not seen: {listed(unseen, 3)}." if unseen else ""
    if not found:
        return Answer(f"The layers of {path} agree ({looked} looked at).{missed}", data)
    more = f" And {count(len(found) - 1, 'other cause')}." if len(found) > 1 else ""
    return Answer(f"{clip(redact_text(found[0].cause), WIDTH)}.{more} ({looked} looked at.){missed}", data)


def findings_in(sources: Sources, built: Tags | None) -> list[Finding]:
    """What does not agree: in the manifests, then in a chart's objects; the same said of both is said once.

    Args:
        built: The images of this machine; None where Docker does not answer.
    """
    told: dict[tuple[str, str, str], Finding] = {}
    worlds = [sources.manifests, *_rendered(sources)]
    for manifests in worlds:
        sources.manifests = manifests
        world = world_of(sources)
        for finding in (*disagreements(sources, world, built), *_of_world(world)):
            told.setdefault((finding.mode, str(finding.object), finding.field), finding)
    sources.manifests = worlds[0]
    return list(told.values())


def _of_world(world: Snapshot) -> Iterator[Finding]:
    """What detectors of running clusters find in what the manifests would make."""
    from mcp_tools.diagnosis.model import Finding
    from mcp_tools.diagnosis.modes import dns_resolution, ingress_routing, loopback, policy_blocks, service_routing

    looks: Any = None  # none of these looks at a cluster
    detectors = (
        service_routing.services,
        service_routing.called_ports,
        ingress_routing.ingresses,
        loopback.loopback,
        policy_blocks.policies,
        dns_resolution.names,
    )
    for detect in detectors:
        yield from (item for item in detect(world, looks) if isinstance(item, Finding))


def _rendered(sources: Sources) -> list[list[tuple[Path, dict[str, Any]]]]:
    """The objects of each chart; what Helm does not render is noted."""
    import yaml

    found = []
    for chart in sources.charts:
        name = sources.name(chart.path)
        text = output("helm", "template", "release", str(chart.path)) if is_there("helm") else None
        if text is None:
            why = "Helm does not render it" if is_there("helm") else "there is no Helm on this machine"
            sources.unseen[f"the objects of chart {name} ({why})"] = None
            continue
        with contextlib.suppress(yaml.YAMLError):
            objects = [item for item in yaml.safe_load_all(text) if isinstance(item, dict) and item.get("kind")]
            found.append([(chart.path, item) for item in objects])
    return found


def built_images() -> Tags | None:
    """The images of this machine's Docker; None where it does not answer."""
    text = output("docker", "image", "ls", "--format", IMAGE)
    if text is None:
        return None
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        repository, _, tag = line.partition(" ")
        found.setdefault(repository, set()).add(tag)
    return {repository: frozenset(tags) for repository, tags in found.items()}


def _told(finding: Finding) -> dict[str, Any]:
    told = {
        "mode": finding.mode,
        "cause": clip(redact_text(finding.cause), WIDTH),
        "object": str(finding.object) if finding.object.kind != "File" else finding.object.name,
        "namespace": finding.object.namespace,
        "field": finding.field,
        "chain": "",
        "evidence": [clip(redact_text(f"{one.object} {one.where}: {one.value}"), WIDTH) for one in finding.evidence],
        "certainty": "proven" if finding.confidence >= PROVEN else f"inferred, {finding.confidence:.0%} sure",
        "advice": clip(redact_text(finding.advice), WIDTH),
    }
    return {key: value for key, value in told.items() if value not in ("", [])}
