"""Settings of what is there: environment, resources, labels, fields, sizes, traffic; and manifests from files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from assistant.offline.commands.said import Said, pairs, parse, spaced, target
from assistant.offline.model import Clarify, Manifest, Mention, Step, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterator

ENV = (
    r"set env(?:ironment)?(?: of| on| for)? <target> (?P<given>\S+(?: (?:and )?\S+)*)",
    r"set (?:the )?(?:env(?:ironment)?(?: variables?)? )?<pairs> (?:on|for|in|of) <target>",
)
_VARIABLE = r"(?:the )?env(?:ironment)?(?: variable)? (?P<key>[A-Za-z_][\w.-]*)"
ENV_TO = (
    rf"set {_VARIABLE} (?:of|on|for|in) <target> to (?P<value>\S+)",
    rf"set {_VARIABLE} to (?P<value>\S+) (?:of|on|for|in) <target>",
)
UNSET = rf"(?:unset|remove|delete) {_VARIABLE} (?:of|on|from|in) <target>"
RESOURCES = "set resources(?: of| on| for)? <target>"
RESOURCE = (
    r"(?:set|change) (?:the )?(?P<what>cpu|memory) (?P<side>limit|request)s? (?:of|on|for) <target> to <quantity>",
    r"(?:set|change) (?:the )?(?P<what>cpu|memory) (?P<side>limit|request)s? to <quantity> (?:of|on|for) <target>",
    r"(?:give|grant) <target> <quantity>(?: of)? (?P<what>memory|cpu)(?P<side>)",
)
MARKS = r"(?P<verb>label|annotate) <target> (?P<given>\S+(?: (?:and )?\S+)*)"
FIELD = r"set (?P<path>(?:spec|data|metadata|subsets|rules)[.\[]\S+) of <target> to (?P<value>\S+)"
PATCH = "patch <target>"
EXPAND = r"(?:expand|grow|resize|enlarge) (?:the )?(?:pvc|persistentvolumeclaim|volume|claim)[ /]<name> to <quantity>"
_LEAD = "(?:switch|move|lead|send|shift|route)"
SWITCH = (
    rf"{_LEAD} (?:all )?(?:the )?traffic (?:of|from|for) (?:service[ /])?<name> to <target>",
    r"switch (?:service[ /])<name> to <target>",
)
CANARY = (
    rf"{_LEAD} (?P<percent>\d{{1,2}}) ?(?:%|percent)(?: of)?(?: the)?(?: traffic)? "
    r"(?:of|from|for) (?:service[ /])?<name> to <target>"
)
POINT = r"(?:point|connect) <target> (?:at|to) (?:service[ /])?(?P<service>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|it)"
FILE = r"(?P<verb>apply|diff|compare)(?: the)?(?: manifests?| file| folder)?(?: from| in)? (?P<source>\S*[./]\S*|-)"
DRAINS = ("ignore-daemonsets", "delete-emptydir-data", "delete-local-data", "timeout", "grace-period")
NUMBER_WORDS = {"mb": "Mi", "mib": "Mi", "gb": "Gi", "gib": "Gi"}


def match(given: Said, last: Mention | None) -> Step | None:
    """A call of a changing tool, a manifest to read, a question back, or None."""
    for read in (_flagged, _env, _resources, _marks, _field, _patch, _expand, _traffic, _point, _manifest):
        step = read(given, last)
        if step is not None:
            return step
    return None


def _flagged(given: Said, last: Mention | None) -> Step | None:
    """The commands of kubectl whose numbers and conditions are flags."""
    found = parse("autoscale <target>", given)
    if found and given.only("min", "max", "cpu-percent", "cpu"):
        low, high = given.one("min") or "1", given.one("max") or ""
        cpu = (given.one("cpu-percent") or given.one("cpu") or "80").rstrip("%")
        if not (low.isdigit() and high.isdigit() and cpu.isdigit()):
            return None
        bounds = {"min": int(low), "max": int(high), "cpu_percent": int(cpu)}
        return _call("scale", target(found["target"], last), given, **bounds)
    found = parse("drain (?:nodes?[ /])?<name>", given)
    if found and given.flags and given.only(*DRAINS):
        # Pods of DaemonSets stay and what is in an emptyDir is lost in any case: the plan says so.
        return ToolCall("node_maintenance", {"node": found["name"].lower(), "action": "drain"})
    return None


def _call(tool: str, what: str, given: Said, **arguments: Any) -> Step:
    step = ToolCall(tool, {**({"target": what} if what else {}), **arguments, **given.namespace})
    return step if what else Clarify("Which one do you mean?", step, "target")


def _container(given: Said) -> dict[str, str]:
    return {"container": given.flags["container"][0]} if "container" in given.flags else {}


def _configured(found: dict[str, str], given: Said, last: Mention | None, **what: Any) -> Step:
    return _call("configure_workload", target(found["target"], last), given, **what, **_container(given))


def _env(given: Said, last: Mention | None) -> Step | None:
    if not given.only("container") or given.argv:
        return None
    for template in (*ENV_TO, UNSET):
        found = parse(template, given)
        if found:
            return _configured(
                found, given, last, env={found["key"]: spaced(found["value"]) if "value" in found else None}
            )
    for template in ENV:
        found = parse(template, given)
        env = _assigned(found.get("given") or found["pairs"]) if found else None
        if found and env:
            return _configured(found, given, last, env=env)
    return None


def _assigned(text: str) -> dict[str, str | None] | None:
    """`A=1 B-` as what is set and what is taken away; None where a word is neither."""
    given: dict[str, str | None] = {}
    for word in text.split(" "):
        key, equals, value = word.partition("=")
        if equals and key:
            given[key] = spaced(value)
        elif re.fullmatch(r"[\w./-]+-", word):
            given[word[:-1]] = None
        elif word.lower() != "and":
            return None
    return given


def _resources(given: Said, last: Mention | None) -> Step | None:
    found = parse(RESOURCES, given)
    if found and given.only("limits", "requests", "container") and given.flags.keys() & {"limits", "requests"}:
        sides = given.flags.keys() & {"limits", "requests"}
        wanted = {side: pairs(given.flags[side][0].replace(",", " ")) for side in sorted(sides)}
        return _configured(found, given, last, **wanted)
    if not given.only("container"):
        return None
    for template in RESOURCE:
        found = parse(template, given)
        if found:
            # "give it 512Mi" is about what it may use at most.
            side = f"{(found['side'] or 'limit').lower()}s"
            return _configured(found, given, last, **{side: {found["what"].lower(): _quantity(found["quantity"])}})
    return None


def _quantity(text: str) -> str:
    found = re.fullmatch(r"([\d.]+) ?([A-Za-z]*)", text)
    if found is None:
        return text
    return found[1] + NUMBER_WORDS.get(found[2].lower(), found[2])


def _marks(given: Said, last: Mention | None) -> Step | None:
    found = parse(MARKS, given)
    marks = _assigned(found["given"]) if found and given.only() else None
    if not found or not marks:
        return None
    which = "labels" if found["verb"].lower() == "label" else "annotations"
    return _call("patch_resource", target(found["target"], last), given, **{which: marks})


def _field(given: Said, last: Mention | None) -> Step | None:
    found = parse(FIELD, given)
    if not found or not given.only():
        return None
    fields = {found["path"]: _json(spaced(found["value"]))}
    return _call("patch_resource", target(found["target"], last), given, fields=fields)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _patch(given: Said, last: Mention | None) -> Step | None:
    """`kubectl patch`, as far as a merge patch names fields: a list in it would be replaced whole."""
    found = parse(PATCH, given)
    if not found or not given.only("patch", "type") or given.one("type") not in {None, "merge", "strategic"}:
        return None
    body = _json(given.one("patch") or "")
    if not isinstance(body, dict):
        return None
    fields = dict(_leaves(body, ""))
    return _call("patch_resource", target(found["target"], last), given, fields=fields) if fields else None


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and (value or not path):
        for key, item in value.items():
            step = f"[{key}]" if "." in key and path else f".{key}" if path else key
            yield from _leaves(item, path + step)
    else:
        yield path, value


def _expand(given: Said, _: Mention | None) -> Step | None:
    found = parse(EXPAND, given)
    if not found or not given.only():
        return None
    fields = {"spec.resources.requests.storage": _quantity(found["quantity"])}
    return _call("patch_resource", f"persistentvolumeclaims/{found['name'].lower()}", given, fields=fields)


def _traffic(given: Said, last: Mention | None) -> Step | None:
    if not given.only():
        return None
    for template in (*SWITCH, CANARY):
        found = parse(template, given)
        if found and target(found["target"], last):
            share = {"percent": int(found["percent"])} if "percent" in found else {}
            what = target(found["target"], last)
            return _call("rollout", what, given, action="serve", service=found["name"].lower(), **share)
    return None


def _point(given: Said, last: Mention | None) -> Step | None:
    found = parse(POINT, given)
    if not found or not given.only("container"):
        return None
    service = target(found["service"], last).rpartition("/")[2]
    if not service or found["target"].lower() == "it":
        return None
    return _call("configure_workload", target(found["target"], None), given, connect_to=service, **_container(given))


def _manifest(given: Said, _: Mention | None) -> Step | None:
    found = parse(FILE, given)
    if found is None and "filename" in given.flags:
        found = parse(r"(?P<verb>apply|create|diff)(?P<source>)", given)
        if found:
            found["source"] = given.flags["filename"][0]
    if not found or not given.only("filename", "R", "server-side") or len(given.flags.get("filename", ())) > 1:
        return None
    tool = "apply_manifest" if found["verb"].lower() in {"apply", "create"} else "diff_manifest"
    return Manifest(spaced(found["source"]), ToolCall(tool, dict(given.namespace)))
