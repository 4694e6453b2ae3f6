"""CertificateSigningRequests: what a write may change of them, and what the API server refuses.

After kubernetes/pkg/registry/certificates and pkg/apis/certificates/validation.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from cryptography.x509 import CertificateSigningRequest

    from mcp_tools.sandbox.access.users import User

Object = dict[str, Any]
KIND = "CertificateSigningRequest.certificates.k8s.io"
APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"
CLIENT = "kubernetes.io/kube-apiserver-client"
_LEGACY = "kubernetes.io/legacy-unknown"
_SHORTEST = 600
_SEGMENTS = 2
_STATUSES = ("False", "True", "Unknown")
_USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip


class Unreadable(ValueError):
    """A request that is no PKCS #10 in PEM; the message says why."""


def read(obj: Object) -> CertificateSigningRequest:
    """What is asked for.

    Raises:
        Unreadable: It cannot be read, or is not signed by its own key.
    """
    from cryptography import x509

    try:
        text = base64.b64decode((obj.get("spec") or {}).get("request") or "")
    except binascii.Error as error:
        raise Unreadable(str(error)) from error
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in text:
        raise Unreadable("PEM block type must be CERTIFICATE REQUEST")
    try:
        found = x509.load_pem_x509_csr(text)
        signed = found.is_signature_valid
    except (ValueError, TypeError) as error:
        raise Unreadable(str(error)) from error
    if not signed:
        raise Unreadable("x509: ECDSA verification failure")
    return found


def begin(obj: Object, user: User | None) -> None:
    """Write into a new request who makes it, in place."""
    spec = obj.setdefault("spec", {})
    for field in ("username", "uid", "groups", "extra"):
        spec.pop(field, None)
    if user is not None:
        spec |= user.info()
    obj["status"] = {}


def part(old: Object, new: Object, subresource: str, now: str) -> Object:
    """The old request with what an update through a subresource may change."""
    changed: Object = {**old, "metadata": new["metadata"]}
    if not subresource:
        return changed
    before, status = old.get("status") or {}, new.get("status") or {}
    known = before.get("conditions") or []
    conditions = [_timed(item, known, now) for item in status.get("conditions") or ()]
    if subresource == "approval":
        changed["status"] = {**before, **({"conditions": conditions} if conditions else {})}
        if not conditions:
            changed["status"].pop("conditions", None)
        return changed
    for kind in (APPROVED, DENIED):
        kept = _of(known, kind)
        if len(_of(conditions, kind)) == len(kept):
            rest = iter(kept)
            conditions = [next(rest) if item.get("type") == kind else item for item in conditions]
    changed["status"] = {**status, **({"conditions": conditions} if conditions else {})}
    return changed


def _of(conditions: list[Object], kind: str) -> list[Object]:
    return [item for item in conditions if item.get("type") == kind]


def _timed(item: Object, known: list[Object], now: str) -> Object:
    same = (old for old in known if (old.get("type"), old.get("status")) == (item.get("type"), item.get("status")))
    since = next((old["lastTransitionTime"] for old in same if old.get("lastTransitionTime")), now)
    given = {key: value for key, value in item.items() if value is not None}
    return {"lastUpdateTime": now, "lastTransitionTime": since, **given}


def check_request(obj: Object, old: Object | None, subresource: str) -> list[Cause]:
    """Everything wrong with a request, and with its change."""
    spec = obj.get("spec") or {}
    causes: list[Cause] = []
    try:
        read(obj)
    except Unreadable as error:
        causes.append(invalid_value("spec.request", spec.get("request") or "", str(error)))
    usages = spec.get("usages") or []
    causes += [] if usages else [required("spec.usages")]
    where = [f"spec.usages[{index}]" for index in range(len(usages))]
    causes += [
        not_supported(field, usage, _USAGES) for field, usage in zip(where, usages, strict=True) if usage not in _USAGES
    ]
    causes += [duplicate(where[index], usage) for index, usage in enumerate(usages) if usage in usages[:index]]
    causes += _signer("spec.signerName", spec.get("signerName", ""))
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _SHORTEST:
        words = "may not specify a duration less than 600 seconds (10 minutes)"
        causes.append(invalid_value("spec.expirationSeconds", seconds, words))
    causes += _conditions(obj)
    certificate = (obj.get("status") or {}).get("certificate")
    if certificate and (why := _certificate_fault(certificate)):
        causes.append(invalid_value("status.certificate", "<certificate data>", why))
    return causes + (_change(obj, old, subresource) if old is not None else [])


