"""The Docker engine of this machine: what `docker` itself takes, and how people say it.

Only what names Docker, a container or an image is taken for it; everything else goes on meaning the cluster.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from typing import TYPE_CHECKING, Any

from assistant.offline.commands.said import parse
from assistant.offline.model import Mention, Refuse, Step, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from assistant.offline.commands.said import Said

INTERACTIVE = "A terminal in a container is not offered: say the command."
SHELLS = frozenset({"sh", "bash", "ash", "zsh", "/bin/sh", "/bin/bash"})
LOOK, CHANGE = "inspect_docker", "change_docker"
_ABOUT = re.compile(r"\b(?:docker|containers?|images?|layers?|compose|dangling|pull)\b", re.IGNORECASE)
_SHOW = r"(?:show|list|get|see)(?: me)?(?: all)?(?: the| my| our)?"
_ONE = r"(?:the |my |our )?(?:docker )?container (?P<target>[a-z0-9][a-z0-9_.-]*)"
_IMAGE = r"(?:the )?(?:image )?(?P<target>[a-z0-9][^\s=]*)"
_TAGGED = r"(?P<target>[a-z0-9][^\s=]*[:/@][^\s=]*)"
_WHICH = r"(?P<kinds>containers|images|networks|volumes|build cache)"
_HERE = r"(?:with|in|by|using|on) docker"
_QUESTIONS: tuple[tuple[str, str], ...] = (
    ("containers", rf"{_SHOW}(?: (?P<running>running))?(?: docker)? containers"),
    (
        "containers",
        r"(?:which|what) (?:docker )?containers (?:are there|do i have|are here|(?P<running>are running|run))",
    ),
    ("containers", r"(?:docker )?containers"),
    ("containers", rf"{_SHOW}(?: docker)? containers of (?:the )?(?:compose )?project (?P<project>[a-z0-9][\w-]*)"),
    ("diagnose", rf"(?:what is|what's) (?:wrong|the matter|the problem|up) with {_ONE}"),
    (
        "diagnose",
        rf"why (?:is|was|does|did|has) {_ONE} (?:not )?\w+(?: (?:start|run|up|work|again|down|restarting|healthy))?",
    ),
    ("diagnose", rf"(?:diagnose|troubleshoot|check) {_ONE}"),
    ("diagnose", rf"is {_ONE} (?:ok|okay|healthy|up|running)"),
    ("inspect", rf"(?:inspect|describe|show|examine)(?: me)? {_ONE}"),
    (
        "logs",
        rf"(?:{_SHOW} |what are )?(?:the )?(?:last (?P<tail>\d+) lines of (?:the )?)?logs? (?:of|from|for) {_ONE}",
    ),
    ("logs", rf"(?:{_SHOW} )?(?:the )?(?P<level>errors|warnings) (?:of|from|in) (?:the logs? of )?{_ONE}"),
    ("stats", rf"(?:{_SHOW} )?(?:the )?(?:stats|usage|use|statistics) of (?:{_ONE}|(?:the |all )?docker containers)"),
    ("stats", r"how much (?:memory|cpu|ram) (?:do|are) (?:the |my )?docker containers (?:use|using|take)"),
    ("images", rf"{_SHOW}(?: docker| local)?(?: (?P<dangling>dangling))? images"),
    ("images", r"(?:which|what) (?:docker )?images (?:are (?:the )?(?:biggest|largest|there|here)|do i have)"),
    ("images", r"(?:the )?(?:biggest|largest) (?:docker )?images|docker images"),
    ("layers", rf"(?:{_SHOW} )?(?:the )?(?:layers|image history) of {_IMAGE}"),
    (
        "layers",
        rf"(?:which|what) layers does {_IMAGE} have|what makes (?:the )?image (?P<other>\S+) (?:so )?(?:big|large)",
    ),
    ("projects", rf"(?:{_SHOW} |what are )?(?:the |my )?(?:docker )?compose projects(?: are there| are running)?"),
    ("disk", r"how much (?:disk )?(?:space|disk|room)(?: of the disk)? (?:does|is) docker (?:use|using|take|taking)"),
    ("disk", rf"(?:{_SHOW} )?(?:the )?(?:docker(?:'s)? disk (?:usage|use|space)|disk (?:usage|use) of docker)"),
    ("disk", r"what would (?:a )?(?:docker (?:system )?prune|cleaning up docker) (?:free|remove|delete|take away)"),
)
_CHANGES: tuple[tuple[str, str], ...] = (
    ("start", rf"start {_ONE}"),
    ("stop", rf"stop {_ONE}"),
    ("restart", rf"(?:restart|reboot) {_ONE}"),
    ("remove", rf"(?:remove|delete) {_ONE}"),
    ("prune", rf"(?:clean ?up|prune|tidy up) (?:the |my )?docker(?: {_WHICH})?"),
    (
        "prune",
        r"(?:remove|delete|clean ?up|prune) (?:the |all )?(?:unused|dangling|stopped) (?P<kinds>containers|images)",
    ),
    ("pull", rf"pull (?:the )?image (?P<target>[^\s=]+)|(?:docker )?pull {_TAGGED.replace('<target>', '<other>')}"),
    ("tag", r"tag (?:the )?image (?P<target>[^\s=]+) as (?P<name>[^\s=]+)"),
)
_RUN = (
    r"run (?P<target>[^\s=]+) as (?:a )?(?:docker )?container (?P<name>[a-z0-9][\w.-]*)(?: on port (?P<port>[\d:]+))?",
    rf"run (?P<target>[^\s=]+) as (?P<name>[a-z0-9][\w.-]*)(?: on port (?P<port>[\d:]+))? {_HERE}",
    rf"run (?P<target>[^\s=]+) {_HERE}(?: as (?P<name>[a-z0-9][\w.-]*))?(?: on port (?P<port>[\d:]+))?",
)
_IT = re.compile(r"\bit\b", re.IGNORECASE)
_LEVELS = {"errors": "error", "warnings": "warning"}
_KINDS = {"container": "containers", "image": "images", "network": "networks", "volume": "volumes"} | {
    "builder": "build_cache", "buildx": "build_cache"
}  # fmt: skip
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SINGLE = re.compile(r"[a-zA-Z0-9][\w.-]*")
_PLAIN = {"start": "start", "stop": "stop", "restart": "restart", "rm": "remove", "remove": "remove", "pull": "pull"}
_MAKES = {"p": "ports", "publish": "ports", "v": "volumes", "volume": "volumes", "e": "env", "env": "env"} | {
    "name": "name", "network": "network", "net": "network", "restart": "restart"
}  # fmt: skip
_WITHOUT_VALUE = frozenset(
    {"d", "detach", "a", "all", "f", "force", "it", "i", "t", "volumes", "q", "no-trunc", "no-stream"}
)


def match(given: Said, raw: str, last: Mention | None) -> Step | None:
    """A call of one of the two tools for Docker, a refusal, or None."""
    given = _about_last(given, last)
    if not _ABOUT.search(given.text) or given.namespace:
        return None
    return _typed(raw, asking=False) or _inside(raw) or asked(given) or _change(given)


def asked(given: Said, last: Mention | None = None) -> Step | None:
    """As `match`, of a question: it never changes anything."""
    given = _about_last(given, last)
    if not _ABOUT.search(given.text) or given.argv or given.flags:
        return None
    for action, template in _QUESTIONS:
        said = parse(template, given)
        if said is not None:
            return ToolCall(LOOK, {"action": action, **_about(said)})
    return None


def _about_last(given: Said, last: Mention | None) -> Said:
    """The text with the container that was talked about in the place of its "it"."""
    kind, _, name = last.target.partition("/") if last else ("", "", "")
    if kind != "container":
        return given
    return dataclasses.replace(given, text=_IT.sub(lambda _: f"container {name}", given.text, count=1))


def asked_typed(raw: str) -> Step | None:
    """As `asked`, of what is typed as for the `docker` command, a question mark at its end or not."""
    return _typed(raw.rstrip(" ?!"), asking=True)


def _inside(raw: str) -> Step | None:
    """`run ls -l /tmp in container web`: what would be flags elsewhere belongs to the command."""
    try:
        words = shlex.split(raw.strip().rstrip(".!"))
    except ValueError:
        return None
    if len(words) < 5 or words[0].lower() not in {"run", "execute"}:  # noqa: PLR2004
        return None
    rest = [word for word in words[-4:-1] if word.lower() != "the"]
    if [word.lower() for word in rest[-2:]] != ["in", "container"] or not _SINGLE.fullmatch(words[-1]):
        return None
    command = words[1 : -4 if words[-3].lower() == "the" else -3]
    return _command(words[-1], command) if command else None


def _command(target: str, command: list[str]) -> Step:
    if len(command) == 1 and command[0] in SHELLS:
        return Refuse(INTERACTIVE, hint=f"Such as `docker exec {target} ls -l`.")
    return ToolCall(CHANGE, {"action": "exec", "target": target, "command": command})


def _about(said: dict[str, str]) -> dict[str, Any]:
    target = said.get("target") or said.get("other")
    return {
        **({"target": target} if target else {}),
        **({"project": said["project"]} if said.get("project") else {}),
        **({"running": True} if said.get("running") else {}),
        **({"dangling": True} if said.get("dangling") else {}),
        **({"tail_lines": int(said["tail"])} if said.get("tail") else {}),
        **({"level": _LEVELS[said["level"].lower()]} if said.get("level") else {}),
    }


def _change(given: Said) -> Step | None:
    if given.flags or given.argv:
        return None
    for template in _RUN:
        if (said := parse(template, given)) is not None:
            more = {"name": said["name"]} if said["name"] else {}
            ports = {"ports": [said["port"]]} if said["port"] else {}
            return ToolCall(CHANGE, {"action": "run", "target": said["target"], **more, **ports})
    for action, template in _CHANGES:
        if (said := parse(template, given)) is not None:
            kinds = {"kinds": [said["kinds"].lower().replace(" ", "_")]} if said.get("kinds") else {}
            name = {"name": said["name"]} if said.get("name") else {}
            return ToolCall(CHANGE, {"action": action, **_about(said), **name, **kinds})
    return None


def _typed(raw: str, *, asking: bool) -> Step | None:
    """What is typed as for the `docker` command itself; what follows an image or a container is a program's own."""
    try:
        words = shlex.split(raw.strip())
    except ValueError:
        return None
    if len(words) < 2 or words[0].lower() != "docker":  # noqa: PLR2004
        return None
    command, rest = words[1].lower(), words[2:]
    if command == "container" and rest:
        command, rest = rest[0].lower(), rest[1:]
        command = {"ls": "ps", "list": "ps", "prune": "container"}.get(command, command)
        rest = ["prune", *rest] if command == "container" else rest
    if [command, *rest] in (["system", "df"], ["image", "ls"]):
        return _look("disk" if command == "system" else "images")
    look = _LOOKED.get(command)
    if look is not None:
        return look(rest)
    if asking:
        return None
    if command in _PLAIN:
        names = [word for word in rest if not word.startswith("-")]
        if len(names) != 1 or (set(rest) - set(names)) - {"-f", "--force"}:
            return None
        return ToolCall(CHANGE, {"action": _PLAIN[command], "target": names[0]})
    if command == "tag" and len(rest) == 2:  # noqa: PLR2004
        return ToolCall(CHANGE, {"action": "tag", "target": rest[0], "name": rest[1]})
    if command in {"run", "exec"}:
        return _run(rest) if command == "run" else _exec(rest)
    return _prune(command, rest)


