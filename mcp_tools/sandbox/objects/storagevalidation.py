"""What the API server refuses in volumes, claims, ConfigMaps and Secrets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mcp_tools import quantity
from mcp_tools.sandbox.objects import names
from mcp_tools.sandbox.objects.errors import (
    Cause,
    duplicate,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
    show,
)
from mcp_tools.sandbox.objects.selectorvalidation import check_selector

Spec = dict[str, Any]
_MODE_MAX = 0o777
_MODE_WORDS = "must be a number between 0 and 0777 (octal), both inclusive"
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_SOURCES: dict[str, tuple[str, str]] = {
    "secret": ("secretName", "secret.secretName"),
    "configMap": ("name", "configMap.name"),
    "hostPath": ("path", "hostPath.path"),
    "persistentVolumeClaim": ("claimName", "persistentVolumeClaim.claimName"),
}
_ACCOUNT = "kubernetes.io/service-account.name"
_KEYS_OF_TYPE = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def check_volume(field: str, volume: Spec, seen: set[str]) -> list[Cause]:
    """A volume of a pod; `seen` are the names so far."""
    name = volume.get("name", "")
    causes = names.check_label_name(f"{field}.name", name) if name else [required(f"{field}.name")]
    if name and name in seen:
        causes.append(duplicate(f"{field}.name", name))
    seen.add(name)
    sources = sorted((key for key in volume if key != "name"), key=_order)
    causes += [forbidden_field(f"{field}.{extra}", "may not specify more than 1 volume type") for extra in sources[1:]]
    for kind in sources[:1]:
        source = volume[kind] or {}
        if kind in _SOURCES and not source.get(_SOURCES[kind][0]):
            causes.append(required(f"{field}.{_SOURCES[kind][1]}"))
        mode = source.get("defaultMode", 0)
        if kind in {"secret", "configMap", "downwardAPI", "projected"} and not 0 <= mode <= _MODE_MAX:
            causes.append(invalid_value(f"{field}.{kind}.defaultMode", mode, _MODE_WORDS))
        for index, item in enumerate(source.get("items") or ()):
            where = f"{field}.{kind}.items[{index}]"
            causes += [
                required(f"{where}.{key}") for key in ("key", "path") if not item.get(key) and kind != "downwardAPI"
            ]
    return causes


def _order(kind: str) -> int:
    """In this order the API server looks for a volume's source."""
    known = ("emptyDir", "hostPath", "secret", "nfs", "persistentVolumeClaim", "downwardAPI", "configMap", "projected")
    return known.index(kind) if kind in known else len(known)


def check_claim(obj: Spec) -> list[Cause]:
    """A PersistentVolumeClaim."""
    spec = obj.get("spec") or {}
    modes = spec.get("accessModes") or []
    causes: list[Cause] = []
    if not modes:
        causes.append(required("spec.accessModes", "at least 1 access mode is required"))
    causes += [not_supported("spec.accessModes", mode, _ACCESS_MODES) for mode in modes if mode not in _ACCESS_MODES]
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        words = "may not use ReadWriteOncePod with other access modes"
        causes.append(forbidden_field("spec.accessModes", words))
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if size is None:
        causes.append(required("spec.resources[storage]"))
    elif quantity.parse(size) <= 0:
        causes.append(invalid_value("spec.resources[storage]", size, "must be greater than zero"))
    if spec.get("storageClassName"):
        causes += names.check_subdomain("spec.storageClassName", spec["storageClassName"])
    mode = spec.get("volumeMode", "Filesystem")
    if mode not in {"Block", "Filesystem"}:
        causes.append(not_supported("spec.volumeMode", mode, ("Block", "Filesystem")))
    return causes


