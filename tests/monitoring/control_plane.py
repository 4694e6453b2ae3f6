"""A control plane of the test's own on loopback: a real etcd and real API servers that can be killed at any moment."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import yaml
from hands_helpers import Kube, write_kubeconfig
from needs import missing

from mcp_tools.cluster.target import Target
from mcp_tools.errors import ShipmateError

ETCD, SERVER, OTHER_SERVER = "etcd", "server", "other-server"
TOKEN = "for-this-test-alone"
BEGIN_SECONDS = 240.0
"""An API server is ready after five seconds, on a machine that has nothing else to do."""
PORTS = range(20_000, 30_000)
"""Below those that the system gives to whoever connects: while a server is down nobody else gets its port."""


class ControlPlane:
    """Use it as a context manager; the programs begin with `start`, etcd first.

    Attributes:
        kubeconfig: An administrator's, of `SERVER`.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = dict(zip((ETCD, "peer", SERVER, OTHER_SERVER), _free_ports(), strict=True))
        self._options = {ETCD: self._of_etcd(), **{name: self._of_server(name) for name in (SERVER, OTHER_SERVER)}}
        (place / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        (place / "accounts.key").write_bytes(_key())
        self.kubeconfig = self._login(SERVER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.kill(name)

    def start(self, name: str) -> None:
        """At the address that it had, etcd with the data that it had; a server answers when `ready` says so."""
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(self._options[name], stdout=log, stderr=log)

    def ready(self, server: str = SERVER) -> Kube:
        """Wait until an API server takes requests; a client of it."""
        target = Target(kubeconfig=str(self._login(server)))
        end = time.monotonic() + BEGIN_SECONDS
        while True:
            for name, program in self._running.items():
                assert program.poll() is None, f"{name} ended:\n{self._log(name).read_text()[-2000:]}"
            with contextlib.suppress(ShipmateError):
                kube = Kube(target)
                with contextlib.suppress(ShipmateError):
                    kube.connection.get("/readyz")
                    return kube
                kube.connection.close()
            assert time.monotonic() < end, f"it never came to be:\n{self._log(server).read_text()[-2000:]}"
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """End a program as a machine does that loses its power: nothing is closed or said."""
        program = self._running.pop(name)
        program.kill()
        program.wait()

    def _log(self, name: str) -> Path:
        return self._place / f"{name}.log"

    def _url(self, name: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self._ports[name]}"

    def _login(self, server: str) -> Path:
        path = self._place / f"{server}.kubeconfig"
        write_kubeconfig(path, self._url(server, "https"), name="own", user={"token": TOKEN})
        # It makes its certificate when it first begins, and keeps it.
        config = yaml.safe_load(path.read_text())
        config["clusters"][0]["cluster"]["certificate-authority"] = str(self._place / server / "apiserver.crt")
        path.write_text(yaml.safe_dump(config))
        return path

    def _of_etcd(self) -> list[str]:
        client, peer = self._url(ETCD), self._url("peer")
        return [
            _program("etcd"), "--name=test", f"--data-dir={self._place / 'data'}", "--log-level=warn",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=test={peer}",
        ]  # fmt: skip

    def _of_server(self, name: str) -> list[str]:
        key = self._place / "accounts.key"
        return [
            _program("kube-apiserver"), f"--etcd-servers={self._url(ETCD)}", "--bind-address=127.0.0.1",
            f"--secure-port={self._ports[name]}", f"--cert-dir={self._place / name}",
            f"--token-auth-file={self._place / 'tokens.csv'}", "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16", "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
            # Nobody here makes accounts.
            "--disable-admission-plugins=ServiceAccount",
        ]  # fmt: skip


def _program(name: str) -> str:
    found = shutil.which(name)
    return found or missing(f"no {name} on the PATH: `setup-envtest use` of controller-runtime installs it")


def _free_ports() -> list[int]:
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == 4:
            break
    return found


def _key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65_537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
