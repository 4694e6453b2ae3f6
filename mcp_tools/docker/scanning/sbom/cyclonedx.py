"""CycloneDX 1.6 as JSON (ECMA-424), by the project's own library."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mcp_tools.docker.scanning.ecosystems import package_url

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from cyclonedx.model.license import License

    from mcp_tools.docker.scanning.inventory import Image
    from mcp_tools.docker.scanning.model import Package

_PREFIX = "shipmate"
_MAX_LICENCE = 200


def cyclonedx(image: Image) -> str:
    """The inventory as a CycloneDX document: the same image gives the same bytes.

    A component's properties `shipmate:layer`, `shipmate:path` and `shipmate:declared` tell which layer brought it
    (from 1), which file says so, and that only a lock file does.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, image.id))
    root = _image(image)
    bom.metadata.component = root
    bom.metadata.timestamp = made_at(image.created)
    components = [_component(package, image) for package in image.packages]
    system = image.distribution
    if system.id:
        components.append(_plain(ComponentType.OPERATING_SYSTEM, system.id, system.version, system.name))
    bom.components.update(components)
    bom.register_dependency(root, components)
    return str(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)) + "\n"


def made_at(created: str) -> datetime:
    """When an image was made, to the second; the epoch where it does not say, so that a document never varies."""
    try:
        moment = datetime.fromisoformat(created[:19]).replace(tzinfo=UTC)
    except ValueError:
        moment = datetime.fromtimestamp(0, UTC)
    return max(moment, datetime.fromtimestamp(0, UTC))


def _image(image: Image) -> Component:
    from cyclonedx.model import Property
    from cyclonedx.model.component import ComponentType

    component = _plain(ComponentType.CONTAINER, image.name, image.id, "")
    component.properties.add(Property(name=f"{_PREFIX}:architecture", value=image.architecture))
    return component


def _plain(kind: object, name: str, version: str, description: str) -> Component:
    from cyclonedx.model.component import Component

    return Component(
        type=kind,  # type: ignore[arg-type]
        name=name,
        version=version or None,
        bom_ref=f"{name}@{version}",
        description=description or None,
    )


def _component(package: Package, image: Image) -> Component:
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component, ComponentType

    url = package_url(package, image.distribution)
    told = {
        "layer": str(package.layer),
        "path": f"/{package.path}",
        "declared": "true" if package.declared else "",
        "owned": "true" if package.owned else "",
    }
    return Component(
        type=ComponentType.LIBRARY,
        name=url.name,
        group=url.namespace if package.type in {"npm", "golang"} else None,
        version=package.version,
        purl=url,
        bom_ref=url.to_string(),
        licenses=_licences(package.licenses),
        properties=[Property(name=f"{_PREFIX}:{key}", value=value) for key, value in told.items() if value],
    )


def _licences(stated: str) -> list[License]:
    from cyclonedx.contrib.license.factories import LicenseFactory

    if not stated or len(stated) > _MAX_LICENCE:
        return []
    return [LicenseFactory().make_from_string(stated)]
