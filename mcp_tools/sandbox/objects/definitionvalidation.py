"""What the API server refuses in CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

from mcp_tools.sandbox.objects import customrules
from mcp_tools.sandbox.objects.errors import Cause, invalid_value, not_supported, required


def check_definition(obj: dict[str, Any]) -> list[Cause]:
    """A CustomResourceDefinition."""
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    causes: list[Cause] = []
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    if name and name != wanted:
        causes.append(invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    if spec.get("scope") not in {"Cluster", "Namespaced"}:
        causes.append(not_supported("spec.scope", spec.get("scope", ""), ("Cluster", "Namespaced")))
    versions = spec.get("versions") or []
    stored = sum(bool(version.get("storage")) for version in versions)
    if stored != 1:
        words = "must have exactly one version marked as storage version"
        causes.append(invalid_value("spec.versions", versions, words))
    for index, version in enumerate(versions):
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        where = f"spec.versions[{index}].schema.openAPIV3Schema"
        if schema is None:
            causes.append(required(where, "schemas are required"))
        elif schema.get("type") != "object":
            causes.append(invalid_value(f"{where}.type", schema.get("type", ""), "must be object at the root"))
        else:
            # What all versions share the API server looks at, and names, as one.
            alike = all((other.get("schema") or {}).get("openAPIV3Schema") == schema for other in versions)
            causes += customrules.check_definition(schema, "spec.validation.openAPIV3Schema" if alike else where)
            if alike:
                break
    return causes
