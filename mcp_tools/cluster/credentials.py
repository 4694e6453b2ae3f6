"""Asking a credential plugin of a kubeconfig who the user is (client.authentication.k8s.io/v1, `ExecCredential`).

The official client lets a plugin inherit standard input, which carries the JSON-RPC of `shipmate mcp`, waits for it
without end and goes on as nobody when it fails; so it is asked here, and the client gets what it answered.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mcp_tools.errors import Unauthenticated

PLUGIN_SECONDS = 30.0
INTERACTIVE_SECONDS = 180.0
"""A person who is sent to a browser needs longer than a program."""
SHOWN = 500
EXTENSION = "client.authentication.k8s.io/exec"
_CLUSTER = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class _Variable(_Wire):
    name: str
    value: str


class Plugin(_Wire):
    """The `exec` entry of a kubeconfig's user."""

    api_version: str = Field(alias="apiVersion")
    command: str
    args: list[str] | None = None
    env: list[_Variable] | None = None
    install_hint: str = Field(default="", alias="installHint")
    provide_cluster_info: bool = Field(default=False, alias="provideClusterInfo")
    interactive_mode: Literal["Never", "IfAvailable", "Always"] = Field(default="IfAvailable", alias="interactiveMode")


class _Status(_Wire):
    token: str | None = None
    certificate: str | None = Field(default=None, alias="clientCertificateData")
    key: str | None = Field(default=None, alias="clientKeyData")
    expires: dt.datetime | None = Field(default=None, alias="expirationTimestamp")


class _Answer(_Wire):
    api_version: str = Field(alias="apiVersion")
    status: _Status


@dataclass(frozen=True, slots=True)
class Credential:
    """What a plugin answered.

    Attributes:
        user: The entry of a kubeconfig's user that stands for it.
        expires: When the plugin has to be asked again; None where it did not say.
    """

    user: dict[str, str]
    expires: dt.datetime | None


def ask_plugin(entry: dict[str, Any], cluster: dict[str, Any], folder: Path, context: str) -> Credential:
    """Run a credential plugin.

    Args:
        entry: The `exec` entry as it stands in the kubeconfig.
        cluster: The entry of the cluster it logs in to.
        folder: Where the kubeconfig lies; a command with a slash is relative to it.

    Raises:
        Unauthenticated: It is absent, failed, did not answer in time, or did not answer with a credential.
    """

    def refuse(why: str, hint: str = "Log in again, or check the user entry of the kubeconfig.") -> Unauthenticated:
        return Unauthenticated(f"The credentials of context {context!r} cannot be loaded: {why[:SHOWN]}", hint)

    try:
        plugin = Plugin.model_validate(entry)
    except ValidationError as error:
        raise refuse(f"the exec entry is malformed: {_first(error)}", "Repair the kubeconfig.") from error
    interactive = plugin.interactive_mode != "Never" and sys.stdin.isatty() and sys.stderr.isatty()
    if plugin.interactive_mode == "Always" and not interactive:
        raise refuse(f"{plugin.command} needs a terminal", "Log in with it at a terminal first.")
    seconds = INTERACTIVE_SECONDS if interactive else PLUGIN_SECONDS
    try:
        ended = subprocess.run(  # noqa: S603  the program that the user's own kubeconfig names
            [_command(plugin.command, folder), *(plugin.args or ())],
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if interactive else subprocess.PIPE,
            env={**os.environ, **_environment(plugin, cluster, folder, interactive=interactive)},
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unauthenticated(
            f"The credential plugin of context {context!r} did not answer in {seconds:.0f} s.",
            "Run `kubectl get --raw /version` to see what it waits for.",
        ) from error
    except OSError as error:
        raise refuse(
            f"{plugin.command} cannot be run: {error.strerror}", plugin.install_hint or "Install it, or log in again."
        ) from error
    if ended.returncode:
        said = (ended.stderr or b"").decode("utf-8", "replace").strip()
        raise refuse(f"{plugin.command} ended with {ended.returncode}{': ' if said else ''}{said[-SHOWN:]}")
    # What it printed may hold a token: it is never quoted.
    try:
        answer = _Answer.model_validate(json.loads(ended.stdout))
    except ValidationError as error:
        raise refuse(f"{plugin.command} gave a malformed answer: {_first(error)}") from error
    except ValueError as error:
        raise refuse(f"what {plugin.command} printed cannot be decoded") from error
    if answer.api_version != plugin.api_version:
        raise refuse(f"{plugin.command} answered in {answer.api_version}, not in {plugin.api_version}")
    user = _user(answer.status)
    if not user:
        raise refuse(f"missing token or client certificate with its key in the answer of {plugin.command}")
    return Credential(user, answer.status.expires)


def _user(status: _Status) -> dict[str, str]:
    user = {"token": status.token} if status.token else {}
    if status.certificate and status.key:
        user["client-certificate-data"] = base64.b64encode(status.certificate.encode()).decode()
        user["client-key-data"] = base64.b64encode(status.key.encode()).decode()
    return user


def _command(command: str, folder: Path) -> str:
    if os.sep in command:
        return str(folder / command)
    return shutil.which(command) or command


def _environment(plugin: Plugin, cluster: dict[str, Any], folder: Path, *, interactive: bool) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": interactive}
    if plugin.provide_cluster_info:
        about = {key: cluster[key] for key in _CLUSTER if key in cluster}
        authority = cluster.get("certificate-authority")
        if authority and "certificate-authority-data" not in about:
            about["certificate-authority-data"] = base64.b64encode((folder / authority).read_bytes()).decode()
        for extension in cluster.get("extensions") or []:
            if extension.get("name") == EXTENSION:
                about["config"] = extension.get("extension")
        spec["cluster"] = about
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    return {**{item.name: item.value for item in plugin.env or ()}, "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
