"""What is broken on a real cluster, as manifests: one name for each world, under which its cause is looked for."""

from __future__ import annotations

import base64
import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
BUSYBOX = "busybox:latest"
PYTHON = "python:3.13-slim"
SLEEP = ["sleep", "3600"]
NOBODY = {"runAsUser": 1000}
TRACE = "import missing_module"
HOG = "x = bytearray(300 * 1024 * 1024)\nimport time\nfor i in range(0, len(x), 4096): x[i] = 1\ntime.sleep(60)"
LISTEN = "import asyncio\nasyncio.run(asyncio.start_server(print, '0.0.0.0', 80))"
ASK = """
import ssl, sys, urllib.error, urllib.request
own = "/var/run/secrets/kubernetes.io/serviceaccount/"
url = "https://kubernetes.default/api/v1/namespaces/" + open(own + "namespace").read() + "/pods"
trust = ssl.create_default_context(cafile=own + "ca.crt")
trust.verify_flags &= ~ssl.VERIFY_X509_STRICT
wanted = urllib.request.Request(url, headers={"Authorization": "Bearer " + open(own + "token").read()})
try:
    urllib.request.urlopen(wanted, context=trust)
except urllib.error.HTTPError as error:
    sys.exit(error.read().decode())
"""
HOST = "kubernetes.io/hostname"
ROOM = {"resources": {"requests": {"storage": "1Mi"}}, "accessModes": ["ReadWriteOnce"]}
SERVED = {"command": ["httpd", "-f", "-p", "8080"], "ports": [{"containerPort": 8080, "name": "http"}]}


@dataclass(frozen=True, slots=True)
class Broken:
    """A Deployment that does not come up.

    Attributes:
        mode: The one that is to be told.
        container, pod: What differs from a container and a pod of no interest.
        replicas: Of it.
        needs: Other objects.
    """

    mode: str
    container: Object
    pod: Object
    replicas: int = 1
    needs: tuple[Object, ...] = ()


def shell(script: str, **more: Any) -> Object:
    return {"command": ["sh", "-c", script], **more}


def python(script: str, **more: Any) -> Object:
    return {"image": PYTHON, "command": ["python", "-c", script], **more}


def probed(kind: str, probe: Object, **more: Any) -> Object:
    return {**SERVED, f"{kind}Probe": {"periodSeconds": 2, **probe}, **more}


def variable(name: str, value: str) -> Object:
    return {"command": SLEEP, "env": [{"name": name, "value": value}]}


def from_map(name: str, key: str) -> Object:
    source = {"configMapKeyRef": {"name": name, "key": key}}
    return {"command": SLEEP, "env": [{"name": "VALUE", "valueFrom": source}]}


def mounted(
    volume: Object, container: Object | None = None, path: str = "/mounted", **mount: Any
) -> tuple[Object, Object]:
    base = container or {"command": SLEEP}
    return {**base, "volumeMounts": [{"name": "v", "mountPath": path, **mount}]}, {"volumes": [{"name": "v", **volume}]}


def claimed(name: str) -> Object:
    return {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": name}}]}


def config(name: str, data: Object, **meta: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": data}


def thing(kind: str, version: str, name: str, spec: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def claim(name: str, **spec: Any) -> Object:
    return thing("PersistentVolumeClaim", "v1", name, {**ROOM, **spec})


def volume(name: str, **spec: Any) -> Object:
    """A volume of the whole cluster; `SPACE` in its name keeps those of other runs apart."""
    base = {"capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp/none"}}
    return thing("PersistentVolume", "v1", name, {**base, **spec})


def service(name: str, selects: str, port: Object | None = None, **spec: Any) -> Object:
    selector = {"selector": {"app": selects}} if selects else {}
    return thing("Service", "v1", name, {**selector, "ports": [port or {"port": 80, "targetPort": 8080}], **spec})


def deployment(name: str, container: Object, pod: Object | None = None, replicas: int = 1, **more: Any) -> Object:
    labels = {"app": name, **more.pop("labels", {})}
    base = {"name": "app", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent"}
    spec = {"terminationGracePeriodSeconds": 1, **(pod or {})}
    spec["containers"] = [{**base, **container}, *({**base, **each} for each in spec.pop("beside", ()))]
    spec["initContainers"] = [{**base, **each} for each in spec.get("initContainers", ())]
    template = {"metadata": {"labels": labels}, "spec": spec}
    selector = {"matchLabels": {"app": name}}
    return thing(
        "Deployment", "apps/v1", name, {"replicas": replicas, "selector": selector, "template": template, **more}
    )


APART = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": "apart"}}}
        ]
    }
}

