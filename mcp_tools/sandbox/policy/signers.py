"""Who may have a certificate signed, and in which name (kubernetes/plugin/pkg/admission/certificates)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.access.rbac import Action, judge
from mcp_tools.sandbox.access.users import MASTERS
from mcp_tools.sandbox.objects import certificates
from mcp_tools.sandbox.objects.errors import forbidden

if TYPE_CHECKING:
    from mcp_tools.sandbox.access.users import User
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry, WriteOptions

Object = dict[str, Any]


def check_subject(kind: Kind, obj: Object) -> None:
    """Nobody becomes a member of `system:masters` by a certificate.

    Raises:
        Refused: 403.
    """
    if kind.qualified != certificates.KIND or obj["spec"].get("signerName") != certificates.CLIENT:
        return
    from cryptography.x509.oid import NameOID

    subject = certificates.read(obj).subject
    if any(part.value == MASTERS for part in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)):
        why = f"use of {certificates.CLIENT} signer with {MASTERS} group is not allowed"
        raise forbidden(kind, obj["metadata"]["name"], why)


def check_right(registry: Registry, kind: Kind, obj: Object, old: Object, options: WriteOptions) -> None:
    """To approve, and to sign, one needs the right to the signer.

    Raises:
        Refused: 403.
    """
    if kind.qualified != certificates.KIND or options.user is None:
        return
    verb = {"approval": "approve", "status": "sign"}.get(options.subresource)
    if verb is None or (verb == "sign" and not _signs(obj, old)):
        return
    signer = old["spec"].get("signerName", "")
    if not _may(registry, options.user, verb, signer):
        why = f'user not permitted to {verb} requests with signerName "{signer}"'
        raise forbidden(kind, obj["metadata"]["name"], why)


def _signs(obj: Object, old: Object) -> bool:
    """Whether a status gets a certificate, or is said to get none."""
    new, known = ((of.get("status") or {}) for of in (obj, old))
    failures = ([item for item in of.get("conditions") or () if item["type"] == "Failed"] for of in (new, known))
    return new.get("certificate") != known.get("certificate") or next(failures) != next(failures)


def _may(registry: Registry, user: User, verb: str, signer: str) -> bool:
    return any(
        judge(registry, user, Action(verb, "certificates.k8s.io", "signers", "", name)).allowed
        for name in (signer, f"{signer.partition('/')[0]}/*")
    )
