"""What the API server refuses in label selectors (apimachinery, apis/meta/v1/validation)."""

from __future__ import annotations

from typing import Any

from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import Cause, forbidden_field, invalid_value, required

Spec = dict[str, Any]


def check_selector(field: str, selector: Spec) -> list[Cause]:
    """Labels and expressions of a selector."""
    causes = names.check_labels(f"{field}.matchLabels", selector.get("matchLabels") or {})
    for index, rule in enumerate(selector.get("matchExpressions") or ()):
        where = f"{field}.matchExpressions[{index}]"
        match rule.get("operator"):
            case "In" | "NotIn" if not rule.get("values"):
                causes.append(required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
            case "Exists" | "DoesNotExist" if rule.get("values"):
                causes.append(
                    forbidden_field(
                        f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                    )
                )
            case "In" | "NotIn" | "Exists" | "DoesNotExist":
                pass
            case other:
                causes.append(invalid_value(f"{where}.operator", other or "", "not a valid selector operator"))
    return causes
