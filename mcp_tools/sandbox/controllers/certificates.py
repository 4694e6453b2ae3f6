"""CertificateSigningRequests: the kubelets' are approved, the approved ones signed (kubernetes/pkg/controller)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mcp_tools.sandbox.access.rbac import Action, judge
from mcp_tools.sandbox.access.users import User
from mcp_tools.sandbox.clock import rfc3339
from mcp_tools.sandbox.controllers.base import Cluster, Controller, Key, condition, key_of
from mcp_tools.sandbox.objects import certificates

if TYPE_CHECKING:
    from cryptography.x509 import CertificateSigningRequest

    from mcp_tools.sandbox.credentials import Authority
    from mcp_tools.sandbox.objects.store import Change, Object

_SERVING, _KUBELET = "kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"
_SIGNATURE, _ENCIPHERMENT = "digital signature", "key encipherment"
_CLIENT_AUTH, _SERVER_AUTH = "client auth", "server auth"
_NODES, _NODE = "system:nodes", "system:node:"
_LONGEST, _SHORTEST = 365 * 24 * 3600, 600
_BACKDATE, _BRIEF = 300, 8 * 3600


class CertificateController(Controller):
    """Approves what a kubelet asks for itself, and signs for the signers `kubernetes.io/*`.

    Args:
        cluster: As for every controller.
        authority: Makes the certificate; called when the first one is signed.
    """

    watches = ("CertificateSigningRequest",)

    def __init__(self, cluster: Cluster, authority: Callable[[], Authority]) -> None:
        super().__init__(cluster)
        self._authority = authority

    def keys(self, change: Change) -> Iterable[Key]:
        """The request."""
        return [key_of(change.obj)]

    def reconcile(self, key: Key) -> float | None:
        """Approve or sign one request."""
        found = self.cluster.get("CertificateSigningRequest", *key)
        status = (found or {}).get("status") or {}
        if found is None or status.get("certificate"):
            return None
        request = certificates.read(found)
        approved = condition(found, certificates.APPROVED)
        if not approved and not condition(found, certificates.DENIED):
            self._approve(found, request)
        elif approved and not condition(found, certificates.FAILED):
            self._sign(found, request)
        return None

    def _approve(self, found: Object, request: CertificateSigningRequest) -> None:
        spec = found["spec"]
        if spec.get("signerName") != _KUBELET or _kubelet_fault(request, spec):
            return
        user = User(spec.get("username", ""), tuple(spec.get("groups") or ()))
        for below, what in (("selfnodeclient", "self kubelet"), ("nodeclient", "kubelet")):
            if below == "selfnodeclient" and user.name != _common_name(request):
                continue
            action = Action("create", "certificates.k8s.io", f"certificatesigningrequests/{below}")
            if judge(self.cluster.registry, user, action).allowed:
                message = f"Auto approving {what} client certificate after SubjectAccessReview."
                said = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": message}
                self._say(found, said, "approval")
                return

    def _sign(self, found: Object, request: CertificateSigningRequest) -> None:
        spec = found["spec"]
        judges = {certificates.CLIENT: _client_fault, _SERVING: _serving_fault, _KUBELET: _kubelet_fault}
        if (fault := judges.get(spec.get("signerName", ""))) is None:
            return
        if why := fault(request, spec):
            said = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why}
            self._say(found, said, "status")
            return
        seconds = max(_SHORTEST, min(spec.get("expirationSeconds") or _LONGEST, _LONGEST))
        now = self.cluster.clock.now()
        ends = now + (seconds if seconds < _BRIEF else seconds - _BACKDATE)
        text = self._authority().sign(request, spec.get("usages") or [], now - _BACKDATE, ends)

        def change(draft: Object) -> None:
            draft.setdefault("status", {})["certificate"] = base64.b64encode(text.encode()).decode()

        self.cluster.modify(found, change, subresource="status")

    def _say(self, found: Object, said: Object, subresource: str) -> None:
        entry = {**said, "lastUpdateTime": rfc3339(self.cluster.clock.now())}

        def change(draft: Object) -> None:
            status = draft.setdefault("status", {})
            status["conditions"] = [*(status.get("conditions") or ()), entry]

        self.cluster.modify(found, change, subresource=subresource)


def _subject(request: CertificateSigningRequest, name: str) -> list[str]:
    from cryptography.x509.oid import NameOID

    return [str(part.value) for part in request.subject.get_attributes_for_oid(getattr(NameOID, name))]


def _common_name(request: CertificateSigningRequest) -> str:
    return next(iter(_subject(request, "COMMON_NAME")), "")


def _alternatives(request: CertificateSigningRequest) -> set[str]:
    """The kinds of names that a request has beside its subject: `DNS`, `Email`, `IP`, `URI`."""
    from cryptography import x509

    kinds: dict[type, str] = {x509.DNSName: "DNS", x509.RFC822Name: "Email", x509.IPAddress: "IP"}
    kinds[x509.UniformResourceIdentifier] = "URI"
    try:
        found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {kinds[type(name)] for name in found if type(name) in kinds}


def _fits(spec: Object, wanted: str) -> bool:
    usages = set(spec.get("usages") or ())
    return usages in ({_SIGNATURE, wanted}, {_SIGNATURE, _ENCIPHERMENT, wanted})


def _wanted_usages(wanted: str) -> str:
    return f"usages did not match [{' '.join(sorted((wanted, _SIGNATURE, _ENCIPHERMENT)))}]"


def _client_fault(_: CertificateSigningRequest, spec: Object) -> str:
    usages = spec.get("usages") or []
    for usage in usages:
        if usage not in {_CLIENT_AUTH, _SIGNATURE, _ENCIPHERMENT}:
            return f"invalid usage for client certificate: {usage}"
    return "" if _CLIENT_AUTH in usages else f"missing required usage for client certificate: {_CLIENT_AUTH}"


def _serving_fault(request: CertificateSigningRequest, spec: Object) -> str:
    names = _alternatives(request)
    if _subject(request, "ORGANIZATION_NAME") != [_NODES]:
        return f"subject organization is not {_NODES}"
    if not names & {"DNS", "IP"}:
        return "DNS or IP subjectAltName is required"
    for kind in ("Email", "URI"):
        if kind in names:
            return f"{kind} subjectAltNames are not allowed"
    if not _fits(spec, _SERVER_AUTH):
        return _wanted_usages(_SERVER_AUTH)
    return "" if _common_name(request).startswith(_NODE) else f"subject common name does not begin with {_NODE}"


def _kubelet_fault(request: CertificateSigningRequest, spec: Object) -> str:
    names = _alternatives(request)
    if _subject(request, "ORGANIZATION_NAME") != [_NODES]:
        return f"subject organization is not {_NODES}"
    for kind in ("DNS", "Email", "IP", "URI"):
        if kind in names:
            return f"{kind} subjectAltNames are not allowed"
    if not _common_name(request).startswith(_NODE):
        return f"subject common name does not begin with {_NODE}"
    return "" if _fits(spec, _CLIENT_AUTH) else _wanted_usages(_CLIENT_AUTH)
