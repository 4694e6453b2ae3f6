"""The sandbox's own certificate authority, its server certificate, its token and its kubeconfig."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import CertificateSigningRequest

CONTEXT = "shipmate-sandbox"
NAMESPACE = "todo-app"
_DAYS = 30


@dataclass(frozen=True, slots=True)
class Credentials:
    """Made anew for every start; the CA's key never leaves the process.

    Attributes:
        ca: PEM of the authority that clients trust.
        ca_key: PEM of its private key.
        certificate: PEM of the server.
        key: PEM of the server's private key.
        token: What clients show.
    """

    ca: str
    ca_key: str
    certificate: str
    key: str
    token: str


def make_credentials(moment: float | None = None) -> Credentials:
    """An authority, a certificate of it for loopback, and a token.

    Args:
        moment: When they are made, seconds since 1970; the present where it is not said.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    now = dt.datetime.now(dt.UTC) if moment is None else dt.datetime.fromtimestamp(moment, dt.UTC)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("shipmate-sandbox-ca"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=_DAYS))
        )

    def usage(*, sign: bool) -> x509.KeyUsage:
        unused = dict.fromkeys(
            ("content_commitment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only", "crl_sign"),
            False,
        )
        return x509.KeyUsage(digital_signature=True, key_encipherment=not sign, key_cert_sign=sign, **unused)

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        builder("shipmate-sandbox-ca", ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(sign=True), critical=True)
        .add_extension(ca_identifier, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    places = [
        x509.DNSName("localhost"),
        x509.DNSName("kubernetes.default.svc"),
        x509.IPAddress(ipaddress.IPv4Address("127.0.0.1")),
    ]
    certificate = (
        builder("shipmate-sandbox", key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_identifier), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private, authority = (
        each.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        for each in (key, ca_key)
    )
    return Credentials(
        ca.public_bytes(encoding).decode(),
        authority.decode(),
        certificate.public_bytes(encoding).decode(),
        private.decode(),
        secrets.token_urlsafe(32),
    )


_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
}
_PURPOSES = {"client auth": "CLIENT_AUTH", "server auth": "SERVER_AUTH"}


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs for others.

    Attributes:
        certificate: PEM of the authority.
        key: PEM of its private key.
    """

    certificate: str
    key: str

    def sign(self, request: CertificateSigningRequest, usages: list[str], begins: float, ends: float) -> str:
        """A certificate, PEM (kubernetes/pkg/controller/certificates/authority).

        Args:
            request: Whose key and names it is for.
            usages: As a CertificateSigningRequest of Kubernetes names them.
            begins: Seconds since 1970.
            ends: Seconds since 1970; not after the authority's own end.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import ExtendedKeyUsageOID

        ca = x509.load_pem_x509_certificate(self.certificate.encode())
        key: Any = serialization.load_pem_private_key(self.key.encode(), None)
        last = min(dt.datetime.fromtimestamp(ends, dt.UTC), ca.not_valid_after_utc)
        fields = dict.fromkeys(set(_USAGES.values()) | {"encipher_only", "decipher_only"}, False)
        fields |= dict.fromkeys((_USAGES[usage] for usage in usages if usage in _USAGES), True)
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(ca.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime.fromtimestamp(begins, dt.UTC))
            .not_valid_after(last)
            .add_extension(x509.KeyUsage(**fields), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        purposes = [getattr(ExtendedKeyUsageOID, _PURPOSES[usage]) for usage in usages if usage in _PURPOSES]
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        try:
            names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            builder = builder.add_extension(names.value, critical=names.critical)
        except x509.ExtensionNotFound:
            pass  # it has none beside its subject
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all at once."""
    import os

    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def kubeconfig(url: str, credentials: Credentials) -> str:
    """A kubeconfig with everything in it; JSON, which is YAML too and needs no YAML library to read."""
    import json

    ca = base64.b64encode(credentials.ca.encode()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": url, "certificate-authority-data": ca}}],
        "contexts": [
            {"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": NAMESPACE}},
        ],
        "users": [{"name": CONTEXT, "user": {"token": credentials.token}}],
    }
    return json.dumps(document, indent=2) + "\n"


def expired_certificate(host: str) -> tuple[str, str]:
    """A self-signed certificate that expired a month ago, and its key; PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = dt.datetime.now(dt.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=12 * _DAYS))
        .not_valid_after(now - dt.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(encoding).decode(), private.decode()