def _signer(field: str, name: str) -> list[Cause]:
    if name == _LEGACY:
        return [invalid_value(field, name, "the legacy signerName is not allowed via this API version")]
    if not name:
        return [required(field)]
    parts = name.split("/")
    if len(parts) != _SEGMENTS:
        words = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid_value(field, name, words)]
    domain, path = parts
    causes = _labels(field, domain, names.check_label_name)
    if "." not in domain:
        words = "should be a domain with at least two segments separated by dots"
        causes.append(invalid_value(field, domain, words))
    return causes + _labels(field, path, names.check_subdomain)


def _labels(field: str, text: str, check: Any) -> list[Cause]:
    for label in text.split("."):
        if wrong := check(field, label):
            start = f'validating label "{label}"'
            return [invalid_value(field, text, f"{start}: {cause.message.split(': ', 2)[-1]}") for cause in wrong]
    return []


def _conditions(obj: Object) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, item in enumerate((obj.get("status") or {}).get("conditions") or ()):
        where, kind, status = f"status.conditions[{index}]", item.get("type", ""), item.get("status", "")
        allowed = ("True",) if kind in {APPROVED, DENIED, FAILED} else _STATUSES
        if not kind:
            causes.append(required(f"{where}.type"))
        if not status:
            causes.append(required(f"{where}.status"))
        elif status not in allowed:
            causes.append(not_supported(f"{where}.status", status, allowed))
        if kind in {APPROVED, DENIED} and {APPROVED, DENIED} <= seen | {kind}:
            words = "Approved and Denied conditions are mutually exclusive"
            causes.append(invalid_value("status.conditions", kind, words))
        if kind in seen:
            causes.append(duplicate(f"{where}.type", kind))
        seen.add(kind)
    return causes


def _certificate_fault(encoded: str) -> str:
    from cryptography import x509

    text = base64.b64decode(encoded)
    if b"-----BEGIN " not in text:
        return "must contain at least one CERTIFICATE PEM block"
    kind = text.partition(b"-----BEGIN ")[2].partition(b"-----")[0].decode("ascii", "replace")
    if kind != "CERTIFICATE":
        return f'only CERTIFICATE PEM blocks are allowed, found "{kind}"'
    try:
        x509.load_pem_x509_certificates(text)
    except ValueError as error:
        return str(error)
    return ""


def _change(obj: Object, old: Object, subresource: str) -> list[Cause]:
    status, before = obj.get("status") or {}, old.get("status") or {}
    causes: list[Cause] = []
    for kind in (APPROVED, DENIED, FAILED):
        new, known = (_of(found.get("conditions") or [], kind) for found in (status, before))
        verb = ""
        if len(new) < len(known):
            verb = "remove"
        elif kind != FAILED and subresource != "approval" and new != known:
            verb = "add" if len(new) > len(known) else "modify"
        if verb:
            words = f'updates may not {verb} a condition of type "{kind}"'
            causes.append(forbidden_field("status.conditions", words))
    if status.get("certificate") != before.get("certificate"):
        if subresource != "status":
            causes.append(forbidden_field("status.certificate", "updates may not set certificate content"))
        elif before.get("certificate"):
            words = "updates may not modify existing certificate content"
            causes.append(forbidden_field("status.certificate", words))
    return causes