CRASHES: dict[str, Broken] = {
    "registry": Broken("image-registry-unreachable", {"image": "registry.invalid/none:1"}, {}),
    "never": Broken("image-not-loaded", {"image": "busybox:none", "imagePullPolicy": "Never"}, {}),
    "badname": Broken("image-name", {"image": "Busy_Box:Latest"}, {}),
    "trace": Broken("crash-error", python(TRACE), {}),
    "typo": Broken("command-not-found", {"command": ["slep", "1"]}, {}),
    "script": Broken("command-not-found", shell("uvicron main"), {}),
    "noexec": Broken("command-not-executable", shell("/etc/passwd"), {}),
    "format": Broken(
        "exec-format",
        *mounted({"configMap": {"name": "program", "defaultMode": 0o755}}, {"command": ["/mounted/run"]}),
        needs=(config("program", {"run": "no program of any processor"}),),
    ),
    "done": Broken("exits-cleanly", shell("echo done"), {}),
    "segfault": Broken("crash-signal", shell("sh -c 'kill -SEGV $$$$'; exit $?"), {}),
    "oom": Broken("oom-killed", python(HOG, resources={"limits": {"memory": "64Mi"}}), {}),
    "noenv": Broken("env-missing", python("import os; os.environ['DATABASE_URL']"), {}),
    "nohost": Broken(
        "dependency-unknown",
        {
            **variable("DATABASE_HOST", "postgress"),
            **shell('echo "could not translate host name \\"postgress\\""; exit 1'),
        },
        {},
    ),
    "refused": Broken("dependency-unreachable", shell("wget -O- http://127.0.0.1:9/ 2>&1; exit 1"), {}),
    "taken": Broken("port-taken", SERVED, {"beside": [{"name": "second", **shell("httpd -f -p 8080")}]}),
    "full": Broken(
        "no-space",
        *mounted(
            {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}, shell("dd if=/dev/zero of=/mounted/x bs=1M count=3")
        ),
    ),
    "readonly": Broken("read-only-root", shell("touch /data", securityContext={"readOnlyRootFilesystem": True}), {}),
    "denied": Broken("file-permission", shell("touch /etc/mine", securityContext=NOBODY), {}),
    "lowport": Broken(
        "low-port",
        python(LISTEN, securityContext=NOBODY),
        {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "1024"}]}},
    ),
    "rights": Broken("rbac", python(ASK), {}),
    "hook": Broken(
        "post-start-hook", {"command": SLEEP, "lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}, {}
    ),
    "init": Broken(
        "init-fails", {"command": SLEEP}, {"initContainers": [{"name": "first", **shell("echo no table; exit 3")}]}
    ),
    "subpath": Broken(
        "sub-path",
        *mounted({"configMap": {"name": "one-file"}}, path="/etc/passwd", subPath="nothing"),
        needs=(config("one-file", {"file": "x"}),),
    ),
    "root": Broken("runs-as-root", {"command": SLEEP}, {"securityContext": {"runAsNonRoot": True}}),
}

