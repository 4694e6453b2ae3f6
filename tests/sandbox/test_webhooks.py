"""Admission by others: webhooks of simulated containers and of real programs, and policies with parameters."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from differences import until
from sandbox_helpers import MERGE

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_helpers import Client

HOOKS = "/apis/admissionregistration.k8s.io/v1"
ANNOTATION = "sandbox.shipmate.dev/admission"


@contextlib.contextmanager
def configured(api: Client, space: str, word: str, config: dict[str, Any], **more: Any) -> Iterator[None]:
    rule = {"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    hook = {
        "name": "check.example.com",
        "clientConfig": config,
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}},
        **more,
    }
    path = f"{HOOKS}/{word}webhookconfigurations"
    made = api("POST", path, {"metadata": {"name": f"test-{space}"}, "webhooks": [hook]})
    assert made.status == 201, made.body
    try:
        yield
    finally:
        api("DELETE", f"{path}/test-{space}")


def behind(api: Client, space: str, behaviour: str = "") -> dict[str, Any]:
    """A Service with a ready pod that answers so; its client configuration."""
    meta = {"name": "judge", "labels": {"app": "judge"}, "annotations": {ANNOTATION: behaviour}}
    pod = {"metadata": meta, "spec": {"containers": [{"name": "app", "image": "nginx:1.27"}]}}
    assert api("POST", f"/api/v1/namespaces/{space}/pods", pod).status == 201
    service = {"metadata": {"name": "judge"}, "spec": {"selector": {"app": "judge"}, "ports": [{"port": 443}]}}
    assert api("POST", f"/api/v1/namespaces/{space}/services", service).status == 201
    path = f"/api/v1/namespaces/{space}/endpoints/judge"
    until(lambda: any(found.get("addresses") for found in api("GET", path).body.get("subsets") or ()))
    return {"service": {"name": "judge", "namespace": space, "path": "/judge"}}


def maps(space: str) -> str:
    return f"/api/v1/namespaces/{space}/configmaps"


def config_map(name: str = "made", **meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **meta}, "data": {"a": "b"}}


def test_a_container_says_no_with_its_own_words(api: Client, space: str) -> None:
    config = behind(api, space, "allow: has(object.metadata.labels)\nmessage: no label\ncode: 403\nwarnings: [hm]")
    with configured(api, space, "validating", config):
        refused = api("POST", maps(space), config_map())
        assert refused.status == 403
        assert refused.message == 'admission webhook "check.example.com" denied the request: no label'
        taken = api("POST", maps(space), config_map(labels={"a": "b"}))
        assert (taken.status, taken.headers["Warning"]) == (201, '299 - "hm"')


def test_a_container_refuses_a_deletion(api: Client, space: str) -> None:
    config = behind(api, space, "allow: request.operation != 'DELETE'\nmessage: it stays")
    with configured(api, space, "validating", config):
        assert api("POST", maps(space), config_map()).status == 201
        assert api("DELETE", f"{maps(space)}/made").message.endswith("denied the request: it stays")
    assert api("DELETE", f"{maps(space)}/made").status == 200


def test_a_container_changes_what_is_written(api: Client, space: str) -> None:
    config = behind(api, space, "patch: [{op: add, path: /data/added, value: 'yes'}]")
    with configured(api, space, "mutating", config):
        assert api("POST", maps(space), config_map()).body["data"] == {"a": "b", "added": "yes"}
        changed = api("PATCH", f"{maps(space)}/made", {"data": {"added": "no"}}, media=MERGE)
        assert changed.body["data"]["added"] == "yes"


def test_only_what_meets_the_conditions_is_asked_about(api: Client, space: str) -> None:
    config = behind(api, space, "allow: false")
    conditions = [{"name": "some", "expression": "object.metadata.name.startsWith('bad')"}]
    with configured(api, space, "validating", config, matchConditions=conditions):
        assert api("POST", maps(space), config_map("good")).status == 201
        assert api("POST", maps(space), config_map("bad")).message.endswith("denied the request without explanation")


@pytest.mark.parametrize(("policy", "status"), [("Fail", 500), ("Ignore", 201)])
def test_a_service_that_is_not_there_matters_where_it_must_answer(
    api: Client, space: str, policy: str, status: int
) -> None:
    config = {"service": {"name": "nobody", "namespace": space}}
    with configured(api, space, "validating", config, failurePolicy=policy):
        assert api("POST", maps(space), config_map()).status == status


class _Judge(BaseHTTPRequestHandler):
    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        type(self).seen.append(request)
        patch = [{"op": "add", "path": "/data/by", "value": request["userInfo"]["username"]}]
        encoded = base64.b64encode(json.dumps(patch).encode()).decode()
        response = {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch", "patch": encoded}
        if request["name"] == "bad":
            response = {"uid": request["uid"], "allowed": False, "status": {"code": 409, "message": "not that one"}}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


def certificate(folder: Path) -> tuple[Path, str]:
    """A key and a certificate for loopback in one file, and the certificate as a `caBundle`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.timezone.utc)  # noqa: UP017
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "judge.pem"
    path.write_bytes(secret + pem)
    return path, base64.b64encode(pem).decode()


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    path, bundle = certificate(tmp_path_factory.mktemp("judge"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Judge)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield {"url": f"https://localhost:{server.server_port}/judge", "caBundle": bundle}
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_with_a_url_is_called(api: Client, space: str, judge: dict[str, Any]) -> None:
    _Judge.seen = []
    with configured(api, space, "mutating", judge):
        made = api("POST", maps(space), config_map())
        refused = api("POST", maps(space), config_map("bad"))
    assert made.body["data"]["by"] == _Judge.seen[0]["userInfo"]["username"]
    assert (refused.status, refused.message) == (
        409,
        'admission webhook "check.example.com" denied the request: not that one',
    )
    assert [(seen["operation"], seen["name"], seen["namespace"]) for seen in _Judge.seen] == [
        ("CREATE", "made", space),
        ("CREATE", "bad", space),
    ]


@pytest.mark.parametrize(
    ("broken", "words"),
    [({"url": "https://localhost:1/judge"}, "connection refused"), ({"caBundle": ""}, "signed by unknown authority")],
)
def test_a_url_that_cannot_be_called_is_told(
    api: Client, space: str, judge: dict[str, Any], broken: dict[str, Any], words: str
) -> None:
    with configured(api, space, "validating", {**judge, **broken}, timeoutSeconds=3):
        refused = api("POST", maps(space), config_map())
    assert refused.status == 500
    assert 'failed calling webhook "check.example.com"' in refused.message
    assert words in refused.message


def test_a_policy_is_bound_with_the_objects_that_hold_its_parameters(api: Client, space: str) -> None:
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    expression = "object.data.size() <= int(params.data.most)"
    spec = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": expression}],
    }
    inside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}}}
    bound = {"policyName": space, "validationActions": ["Warn"], "matchResources": inside}
    reference = {"name": "limits", "namespace": space, "parameterNotFoundAction": "Deny"}
    assert api("POST", maps(space), {"metadata": {"name": "limits"}, "data": {"most": "1"}}).status == 201
    paths = [f"{HOOKS}/validatingadmissionpolicies", f"{HOOKS}/validatingadmissionpolicybindings"]
    assert api("POST", paths[0], {"metadata": {"name": space}, "spec": spec}).status == 201
    assert api("POST", paths[1], {"metadata": {"name": space}, "spec": {**bound, "paramRef": reference}}).status == 201
    try:
        many = {"metadata": {"name": "many"}, "data": {"a": "1", "b": "2"}}
        taken = api("POST", maps(space), many)
        assert taken.status == 201
        assert f"with binding '{space}': failed expression: {expression}" in taken.headers["Warning"]
        assert "Warning" not in api("POST", maps(space), config_map()).headers
        api("PATCH", f"{paths[1]}/{space}", {"spec": {"validationActions": ["Deny"]}}, media=MERGE)
        assert api("POST", maps(space), {**many, "metadata": {"name": "more"}}).status == 422
        api("DELETE", f"{maps(space)}/limits")
        assert "no params found" in api("POST", maps(space), config_map("other")).message
    finally:
        for path in paths:
            api("DELETE", f"{path}/{space}")


