"""Users, file systems and the rules of Pod Security."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_SPEC = "spec.template.spec.containers[0]"


@fault(
    "root-image",
    38,
    Cause("Deployment", "docs", f"{_SPEC}.image", "the image runs as root and the pod may not"),
    Symptom("Pod", "docs", "container has runAsNonRoot and image will run as root"),
)
def root_image(box: Injector) -> None:
    """An image that runs as root in a pod that must not."""
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    box.deployment("docs", {"image": "nginx:1.27"}, securityContext=context)


@fault(
    "read-only-root",
    39,
    Cause("Deployment", "backend", f"{_SPEC}.volumeMounts", "nothing writable is mounted at /tmp"),
    Symptom("Pod", "backend", "Read-only file system"),
)
def read_only_root(box: Injector) -> None:
    """A program that writes where the root file system is read-only."""
    mounts = [{"mountPath": "/tmp", "$patch": "delete"}, {"name": "tmp", "mountPath": "/var/tmp"}]  # noqa: S108
    box.container("backend", volumeMounts=mounts)


@fault(
    "volume-owner",
    40,
    Cause("StatefulSet", "todo-db", "spec.template.spec.securityContext.fsGroup", "the volume belongs to root"),
    Symptom("Pod", "todo-db", "Permission denied"),
)
def volume_owner(box: Injector) -> None:
    """A database that may not write to its own volume."""
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    container = {
        "image": "postgres:17",
        "env": [{"name": "POSTGRES_PASSWORD", "value": "made-up"}],
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/postgresql/data"}],
    }
    box.deployment("todo-db", container, kind="StatefulSet", volumeClaimTemplates=[claim])


@fault(
    "pod-security",
    41,
    Cause("Deployment", "backend", f"{_SPEC}.securityContext", "the namespace admits restricted pods only"),
    Symptom("ReplicaSet", "backend", "violates PodSecurity"),
)
def pod_security(box: Injector) -> None:
    """A pod that the namespace's security level does not admit."""
    box.container("backend", securityContext={"allowPrivilegeEscalation": True})


@fault(
    "low-port",
    42,
    Cause("Deployment", "docs", "spec.template.spec.securityContext.runAsUser", "port 80 is for root only"),
    Symptom("Pod", "docs", "bind() to 0.0.0.0:80 failed (13: Permission denied)"),
)
def low_port(box: Injector) -> None:
    """A web server without root's right to listen on port 80."""
    mounts = [{"name": "cache", "mountPath": "/var/cache/nginx"}]
    box.deployment("docs", {"image": "nginx:1.27", "volumeMounts": mounts}, volumes=[{"name": "cache", "emptyDir": {}}])