def check_data(obj: Spec) -> list[Cause]:
    """A ConfigMap: its keys."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    causes: list[Cause] = []
    for key in sorted(data):
        causes += names.check_config_key(f"data[{key}]", key)
        if key in binary:
            causes.append(invalid_value(f"data[{key}]", key, "duplicate of key present in binaryData"))
    for key in sorted(binary):
        causes += names.check_config_key(f"binaryData[{key}]", key)
    return causes


def check_secret(obj: Spec) -> list[Cause]:
    """A Secret: its keys, and those that its type wants."""
    data = obj.get("data") or {}
    kind = obj.get("type", "Opaque")
    causes = [cause for key in sorted(data) for cause in names.check_config_key(f"data[{key}]", key)]
    causes += [required(f"data[{key}]") for key in _KEYS_OF_TYPE.get(kind, ()) if key not in data]
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        causes += [required("data[username]"), required("data[password]")]
    if kind == "kubernetes.io/service-account-token" and not (obj["metadata"].get("annotations") or {}).get(_ACCOUNT):
        causes.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    return causes


def _storage(resources: Spec, group: str) -> Decimal:
    return quantity.parse((resources.get(group) or {}).get("storage", "0"))


def check_claim_update(spec: Spec, old: Spec, status: Spec) -> list[Cause]:
    """What an update of a claim may not change; one that is bound may ask for more room.

    Args:
        spec: As it is to be.
        old: As it was.
        status: Of the claim.
    """
    bound = status.get("phase") == "Bound"
    capacity = _storage(status, "capacity")

    def fixed(of: Spec) -> Spec:
        given = {"storageClassName"} if old.get("storageClassName") is None else set()
        kept = {key: value for key, value in of.items() if key not in {"resources", "volumeName", *given}}
        resources = of.get("resources") or {}
        free = {"requests"} if bound else set()
        return {**kept, "resources": {key: value for key, value in resources.items() if key not in free}}

    causes: list[Cause] = []
    named = old.get("volumeName") and spec.get("volumeName") != old["volumeName"]
    if named or fixed(spec) != fixed(old):
        words = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        causes.append(forbidden_field("spec", words))
    asked, before = (_storage(of.get("resources") or {}, "requests") for of in (spec, old))
    if asked < before and asked <= capacity:
        words = "field can not be less than status.capacity"
        causes.append(forbidden_field("spec.resources.requests.storage", words))
    if spec.get("volumeMode") != old.get("volumeMode"):
        causes.append(invalid_value("volumeMode", spec.get("volumeMode"), "field is immutable"))
    return causes


_NODE_ID_MAX, _DRIVER_MAX, _PARAMETERS_MAX = 256, 63, 512
_PARAMETERS_SIZE = 256 * 1024


def check_csi_node(obj: Spec) -> list[Cause]:
    """A CSINode: what a node's storage drivers say about it."""
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, driver in enumerate((obj.get("spec") or {}).get("drivers") or ()):
        where, name = f"spec.drivers[{index}]", driver.get("name", "")
        causes += check_driver_name(f"{where}.name", name)
        identity = driver.get("nodeID", "")
        causes += [] if identity else [required(f"{where}.nodeID")]
        if len(identity) > _NODE_ID_MAX:
            words = f"must be {_NODE_ID_MAX} characters or less"
            causes.append(invalid_value(f"{where}.nodeID", identity, words))
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None and count < 0:
            causes.append(invalid_value(f"{where}.allocatable.count", count, "must be greater than or equal to 0"))
        if name in seen:
            causes.append(duplicate(f"{where}.name", name))
        seen.add(name)
        keys = driver.get("topologyKeys") or []
        for place, key in enumerate(keys):
            causes += [] if key else [required(where)]
            causes += [duplicate(where, key)] if key in keys[:place] else []
            causes += names.check_qualified_name(where, key)
    return causes


def check_driver_name(field: str, name: str) -> list[Cause]:
    """The name of a CSI driver."""
    causes = [] if name else [required(field)]
    if len(name) > _DRIVER_MAX:
        causes.append(Cause("FieldValueTooLong", f"Too long: may not be more than {_DRIVER_MAX} bytes", field))
    return causes + [
        invalid_value(field, name, cause.message.split(": ", 2)[-1])
        for cause in names.check_subdomain(field, name.lower())
    ]


def check_csi_node_update(spec: Spec, old: Spec) -> list[Cause]:
    """A driver that is known to a node stays as it is."""
    new = {driver.get("name"): driver for driver in spec.get("drivers") or ()}
    return [
        Cause("FieldValueInvalid", f"Invalid value: {_internal(found)}: field is immutable", "spec.drivers")
        for driver in old.get("drivers") or ()
        if (found := new.get(driver.get("name"), driver)) != driver
    ]


def _internal(driver: Spec) -> str:
    """As the API server holds it inside."""
    room = driver.get("allocatable")
    held = {
        "Name": driver.get("name", ""),
        "NodeID": driver.get("nodeID", ""),
        "TopologyKeys": driver.get("topologyKeys") or None,
        "Allocatable": None if room is None else {"Count": room.get("count")},
    }
    return "{" + ",".join(f'"{key}":{show(value)}' for key, value in held.items()) + "}"


def check_capacity(obj: Spec) -> list[Cause]:
    """A CSIStorageCapacity."""
    causes: list[Cause] = []
    if obj.get("nodeTopology") is not None:
        causes += check_selector("nodeTopology", obj["nodeTopology"])
    causes += names.check_subdomain("storageClassName", obj.get("storageClassName", ""))
    amount = obj.get("capacity")
    if amount is not None and quantity.parse(amount) < 0:
        causes.append(invalid_value("capacity", amount, "must be greater than or equal to 0"))
    return causes


def check_capacity_update(obj: Spec, old: Spec) -> list[Cause]:
    """What a capacity is about stays."""
    return [
        invalid_value(field, obj.get(field), "field is immutable")
        for field in ("nodeTopology", "storageClassName")
        if obj.get(field) != old.get(field)
    ]


def check_attributes_class(obj: Spec) -> list[Cause]:
    """A VolumeAttributesClass."""
    driver, parameters = obj.get("driverName", ""), obj.get("parameters") or {}
    causes = names.check_qualified_name("driverName", driver.lower()) if driver else [required("driverName")]
    if len(parameters) > _PARAMETERS_MAX:
        words = f"Too long: may not be more than {_PARAMETERS_MAX} bytes"
        return [*causes, Cause("FieldValueTooLong", words, "parameters")]
    causes += [invalid_value("parameters", "", "field can not be empty.") for key in parameters if not key]
    if sum(len(key) + len(value) for key, value in parameters.items()) > _PARAMETERS_SIZE:
        words = f"Too long: may not be more than {_PARAMETERS_SIZE} bytes"
        causes.append(Cause("FieldValueTooLong", words, "parameters"))
    return causes if parameters else [*causes, required("parameters", "must contain at least one key/value pair")]


def check_attributes_class_update(obj: Spec, old: Spec) -> list[Cause]:
    """A class of attributes never changes."""
    return [
        forbidden_field(field, f"updates to {field} are forbidden.")
        for field in ("driverName", "parameters")
        if (obj.get(field) or {}) != (old.get(field) or {})
    ]
