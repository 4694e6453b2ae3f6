"""Services, Ingresses and NetworkPolicies that do not lead where they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.faults.injector import MERGE
from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_REFUSED = Symptom("Pod", "frontend", "ECONNREFUSED")
_TIMED_OUT = Symptom("Pod", "frontend", "ETIMEDOUT")


def _service(field: str, failure: str) -> Cause:
    return Cause("Service", "backend", field, failure)


def _unprotected(box: Injector, app: str) -> None:
    """Take away the stack's own policy: policies only ever add to what is allowed."""
    if app in box.names("NetworkPolicy"):
        box.delete("NetworkPolicy", app)


def _policy(box: Injector, name: str, app: str, **spec: Any) -> None:
    _unprotected(box, app)
    picks = {"matchLabels": {"app.kubernetes.io/name": app}}
    box.create("NetworkPolicy", name, spec={"podSelector": picks, **spec})


def _ingress(box: Injector, name: str, **changes: Any) -> None:
    backend = changes.pop("backend", {"service": {"name": "frontend", "port": {"number": 80}}})
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    rule = {"host": changes.pop("host", f"{name}.example.com"), "http": {"paths": [path]}}
    box.create("Ingress", name, spec={"ingressClassName": "nginx", "rules": [rule], **changes})


@fault(
    "service-selector",
    65,
    _service("spec.selector", "no pod has the label"),
    Symptom("EndpointSlice", "backend", '"endpoints":[]'),
)
def service_selector(box: Injector) -> None:
    """A Service whose selector picks no pods."""
    box.spec("Service", "backend", selector={"app.kubernetes.io/name": "backend-api"})


@fault(
    "endpoints-unready",
    66,
    Cause("Deployment", "mcp-server", "spec.template.spec.containers[0].readinessProbe", "no pod becomes ready"),
    Symptom("EndpointSlice", "mcp-server", '"ready":false'),
)
def endpoints_unready(box: Injector) -> None:
    """A Service all of whose pods are unready."""
    box.spec("Deployment", "mcp-server", strategy={"type": "Recreate", "rollingUpdate": None})
    box.container("mcp-server", readinessProbe={"httpGet": {"port": 9999}})


@fault("target-port", 67, _service("spec.ports[0].targetPort", "the program listens on 8000"), _REFUSED)
def target_port(box: Injector) -> None:
    """A Service that sends to a port where nobody listens."""
    box.spec("Service", "backend", ports=[{"name": "http", "port": 8000, "targetPort": 8080}])


@fault(
    "target-port-name",
    67,
    _service("spec.ports[0].targetPort", "the containers have no port of this name"),
    Symptom("EndpointSlice", "backend", '"ports":[]'),
)
def target_port_name(box: Injector) -> None:
    """A Service that names a port that the pods do not have."""
    box.spec("Service", "backend", ports=[{"name": "http", "port": 8000, "targetPort": "web"}])


@fault("service-protocol", 68, _service("spec.ports[0].protocol", "the program speaks TCP"), _TIMED_OUT)
def service_protocol(box: Injector) -> None:
    """A Service that forwards UDP to a program that speaks TCP."""
    box.spec("Service", "backend", ports=[{"name": "http", "port": 8000, "targetPort": 8000, "protocol": "UDP"}])


@fault("service-port", 67, _service("spec.ports[0].port", "callers use port 8000"), _TIMED_OUT)
def service_port(box: Injector) -> None:
    """A Service on another port than its callers use."""
    box.spec("Service", "backend", ports=[{"name": "http", "port": 80, "targetPort": "http"}])


@fault(
    "selector-too-wide",
    69,
    _service("spec.selector", "it picks the pods of the whole stack"),
    Symptom("EndpointSlice", "backend", '"name":"frontend-'),
)
def selector_too_wide(box: Injector) -> None:
    """A Service that picks the pods of others too."""
    box.patch(
        "Service",
        "backend",
        {"spec": {"selector": {"app.kubernetes.io/name": None, "app.kubernetes.io/part-of": "todo"}}},
        MERGE,
    )


@fault(
    "load-balancer",
    70,
    Cause("Service", "frontend", "spec.type", "the cluster has nobody who makes load balancers"),
    Symptom("Service", "frontend", '"type":"LoadBalancer"'),
)
def load_balancer(box: Injector) -> None:
    """A load balancer that nobody makes."""
    box.spec("Service", "frontend", type="LoadBalancer")


@fault(
    "ingress-class",
    71,
    Cause("Ingress", "shop", "spec.ingressClassName", "there is no such class"),
    Symptom("Ingress", "shop", '"ingressClassName":"traefik"'),
)
def ingress_class(box: Injector) -> None:
    """An Ingress of a class that is not installed."""
    _ingress(box, "shop", ingressClassName="traefik")


@fault(
    "ingress-backend",
    72,
    Cause("Ingress", "shop", "spec.rules[0].http.paths[0].backend.service.name", "there is no such Service"),
    Symptom("Ingress", "shop", '"name":"webshop"'),
)
def ingress_backend(box: Injector) -> None:
    """An Ingress to a Service that is not there."""
    _ingress(box, "shop", backend={"service": {"name": "webshop", "port": {"number": 80}}})


@fault(
    "ingress-port",
    73,
    Cause("Ingress", "shop", "spec.rules[0].http.paths[0].backend.service.port", "the Service has no such port"),
    Symptom("Ingress", "shop", '"number":8443'),
)
def ingress_port(box: Injector) -> None:
    """An Ingress to a port that the Service does not have."""
    _ingress(box, "shop", backend={"service": {"name": "frontend", "port": {"number": 8443}}})