def _options(words: list[str]) -> tuple[dict[str, list[str]], list[str]] | None:
    """The options before the first plain word, and the rest; None where a value is missing."""
    options: dict[str, list[str]] = {}
    left = list(words)
    while left and left[0].startswith("-") and left[0] != "--":
        name, equals, value = left.pop(0).lstrip("-").partition("=")
        if not equals and name not in _WITHOUT_VALUE:
            if not left:
                return None
            value = left.pop(0)
        options.setdefault(name, []).append(value)
    return options, left


def _run(words: list[str]) -> Step | None:
    read = _options(words)
    if read is None or not read[1]:
        return None
    options, (image, *command) = read[0], read[1]
    unknown = set(options) - set(_MAKES) - {"d", "detach", "it", "i", "t"}
    if unknown:
        said = ", ".join(f"{'-' if len(name) == 1 else '--'}{name}" for name in sorted(unknown))
        return Refuse(f"I do not know what to do with {said}, so nothing is done.")
    made: dict[str, Any] = {}
    for name, values in options.items():
        field = _MAKES.get(name)
        if field in {"ports", "volumes"}:
            made[field] = [*made.get(field, []), *values]
        elif field == "env":
            pairs = (value.partition("=") for value in values)
            made["env"] = {**made.get("env", {}), **{key: value for key, _, value in pairs}}
        elif field:
            made[field] = values[-1]
    more = {"command": command} if command else {}
    return ToolCall(CHANGE, {"action": "run", "target": image, **made, **more})


