"""Certificates in Secrets, which are public, unlike the keys beside them."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING

from mcp_tools.diagnosis.taking import TLS_CERTIFICATE

if TYPE_CHECKING:
    from mcp_tools.diagnosis.snapshot import Resource


def end_of_certificate(secret: Resource) -> dt.datetime | None:
    """When the certificate of a Secret ends, UTC; None where there is none, or nothing that can be read as one."""
    text = (secret.body.get("data") or {}).get(TLS_CERTIFICATE)
    return _end(text) if text else None


@lru_cache(maxsize=1024)
def _end(text: str) -> dt.datetime | None:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(base64.b64decode(text)).not_valid_after_utc
    except (ValueError, binascii.Error):
        return None
