"""SPDX 2.3 as JSON (ISO/IEC 5962), by the project's own library."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.scanning.ecosystems import package_url
from mcp_tools.docker.scanning.sbom.cyclonedx import made_at
from mcp_tools.errors import ShipmateError

if TYPE_CHECKING:
    from spdx_tools.spdx.model.package import Package as SpdxPackage

    from mcp_tools.docker.scanning.inventory import Image
    from mcp_tools.docker.scanning.model import Package

_MAX_LICENCE = 200
_ROOT = "SPDXRef-Image"


def spdx(image: Image) -> str:
    """The inventory as an SPDX document: the same image gives the same bytes.

    Raises:
        ShipmateError: What was made is no valid document; nothing invalid is given out.
    """
    from spdx_tools.spdx.jsonschema.document_converter import DocumentConverter
    from spdx_tools.spdx.model import (
        Actor,
        ActorType,
        CreationInfo,
        Document,
        PackagePurpose,
        Relationship,
        RelationshipType,
        SpdxNoAssertion,
    )
    from spdx_tools.spdx.model.package import Package as SpdxPackage
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    creation = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id="SPDXRef-DOCUMENT",
        name=image.name,
        document_namespace=f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'spdx {image.id}')}",
        creators=[Actor(ActorType.TOOL, "shipmate")],
        created=made_at(image.created).replace(tzinfo=None),
    )
    root = SpdxPackage(
        spdx_id=_ROOT,
        name=image.name,
        version=image.id,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.CONTAINER,
        comment=f"{image.architecture} {image.distribution.name}".strip(),
    )
    packages = [_package(package, image) for package in image.packages]
    document = Document(
        creation,
        packages=[root, *packages],
        relationships=[Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, _ROOT)]
        + [Relationship(_ROOT, RelationshipType.CONTAINS, package.spdx_id) for package in packages],
    )
    problems = validate_full_spdx_document(document)
    if problems:
        raise ShipmateError(
            f"The SPDX document would not be valid: {problems[0].validation_message}", "Ask for CycloneDX instead."
        )
    written = DocumentConverter().convert(document)
    for package in written["packages"]:
        for reference in package.get("externalRefs", ()):
            # The library writes the word of version 2.2, which the schema of 2.3 does not know.
            reference["referenceCategory"] = reference["referenceCategory"].replace("_", "-")
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"


def _package(package: Package, image: Image) -> SpdxPackage:
    from spdx_tools.spdx.model import ExternalPackageRef, ExternalPackageRefCategory, SpdxNoAssertion
    from spdx_tools.spdx.model.package import Package as SpdxPackage

    url = package_url(package, image.distribution).to_string()
    source = f"layer {package.layer}, /{package.path}" + (", named by a lock file only" if package.declared else "")
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", package.name)[:60]
    return SpdxPackage(
        # An id may hold letters, digits, dots and dashes only; the digest keeps two from becoming one.
        spdx_id=f"SPDXRef-{plain}-{hashlib.sha256(url.encode()).hexdigest()[:12]}",
        name=package.name,
        version=package.version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        license_concluded=SpdxNoAssertion(),
        license_declared=_licence(package.licenses),
        source_info=source,
        external_references=[ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", url)],
    )


def _licence(stated: str) -> Any:
    """The licence where it is an expression of the SPDX list; no assertion where it is something else."""
    from license_expression import ExpressionError
    from spdx_tools.spdx.model import SpdxNoAssertion

    if not stated or len(stated) > _MAX_LICENCE:
        return SpdxNoAssertion()
    try:
        return _licensing().parse(stated, validate=True, strict=True) or SpdxNoAssertion()
    except (ExpressionError, ValueError, TypeError, AttributeError):
        return SpdxNoAssertion()


@cache
def _licensing() -> Any:
    # Making it reads the whole list, which takes longer than a document of hundreds of packages.
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