@fault(
    "ingress-tls",
    74,
    Cause("Ingress", "shop", "spec.tls[0].secretName", "there is no such Secret"),
    Symptom("Ingress", "shop", '"secretName":"shop-tls"'),
)
def ingress_tls(box: Injector) -> None:
    """An Ingress whose certificate is missing."""
    _ingress(box, "shop", tls=[{"hosts": ["shop.example.com"], "secretName": "shop-tls"}])


@fault(
    "ingress-conflict",
    75,
    Cause("Ingress", "shop-two", "spec.rules[0].host", "two Ingresses claim the same host and path"),
    Symptom("Ingress", "shop-two", '"host":"shop.example.com"'),
)
def ingress_conflict(box: Injector) -> None:
    """Two Ingresses for the same host and path."""
    _ingress(box, "shop")
    _ingress(
        box, "shop-two", host="shop.example.com", backend={"service": {"name": "backend", "port": {"number": 8000}}}
    )


@fault(
    "ingress-address",
    76,
    Cause("IngressClass", "nginx", "", "no controller of the class runs"),
    Symptom("Ingress", "shop", '"loadBalancer":{}'),
)
def ingress_address(box: Injector) -> None:
    """An Ingress that no controller takes up."""
    _ingress(box, "shop")


@fault(
    "policy-ingress",
    77,
    Cause("NetworkPolicy", "backend-ingress", "spec.ingress", "the frontend is not among those who may call"),
    _TIMED_OUT,
)
def policy_ingress(box: Injector) -> None:
    """A NetworkPolicy that keeps the frontend from the backend."""
    peer = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "gateway"}}}
    _policy(box, "backend-ingress", "backend", policyTypes=["Ingress"], ingress=[{"from": [peer]}])


@fault(
    "policy-deny-all",
    77,
    Cause("NetworkPolicy", "default-deny", "spec.podSelector", "it denies everything to every pod"),
    _TIMED_OUT,
)
def policy_deny_all(box: Injector) -> None:
    """A default-deny policy without exceptions."""
    _unprotected(box, "backend")
    box.create("NetworkPolicy", "default-deny", spec={"podSelector": {}, "policyTypes": ["Ingress"]})


@fault(
    "policy-dns",
    78,
    Cause("NetworkPolicy", "frontend-egress", "spec.egress", "port 53 is not allowed"),
    Symptom("Pod", "frontend", "EAI_AGAIN"),
)
def policy_dns(box: Injector) -> None:
    """An egress policy that forgets name resolution."""
    peer = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "backend"}}}
    rule = {"to": [peer], "ports": [{"port": 8000}]}
    _policy(box, "frontend-egress", "frontend", policyTypes=["Egress"], egress=[rule])


@fault(
    "dns-down",
    79,
    Cause("Deployment", "coredns", "spec.replicas", "it is 0: nobody answers for names"),
    Symptom("Pod", "frontend", "EAI_AGAIN"),
)
def dns_down(box: Injector) -> None:
    """A cluster whose name server does not run."""
    box.spec("Deployment", "coredns", "kube-system", replicas=0)


@fault(
    "dns-policy",
    80,
    Cause("Deployment", "frontend", "spec.template.spec.dnsPolicy", "the node's names are used, not the cluster's"),
    Symptom("Pod", "frontend", "ENOTFOUND"),
)
def dns_policy(box: Injector) -> None:
    """Pods that do not ask the cluster's name server."""
    box.pod("frontend", dnsPolicy="Default")


@fault(
    "url-host",
    80,
    Cause("ConfigMap", "backend-config", "data.NEXT_PUBLIC_API_URL", "the name lacks its namespace's suffix"),
    Symptom("Pod", "frontend", "ENOTFOUND"),
)
def url_host(box: Injector) -> None:
    """A URL with a Service name that does not exist."""
    box.patch(
        "ConfigMap", "backend-config", {"data": {"NEXT_PUBLIC_API_URL": "http://backend.todo.svc.cluster.local:8000"}}
    )
    note = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    box.patch("Deployment", "frontend", {"spec": {"template": {"metadata": {"annotations": note}}}})


@fault(
    "traffic-local",
    81,
    Cause("Service", "frontend", "spec.externalTrafficPolicy", "nodes without a pod drop what comes in"),
    Symptom("Service", "frontend", '"externalTrafficPolicy":"Local"'),
)
def traffic_local(box: Injector) -> None:
    """A NodePort that answers on one node only."""
    box.spec("Service", "frontend", type="NodePort", externalTrafficPolicy="Local")
    box.spec("Deployment", "frontend", replicas=1)


@fault(
    "gateway-route",
    82,
    Cause("HTTPRoute", "shop", "spec.parentRefs[0].name", "there is no such Gateway"),
    Symptom("CustomResourceDefinition", "httproutes", "gateway.networking.k8s.io"),
)
def gateway_route(box: Injector) -> None:
    """A route of a Gateway that is not there."""
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"status": {}}}
    for plural, kind in (("gateways", "Gateway"), ("httproutes", "HTTPRoute")):
        group = "gateway.networking.k8s.io"
        body = {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [version],
        }
        box.create("CustomResourceDefinition", f"{plural}.{group}", "", spec=body)
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop"},
        "spec": {
            "parentRefs": [{"name": "public"}],
            "rules": [{"backendRefs": [{"name": "frontend", "port": 80}]}],
        },
    }
    box.create_at("/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes", route)