def _exec(words: list[str]) -> Step | None:
    read = _options(words)
    if read is None or len(read[1]) < 2 or set(read[0]) - {"it", "i", "t", "d"}:  # noqa: PLR2004
        return None
    target, *command = read[1]
    return _command(target, command)


def _prune(command: str, rest: list[str]) -> Step | None:
    words = [word for word in rest if word not in {"-f", "--force"}]
    if command == "system" and words in (["prune"], ["prune", "--volumes"]):
        kinds = {"kinds": ["containers", "images", "networks", "volumes", "build_cache"]} if len(words) > 1 else {}
        return ToolCall(CHANGE, {"action": "prune", **kinds})
    if command == "prune" and not words:
        return ToolCall(CHANGE, {"action": "prune"})
    if command in _KINDS and words == ["prune"]:
        return ToolCall(CHANGE, {"action": "prune", "kinds": [_KINDS[command]]})
    if command == "image" and words[:1] == ["pull"] and len(words) == 2:  # noqa: PLR2004
        return ToolCall(CHANGE, {"action": "pull", "target": words[1]})
    return None


def _look(action: str, **arguments: Any) -> ToolCall:
    return ToolCall(LOOK, {"action": action, **arguments})


def _ps(rest: list[str]) -> Step | None:
    if not rest:
        # As docker has it: those that run.
        return _look("containers", running=True)
    return _look("containers") if rest in (["-a"], ["--all"]) else None


