"""ValidatingAdmissionPolicies: rules in CEL about any object (apiserver/pkg/admission/plugin/policy/validating).

Audit annotations are looked at as everything else is, and written nowhere: there is no audit log. Not here: the
authorizer, and the check of types beyond what an expression gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.sandbox.objects import cel, names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    Refused,
    duplicate,
    forbidden,
    invalid_value,
    not_supported,
    required,
)
from mcp_tools.sandbox.objects.selectors import label_selector
from mcp_tools.sandbox.policy.writes import concerned, conditions_hold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_tools.sandbox.policy.writes import Write

Object = dict[str, Any]
_VARIABLES = ("object", "oldObject", "request", "params", "namespaceObject", "variables")
_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
_INVALID = 422
_ANNOTATIONS_MAX = 20
_TYPES = {"NULL": "null_type", "LIST": "list(dyn)", "MAP": "map(string, dyn)", "TIMESTAMP": "timestamp"}
_ACTIONS = ("Audit", "Deny", "Warn")


def check(write: Write) -> list[str]:
    """Look at a write with every policy that is bound.

    Returns:
        Warnings for the client.

    Raises:
        Refused: A policy denies it.
    """
    registry = write.registry
    if write.kind.group == "admissionregistration.k8s.io":
        return []
    warnings = []
    for binding in registry.store.all_of(registry.kinds.named("ValidatingAdmissionPolicyBinding")):
        said = binding["spec"]
        policy = registry.store.get(registry.kinds.named("ValidatingAdmissionPolicy"), "", said.get("policyName", ""))
        if policy is None or not (_matches(write, policy["spec"].get("matchConstraints"), rules=True)):
            continue
        if not _matches(write, said.get("matchResources"), rules=False):
            continue
        names = f"'{policy['metadata']['name']}' with binding '{binding['metadata']['name']}'"
        for message, reason, always in _failures(write, policy["spec"], said):
            actions = said.get("validationActions") or ()
            if always or "Deny" in actions:
                raise _denied(write, f"ValidatingAdmissionPolicy {names} denied request: {message}", reason)
            if "Warn" in actions:
                warnings.append(f"Validation failed for ValidatingAdmissionPolicy {names}: {message}")
    return warnings


def _matches(write: Write, said: Object | None, *, rules: bool) -> bool:
    wanted = (said or {}).get("resourceRules") or []
    if said is None:
        return not rules
    everything: list[Object] = [
        {name: ["*"] for name in ("operations", "apiGroups", "apiVersions")} | {"resources": ["*/*"]}
    ]
    if not concerned(write, wanted or everything, said):
        return False
    return not concerned(write, said.get("excludeResourceRules") or [], {})


def _denied(write: Write, message: str, reason: str) -> Refused:
    refusal = forbidden(write.kind, write.meta.get("name", ""), message)
    refusal.reason = reason or "Invalid"
    refusal.code = _CODES.get(refusal.reason, _INVALID)
    refusal.details = {**(refusal.details or {}), "causes": [{"message": message}]}
    return refusal


def _failures(write: Write, policy: Object, binding: Object) -> Iterator[tuple[str, str, bool]]:
    """Each message of a policy against a write, with its reason, and whether it denies whatever the binding says."""
    strict = policy.get("failurePolicy", "Fail") == "Fail"
    try:
        if not conditions_hold(write, policy):
            return
        found = list(_parameters(write, policy, binding))
    except cel.Failed as error:
        if strict:
            yield str(error), "", False
        return
    for params in found:
        known: Object = {}
        values: Object = {"object": write.obj, "oldObject": write.old, "request": write.request(), "params": params}
        values |= {"namespaceObject": write.space, "variables": known}
        for variable in policy.get("variables") or ():
            try:
                known[variable["name"]] = cel.evaluate(variable["expression"], values)
            except (cel.BadExpression, cel.Failed):
                continue  # whoever uses it fails
        for validation in policy.get("validations") or ():
            text = str(validation.get("expression", "")).strip()
            try:
                if cel.evaluate(text, values) is not True:
                    yield _message(validation, text, values), str(validation.get("reason") or ""), False
            except (cel.BadExpression, cel.Failed) as error:
                if strict:
                    yield f"expression '{text}' resulted in error: {error}", "", False
        yield from _unwritten(policy, values, strict=strict)


def _unwritten(policy: Object, values: Object, *, strict: bool) -> Iterator[tuple[str, str, bool]]:
    """Audit annotations that cannot be told, each of which denies."""
    for annotation in policy.get("auditAnnotations") or ():
        text = str(annotation.get("valueExpression", "")).strip()
        try:
            cel.evaluate(text, values)
        except (cel.BadExpression, cel.Failed) as error:
            if strict:
                yield f"expression '{text}' resulted in error: {error}", "", True


def _message(validation: Object, text: str, values: Object) -> str:
    if validation.get("messageExpression"):
        try:
            said = cel.evaluate(validation["messageExpression"], values)
        except (cel.BadExpression, cel.Failed):
            said = None  # the fixed message stands in for it
        if isinstance(said, str) and said.strip() and "\n" not in said.strip():
            return said.strip()
    return str(validation.get("message") or "").strip() or f"failed expression: {text}"


def _parameters(write: Write, policy: Object, binding: Object) -> Iterator[Object | None]:
    """The objects that a policy is bound with.

    Raises:
        Failed: They are not there, and must be.
    """
    kind, reference = policy.get("paramKind"), binding.get("paramRef")
    if not kind or not reference:
        yield None
        return
    registry = write.registry
    wanted = registry.kinds.of(kind.get("apiVersion", ""), kind.get("kind", ""))
    if wanted is None:
        what = f"{kind.get('apiVersion')}, Kind={kind.get('kind')}"
        raise cel.Failed(f"failed to find resource referenced by paramKind: '{what}'")
    namespace = (reference.get("namespace") or write.meta.get("namespace", "")) if wanted.namespaced else ""
    if reference.get("name"):
        one = registry.store.get(wanted, namespace, reference["name"])
        found = [one] if one else []
    else:
        picks = label_selector(reference.get("selector") or {})
        found = [obj for obj in registry.store.all_of(wanted, namespace) if picks(obj["metadata"].get("labels") or {})]
    if not found and reference.get("parameterNotFoundAction") == "Deny":
        start = "failed to configure binding: no params found for policy binding with"
        raise cel.Failed(f"{start} `Deny` parameterNotFoundAction")
    yield from found


def check_policy(obj: Object) -> list[Cause]:
    """What is wrong with a ValidatingAdmissionPolicy."""
    spec = obj["spec"]
    causes: list[Cause] = []
    if spec.get("matchConstraints") is None:
        causes.append(required("spec.matchConstraints"))
    elif not spec["matchConstraints"].get("resourceRules"):
        causes.append(required("spec.matchConstraints.resourceRules"))
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        words = "validations or auditAnnotations must contain at least one item"
        causes += [required(f"spec.{field}", words) for field in ("validations", "auditAnnotations")]
    for index, item in enumerate(spec.get("variables") or ()):
        causes += _expression(f"spec.variables[{index}].expression", item.get("expression", ""), "expression")
    causes += _audit(obj["metadata"].get("name", ""), spec.get("auditAnnotations") or [])
    for index, item in enumerate(spec.get("validations") or ()):
        where = f"spec.validations[{index}]"
        causes += _expression(f"{where}.expression", item.get("expression", ""), "expression", "BOOL")
        if item.get("messageExpression"):
            text = item["messageExpression"]
            causes += _expression(f"{where}.messageExpression", text, "messageExpression", "STRING")
        reasons = ("Forbidden", "Invalid", "RequestEntityTooLarge")
        if item.get("reason") and item["reason"] not in reasons:
            causes.append(not_supported(f"{where}.reason", item["reason"], reasons))
    return causes


def _audit(policy: str, annotations: list[Object]) -> list[Cause]:
    causes: list[Cause] = []
    if len(annotations) > _ANNOTATIONS_MAX:
        words = f"must not have more than {_ANNOTATIONS_MAX} auditAnnotations"
        causes.append(invalid_value("spec.auditAnnotations", annotations, words))
    keys: set[str] = set()
    for index, item in enumerate(annotations):
        where, key = f"spec.auditAnnotations[{index}]", item.get("key", "")
        causes += names.check_qualified_name(f"{where}.key", f"{policy}/{key}")
        text = item.get("valueExpression", "")
        causes += _expression(f"{where}.valueExpression", text, "valueExpression", "STRING", "NULL")
        causes += [duplicate(f"{where}.key", key)] if key in keys else []
        keys.add(key)
    return causes


def _expression(field: str, text: str, name: str, *types: str) -> list[Cause]:
    """What is wrong with an expression that should give one of some types, or anything where none is named."""
    if not text.strip():
        return [required(field, f"{name} is not specified")]
    try:
        found = cel.check(text.strip(), _VARIABLES)
    except cel.BadExpression as error:
        return [invalid_value(field, text, f"compilation failed: {error}")]
    if not types or found in types:
        return []
    shown = [_TYPES.get(each, each.lower()) for each in (*types, found)]
    wanted = shown[0] if len(types) == 1 else f"one of [{' '.join(shown[:-1])}]"
    return [invalid_value(field, text, f"must evaluate to {wanted} but got {shown[-1]}")]


def check_policy_binding(obj: Object) -> list[Cause]:
    """What is wrong with a ValidatingAdmissionPolicyBinding."""
    spec = obj["spec"]
    causes: list[Cause] = []
    if not spec.get("policyName"):
        causes.append(required("spec.policyName"))
    actions = spec.get("validationActions") or []
    if not actions:
        causes.append(required("spec.validationActions", "at least one validation action is required"))
    causes += [
        not_supported(f"spec.validationActions[{index}]", action, _ACTIONS)
        for index, action in enumerate(actions)
        if action not in _ACTIONS
    ]
    if {"Deny", "Warn"} <= set(actions):
        words = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API "
            "response and headers serves no purpose)"
        )
        causes.append(invalid_value("spec.validationActions", actions, words))
    return causes
