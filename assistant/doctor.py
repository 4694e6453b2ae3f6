"""What is configured, reachable and missing: the answer to "why does it not work here?"."""

from __future__ import annotations

import enum
import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools.errors import NoCluster, ShipmateError

if TYPE_CHECKING:
    from assistant.cli.options import Chosen
    from assistant.settings import Config, ModelSettings
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.target import Target

REACH_SECONDS = 5.0
HTTP_UNAUTHORIZED, HTTP_ERROR = 401, 400


class State(enum.Enum):
    """How a thing is; only `BROKEN` makes the examination fail."""

    GOOD = "good"
    ABSENT = "absent"
    """Not configured or not installed, and Shipmate works without it."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do where something is to be done."""

    subject: str
    state: State
    message: str
    advice: str = ""


def examine(chosen: Chosen) -> list[Finding]:
    """Look at everything that a conversation needs, within about ten seconds; never raises for what it finds."""
    return [*_installation(), *_configured(chosen), *_programs()]


def _installation() -> Iterator[Finding]:
    from importlib.metadata import version

    from mcp_tools.paths import state_dir

    yield Finding("shipmate", State.GOOD, f"{version('shipmate')} on Python {platform.python_version()}")
    try:
        place = state_dir()
        with sqlite3.connect(place / "doctor.db") as database:
            database.execute("CREATE TABLE IF NOT EXISTS written (at TEXT)")
        database.close()
        (place / "doctor.db").unlink()
    except (OSError, sqlite3.Error) as error:
        yield Finding(
            "state",
            State.BROKEN,
            f"the state directory cannot be written: {error}",
            "Set XDG_STATE_HOME to one that can.",
        )
    else:
        yield Finding("state", State.GOOD, f"journal, history and sandbox in {place}")


def _configured(chosen: Chosen) -> Iterator[Finding]:
    from assistant.settings import choose_model, load_config
    from mcp_tools.paths import config_file

    try:
        config = load_config()
    except ShipmateError as error:
        yield Finding("settings", State.BROKEN, error.message, error.hint)
        return
    present = config_file().is_file()
    yield Finding(
        "settings", State.GOOD if present else State.ABSENT, f"{config_file()}{'' if present else ': none, defaults'}"
    )
    try:
        model = choose_model(chosen.model, config)
    except ShipmateError as error:
        yield Finding("model", State.BROKEN, error.message, error.hint)
    else:
        yield _model(model)
    yield from _cluster(chosen, config)


def _model(model: ModelSettings | None) -> Finding:
    if model is None:
        return Finding(
            "model", State.ABSENT, "none: typed requests only", "Set OPENAI_API_KEY or GEMINI_API_KEY, or give --model."
        )
    import urllib3

    from mcp_tools.redaction import redact_text

    base = (model.base_url or "https://api.openai.com/v1").rstrip("/")
    try:
        answer = urllib3.PoolManager().request(
            "GET",
            f"{base}/models",
            headers={"Authorization": f"Bearer {model.api_key}"},
            timeout=urllib3.Timeout(REACH_SECONDS),
            retries=False,
        )
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return Finding(
            "model",
            State.BROKEN,
            f"{model}: nothing answers at {base}: {redact_text(str(error))}",
            "Check the address and the network, or work without: --model offline.",
        )
    if answer.status == HTTP_UNAUTHORIZED:
        return Finding("model", State.BROKEN, f"{model}: the key was refused", "Check the key in the environment.")
    if answer.status >= HTTP_ERROR:
        # Not every compatible server lists its models.
        return Finding("model", State.GOOD, f"{model} answers at {base} ({answer.status} for its list of models)")
    return Finding("model", State.GOOD, f"{model} answers at {base}")


def _cluster(chosen: Chosen, config: Config) -> Iterator[Finding]:
    from assistant.settings import resolve_target
    from mcp_tools.cluster.connection import connect

    target = resolve_target(chosen.target(), config)
    if not target.sandbox:
        yield _contexts(target)
    try:
        connection = connect(target)
    except NoCluster as error:
        yield Finding("cluster", State.ABSENT, error.message, error.hint)
        return
    except ShipmateError as error:
        yield Finding("cluster", State.BROKEN, error.message, error.hint)
        return
    try:
        yield Finding(
            "cluster",
            State.GOOD,
            f"{connection.context} answers at {connection.server} ({connection.server_version}), "
            f"namespace {connection.namespace}",
        )
        yield _rights(connection)
    finally:
        connection.close()


def _contexts(target: Target) -> Finding:
    from mcp_tools.cluster.kubeconfig import context_names

    try:
        current, names = context_names(target)
    except ShipmateError as error:
        return Finding("kubeconfig", State.BROKEN, error.message, error.hint)
    if not names:
        return Finding("kubeconfig", State.ABSENT, "no contexts", "--sandbox needs none.")
    return Finding("kubeconfig", State.GOOD, f"contexts: {', '.join(names)}; current: {current or 'none'}")


def _rights(connection: Connection) -> Finding:
    """Whether the two verbs that everything begins with are allowed (SelfSubjectAccessReview)."""
    refused = []
    for verb, group, resource in (("list", "", "pods"), ("patch", "apps", "deployments")):
        attributes = {"namespace": connection.namespace, "verb": verb, "group": group, "resource": resource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        try:
            answer = connection.write("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        except ShipmateError as error:
            return Finding("rights", State.ABSENT, f"cannot be asked for: {error.message}")
        if not answer.get("status", {}).get("allowed"):
            refused.append(f"{verb} {resource}")
    where = f"in namespace {connection.namespace}"
    if refused:
        return Finding(
            "rights", State.BROKEN, f"not allowed {where}: {', '.join(refused)}", "Ask for a Role with them."
        )
    return Finding("rights", State.GOOD, f"may list pods and patch deployments {where}")


def _programs() -> Iterator[Finding]:
    from mcp_tools.sandbox.lifecycle import status

    sandbox = status()
    yield Finding(
        "sandbox", State.GOOD if sandbox else State.ABSENT, f"runs at {sandbox.url}" if sandbox else "not running"
    )
    yield _docker()
    for name in ("kubectl", "helm"):
        place = shutil.which(name)
        yield Finding(name, State.GOOD if place else State.ABSENT, place or "not installed; Shipmate needs none")


def _docker() -> Finding:
    from mcp_tools.docker.engine import address, engine

    try:
        with engine(REACH_SECONDS) as api:
            version = api.version()["Version"]
    except ShipmateError as error:
        return Finding("docker", State.ABSENT, error.message, error.hint)
    return Finding("docker", State.GOOD, f"engine {version} answers at {address()}")
