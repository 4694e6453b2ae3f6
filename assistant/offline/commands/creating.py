"""Making objects: "deploy redis", "create configmap settings with mode=fast", `kubectl create`, `run` and `expose`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from assistant.offline.commands.said import GLUE, NAME, Said, number, pairs, parse, pattern, spaced, target
from assistant.offline.model import Clarify, Mention, Refuse, Step, ToolCall
from assistant.offline.words import kinds

TOOL = "create_resource"
KNOWN = {
    "redis": ("redis:7-alpine", 6379),
    "nginx": ("nginx:alpine", 80),
    "memcached": ("memcached:1-alpine", 11211),
    "rabbitmq": ("rabbitmq:4-alpine", 5672),
    "nats": ("nats:2-alpine", 4222),
}
"""Official images that start without settings, and the port they listen on."""
TYPES = {"clusterip": "ClusterIP", "nodeport": "NodePort", "loadbalancer": "LoadBalancer"}
Use = Callable[[re.Match[str], str, "Mention | None"], "dict[str, Any] | None"]
"""From a clause to the arguments it gives; None where it means nothing for the kind."""
ANY: frozenset[str] = frozenset()
CLAIMS = frozenset({"pvc", "persistentvolumeclaim"})
ROLES = frozenset({"role", "clusterrole"})
WITH_CONTAINER = frozenset({"deployment", "deploy", "pod", "job", "cronjob"})
_KINDS = (
    "deployment|deploy|pod|job|cronjob|configmap|cm|secret|namespace|ns|serviceaccount|sa|role|clusterrole|quota|"
    "resourcequota|service|svc|ingress|ing|pvc|persistentvolumeclaim|pdb|poddisruptionbudget|networkpolicy|netpol"
)
CREATE = (
    rf"(?:create|make|add) (?:a |an )?(?:new )?(?P<kind>{_KINDS})(?: generic)?(?: named| called)? <name>(?: <rest>)?"
)
DEPLOY = r"(?:deploy|start|run|launch|set up) (?:a |an )?(?:new )?<image>(?: (?:as|named|called) <name>)?(?: <rest>)?"
EXPOSE = (
    r"expose <target>(?: (?:on|at|as|with)(?: port)? <port>)?(?: (?:to|leading to)(?: target)?(?: port)? <to:port>)?"
    r"(?: (?:as|with|of)(?: a| type)? (?P<type>clusterip|nodeport|loadbalancer))?"
)
ALLOW = (
    r"allow (?P<sources>[a-z0-9./-]+(?: and [a-z0-9./-]+)*?) to (?:reach|talk to|connect to|access|call) <target>"
    r"(?: on(?: port)? <port>)?"
)
BIND = (
    r"(?:bind|grant|give) (?:the )?(?P<role>(?:cluster)?role[ /]<name>) to "
    r"(?P<who>(?:serviceaccount|sa|user|group)[ /]\S+)"
)


def match(given: Said, last: Mention | None) -> Step | None:
    """A call of the tool that makes objects, a question back, or None."""
    return (
        _kubectl(given)
        or _create(given, last)
        or _expose(given, last)
        or _allow(given, last)
        or _bind(given)
        or _deploy(given)
    )


def _call(given: Said, kind: str, name: str, **fields: Any) -> ToolCall:
    kept = {key: value for key, value in fields.items() if value not in (None, "", [], {})}
    return ToolCall(TOOL, {"kind": kind, "name": name.lower(), **kept, **given.namespace})


def _create(given: Said, last: Mention | None) -> Step | None:
    found = parse(CREATE, given)
    if found is None or given.flags.keys() - {"namespace"} or given.argv:
        return None
    kind = found["kind"].lower()
    fields = _clauses(found["rest"], kind, last)
    return _call(given, kind, found["name"], **fields) if fields is not None else None


def _clauses(text: str, kind: str, last: Mention | None) -> dict[str, Any] | None:
    """What "with image nginx and 3 replicas on port 80" says; None where a word is left over."""
    fields: dict[str, Any] = {}
    while text:
        for template, use in _CLAUSES:
            found = pattern(template + r"(?: |$)").match(text)
            said = use(found, kind, last) if found else None
            if found and said is not None and not fields.keys() & said.keys() - {"data", "env"}:
                for key, value in said.items():
                    fields[key] = fields.get(key, {}) | value if isinstance(value, dict) else value
                text = text[found.end() :]
                break
        else:
            return None
    return fields


def _take(field: str, group: str, convert: Callable[[str], Any] = str, kinds_of: frozenset[str] = ANY) -> Use:
    def use(found: re.Match[str], kind: str, _: Mention | None) -> dict[str, Any] | None:
        return {field: convert(found[group])} if not kinds_of or kind in kinds_of else None

    return use


def _argv(text: str) -> list[str]:
    return [spaced(word) for word in text.split(" ")]


def _type(text: str) -> str:
    return TYPES[text.lower()]


def _for(found: re.Match[str], _: str, last: Mention | None) -> dict[str, Any] | None:
    what = target(found["target"], last)
    return {"target": what} if what else None


def _values(found: re.Match[str], kind: str, _: Mention | None) -> dict[str, Any]:
    # ConfigMaps and the like hold the pairs; a container gets them as its environment.
    return {"env" if kind in WITH_CONTAINER else "data": pairs(found["pairs"])}


def _rule(found: re.Match[str], kind: str, _: Mention | None) -> dict[str, Any] | None:
    return {"rules": [f"{found['verbs']} {found['resources']}"]} if kind in ROLES else None


def _from(found: re.Match[str], kind: str, last: Mention | None) -> dict[str, Any] | None:
    if kind not in {"networkpolicy", "netpol"}:
        return None
    return {"subjects": [target(word, last) for word in re.split(r" and |,| ", found["sources"]) if word]}


_WITH = r"(?:(?:with|and|from|using|of|on|at|as|has|having) )*(?:the )?"
_CRON = rf"(?:\S+{GLUE}){{4}}\S+|(?:[\d*/,-]+ ){{4}}[\d*/,-]+|@[a-z]+"
_CLAUSES: tuple[tuple[str, Use], ...] = (
    (f"{_WITH}image <image>", _take("image", "image")),
    (f"{_WITH}<number> (?:replicas?|pods?|copies|instances|available)", _take("replicas", "number", number)),
    (f"{_WITH}(?:target port|to port) <port>", _take("target_port", "port", int)),
    (f"{_WITH}port <port>", _take("port", "port", int)),
    (r"(?:as|of)(?: a)?(?: type)? (?P<type>clusterip|nodeport|loadbalancer)", _take("type", "type", _type)),
    (r"for (?:workload )?<target>", _for),
    (f"{_WITH}host <word>", _take("host", "word")),
    (f"{_WITH}path <word>", _take("path", "word")),
    (rf"{_WITH}schedule (?P<schedule>{_CRON})", _take("schedule", "schedule", spaced)),
    (r"(?:of|with)(?: size)? (?P<size>\d+(?:[KMGT]i?)?)", _take("size", "size", kinds_of=CLAIMS)),
    (r"(?:to|that can|which can|may) (?P<verbs>[a-z,*]+) (?P<resources>[a-z0-9,./*-]+)", _rule),
    (r"from (?P<sources>[a-z0-9./-]+(?:(?: and |,)[a-z0-9./-]+)*)", _from),
    (r"(?:running|that runs) (?P<command>.+)", _take("command", "command", _argv)),
    (f"{_WITH}(?:env |environment )?<pairs>", _values),
)


def _deploy(given: Said) -> Step | None:
    found = parse(DEPLOY, given)
    if found is None or given.flags.keys() - {"namespace"} or given.argv:
        return None
    image, name = found["image"], found["name"]
    fields = _clauses(found["rest"], "deployment", None)
    if fields is None or "image" in fields or image.lower() in kinds():
        return None
    known = KNOWN.get(image.lower())
    if known and not name:
        return _call(given, "deployment", image.lower(), **{"image": known[0], "port": known[1], **fields})
    if ":" not in image and not (name and "/" in image):
        return None
    if not name:
        base = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
        if not re.fullmatch(NAME, base) or found["rest"]:
            return None
        hint = "A new version of what runs is set by `set image of NAME to IMAGE`."
        return Refuse("Is that a new Deployment? Then it needs a name.", (f"deploy {image} as {base}",), hint)
    return _call(given, "deployment", name, image=image, **fields)


def _expose(given: Said, last: Mention | None) -> Step | None:
    found = parse(EXPOSE, given)
    if found is None or not given.only("port", "target-port", "type", "name") or given.argv:
        return None
    what = target(found["target"], last)
    port, to = given.one("port") or found["port"], given.one("target-port") or found["to"]
    kind = TYPES.get((given.one("type") or found["type"]).lower())
    if (given.one("type") and not kind) or not all(text.isdigit() for text in (port, to) if text):
        return None
    fields = {"port": int(port) if port else None, "target_port": int(to) if to else None, "type": kind}
    name = given.one("name") or what.rpartition("/")[2]
    step = _call(given, "service", name, target=what, **fields)
    return step if what else Clarify("What is to be exposed?", step, "target")


def _allow(given: Said, last: Mention | None) -> Step | None:
    found = parse(ALLOW, given)
    if found is None or not given.only():
        return None
    sources = [target(word, last) for word in found["sources"].split(" and ")]
    what = target(found["target"], last)
    if not what:
        return None
    names = "-".join(source.rpartition("/")[2] for source in sources)
    port = int(found["port"]) if found["port"] else None
    name = f"allow-{names}-to-{what.rpartition('/')[2]}"
    return _call(given, "networkpolicy", name, target=what, subjects=sources, port=port)


def _bind(given: Said) -> Step | None:
    found = parse(BIND, given)
    if found is None or not given.only():
        return None
    role, who = found["role"].replace(" ", "/", 1), found["who"].replace(" ", "/", 1)
    name = f"{found['name']}-{who.rpartition('/')[2].rpartition(':')[2]}"
    return _call(given, "rolebinding", name, target=role.lower(), subjects=[who])


def _kubectl(given: Said) -> Step | None:
    """The flags of `kubectl create KIND NAME` and `kubectl run NAME`."""
    found = parse(rf"create (?P<kind>{_KINDS}|rolebinding|clusterrolebinding)(?: generic)? <name>", given)
    if found is None and given.flags.keys() & {"image"}:
        found = parse("run <name>", given)
        found = found and {"kind": "pod", **found}
    if found is None or not (given.flags.keys() - {"namespace"} or given.argv):
        return None
    fields: dict[str, Any] = {"command": list(given.argv)}
    for flag, values in given.flags.items():
        use = _FLAGS.get(flag)
        read = use(values) if use else ({} if flag in {"namespace", "restart"} else None)
        if read is None:
            return None
        fields |= read
    if "verbs" in fields or "resources" in fields:
        fields["rules"] = [f"{fields.pop('verbs', '')} {fields.pop('resources', '')}"]
    kind = "resourcequota" if found["kind"].lower() == "quota" else found["kind"].lower()
    return _call(given, kind, found["name"], **fields)


def _number(values: list[str], name: str) -> dict[str, Any] | None:
    return {name: int(values[0])} if len(values) == 1 and values[0].isdigit() else None


def _listed(values: list[str]) -> dict[str, str]:
    return pairs(" ".join(part.replace(" ", "\x00") for value in values for part in value.split(",")))


def _ingress(values: list[str]) -> dict[str, Any] | None:
    found = re.fullmatch(r"(?P<host>[^/=]+)(?P<path>/[^=*]*)?\*?=(?P<service>[^:]+):(?P<port>\d+)", values[0])
    if found is None or len(values) > 1:
        return None
    return {"host": found["host"], "path": found["path"], "target": found["service"], "port": int(found["port"])}


_FLAGS: dict[str, Callable[[list[str]], dict[str, Any] | None]] = {
    "image": lambda values: {"image": values[0]},
    "replicas": lambda values: _number(values, "replicas"),
    "port": lambda values: _number(values, "port"),
    "env": lambda values: {"env": pairs(" ".join(value.replace(" ", "\x00") for value in values))},
    "from-literal": lambda values: {"data": pairs(" ".join(value.replace(" ", "\x00") for value in values))},
    "schedule": lambda values: {"schedule": values[0]},
    "verb": lambda values: {"verbs": ",".join(values)},
    "resource": lambda values: {"resources": ",".join(values)},
    "role": lambda values: {"target": f"role/{values[0]}"},
    "clusterrole": lambda values: {"target": f"clusterrole/{values[0]}"},
    "serviceaccount": lambda values: {"subjects": [f"serviceaccount/{value}" for value in values]},
    "user": lambda values: {"subjects": [f"user/{value}" for value in values]},
    "group": lambda values: {"subjects": [f"group/{value}" for value in values]},
    "hard": lambda values: {"data": _listed(values)},
    "rule": _ingress,
}
