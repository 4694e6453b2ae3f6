"""From a `Target` to a configured official API client.

Files, contexts, certificates, tokens, exec plugins and OIDC are the official client's business; what is ours is the
choice of the context and the words when there is none.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import ConnectionProblem, NoCluster, Unauthenticated, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.target import Target

SANDBOX_HINT = "Add --sandbox to use the embedded cluster, or name one with --context or KUBECONFIG."
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CREDENTIAL_PLUGIN_SECONDS = 30.0
_LOADING = "kubeconfig"


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """An official `ApiClient` with the names that go with it."""

    client: Any
    context: str
    namespace: str
    server: str


def open_client(target: Target) -> ClientSetup:
    """Make the official client for a target, without any request to the cluster.

    Raises:
        NoCluster: There is no kubeconfig, no current context, and no service account of a pod.
        UsageError: The named context does not exist, or the file is not a kubeconfig.
        Unauthenticated: A credential plugin failed or did not answer.
    """
    if target.sandbox:
        from mcp_tools.sandbox.lifecycle import ensure_running

        return _from_files(str(ensure_running().kubeconfig), None, target.namespace)
    files = _files(target)
    if files:
        return _from_files(files, target.context, target.namespace)
    if target.context:
        raise NoCluster(f"There is no kubeconfig that could hold the context {target.context!r}.", SANDBOX_HINT)
    if os.environ.get("KUBERNETES_SERVICE_HOST") and (SERVICE_ACCOUNT / "token").is_file():
        return _in_cluster(target.namespace)
    raise NoCluster("No cluster is configured here: there is no kubeconfig.", SANDBOX_HINT)


def context_names(target: Target) -> tuple[str | None, list[str]]:
    """The current context and all there are in the target's kubeconfig; nothing where there is none.

    Raises:
        UsageError: The file named by the target is absent, or a file is not a kubeconfig.
    """
    files = _files(target)
    if not files:
        return None, []
    _, current, names = _merged(files)
    return target.context or current, names


def _files(target: Target) -> str:
    """The kubeconfig files that exist, as one path list; empty where there are none."""
    paths = target.kubeconfig or os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    present = [part for part in paths.split(os.pathsep) if part and Path(part).expanduser().is_file()]
    if target.kubeconfig and not present:
        raise UsageError(f"There is no kubeconfig at {target.kubeconfig}.", "Check the path after --kubeconfig.")
    return os.pathsep.join(present)


def _merged(paths: str) -> tuple[Any, str | None, list[str]]:
    from kubernetes.config.kube_config import KubeConfigMerger

    try:
        merger = KubeConfigMerger(paths)
        files: dict[str, Any] = merger.config_files
        names = [entry["name"] for file in files.values() for entry in file.get("contexts") or []]
    except Exception as error:  # the client lets YAML, type and file errors through as they come
        detail = f"{type(error).__name__}: {error}"
        raise UsageError(f"The kubeconfig {paths} cannot be read: {detail}", "Repair it or name another.") from error
    # kubectl's rule: the first file to set a value wins. The official client lets the last one win.
    current = next((file["current-context"] for file in files.values() if file.get("current-context")), None)
    return merger, current, names


def _from_files(paths: str, context: str | None, namespace: str | None) -> ClientSetup:
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader

    merger, current, names = _merged(paths)
    chosen = context or current
    choices = f"Choose one of: {', '.join(names)}." if names else SANDBOX_HINT
    if not chosen:
        raise NoCluster("The kubeconfig has no current context.", f"{choices} Shipmate never picks one by itself.")
    if chosen not in names:
        raise UsageError(f"The kubeconfig has no context {chosen!r}.", choices)
    try:
        loader = KubeConfigLoader(
            config_dict=merger.config,
            active_context=chosen,
            config_base_path=None,
            config_persister=merger.save_changes,
        )
        details = loader.current_context["context"]
    except ConfigException as error:
        raise UsageError(f"The context {chosen!r} is incomplete: {error}", "Repair the kubeconfig.") from error
    configuration = _new_configuration()
    _load(loader, configuration, chosen)
    return ClientSetup(
        client=_new_client(configuration),
        context=chosen,
        namespace=namespace or details.get("namespace") or "default",
        server=configuration.host,
    )


def _load(loader: Any, configuration: Any, context: str) -> None:
    # A credential plugin is a foreign program that may wait for ever; a thread is the only way to stop waiting.
    failure: list[Exception] = []
    heard = _Heard()

    def run() -> None:
        try:
            loader.load_and_set(configuration)
        except Exception as error:  # noqa: BLE001  re-raised below with our words
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True, name=_LOADING)
    logging.getLogger().addHandler(heard)
    try:
        thread.start()
        thread.join(CREDENTIAL_PLUGIN_SECONDS)
    finally:
        logging.getLogger().removeHandler(heard)
    if thread.is_alive():
        raise Unauthenticated(
            f"The credential plugin of context {context!r} did not answer in {CREDENTIAL_PLUGIN_SECONDS:.0f} s.",
            "Run `kubectl get --raw /version` to see what it waits for.",
        )
    if failure:
        raise Unauthenticated(
            f"The credentials of context {context!r} cannot be loaded: {failure[0]}",
            "Log in again, or check the user entry of the kubeconfig.",
        ) from failure[0]
    # The client only logs that a plugin failed, and would go on as nobody.
    if heard.said and not (configuration.api_key or configuration.cert_file or configuration.username):
        raise Unauthenticated(
            f"The credentials of context {context!r} cannot be loaded: {heard.said[-1]}",
            "Run `kubectl get --raw /version` to see what the credential plugin wants, and log in again.",
        )


class _Heard(logging.Handler):
    """Keeps what the official client says in the log while it loads credentials."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.threadName == _LOADING:
            self.said.append(record.getMessage())


def _in_cluster(namespace: str | None) -> ClientSetup:
    from kubernetes.config import ConfigException, load_incluster_config

    configuration = _new_configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        raise ConnectionProblem(f"The pod's service account cannot be used: {error}", "") from error
    own = SERVICE_ACCOUNT / "namespace"
    fallback = own.read_text().strip() if own.is_file() else "default"
    return ClientSetup(_new_client(configuration), "in-cluster", namespace or fallback, configuration.host)


def _new_configuration() -> Any:
    from kubernetes.client.configuration import Configuration

    configuration = Configuration()
    configuration.retries = False
    return configuration


def _new_client(configuration: Any) -> Any:
    from kubernetes.client.api_client import ApiClient

    client = ApiClient(configuration=configuration)
    client.user_agent = "shipmate"
    return client