def test_an_audit_annotation_that_cannot_be_told_denies_even_where_a_binding_only_warns(
    api: Client, space: str
) -> None:
    rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
    noted = {"key": "who", "valueExpression": "'by ' + string(object.data.who)"}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "auditAnnotations": [noted]}
    inside = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}}}
    bound = {"policyName": space, "validationActions": ["Warn"], "matchResources": inside}
    policies, bindings = f"{HOOKS}/validatingadmissionpolicies", f"{HOOKS}/validatingadmissionpolicybindings"
    odd = {**spec, "auditAnnotations": [{**noted, "valueExpression": "object.data.who"}]}
    refused = api("POST", policies, {"metadata": {"name": space}, "spec": odd})
    assert "must evaluate to one of [string null_type] but got dyn" in refused.message
    assert api("POST", policies, {"metadata": {"name": space}, "spec": spec}).status == 201
    assert api("POST", bindings, {"metadata": {"name": space}, "spec": bound}).status == 201
    try:
        assert api("POST", maps(space), {"metadata": {"name": "a"}, "data": {"who": "anna"}}).status == 201
        denied = api("POST", maps(space), {"metadata": {"name": "b"}, "data": {"x": "y"}})
        assert (denied.status, "no such key: who" in denied.message) == (422, True)
    finally:
        for path in (policies, bindings):
            api("DELETE", f"{path}/{space}")
