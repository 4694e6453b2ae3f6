"""What an image's configuration, history and files say against it; one small rule each."""

from __future__ import annotations

import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from mcp_tools.docker.scanning.files import kind_of_program
from mcp_tools.docker.scanning.inventory import Image, entries
from mcp_tools.docker.scanning.layers import removed_by
from mcp_tools.docker.scanning.model import Finding, Severity
from mcp_tools.reads.answer import clip
from mcp_tools.redaction import MASK, is_secret_name, redact, redact_text

_SHOWN = 5
_SHORTEST = 4
_MEBIBYTE = 1024 * 1024
_SMALL_CACHE = _MEBIBYTE
_WIDTH = 160
_HARMLESS_CAPABILITIES = {"net_bind_service"}
_ADMINISTRATION = {"22": "SSH", "23": "Telnet", "2375": "the Docker engine", "3389": "remote desktop", "5900": "VNC"}
_REMOTE_ADD = re.compile(r"(?:^|\s)ADD\s+(?:--\S+\s+)*(?:\S+\s+)*?https?://", re.IGNORECASE)
_PIPED = re.compile(r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:ba|da|z|a)?sh\b")

Rule = Callable[[Image], Iterator[Finding]]


def configuration_findings(image: Image) -> list[Finding]:
    """Everything that is found, the worst first; what is secret is masked in it."""
    found = [finding for rule in RULES for finding in rule(image)]
    return sorted(found, key=lambda one: (-one.severity, one.code, one.layer, one.where))


def _root(image: Image) -> Iterator[Finding]:
    user = str(_settings(image).get("User") or "").partition(":")[0]
    if user in {"", "0", "root"}:
        yield Finding(
            "runs-as-root",
            Severity.MEDIUM,
            "The container runs as root",
            "Make a user and name it by its number at the Dockerfile's end: USER 10001:10001",
        )
    elif not user.isdigit():
        yield Finding(
            "user-by-name",
            Severity.LOW,
            "The user is given by name, which Kubernetes' runAsNonRoot cannot check",
            "Give it by its number: USER 10001:10001",
            (f"USER {clip(user, _WIDTH)}",),
        )


def _secrets_in_environment(image: Image) -> Iterator[Finding]:
    for entry in _list(_settings(image).get("Env")):
        name, _, value = str(entry).partition("=")
        if value and ((is_secret_name(name) and not _is_reference(value)) or redact_text(str(entry)) != str(entry)):
            yield Finding(
                "secret-in-environment",
                Severity.HIGH,
                "A secret is set in the image's environment, readable by whoever has the image",
                "Give it when the container starts (a Secret, --env-file); and replace the value",
                (f"{name}={MASK}",),
            )


def _secrets_in_command(image: Image) -> Iterator[Finding]:
    settings = _settings(image)
    for name in ("Entrypoint", "Cmd", "Labels"):
        masked = redact(settings.get(name))
        if masked != settings.get(name):
            shown = " ".join(map(str, masked)) if isinstance(masked, list) else str(masked)
            yield Finding(
                "secret-in-command",
                Severity.HIGH,
                f"A secret stands in the image's {name}",
                "Give it when the container starts (a Secret, a file), and replace the value",
                (_around(shown),),
            )


def _secrets_in_history(image: Image) -> Iterator[Finding]:
    values = [str(entry).partition("=")[2] for entry in _list(_settings(image).get("Env"))]
    for layer, words in _history(image):
        # What still stands in the environment is told there.
        rest = words
        for value in values:
            rest = rest.replace(value, "") if len(value) >= _SHORTEST else rest
        masked = redact_text(rest)
        if masked != rest:
            yield Finding(
                "secret-in-history",
                Severity.HIGH,
                "A secret stands in the image's history, which `docker history` shows",
                "Give it to the build by RUN --mount=type=secret, and replace the value",
                (_around(masked),),
                layer,
            )


def _sensitive_files(image: Image) -> Iterator[Finding]:
    groups: dict[tuple[str, Severity, int, int | None], list[str]] = defaultdict(list)
    for index, path, kind in entries(image.contents, "sensitive"):
        groups[kind.kind, kind.severity, index, removed_by(image.contents, index, path)].append(path)
    for (kind, severity, index, removed), paths in groups.items():
        still = f"; layer {removed + 1} removes it, and whoever has the image still reads it" if removed else ""
        yield Finding(
            "sensitive-file",
            severity,
            f"{_article(kind)} is in layer {index + 1}{still}",
            "Keep it out by .dockerignore or RUN --mount=type=secret, build again, and replace what was in it",
            _shown(paths),
            index + 1,
            len(paths),
        )


def _privileged_files(image: Image) -> Iterator[Finding]:
    modes = [(layer, path, mode) for layer, path, mode in image.visible("modes")]
    privileged = [one for one in modes if one[2] & (stat.S_ISUID | stat.S_ISGID)]
    if privileged:
        yield Finding(
            "setuid-files",
            Severity.LOW,
            "Programs that run with their owner's or group's rights (setuid, setgid)",
            "Remove the bits, RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +, or run with "
            "allowPrivilegeEscalation: false",
            _shown([path for _, path, _ in privileged]),
            count=len(privileged),
        )
    writable = [path for _, path, mode in modes if mode & stat.S_IWOTH]
    writable += [f"{path}/" for _, path, _ in image.visible("writable")]
    if writable:
        yield Finding(
            "world-writable",
            Severity.MEDIUM,
            "Files or folders that every user may change",
            "RUN chmod -R o-w on them, or COPY --chmod",
            _shown(writable),
            count=len(writable),
        )


