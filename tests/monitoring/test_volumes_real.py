"""The rule about volumes on a real kubelet: small file systems that are filled, one with bytes and one with files."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from monitor_helpers import monitoring, receiving, until

if TYPE_CHECKING:
    from hands_helpers import Kube

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
SECONDS = 480.0
"""A kubelet measures a volume once in one to two minutes, and begins at most two after its pod did."""
IMAGE = {"image": "busybox:latest", "imagePullPolicy": "IfNotPresent"}
SIZES = {"bytes": "size=20m", "files": "size=20m,nr_inodes=100"}
FILL = (
    "dd if=/dev/zero of=/bytes/fill bs=1M count=19 && for n in $(seq 94); do : > /files/$n; done;"
    " while [ ! -e /files/enough ]; do sleep 1; done; rm -f /bytes/* /files/*; sleep 3600"
)
ENOUGH = ": > /files/enough"
RULE = {"volume-filling": {"for": "0s", "keep_firing_for": "0s"}}


def run(kube: Kube, pods: str, name: str, script: str, **spec: Any) -> None:
    """A pod that runs a script once."""
    container = {"name": "run", **IMAGE, "command": ["sh", "-c", script], **spec.pop("container", {})}
    given = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container], **spec}
    kube.make(pods, {"metadata": {"name": name}, "spec": given})


def on_node(kube: Kube, pods: str, node: str, name: str, script: str) -> None:
    """Run a script as root of the node, where the kubelet sees what is mounted."""
    inside = {
        "securityContext": {"privileged": True},
        "command": ["sh", "-c", 'nsenter -t "$(pidof kubelet)" -m -- sh -c "$0"', script],
    }
    run(kube, pods, name, script, container=inside, hostPID=True, nodeName=node)
    phase = until(lambda: ended(kube, f"{pods}/{name}"), SECONDS)
    assert phase == "Succeeded", kube.connection.get(f"{pods}/{name}/log").decode()


def ended(kube: Kube, pod: str) -> str:
    phase = str(kube.get(pod)["status"].get("phase"))
    return phase if phase in {"Succeeded", "Failed"} else ""


def ready(node: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"].get("conditions") or ())


@pytest.fixture
def claims(real: Kube) -> Iterator[str]:
    """A namespace with two claims, each of a file system of its own on the same node."""
    name = f"volumes-{uuid.uuid4().hex[:8]}"
    node = next(item["metadata"] for item in real.get("/api/v1/nodes")["items"] if ready(item))
    host = node["labels"]["kubernetes.io/hostname"]
    pods = f"/api/v1/namespaces/{name}/pods"
    place = f"/var/tmp/{name}"
    real.make("/api/v1/namespaces", {"metadata": {"name": name}})
    mount = " && ".join(
        f"mkdir -p {place}/{what} && mount -t tmpfs -o {size} none {place}/{what}" for what, size in SIZES.items()
    )
    try:
        for what in SIZES:
            make_claim(real, name, what, f"{place}/{what}", host)
        on_node(real, pods, node["name"], "mount", mount)
        yield name
    finally:
        for pod in real.get(pods)["items"]:
            real.delete(f"{pods}/{pod['metadata']['name']}")
        until(lambda: not real.get(pods)["items"], SECONDS)
        try:
            on_node(real, pods, node["name"], "unmount", f"umount {place}/*; rm -r {place}")
        finally:
            real.delete(f"/api/v1/namespaces/{name}")
            for what in SIZES:
                real.delete(f"/api/v1/persistentvolumes/{name}-{what}")


def make_claim(kube: Kube, space: str, name: str, path: str, host: str) -> None:
    """A claim on a folder of a node, whose file system the kubelet measures: that of a `hostPath` it does not."""
    there = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}
    both = {"storageClassName": space, "accessModes": ["ReadWriteOnce"]}
    volume = {
        **both,
        "capacity": {"storage": "20Mi"},
        "local": {"path": path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [there]}},
        "claimRef": {"namespace": space, "name": name},
    }
    claim = {**both, "volumeName": f"{space}-{name}", "resources": {"requests": {"storage": "20Mi"}}}
    kube.make("/api/v1/persistentvolumes", {"metadata": {"name": f"{space}-{name}"}, "spec": volume})
    claims = f"/api/v1/namespaces/{space}/persistentvolumeclaims"
    kube.make(claims, {"metadata": {"name": name}, "spec": claim})


def test_a_volume_that_fills_is_told_and_is_over_once_there_is_room(real: Kube, claims: str, store: Path) -> None:
    pods = f"/api/v1/namespaces/{claims}/pods"
    volumes = {
        "volumes": [{"name": what, "persistentVolumeClaim": {"claimName": what}} for what in SIZES],
        "container": {"volumeMounts": [{"name": what, "mountPath": f"/{what}"} for what in SIZES]},
    }
    full = {("firing", "volume-filling", f"PersistentVolumeClaim/{what}") for what in SIZES}
    config = Path(os.environ["KUBECONFIG"])
    with (
        receiving() as (receiver, url),
        monitoring(config, claims, store, {"webhook": {"url": url}}, rules=RULE) as (monitor, _),
    ):
        until(lambda: monitor.ready, SECONDS)
        run(real, pods, "writer", FILL, **volumes)
        until(lambda: set(receiver.told) == full, SECONDS)
        said = {alert["annotations"]["summary"] for body in receiver.bodies for alert in body["alerts"]}
        # It may have been measured before all was written.
        assert {words.rpartition(" of ")[2] for words in said} == {"20 Mi.", "100 files."}
        run(real, pods, "enough", ENOUGH, **volumes)
        over = {("resolved", *told[1:]) for told in full}
        until(lambda: set(receiver.told) == full | over, SECONDS)
    assert len(receiver.told) == len(full | over)