WAITS: dict[str, Broken] = {
    "ready": Broken("probe-port", probed("readiness", {"httpGet": {"port": 9090}}), {}),
    "path": Broken("probe-path", probed("readiness", {"httpGet": {"port": 8080, "path": "/nothing"}}), {}),
    "answers": Broken("readiness-fails", probed("readiness", {"exec": {"command": ["false"]}}), {}),
    "live": Broken(
        "liveness-loop", probed("liveness", {"httpGet": {"port": 8080, "path": "/alive"}, "failureThreshold": 1}), {}
    ),
    "killed": Broken("liveness-kill", probed("liveness", {"exec": {"command": ["false"]}, "failureThreshold": 1}), {}),
    "slow": Broken(
        "startup-budget", probed("startup", {"tcpSocket": {"port": 8080}, "failureThreshold": 2}, command=SLEEP), {}
    ),
    "gate": Broken("readiness-gate", {"command": SLEEP}, {"readinessGates": [{"conditionType": "example.com/open"}]}),
    "config": Broken("config-missing", {"command": SLEEP, "envFrom": [{"configMapRef": {"name": "of-nobody"}}]}, {}),
    "secret": Broken("secret-missing", {"command": SLEEP, "envFrom": [{"secretRef": {"name": "keys-of-nobody"}}]}, {}),
    "key": Broken("key-missing", from_map("known", "colour"), {}, needs=(config("known", {"size": "1"}),)),
    "near": Broken("near-name", from_map("settings-mian", "a"), {}, needs=(config("settings-main", {"a": "1"}),)),
    "mountkey": Broken(
        "mount-key",
        *mounted({"configMap": {"name": "files", "items": [{"key": "b.conf", "path": "b.conf"}]}}),
        needs=(config("files", {"a.conf": "x"}),),
    ),
    "claim": Broken("claim-missing", {"command": SLEEP}, claimed("nobodys")),
    "class": Broken(
        "storage-class",
        {"command": SLEEP},
        claimed("golden"),
        needs=(claim("golden", storageClassName="gold-of-nobody"),),
    ),
    "toobig": Broken(
        "volume-mismatch",
        {"command": SLEEP},
        claimed("five"),
        needs=(
            volume("small-SPACE", storageClassName="by-hand-SPACE"),
            claim("five", storageClassName="by-hand-SPACE", resources={"requests": {"storage": "5Mi"}}),
        ),
    ),
    "released": Broken(
        "volume-released",
        {"command": SLEEP},
        claimed("second"),
        needs=(
            volume(
                "used-SPACE",
                storageClassName="kept-SPACE",
                claimRef={"namespace": "SPACE", "name": "first", "uid": str(uuid.uuid4())},
            ),
            claim("second", storageClassName="kept-SPACE"),
        ),
    ),
    "mount": Broken("mount-failed", *mounted({"hostPath": {"path": "/nowhere-at-all", "type": "Directory"}})),
    "big": Broken("request-too-large", {"command": SLEEP, "resources": {"requests": {"memory": "4Ti"}}}, {}),
    "room": Broken("no-room", {"command": SLEEP, "resources": {"requests": {"cpu": "1"}}}, {}, replicas=3),
    "gpu": Broken("no-such-resource", {"command": SLEEP, "resources": {"limits": {"nvidia.com/gpu": "1"}}}, {}),
    "ssd": Broken("node-selector", {"command": SLEEP}, {"nodeSelector": {"disktype": "ssd-of-nobody"}}),
    "held": Broken("scheduling-gate", {"command": SLEEP}, {"schedulingGates": [{"name": "example.com/hold"}]}),
    "other": Broken("no-scheduler", {"command": SLEEP}, {"schedulerName": "nobodys-scheduler"}),
    "apart": Broken("pod-spread", {"command": SLEEP}, {"affinity": APART}, replicas=2),
    "hostport": Broken(
        "host-port", {"command": SLEEP, "ports": [{"containerPort": 8080, "hostPort": 39187}]}, {}, replicas=2
    ),
    "sandbox": Broken(
        "pod-sandbox",
        {"command": SLEEP},
        {"runtimeClassName": "class-SPACE"},
        needs=(
            {
                "apiVersion": "node.k8s.io/v1",
                "kind": "RuntimeClass",
                "metadata": {"name": "class-SPACE"},
                "handler": "handler-of-nobody",
            },
        ),
    ),
    "evicted": Broken(
        "evicted",
        *mounted({"emptyDir": {"sizeLimit": "1Mi"}}, shell("dd if=/dev/zero of=/mounted/x bs=1M count=20; sleep 3600")),
    ),
    "account": Broken("service-account", {"command": SLEEP}, {"serviceAccountName": "nobody"}),
    "lost": Broken("dns-name", variable("API_URL", "http://bakcend-of-nobody:8080"), {}),
    "resolver": Broken("dns-policy", variable("API_URL", "http://well:80"), {"dnsPolicy": "Default"}),
    "caller": Broken("service-port", variable("API_URL", "http://well:8123"), {}),
}


