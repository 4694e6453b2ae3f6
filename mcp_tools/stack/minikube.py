"""minikube as the program that it is: how it stands, starting it, and how what runs in it is reached."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Phase, Progress
from mcp_tools.changes.outside import Work
from mcp_tools.errors import UsageError
from mcp_tools.stack.preflight import NotReady
from mcp_tools.stack.programs import is_there, looked, output, run

if TYPE_CHECKING:
    import threading

    from mcp_tools.changes.model import Reporter
    from mcp_tools.stack.settings import StackSettings

PROGRAM = "minikube"
ACTION = "minikube_start"
ADDONS = ("ingress", "metrics-server")
SIZE = ("--cpus=4", "--memory=8g")
NOT_FOUND = 85
"""minikube's exit code where there is no such profile."""
RUNNING, PAUSED, ABSENT_HOST = "Running", "Paused", "Nonexistent"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a profile stands.

    Attributes:
        profile: Its name, which is its kubeconfig context's, too.
        host, api_server: minikube's words: `Running`, `Stopped`, `Paused`, `Nonexistent`.
        stale: The kubeconfig leads to where it was before.
        addons: Those of the stack that are on.
    """

    profile: str
    host: str
    api_server: str
    stale: bool = False
    addons: frozenset[str] = frozenset()

    @property
    def exists(self) -> bool:
        """It was made."""
        return self.host != ABSENT_HOST

    @property
    def running(self) -> bool:
        """Its API server can be asked."""
        return self.host == RUNNING and self.api_server == RUNNING


def profile() -> str:
    """The profile that is meant: `MINIKUBE_PROFILE`, as for minikube itself, or its default."""
    return os.environ.get("MINIKUBE_PROFILE") or PROGRAM


def look() -> Standing:
    """How the profile stands.

    Raises:
        NotReady: minikube is not on this machine, or says nothing that can be understood.
    """
    if not is_there(PROGRAM):
        raise NotReady("There is no minikube on this machine.", "Install it (minikube.sigs.k8s.io), then ask again.")
    name = profile()
    done = looked(*_words("status", "--output=json"))
    if done is not None and done.returncode == NOT_FOUND:
        return Standing(name, ABSENT_HOST, ABSENT_HOST)
    # The exit code tells what is stopped, and so does the output.
    node = _first(done.stdout if done else "")
    if node is None:
        said = (done.stderr or done.stdout).strip()[-300:] if done else "it did not answer"
        raise NotReady(f"minikube does not tell how it stands: {said}", f"`minikube status -p {name}` shows it.")
    found = Standing(name, node["Host"], str(node.get("APIServer", "")), node.get("Kubeconfig") == "Misconfigured")
    if not found.running:
        return found
    return Standing(name, found.host, found.api_server, found.stale, _enabled())


def _first(text: str) -> dict[str, Any] | None:
    """The control plane of what `minikube status` printed: one object, or a list where there are several nodes."""
    for line in reversed(text.strip().splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        nodes = found if isinstance(found, list) else [found]
        node = next((one for one in nodes if isinstance(one, dict) and "Host" in one and not one.get("Worker")), None)
        if node is not None:
            return node
    return None


def _enabled() -> frozenset[str]:
    try:
        found = json.loads(output(*_words("addons", "list", "--output=json")) or "{}")
        return frozenset(name for name in ADDONS if found.get(name, {}).get("Status") == "enabled")
    except (ValueError, AttributeError):
        return frozenset()


def start(found: Standing) -> Work | None:
    """What has to be done so that the stack can be deployed there; None where all is as it must be."""
    steps: list[tuple[str, ...]] = []
    changes: list[FieldChange] = []
    lacking = [name for name in ADDONS if name not in found.addons]
    if not found.running:
        paused = found.host == RUNNING and found.api_server == PAUSED
        size = () if found.exists else SIZE
        # The addons of a profile come up with it; that they are named once more does no harm.
        whole = ("start", *size, f"--addons={','.join(ADDONS)}", "--keep-context")
        steps.append(("unpause",) if paused else whole)
        changes.append(FieldChange(("state",), _state(found), RUNNING))
        changes += [FieldChange(("cpus",), ABSENT, 4), FieldChange(("memory",), ABSENT, "8g")] if size else []
        changes += [] if paused else [FieldChange(("addons", name), ABSENT, "enabled") for name in ADDONS]
    else:
        steps += [("update-context",)] if found.stale else []
        changes += [FieldChange(("kubeconfig",), "stale", "updated")] if found.stale else []
        steps += [("addons", "enable", name) for name in lacking]
        changes += [FieldChange(("addons", name), "disabled", "enabled") for name in lacking]
    if not steps:
        return None

    def carry_out(reporter: Reporter, stop: threading.Event) -> None:
        for step in steps:
            run(_words(*step), lambda line: reporter(Progress(Phase.APPLYING, line)), stop)
        if not look().running:
            raise NotReady(f"minikube ended well, and {found.profile} does not run.", "`minikube logs` tells more.")

    def take_back(reporter: Reporter, stop: threading.Event) -> str:
        return _take_back(found, lacking, reporter, stop)

    return Work(
        ACTION,
        f"{_title(found, lacking)} (profile {found.profile})",
        found.profile,
        ObjectRef(PROGRAM, "Profile", "profiles", found.profile, None),
        tuple(changes),
        exists=found.exists,
        carry_out=carry_out,
        take_back=take_back,
        arguments={"profile": found.profile},
        notes=(f"It runs `{'`, `'.join(' '.join(_words(*step)) for step in steps)}`.",),
    )


def _title(found: Standing, lacking: list[str]) -> str:
    if not found.exists:
        return "Make and start minikube with 4 CPUs and 8 GB of memory"
    if not found.running:
        return "Start minikube"
    return f"Enable {' and '.join(lacking)} in minikube" if lacking else "Renew minikube's kubeconfig context"


def _state(found: Standing) -> Any:
    return (found.api_server if found.host == RUNNING else found.host) if found.exists else ABSENT


def _take_back(found: Standing, lacking: list[str], reporter: Reporter, stop: threading.Event) -> str:
    def tell(line: str) -> None:
        reporter(Progress(Phase.ROLLING_BACK, line))

    if not found.exists:
        return (
            f"nothing was there before, and what it left is kept to be looked at: `minikube delete -p {found.profile}`"
        )
    if found.host != RUNNING:
        run(_words("stop"), tell, stop)
        return "it is stopped again, as before"
    now = _enabled() if found.running else frozenset()
    for name in lacking:
        if name in now:
            run(_words("addons", "disable", name), tell, stop)
    return "it runs as before"


def require_running(found: Standing) -> None:
    """Raise UsageError where the profile does not run: looking and taking down start nothing."""
    if not found.running:
        raise UsageError(
            f"minikube (profile {found.profile}) does not run.", "`deploy the todo stack on minikube` starts it."
        )


def settings_there(settings: StackSettings) -> StackSettings:
    """The settings with minikube's own way of bringing images, where the user named none."""
    if settings.load_command:
        return settings
    return settings.model_copy(update={"load_command": [*_words("image", "load"), "{images}"]})


def reach(found: Standing, namespace: str, url: str) -> str:
    """How what runs in minikube is reached from this machine, in sentences; commands that need a privilege are told."""
    host = urlsplit(url).hostname or ""
    name = f"-p {found.profile}"
    said = []
    if host != "localhost" and not host.replace(".", "").isdigit():
        address = (output(*_words("ip")) or "").strip()
        # Elsewhere its network is inside a virtual machine.
        direct = sys.platform == "linux" and bool(address)
        line = f"the line `{address if direct else '127.0.0.1'} {host}` in the hosts file"
        tunnel = f"`minikube tunnel {name}` (it asks for an administrator's password) and "
        said.append(f"For {url} this machine needs {'' if direct else tunnel}{line}.")
    said.append(
        f"`minikube service frontend -n {namespace} --url {name}` gives an address for a look, "
        f"`minikube dashboard --url {name}` the dashboard's."
    )
    return " ".join(said)


def _words(*words: str) -> tuple[str, ...]:
    return (PROGRAM, f"--profile={profile()}", *words)
