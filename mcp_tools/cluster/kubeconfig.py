"""From a `Target` to a configured official API client.

Files, contexts, certificates, tokens and OIDC are the official client's business; what is ours is the choice of the
context, the words when there is none, and asking a credential plugin.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tools.errors import ConnectionProblem, NoCluster, Unauthenticated, UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.target import Target

SANDBOX_HINT = "Add --sandbox to use the embedded cluster, or name one with --context or KUBECONFIG."
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LOADING_SECONDS = 30.0
IN_CLUSTER = "in-cluster"
POOLED = 64
"""So many connections are kept for the next request: a watch of every kind takes one each."""


@dataclass(frozen=True, slots=True)
class ClientSetup:
    """An official `ApiClient` with the names that go with it.

    Attributes:
        expires: When its credentials end; None where nobody said.
        files: The kubeconfig's files, as `KUBECONFIG` takes them; empty for a pod's own service account.
    """

    client: Any
    context: str
    namespace: str
    server: str
    expires: dt.datetime | None = None
    files: str = ""

    @property
    def credentials(self) -> tuple[Any, ...]:
        """What it logs in with, to tell whether loading it anew made a difference."""
        configuration = self.client.configuration
        files = [_content(place) for place in (configuration.cert_file, configuration.key_file)]
        return (configuration.api_key.get("BearerToken"), *files)

    @property
    def expired(self) -> bool:
        """Whether the credentials ended."""
        return self.expires is not None and self.expires <= dt.datetime.now(dt.UTC)


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
    expires = _ask_plugin(merger.config, details, chosen)
    _load(loader, configuration, chosen)
    return ClientSetup(
        client=_new_client(configuration),
        context=chosen,
        namespace=namespace or details.get("namespace") or "default",
        server=configuration.host,
        expires=expires,
        files=paths,
    )


def _ask_plugin(config: Any, details: dict[str, Any], context: str) -> dt.datetime | None:
    """Let a credential plugin, where the user has one, stand for itself in the loaded kubeconfig.

    Returns:
        When its credential ends; None where there is no plugin or it did not say.
    """
    from mcp_tools.cluster.credentials import ask_plugin

    users = config.safe_get("users") if details.get("user") else None
    named = config["users"].get_with_name(details["user"], safe=True) if users else None
    user = named.value.get("user") if named else None
    # The order is the client's: what comes before a plugin makes it needless.
    if named is None or not user or not user.get("exec") or {"auth-provider", "token", "tokenFile"} & user.keys():
        return None
    cluster = config["clusters"].get_with_name(details["cluster"]).value["cluster"]
    credential = ask_plugin(user["exec"], cluster, Path(named.path or ".").parent, context)
    del user["exec"]
    user.update(credential.user)
    return credential.expires


def _load(loader: Any, configuration: Any, context: str) -> None:
    # A legacy auth provider may run a program that waits for ever; a thread is the only way to stop waiting.
    failure: list[Exception] = []

    def run() -> None:
        try:
            loader.load_and_set(configuration)
        except Exception as error:  # noqa: BLE001  re-raised below with our words
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True, name="kubeconfig")
    thread.start()
    thread.join(LOADING_SECONDS)
    if thread.is_alive():
        raise Unauthenticated(
            f"The auth provider of context {context!r} did not answer in {LOADING_SECONDS:.0f} s.",
            "Run `kubectl get --raw /version` to see what it waits for.",
        )
    if failure:
        raise Unauthenticated(
            f"The credentials of context {context!r} cannot be loaded: {failure[0]}",
            "Log in again, or check the user entry of the kubeconfig.",
        ) from failure[0]


def _in_cluster(namespace: str | None) -> ClientSetup:
    from kubernetes.config import ConfigException, load_incluster_config

    configuration = _new_configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        raise ConnectionProblem(f"The pod's service account cannot be used: {error}", "") from error
    own = SERVICE_ACCOUNT / "namespace"
    fallback = own.read_text().strip() if own.is_file() else "default"
    return ClientSetup(_new_client(configuration), IN_CLUSTER, namespace or fallback, configuration.host)


def _new_configuration() -> Any:
    from kubernetes.client.configuration import Configuration

    configuration = Configuration()
    configuration.retries = False
    configuration.connection_pool_maxsize = POOLED
    return configuration


def _new_client(configuration: Any) -> Any:
    from kubernetes.client.api_client import ApiClient

    client = ApiClient(configuration=configuration)
    client.user_agent = "shipmate"
    if configuration.verify_ssl:
        client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = _tls()
    return client


def _tls() -> ssl.SSLContext:
    """Certificates are verified, but not to the letter of RFC 5280, as Python 3.13 does by itself.

    The authorities of many clusters lack an extension or two, and Kubernetes' own clients do not mind.
    """
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _content(place: str | None) -> bytes | None:
    return Path(place).read_bytes() if place and Path(place).is_file() else None
