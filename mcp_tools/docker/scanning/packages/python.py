"""Python's packages: `METADATA` of a `dist-info`, `PKG-INFO` of an `egg-info` (Core metadata specifications)."""

from __future__ import annotations

import email.errors
from email.parser import HeaderParser

from mcp_tools.docker.scanning.model import Package
from mcp_tools.docker.scanning.packages.found import Found, text

_OSI = "License :: OSI Approved :: "


def is_mine(path: str) -> bool:
    """Metadata of a distribution, installed anywhere."""
    return path.endswith((".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info"))


def read(path: str, content: bytes) -> Found:
    """The one package that the file describes."""
    head = content.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n\n")[0]
    try:
        fields = HeaderParser().parsestr(head, headersonly=True)
    except email.errors.MessageError as error:
        return Found(problem=f"it is no metadata ({error})")
    name, version = text(fields.get("Name")), text(fields.get("Version"))
    if not name or not version:
        return Found(problem="it names no package")
    licences = text(fields.get("License-Expression")) or text(fields.get("License"), 60)
    if not licences or licences == "UNKNOWN":
        classifiers = fields.get_all("Classifier") or []
        licences = next((text(one).removeprefix(_OSI) for one in classifiers if one.startswith(_OSI)), "")
    return Found([Package("pypi", name, version, licenses=licences, path=path)])