def backend(name: str, port: Object | None = None) -> Object:
    return {"service": {"name": name, "port": port or {"number": 80}}}


def ingress(name: str, to: Object, host: str = "", **spec: Any) -> Object:
    path = {"path": "/", "pathType": "Prefix", "backend": to}
    rules = [{"host": host or f"{name}.SPACE.example.com", "http": {"paths": [path]}}]
    return thing("Ingress", "networking.k8s.io/v1", name, {"rules": rules, **spec})


def autoscaler(name: str, target: str) -> Object:
    external = {"metric": {"name": "queue-of-nobody"}, "target": {"type": "Value", "value": "5"}}
    metric = {"type": "External", "external": external}
    of = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    return thing(
        "HorizontalPodAutoscaler",
        "autoscaling/v2",
        name,
        {"scaleTargetRef": of, "minReplicas": 1, "maxReplicas": 2, "metrics": [metric]},
    )


def job(name: str, script: str, **spec: Any) -> Object:
    container = {"name": "app", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", **shell(script)}
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    return thing("Job", "batch/v1", name, {"template": {"spec": pod}, **spec})


def policy(name: str, selects: str, **spec: Any) -> Object:
    chosen = {"podSelector": {"matchLabels": {"app": selects}}}
    return thing("NetworkPolicy", "networking.k8s.io/v1", name, {**chosen, **spec})


def expired() -> Object:
    """A Secret with a certificate that ended yesterday."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "old.example.com")])
    end = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, end - dt.timedelta(days=9), end)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    data = {"tls.crt": base64.b64encode(pem).decode(), "tls.key": base64.b64encode(own).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "old"},
        "type": "kubernetes.io/tls",
        "data": data,
    }


DNS = [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}]

OBJECTS: dict[str, tuple[str, tuple[Object, ...]]] = {
    # The name under which the cause is told: the mode, the objects; `well` is healthy and is what they are about.
    "paused": ("rollout-paused", (deployment("paused", {"command": SLEEP}, paused=True),)),
    "stopped": ("replicas-zero", (deployment("stopped", SERVED, replicas=0), service("stopped", "stopped"))),
    "selects": ("service-selector", (service("selects", "wel"),)),
    "named": ("service-target-port", (service("named", "well", {"port": 80, "targetPort": "https"}),)),
    "datagrams": (
        "service-protocol",
        (service("datagrams", "well", {"port": 80, "targetPort": 8080, "protocol": "UDP"}),),
    ),
    "wide": (
        "service-selector-wide",
        (
            deployment("wide", SERVED, labels={"group": "both"}),
            deployment("foreign", SERVED, labels={"group": "both"}),
            service("wide", "", selector={"group": "both"}),
        ),
    ),
    "balanced": ("load-balancer-pending", (service("balanced", "well", type="LoadBalancer"),)),
    "classless": ("ingress-class", (ingress("classless", backend("well"), ingressClassName="class-of-nobody"),)),
    "nowhere": ("ingress-backend", (ingress("nowhere", backend("nobodys")),)),
    "wrongport": ("ingress-port", (ingress("wrongport", backend("well", {"number": 81})),)),
    "bare": ("ingress-tls", (ingress("bare", backend("well"), tls=[{"secretName": "nobodys-certificate"}]),)),
    "old": ("certificate-expired", (expired(), ingress("aged", backend("well"), tls=[{"secretName": "old"}]))),
    "younger": (
        "ingress-conflict",
        tuple(ingress(name, backend("well"), "both.SPACE.example.com") for name in ("elder", "younger")),
    ),
    "shut": (
        "policy-ingress",
        (
            deployment("shut", SERVED),
            service("shut", "shut"),
            policy("shut", "shut", policyTypes=["Ingress"]),
            deployment("asks", variable("API_URL", "http://shut:80")),
        ),
    ),
    "kept": (
        "policy-egress",
        (
            deployment("kept", variable("API_URL", "http://well:80")),
            policy("kept", "kept", policyTypes=["Egress"], egress=DNS),
        ),
    ),
    "mute": (
        "policy-dns",
        (
            deployment("mute", variable("API_URL", "http://well:80")),
            policy("mute", "mute", policyTypes=["Egress"], egress=[{"to": [{"podSelector": {}}]}]),
        ),
    ),
    "aimless": ("hpa-target", (autoscaler("aimless", "nobody"),)),
    "blind": ("hpa-metrics", (autoscaler("blind", "well"),)),
    "rigid": (
        "pdb-blocks",
        (
            thing(
                "PodDisruptionBudget",
                "policy/v1",
                "rigid",
                {"minAvailable": 1, "selector": {"matchLabels": {"app": "well"}}},
            ),
        ),
    ),
    "idle": (
        "pdb-matches-none",
        (
            thing(
                "PodDisruptionBudget",
                "policy/v1",
                "idle",
                {"minAvailable": 1, "selector": {"matchLabels": {"app": "no"}}},
            ),
        ),
    ),
    "late": ("job-deadline", (job("late", "sleep 3600", activeDeadlineSeconds=3),)),
    "asleep": ("suspended", (job("asleep", "true", suspend=True),)),
    "nightly": (
        "cronjob-suspended",
        (
            thing(
                "CronJob",
                "batch/v1",
                "nightly",
                {"schedule": "0 3 * * *", "suspend": True, "jobTemplate": {"spec": job("x", "true")["spec"]}},
            ),
        ),
    ),
    "unused": ("first-consumer", (claim("unused"),)),
}

LIMITED = {"command": SLEEP, "resources": {"limits": {"memory": "64Mi"}}}
GUARDED: dict[str, tuple[str, dict[str, str], tuple[Object, ...]]] = {
    # The namespace's ending: the mode, its labels, what refuses the pods of the Deployment `app` in it.
    "security": ("pod-security", {"pod-security.kubernetes.io/enforce": "restricted"}, ()),
    "quota": ("quota-exceeded", {}, (thing("ResourceQuota", "v1", "no-pods", {"hard": {"pods": "0"}}),)),
    "stated": ("quota-unstated", {}, (thing("ResourceQuota", "v1", "memory", {"hard": {"requests.memory": "1Gi"}}),)),
    "range": (
        "limit-range",
        {},
        (thing("LimitRange", "v1", "small", {"limits": [{"type": "Container", "max": {"memory": "4Mi"}}]}),),
    ),
    "hook": (
        "webhook",
        {},
        (
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "hook-SPACE"},
                "webhooks": [
                    {
                        "name": "nobody.example.com",
                        "admissionReviewVersions": ["v1"],
                        "sideEffects": "None",
                        "failurePolicy": "Fail",
                        "timeoutSeconds": 1,
                        # Everybody else's pods pass.
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "SPACE"}},
                        "rules": [
                            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                        ],
                        "clientConfig": {"service": {"namespace": "SPACE", "name": "nobody"}},
                    }
                ],
            },
        ),
    ),
}
