"""ConfigMaps, Secrets and volumes that pods refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_SPEC = "spec.template.spec.containers[0]"


def _restart(box: Injector, name: str = "backend") -> None:
    note = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    box.patch("Deployment", name, {"spec": {"template": {"metadata": {"annotations": note}}}})


@fault(
    "config-missing",
    31,
    Cause("ConfigMap", "backend-config", "", "it was deleted"),
    Symptom("Pod", "backend", 'configmap \\"backend-config\\" not found'),
)
def config_missing(box: Injector) -> None:
    """The ConfigMap is gone, and the pods are restarted."""
    box.delete("ConfigMap", "backend-config")
    _restart(box)


@fault(
    "secret-missing",
    32,
    Cause("Secret", "backend-secrets", "", "it was deleted"),
    Symptom("Pod", "backend", 'secret \\"backend-secrets\\" not found'),
)
def secret_missing(box: Injector) -> None:
    """The Secret is gone, and the pods are restarted."""
    box.delete("Secret", "backend-secrets")
    _restart(box)


@fault(
    "secret-key",
    33,
    Cause("Secret", "backend-secrets", "data.BETTER_AUTH_SECRET", "the key is missing"),
    Symptom("Pod", "backend", "couldn't find key BETTER_AUTH_SECRET in Secret"),
)
def secret_key(box: Injector) -> None:
    """A key of the Secret is gone, and the pods are restarted."""
    box.patch("Secret", "backend-secrets", {"data": {"BETTER_AUTH_SECRET": None}})
    _restart(box)


@fault(
    "config-name",
    34,
    Cause("Deployment", "backend", f"{_SPEC}.envFrom", "the ConfigMap is called backend-config"),
    Symptom("Pod", "backend", 'configmap \\"backend-confg\\" not found'),
)
def config_name(box: Injector) -> None:
    """A ConfigMap's name with a typing error."""
    box.container("backend", envFrom=[{"configMapRef": {"name": "backend-confg"}}])


@fault(
    "secret-namespace",
    34,
    Cause("Secret", "backend-keys", "metadata.namespace", "it is in the namespace default"),
    Symptom("Pod", "backend", 'secret \\"backend-keys\\" not found'),
)
def secret_namespace(box: Injector) -> None:
    """A Secret that was made in another namespace."""
    box.create("Secret", "backend-keys", "default", stringData={"API_KEY": "made-up"})
    reference = {"secretKeyRef": {"name": "backend-keys", "key": "API_KEY"}}
    box.container("backend", env=[{"name": "API_KEY", "valueFrom": reference}])


@fault(
    "config-stale",
    35,
    Cause("Deployment", "backend", "spec.template", "the pods were started before the ConfigMap changed"),
    Symptom("ConfigMap", "backend-config", "mcp-server-v2:8001"),
)
def config_stale(box: Injector) -> None:
    """A changed ConfigMap, and pods that still run with the old one."""
    box.patch("ConfigMap", "backend-config", {"data": {"MCP_SERVER_URL": "http://mcp-server-v2:8001"}})


@fault(
    "config-subpath",
    36,
    Cause("Deployment", "backend", f"{_SPEC}.volumeMounts", "the ConfigMap has no key logging.yaml"),
    Symptom("Pod", "backend", "Are you trying to mount a directory onto a file"),
)
def config_subpath(box: Injector) -> None:
    """A single file of a ConfigMap that the ConfigMap does not have."""
    mount = {"name": "settings", "mountPath": "/app/logging.yaml", "subPath": "logging.yaml"}
    volume = {"name": "settings", "configMap": {"name": "backend-config"}}
    box.pod("backend", volumes=[volume], containers=[{"name": "backend", "volumeMounts": [mount]}])


@fault(
    "claim-missing",
    37,
    Cause("Deployment", "backend", "spec.template.spec.volumes", "there is no claim backend-data"),
    Symptom("Pod", "backend", 'persistentvolumeclaim \\"backend-data\\" not found'),
)
def claim_missing(box: Injector) -> None:
    """A volume claim that nobody made."""
    box.pod("backend", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "backend-data"}}])


@fault(
    "mount-key",
    90,
    Cause("Deployment", "backend", "spec.template.spec.volumes[1].configMap.items", "the ConfigMap has no such key"),
    Symptom("Pod", "backend", "references non-existent config key: app.toml"),
)
def mount_key(box: Injector) -> None:
    """A key that is mounted and not there."""
    items = [{"key": "app.toml", "path": "app.toml"}]
    volume = {"name": "settings", "configMap": {"name": "backend-config", "items": items}}
    mount = {"name": "settings", "mountPath": "/app/settings"}
    box.pod("backend", volumes=[volume], containers=[{"name": "backend", "volumeMounts": [mount]}])
