"""Objects of every kind that can be made on a cluster, drawn from a seed; made and taken away by kubectl."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import dataclass, field
from typing import Any

BUSYBOX = "busybox:latest"
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet", "jade", "koala", "lotus")


def kubectl(*arguments: str, given: str | None = None, fails: bool = False) -> str:
    """What kubectl prints; that it fails is an error unless it may."""
    done = subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True, check=False)
    assert fails or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def kubectl_json(*arguments: str) -> Any:
    return json.loads(kubectl(*arguments, "-o", "json"))


@dataclass
class Population:
    """Two namespaces and what lies in them and beside them; names outside of namespaces begin with `mark`."""

    mark: str
    seed: int = 4
    objects: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first, self.second = f"{self.mark}-a", f"{self.mark}-b"
        self.random = random.Random(self.seed)
        for build in (self._around, self._rights, self._settings, self._network, self._workloads, self._custom):
            build()

    @property
    def spaces(self) -> tuple[str, str]:
        return self.first, self.second

    def make(self) -> None:
        """CustomResourceDefinitions and namespaces first; the rest can be in any order."""
        early = [item for item in self.objects if item["kind"] in {"Namespace", "CustomResourceDefinition"}]
        self._create(early)
        kubectl("wait", "--for=condition=Established", f"crd/gadgets.{self.mark}.example.com", "--timeout=30s")
        self._create([item for item in self.objects if item not in early and item["apiVersion"] != self.group])
        self._create([item for item in self.objects if item["apiVersion"] == self.group])

    def remove(self) -> None:
        kubectl("delete", "ns", *self.spaces, "--wait=false", fails=True)
        loose = [item for item in self.objects if "namespace" not in item["metadata"] and item["kind"] != "Namespace"]
        kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", given=_list(loose), fails=True)

    @staticmethod
    def _create(objects: list[dict[str, Any]]) -> None:
        kubectl("create", "-f", "-", "--validate=strict", given=_list(objects))

    @property
    def group(self) -> str:
        return f"{self.mark}.example.com/v1"

    def add(self, api: str, kind: str, name: str, space: str | None = None, **rest: Any) -> None:
        labels = {"tier": self.random.choice(["web", "db", "edge"]), "word": self.random.choice(WORDS)}
        metadata = {"name": name, "labels": {"population": self.mark, **labels, **rest.pop("labels", {})}}
        if space:
            metadata["namespace"] = space
        self.objects.append({"apiVersion": api, "kind": kind, "metadata": metadata, **rest})

    def _named(self, number: int, word: str) -> list[tuple[str, str]]:
        return [
            (f"{word}-{self.random.choice(WORDS)}-{index}", self.random.choice(self.spaces)) for index in range(number)
        ]

    def _around(self) -> None:
        for space in self.spaces:
            self.add("v1", "Namespace", space)
        mark = self.mark
        self.add("storage.k8s.io/v1", "StorageClass", f"{mark}-slow", provisioner="example.com/none")
        self.add("scheduling.k8s.io/v1", "PriorityClass", f"{mark}-high", value=1000)
        self.add("node.k8s.io/v1", "RuntimeClass", f"{mark}-other", handler="other")
        self.add("networking.k8s.io/v1", "IngressClass", f"{mark}-class", spec={"controller": "example.com/none"})
        self.add("storage.k8s.io/v1", "CSIDriver", f"{mark}.example.com", spec={"attachRequired": False})
        for index in range(3):
            self.add(
                "v1",
                "PersistentVolume",
                f"{mark}-volume-{index}",
                spec={
                    "capacity": {"storage": f"{index + 1}Gi"},
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": f"{mark}-slow",
                    "hostPath": {"path": "/tmp/none"},
                },
            )
        self.add(
            "storage.k8s.io/v1",
            "VolumeAttributesClass",
            f"{mark}-fast",
            driverName="example.com",
            parameters={"a": "b"},
        )
        volume = {"persistentVolumeName": f"{mark}-volume-0"}
        spec = {"attacher": "example.com", "nodeName": "no-such-node", "source": volume}
        self.add("storage.k8s.io/v1", "VolumeAttachment", f"{mark}-attached", spec=spec)
        self.add("resource.k8s.io/v1", "DeviceClass", f"{mark}-device", spec={})
        subjects = [{"kind": "User", "user": {"name": f"{mark}-nobody"}}]
        rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["none"]}]
        spec = {
            "priorityLevelConfiguration": {"name": "global-default"},
            "rules": [{"subjects": subjects, "resourceRules": rules}],
        }
        self.add("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", f"{mark}-flow", spec=spec)
        limited = {"type": "Limited", "limited": {"nominalConcurrencyShares": 0, "limitResponse": {"type": "Reject"}}}
        self.add("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", f"{mark}-level", spec=limited)
        rules = [{"operations": ["CREATE"], "apiGroups": ["example.com"], "apiVersions": ["v1"], "resources": ["none"]}]
        hook = {
            "name": f"hook.{mark}.example.com",
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "rules": rules,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Ignore",
        }
        admission = "admissionregistration.k8s.io/v1"
        self.add(admission, "ValidatingWebhookConfiguration", f"{mark}-hooks", webhooks=[hook])
        self.add(admission, "MutatingWebhookConfiguration", f"{mark}-hooks", webhooks=[hook])
        policy = {"matchConstraints": {"resourceRules": rules}, "validations": [{"expression": "true"}]}
        self.add(admission, "ValidatingAdmissionPolicy", f"{mark}-policy", spec=policy)
        binding = {"policyName": f"{mark}-policy", "validationActions": ["Warn"]}
        self.add(admission, "ValidatingAdmissionPolicyBinding", f"{mark}-policy", spec=binding)

    def _rights(self) -> None:
        rbac = "rbac.authorization.k8s.io/v1"
        kinds = (("", "pods"), ("", "secrets"), ("apps", "deployments"), ("", "pods/log"), ("*", "*"), ("batch", "*"))
        verbs = ("get", "list", "watch", "create", "delete", "patch", "*")
        for index, (name, space) in enumerate(self._named(10, "rights")):
            group, resource = self.random.choice(kinds)
            rule: dict[str, Any] = {
                "apiGroups": [group],
                "resources": [resource],
                "verbs": self.random.sample(verbs[:6], 2) if index % 4 else ["*"],
            }
            if index % 3 == 0 and resource != "*":
                rule["resourceNames"] = ["only-this"]
            self.add("v1", "ServiceAccount", name, space)
            self.add(rbac, "Role", name, space, rules=[rule])
            subjects: list[dict[str, Any]] = [{"kind": "ServiceAccount", "name": name, "namespace": space}]
            if index % 5 == 0:
                subjects.append({"kind": "Group", "name": f"{self.mark}-team", "apiGroup": "rbac.authorization.k8s.io"})
            ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
            self.add(rbac, "RoleBinding", name, space, roleRef=ref, subjects=subjects)
        for index in range(3):
            name = f"{self.mark}-wide-{index}"
            group, resource = kinds[index]
            rule = {"apiGroups": [group], "resources": [resource], "verbs": ["get", "list"]}
            self.add(rbac, "ClusterRole", name, rules=[rule])
            ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
            subject = {"kind": "User", "name": f"{self.mark}-user-{index}", "apiGroup": "rbac.authorization.k8s.io"}
            self.add(rbac, "ClusterRoleBinding", name, roleRef=ref, subjects=[subject])
            self.add(rbac, "RoleBinding", f"wide-{index}", self.first, roleRef=ref, subjects=[subject])

    def _settings(self) -> None:
        for name, space in self._named(40, "config"):
            data = {f"key-{index}": self.random.choice(WORDS) for index in range(self.random.randrange(5))}
            self.add("v1", "ConfigMap", name, space, data=data)
        for name, space in self._named(20, "hidden"):
            self.add("v1", "Secret", name, space, type="Opaque", stringData={"password": f"pw-{name}"})
        self.add("v1", "Secret", "login", self.first, type="kubernetes.io/basic-auth", stringData={"username": "u"})
        for space in self.spaces:
            self.add("v1", "ResourceQuota", "most", space, spec={"hard": {"configmaps": "100", "pods": "60"}})
            limits = [{"type": "Container", "max": {"memory": "1Gi"}}]
            self.add("v1", "LimitRange", "bounds", space, spec={"limits": limits})
            template = {"metadata": {"labels": {"a": "b"}}, "spec": _pod("sleep 1")}
            self.add("v1", "PodTemplate", "shape", space, template=template)
            self.add("apps/v1", "ControllerRevision", "stored", space, revision=7, data={"a": 1})
        for name, space in self._named(6, "lease"):
            self.add("coordination.k8s.io/v1", "Lease", name, space, spec={"holderIdentity": f"holder-{name}"})
        for name, space in self._named(4, "claim"):
            self.add(
                "v1",
                "PersistentVolumeClaim",
                name,
                space,
                spec={
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": f"{self.mark}-slow",
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            )

        request = {"name": "one", "exactly": {"deviceClassName": f"{self.mark}-device"}}
        claim = {"devices": {"requests": [request]}}
        self.add("resource.k8s.io/v1", "ResourceClaim", "device", self.first, spec=claim)
        self.add("resource.k8s.io/v1", "ResourceClaimTemplate", "device", self.first, spec={"spec": claim})
        slow = f"{self.mark}-slow"
        self.add("storage.k8s.io/v1", "CSIStorageCapacity", "room", self.first, storageClassName=slow, capacity="1Gi")

    def _network(self) -> None:
        port = {"port": 80, "targetPort": 8080, "protocol": "TCP"}
        kinds: list[dict[str, Any]] = [
            {"ports": [port]},
            {"ports": [port], "clusterIP": "None"},
            {"ports": [port], "type": "NodePort"},
            {"type": "ExternalName", "externalName": "db.example.com"},
            {"ports": [{**port, "name": "a"}, {**port, "name": "b", "port": 81}], "type": "LoadBalancer"},
        ]
        for index, (name, space) in enumerate(self._named(15, "svc")):
            self.add("v1", "Service", name, space, spec={**kinds[index % 5], "selector": {"app": f"app-{index % 4}"}})
        for name, space in self._named(6, "door"):
            backend = {"service": {"name": name, "port": {"number": 80}}}
            path = {"path": "/", "pathType": "Prefix", "backend": backend}
            rules = [{"host": f"{name}.example.com", "http": {"paths": [path]}}]
            spec = {"ingressClassName": f"{self.mark}-class", "rules": rules}
            self.add("networking.k8s.io/v1", "Ingress", name, space, spec=spec)
            policy = {"podSelector": {"matchLabels": {"app": "app-1"}}, "policyTypes": ["Ingress"]}
            self.add("networking.k8s.io/v1", "NetworkPolicy", name, space, spec=policy)
        for index, (name, space) in enumerate(self._named(4, "loose")):
            endpoints = [{"addresses": [f"10.99.0.{index + 1}"]}]
            self.add(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                name,
                space,
                addressType="IPv4",
                endpoints=endpoints,
                ports=[{"port": 80}],
            )

    def _workloads(self) -> None:
        # Some lines, then silence long enough to read the same twice.
        talk = "i=0; while true; do i=$((i+1)); echo line $i of $HOSTNAME; [ $((i % 5)) = 0 ] && sleep 10; done"
        scripts = (talk, "echo starting; echo fatal: no database >&2; exit 3", talk, "sleep 100000")
        for index, script in enumerate(scripts):
            for space in self.spaces:
                self._deployment(f"app-{index}", space, _pod(script), replicas=(index % 2) + 1)
        self._deployment("absent-image", self.first, _pod("sleep 1", image="busybox:absent"))
        self._deployment("two-containers", self.first, _pod(talk, more={"name": "second"}))
        self._deployment("idle", self.first, _pod("sleep 1"), replicas=0)
        sidecar = {"name": "sidecar", "restartPolicy": "Always"}
        self._deployment("beside", self.first, _pod(talk, first=sidecar))
        self._deployment("never-prepared", self.second, _pod(talk, first={"name": "prepare", "command": ["false"]}))
        self._deployment("held", self.second, _pod(talk), paused=True)
        self._deployment("nowhere", self.second, {**_pod(talk), "nodeSelector": {"no": "node"}})
        for api, kind, name, extra in (
            ("apps/v1", "StatefulSet", "ordered", {"replicas": 2, "serviceName": "ordered"}),
            ("apps/v1", "DaemonSet", "everywhere", {}),
            ("apps/v1", "ReplicaSet", "bare-set", {"replicas": 1}),
        ):
            self.add(api, kind, name, self.first, spec={**_selecting(name, _pod(talk)), **extra})
        template = {"metadata": {"labels": {"app": "old"}}, "spec": _pod(talk)}
        spec = {"replicas": 1, "selector": {"app": "old"}, "template": template}
        self.add("v1", "ReplicationController", "old-style", self.first, spec=spec)
        for name, script in (("good", "echo done"), ("bad", "exit 1")):
            template = {"spec": {**_pod(script), "restartPolicy": "Never"}}
            spec = {"template": template, "backoffLimit": 0, "completions": 1}
            self.add("batch/v1", "Job", f"{name}-job", self.second, spec=spec)
            cron = {"schedule": "*/7 * * * *", "suspend": name == "bad", "jobTemplate": {"spec": spec}}
            self.add("batch/v1", "CronJob", f"{name}-cron", self.second, spec=cron)
        self.add("v1", "Pod", "once", self.second, spec={**_pod("echo once"), "restartPolicy": "Never"})
        self.add("v1", "Pod", "failed", self.second, spec={**_pod("exit 9"), "restartPolicy": "Never"})
        gated = {**_pod("sleep 1"), "schedulingGates": [{"name": "example.com/gate"}]}
        self.add("v1", "Pod", "gated", self.second, spec=gated)
        for space in self.spaces:
            spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "app-0"}}}
            self.add("policy/v1", "PodDisruptionBudget", "enough", space, spec=spec)
            ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app-3"}
            spec = {"scaleTargetRef": ref, "minReplicas": 1, "maxReplicas": 2}
            self.add("autoscaling/v2", "HorizontalPodAutoscaler", "grow", space, spec=spec)

    def _deployment(self, name: str, space: str, pod: dict[str, Any], **extra: Any) -> None:
        self.add("apps/v1", "Deployment", name, space, spec={**_selecting(name, pod), **extra})

    def _custom(self) -> None:
        columns = [
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "Word", "type": "string", "jsonPath": ".spec.word"},
            {"name": "Hidden", "type": "string", "jsonPath": ".spec.word", "priority": 1},
        ]
        properties = {"size": {"type": "integer", "description": "How big."}, "word": {"type": "string"}}
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
        group = f"{self.mark}.example.com"
        for plural, kind, scope in (("gadgets", "Gadget", "Namespaced"), ("realms", "Realm", "Cluster")):
            spec = {
                "group": group,
                "scope": scope,
                "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                        "additionalPrinterColumns": columns,
                    }
                ],
            }
            self.add("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", spec=spec)
        for index, (name, space) in enumerate(self._named(12, "gadget")):
            spec = {"size": self.random.randrange(100), **({"word": self.random.choice(WORDS)} if index % 3 else {})}
            self.add(self.group, "Gadget", name, space, spec=spec)
        self.add(self.group, "Realm", f"{self.mark}-realm", spec={"size": 1})


def _list(objects: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def _pod(
    script: str,
    *,
    image: str = BUSYBOX,
    more: dict[str, Any] | None = None,
    first: dict[str, Any] | None = None,
) -> dict[str, Any]:
    policy = "IfNotPresent" if image == BUSYBOX else "Never"
    app = {
        "name": "app",
        "image": image,
        "imagePullPolicy": policy,
        "command": ["sh", "-c", script],
        "env": [{"name": "DB_PASSWORD", "value": "pw-of-app"}, {"name": "COLOUR", "value": "blue"}],
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}},
    }
    spec: dict[str, Any] = {"terminationGracePeriodSeconds": 0, "containers": [app]}
    if more:
        spec["containers"].append({**app, **more})
    if first:
        spec["initContainers"] = [{**app, **first}]
    return spec


def _selecting(name: str, pod: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