def _logs(rest: list[str]) -> Step | None:
    options: dict[str, Any] = {}
    words, followed = list(rest), False
    names = []
    while words:
        word = words.pop(0)
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("-"):
            names.append(word)
        elif name in {"f", "follow", "t", "timestamps"}:
            followed = followed or name in {"f", "follow"}
        elif name in {"n", "tail", "since"} and (equals or words):
            value = value if equals else words.pop(0)
            if name == "since":
                if not (found := re.fullmatch(r"(\d+)([smhd])", value)):
                    return None
                options["since_seconds"] = int(found[1]) * _SECONDS[found[2]]
            elif value.isdigit() and value != "0":
                options["tail_lines"] = min(int(value), 500)
            else:
                return None
        else:
            return None
    if len(names) != 1:
        return None
    note = "A container's log is not followed: these are its last lines." if followed else ""
    return dataclasses.replace(_look("logs", target=names[0], **options), note=note)


def _of(action: str, *, needed: bool = True) -> Callable[[list[str]], Step | None]:
    def read(rest: list[str]) -> Step | None:
        names = [word for word in rest if word not in {"--no-stream", "--no-trunc", "-a", "--all"}]
        if len(names) > 1 or (needed and not names) or (names and names[0].startswith("-")):
            return None
        return _look(action, **({"target": names[0]} if names else {}))

    return read


def _words(action: str, *allowed: list[str]) -> Callable[[list[str]], Step | None]:
    return lambda rest: _look(action) if rest in allowed else None


_LOOKED: dict[str, Callable[[list[str]], Step | None]] = {
    "ps": _ps,
    "logs": _logs,
    "inspect": _of("inspect"),
    "stats": _of("stats", needed=False),
    "history": _of("layers"),
    "images": _words("images", [], ["-a"]),
    "compose": _words("projects", ["ls"], ["ls", "-a"]),
}
"""What only looks, by the command's first word."""
