"""One write as admission sees it: whom it concerns, and how it is told to others (`AdmissionReview`)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import cel, versions
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.registry import Registry, WriteOptions

Object = dict[str, Any]
_SYSTEM = "system:kube-controller-manager"


@dataclass(frozen=True, slots=True)
class Write:
    """What is about to happen.

    Attributes:
        operation: `CREATE`, `UPDATE` or `DELETE`.
        obj: As it would be stored; `None` when it is deleted.
        old: As it was; `None` when it is new.
    """

    registry: Registry
    kind: Kind
    operation: str
    obj: Object | None
    old: Object | None
    options: WriteOptions

    @property
    def meta(self) -> Object:
        """The metadata of the object."""
        found: Object = (self.obj or self.old or {})["metadata"]
        return found

    @property
    def space(self) -> Object | None:
        """The namespace that it is in, or is."""
        if self.kind.qualified == "Namespace":
            return self.obj or self.old
        name = self.meta.get("namespace", "")
        return self.registry.store.get(self.registry.kinds.named("Namespace"), "", name) if name else None

    def request(self) -> Object:
        """`AdmissionRequest` of `admission.k8s.io/v1`."""
        kind, user = self.kind, self.options.user
        what = {"group": kind.group, "version": kind.version, "kind": kind.name}
        where = {"group": kind.group, "version": kind.version, "resource": kind.plural}
        below = {"subResource": self.options.subresource} if self.options.subresource else {}
        seen = {"object": self.obj, "oldObject": self.old}
        return {
            "uid": str(uuid.uuid4()),
            "kind": what,
            "resource": where,
            **below,
            "requestKind": what,
            "requestResource": where,
            "name": self.meta.get("name", ""),
            **({"namespace": self.meta["namespace"]} if self.meta.get("namespace") else {}),
            "operation": self.operation,
            "userInfo": user.info() if user else {"username": _SYSTEM, "groups": ["system:authenticated"]},
            **{name: versions.present(kind, value) if value else None for name, value in seen.items()},
            "dryRun": self.options.dry_run,
            "options": {"kind": f"{self.operation.capitalize()}Options", "apiVersion": "meta.k8s.io/v1"},
        }


def concerned(write: Write, rules: list[Object], said: Object) -> bool:
    """Whether a write is one of those that a webhook or a policy asks for.

    Args:
        write: It.
        rules: `RuleWithOperations`, any of which must fit.
        said: Holds `namespaceSelector` and `objectSelector`.
    """
    if not any(_fits(rule, write) for rule in rules):
        return False
    selector, space = said.get("namespaceSelector"), write.space
    if selector and space is not None and not label_selector(selector)(space["metadata"].get("labels") or {}):
        return False
    if selector := said.get("objectSelector"):
        picks = label_selector(selector)
        return any(picks(obj["metadata"].get("labels") or {}) for obj in (write.obj, write.old) if obj is not None)
    return True


def _fits(rule: Object, write: Write) -> bool:
    kind, below = write.kind, write.options.subresource
    resource = f"{kind.plural}/{below}" if below else kind.plural
    wide = {"*/*", f"{kind.plural}/*", f"*/{below}"} if below else {"*", "*/*"}
    names = rule.get("resourceNames") or ()
    return (
        bool({"*", write.operation} & set(rule.get("operations") or ()))
        and bool({"*", kind.group} & set(rule.get("apiGroups") or ()))
        and bool({"*", kind.version} & set(rule.get("apiVersions") or ()))
        and bool({resource, *wide} & set(rule.get("resources") or ()))
        and rule.get("scope", "*") in {"*", "Namespaced" if kind.namespaced else "Cluster"}
        and (not names or write.meta.get("name") in names)
    )


def conditions_hold(write: Write, said: Object) -> bool:
    """Whether all `matchConditions` hold.

    Raises:
        Failed: One cannot be told.
    """
    if not said.get("matchConditions"):
        return True
    values = {"object": write.obj, "oldObject": write.old, "request": write.request()}
    try:
        return all(cel.evaluate(str(item.get("expression", "")), values) is True for item in said["matchConditions"])
    except cel.BadExpression as error:
        raise cel.Failed(str(error)) from error
