"""Kinds beside the workloads: certificates are signed, ranges and classes held while in use, levels looked for."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from mcp_tools.sandbox.access.users import User
from mcp_tools.sandbox.objects.deletion import DeleteOptions
from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.registry import WriteOptions

if TYPE_CHECKING:
    from mcp_tools.sandbox.world import World

Object = dict[str, Any]
CSR = "CertificateSigningRequest"


def pem(name: str, *organizations: str) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in organizations]
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts))
    signed = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


def ask(world: World, request: str, signer: str, usages: list[str], user: User | None = None) -> None:
    spec = {"request": request, "signerName": f"kubernetes.io/{signer}", "usages": usages}
    body = {"metadata": {"name": "r"}, "spec": spec}
    world.registry.create(world.kinds.named(CSR), body, WriteOptions("kubectl", user=user))


def approve(world: World, user: User | None = None) -> None:
    def change(draft: Object) -> None:
        draft["status"]["conditions"] = [{"type": "Approved", "status": "True", "reason": "Test", "message": "yes"}]

    options = WriteOptions("kubectl", subresource="approval", user=user)
    world.registry.modify(world.kinds.named(CSR), "", "r", change, options)
    world.clock.advance(2)


def status(world: World) -> Object:
    found: Object = world.registry.get(world.kinds.named(CSR), "", "r")["status"]
    return found


def test_an_approved_request_is_signed_for_its_names_and_usages(world: World) -> None:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    ask(world, pem("bob", "team"), "kube-apiserver-client", ["client auth"])
    world.clock.advance(2)
    assert "certificate" not in status(world)
    approve(world)
    made = x509.load_pem_x509_certificate(base64.b64decode(status(world)["certificate"]))
    assert made.subject.rfc4514_string() == "CN=bob,O=team"
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_kubelet_is_approved_by_itself_and_nobody_else(world: World) -> None:
    usages = ["client auth", "digital signature"]
    node = User("system:node:sandbox-1", ("system:nodes", "system:masters"))
    ask(world, pem(node.name, "system:nodes"), "kube-apiserver-client-kubelet", usages, node)
    world.clock.advance(2)
    assert status(world)["certificate"]
    assert status(world)["conditions"][0]["reason"] == "AutoApproved"


def test_what_does_not_fit_its_signer_fails(world: World) -> None:
    ask(world, pem("bob"), "kubelet-serving", ["server auth", "digital signature"])
    approve(world)
    said = status(world)["conditions"][1]
    assert (said["type"], said["message"]) == ("Failed", "subject organization is not system:nodes")


def test_to_approve_one_needs_the_right_to_the_signer(world: World) -> None:
    ask(world, pem("bob"), "kube-apiserver-client", ["client auth"])
    with pytest.raises(Refused, match="not permitted to approve requests with signerName"):
        approve(world, User("alice"))


def test_every_address_of_a_service_is_told_and_holds_its_range(world: World) -> None:
    def addresses() -> list[str]:
        found = world.store.all_of(world.kinds.named("IPAddress"))
        return [item["metadata"]["name"] for item in found if item["spec"]["parentRef"]["name"] == "web"]

    spec = {"ports": [{"port": 80}]}
    made = world.add(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "test"}, "spec": spec}
    )
    world.clock.advance(1)
    assert addresses() == [made["spec"]["clusterIP"]]
    ranges = world.kinds.named("ServiceCIDR")
    world.registry.delete(ranges, "", "kubernetes", DeleteOptions())
    world.clock.advance(1)
    held = world.registry.get(ranges, "", "kubernetes")["status"]["conditions"][0]
    assert (held["status"], held["reason"]) == ("False", "Terminating")
    world.registry.delete(world.kinds.named("Service"), "test", "web", DeleteOptions())
    world.clock.advance(1)
    assert addresses() == []


def test_a_flow_schema_says_when_its_level_is_not_there(world: World) -> None:
    spec = {"priorityLevelConfiguration": {"name": "later"}}
    group = "flowcontrol.apiserver.k8s.io/v1"
    world.add({"apiVersion": group, "kind": "FlowSchema", "metadata": {"name": "f"}, "spec": spec})
    seen = []
    for _ in range(2):
        world.clock.advance(1)
        found = world.registry.get(world.kinds.named("FlowSchema"), "", "f")
        seen.append(found["status"]["conditions"][0]["reason"])
        limited = {"limitResponse": {"type": "Reject"}}
        level = {"kind": "PriorityLevelConfiguration", "spec": {"type": "Limited", "limited": limited}}
        world.add({"apiVersion": group, "metadata": {"name": "later"}, **level})
    assert seen == ["NotFound", "Found"]


def test_a_class_of_attributes_is_held_while_a_claim_is_of_it(world: World) -> None:
    kind, version = world.kinds.named("VolumeAttributesClass"), "storage.k8s.io/v1"
    body = {"driverName": "d.e.com", "parameters": {"a": "b"}, "metadata": {"name": "fast"}}
    world.add({"apiVersion": version, "kind": kind.name, **body})
    size = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": size, "volumeAttributesClassName": "fast"}
    place = {"name": "data", "namespace": "test"}
    world.add({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": place, "spec": spec})
    world.registry.delete(kind, "", "fast", DeleteOptions())
    world.clock.advance(2)
    assert world.registry.get(kind, "", "fast")["metadata"]["deletionTimestamp"]
    world.registry.delete(world.kinds.named("PersistentVolumeClaim"), "test", "data", DeleteOptions())
    world.clock.advance(2)
    assert world.store.get(kind, "", "fast") is None