def _capabilities(image: Image) -> Iterator[Finding]:
    for layer, path, names in image.visible("capabilities"):
        given = [name for name in names if name not in _HARMLESS_CAPABILITIES]
        yield Finding(
            "file-capabilities",
            Severity.MEDIUM if given else Severity.NEGLIGIBLE,
            f"A program gives whoever runs it {', '.join(f'cap_{name}' for name in names) or 'a capability'}",
            "Remove it (setcap -r) unless the program needs it, and drop the others: securityContext.capabilities",
            (f"/{path}",),
            layer,
        )


def _ports(image: Image) -> Iterator[Finding]:
    exposed = _settings(image).get("ExposedPorts")
    ports = sorted(str(port) for port in exposed) if isinstance(exposed, dict) else []
    numbers = [port.partition("/")[0] for port in ports]
    for number in numbers:
        if number in _ADMINISTRATION:
            yield Finding(
                "administration-port",
                Severity.HIGH,
                f"It exposes port {number}, which is {_ADMINISTRATION[number]}",
                "Administer by docker exec or kubectl exec, and remove the port and its server",
                (f"EXPOSE {number}",),
            )
    low = [number for number in numbers if number.isdigit() and int(number) < 1024 and number not in _ADMINISTRATION]  # noqa: PLR2004
    if low and any(_root(image)):
        yield Finding(
            "privileged-port",
            Severity.LOW,
            "It listens on a port that used to need root",
            "Listen on a port of 1024 or above, and map it where the container runs",
            tuple(f"EXPOSE {number}" for number in low),
        )


def _health(image: Image) -> Iterator[Finding]:
    check = _settings(image).get("Healthcheck")
    test = _list(check.get("Test")) if isinstance(check, dict) else []
    if not test or test[0] == "NONE":
        yield Finding(
            "no-healthcheck",
            Severity.LOW,
            "It has no HEALTHCHECK",
            "HEALTHCHECK CMD with a request to the program; Kubernetes takes probes instead",
        )


def _tag(image: Image) -> Iterator[Finding]:
    name = image.name.rpartition("/")[2]
    if "@" not in image.name and not image.name.startswith("sha256:") and name.partition(":")[2] in {"", "latest"}:
        yield Finding(
            "latest-tag",
            Severity.LOW,
            "Its tag is latest, which is another image tomorrow",
            "Give it a version's tag, and deploy by that or by digest",
            (clip(image.name, _WIDTH),),
        )


def _downloads(image: Image) -> Iterator[Finding]:
    for layer, words in _history(image):
        if _REMOTE_ADD.search(words) and "--checksum" not in words:
            yield Finding(
                "add-from-url",
                Severity.MEDIUM,
                "A file is added from an address without a checksum",
                "ADD --checksum=sha256:…, so that another content fails the build",
                (clip(redact_text(words), _WIDTH),),
                layer,
            )
        if _PIPED.search(words):
            yield Finding(
                "download-to-shell",
                Severity.MEDIUM,
                "A download is run by a shell unseen",
                "Download it, compare its checksum, then run it",
                (clip(redact_text(words), _WIDTH),),
                layer,
            )


def _caches(image: Image) -> Iterator[Finding]:
    for number, layer in enumerate(image.contents, start=1):
        for owner, size in sorted(layer.caches.items()):
            if size >= _SMALL_CACHE:
                yield Finding(
                    "package-cache",
                    Severity.NEGLIGIBLE,
                    f"{size / _MEBIBYTE:.0f} MiB of {owner}'s cache are in layer {number}",
                    "Remove it in the same RUN, or keep it out by RUN --mount=type=cache",
                    layer=number,
                )


def _programs(image: Image) -> Iterator[Finding]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for _, path, _ in image.visible("programs"):
        kinds[kind_of_program(path)].append(path)
    for kind, title, fix in (
        ("compiler", "Compilers are in the image", "Build in one stage and copy the result into another"),
        ("tool", "Tools that help an intruder are in the image", "Leave out what the program itself does not call"),
        ("shell", "Shells are in the image", "A base without one (distroless, scratch) where nothing needs it"),
    ):
        if kinds[kind]:
            paths = _shown(kinds[kind])
            yield Finding(f"has-{kind}", Severity.NEGLIGIBLE, title, fix, paths, count=len(kinds[kind]))


def _settings(image: Image) -> dict[str, Any]:
    settings = image.config.get("config")
    return settings if isinstance(settings, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _history(image: Image) -> Iterator[tuple[int, str]]:
    """Each instruction with the layer it made, 0 where it made none."""
    layer = 0
    for step in _list(image.config.get("history")):
        if isinstance(step, dict):
            empty = bool(step.get("empty_layer"))
            layer += not empty
            yield 0 if empty else layer, " ".join(str(step.get("created_by") or "").split())


def _is_reference(value: str) -> bool:
    # A path to where the secret will be, or a switch that is named for one.
    return value.startswith("/") or value.lower() in {"none", "null", "true", "false"}


def _around(masked: str) -> str:
    """The part of an instruction in which something is masked."""
    at = masked.find(MASK)
    start = max(0, at - _WIDTH // 2)
    return f"{'…' if start else ''}{clip(masked[start:], _WIDTH)}"


def _article(kind: str) -> str:
    return kind.capitalize() if kind == "credentials" else f"A {kind}"


def _shown(paths: list[str]) -> tuple[str, ...]:
    # A file's name is a stranger's text as well.
    return tuple(clip(redact_text(f"/{path}"), _WIDTH) for path in sorted(paths)[:_SHOWN])


RULES: tuple[Rule, ...] = (
    _root,
    _secrets_in_environment,
    _secrets_in_command,
    _secrets_in_history,
    _sensitive_files,
    _privileged_files,
    _capabilities,
    _ports,
    _health,
    _tag,
    _downloads,
    _caches,
    _programs,
)
