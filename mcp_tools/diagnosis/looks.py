"""What a detector may look at beyond the snapshot, when a hypothesis asks for it: bounded, redacted, asked once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from mcp_tools.cluster.kinds import Kind, built_in, find_kind
from mcp_tools.diagnosis.snapshot import Resource
from mcp_tools.diagnosis.taking import METADATA, read_kind
from mcp_tools.errors import ApiError, NotFound, UsageError
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.usage.reading import ContainerUsage

TAIL = 200
MAX_BYTES = 200_000
MAX_LOGS = 60
HELM = "HelmRevision"
METRICS = "/apis/metrics.k8s.io/v1beta1/"


class Looks:
    """Further looks at the cluster.

    Args:
        measured: What the containers in scope use, where that was read already.

    Attributes:
        unseen: What was asked for and could not be had, each once.
    """

    def __init__(self, connection: Connection, measured: Iterable[ContainerUsage] | None = None) -> None:
        self._connection = connection
        self._measured = measured
        self._logs: dict[tuple[str, str, str, bool], tuple[str, ...]] = {}
        self._lists: dict[tuple[str, str, str], list[Resource]] = {}
        self.unseen: dict[str, None] = {}

    def log(self, pod: Resource, container: str, *, previous: bool = False) -> tuple[str, ...]:
        """The last lines that a container wrote, in this run or the one before; none where there is no log."""
        key = (pod.namespace, pod.name, container, previous)
        if key not in self._logs:
            if len(self._logs) >= MAX_LOGS:
                self.unseen["logs beyond the first 60"] = None
                return ()
            self._logs[key] = self._read_log(pod, container, previous=previous)
        return self._logs[key]

    def last_words(self, pod: Resource, container: str) -> tuple[str, ...]:
        """What a container said before its last end: of the run before where it was restarted, else of this one."""
        return self.log(pod, container, previous=True) or self.log(pod, container)

    def _read_log(self, pod: Resource, container: str, *, previous: bool) -> tuple[str, ...]:
        query: list[tuple[str, Any]] = [("container", container), ("tailLines", TAIL), ("limitBytes", MAX_BYTES)]
        if previous:
            query.append(("previous", "true"))
        try:
            raw = self._connection.get(f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}/log", query)
        except ApiError as error:
            # 400 is a container that never ran: there is nothing to see, and nothing was missed.
            if error.code == "forbidden":
                self.unseen["logs (not allowed)"] = None
            return ()
        except NotFound:
            return ()
        return tuple(redact_text(raw.decode("utf-8", "replace")).splitlines())

    def usage(self, namespace: str | None) -> dict[tuple[str, str, str], dict[str, str]]:
        """What containers use (`cpu`, `memory`) by namespace, pod and container; empty without the metrics API."""
        if self._measured is not None:
            return {
                (one.namespace, one.pod, one.container): {"cpu": f"{one.cpu:f}", "memory": f"{one.memory:f}"}
                for one in self._measured
            }
        where = f"namespaces/{namespace}/pods" if namespace else "pods"
        try:
            raw = self._connection.get(f"{METRICS}{where}")
        except (ApiError, NotFound):
            self.unseen["metrics"] = None
            return {}
        found = {}
        for item in msgspec.json.decode(raw).get("items") or ():
            meta = item["metadata"]
            for container in item.get("containers") or ():
                found[meta.get("namespace", ""), meta["name"], container["name"]] = container.get("usage") or {}
        return found

    def revisions(self, namespace: str, release: str) -> list[Resource]:
        """The revisions of a Helm release, as the metadata of the Secrets that keep them, without what they hold."""
        key = (HELM, namespace, release)
        if key not in self._lists:
            query = [("labelSelector", f"owner=helm,name={release}")]
            try:
                raw = self._connection.get(f"/api/v1/namespaces/{namespace}/secrets", query, accept=METADATA)
                found = msgspec.json.decode(raw).get("items") or ()
            except (ApiError, NotFound):
                self.unseen[f"Helm revisions in {namespace}"] = None
                found = ()
            self._lists[key] = [Resource(HELM, {"metadata": item["metadata"]}) for item in found]
        return self._lists[key]

    def elsewhere(self, kind: str, name: str) -> list[Resource]:
        """The objects of this name in all namespaces; none where one may not look."""
        return self._listed(built_in(kind.lower()), None, name)

    def listed(self, kind: Kind | str, namespace: str | None) -> list[Resource]:
        """The objects of a kind that the snapshot does not hold."""
        return self._listed(built_in(kind) if isinstance(kind, str) else kind, namespace, "")

    def customs(self, definition: str) -> list[Resource]:
        """The objects of a custom resource definition, by its name; none where it is not served."""
        try:
            kind = find_kind(self._connection, definition)
        except (ApiError, NotFound, UsageError):
            self.unseen[definition] = None
            return []
        return self._listed(kind, None, "")

    def _listed(self, kind: Kind, namespace: str | None, name: str) -> list[Resource]:
        key = (kind.path(), namespace or "", name)
        if key not in self._lists:
            query = [("fieldSelector", f"metadata.name={name}")] if name else []
            try:
                self._lists[key] = list(read_kind(self._connection, kind, namespace, query))
            except (ApiError, NotFound):
                self.unseen[f"{kind.plural} of {namespace or 'other namespaces'}"] = None
                self._lists[key] = []
        return self._lists[key]
