"""What a file's name, head and attributes say: a secret, a package manager's cache, a shell, a capability."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import IO

from mcp_tools.docker.scanning.model import Severity
from mcp_tools.redaction import MASK, redact_text

_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sensitive:
    """What kind of sensitive file this is, and how bad it is to have it in an image; never what it says."""

    kind: str
    severity: Severity


_SETTINGS = re.compile(r"\.env(?:\.(?!example|sample|template|dist|defaults|schema)[\w-]+)?", re.IGNORECASE)
_KEY_NAMES = re.compile(r"(?:id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|.+\.(?:pem|key|ppk|pk8))", re.IGNORECASE)
_STORES = re.compile(r".+\.(?:p12|pfx|jks|keystore|kdbx)", re.IGNORECASE)
_HISTORIES = {".bash_history", ".ash_history", ".zsh_history", ".python_history", ".psql_history", ".mysql_history"}
# Whole paths' ends, and what must stand in the file for it to be a credential; None: the file itself is one.
_CREDENTIALS: tuple[tuple[str, str | None], ...] = (
    (".npmrc", r"_auth(?:Token)?\s*=|_password\s*="),
    (".yarnrc.yml", r"npmAuth(?:Token|Ident)\s*:"),
    (".pypirc", r"password\s*[:=]"),
    (".netrc", r"password\s"),
    (".git-credentials", None),
    (".pgpass", None),
    (".my.cnf", r"password\s*="),
    (".htpasswd", None),
    (".docker/config.json", r'"auth"\s*:'),
    (".dockercfg", r'"auth"\s*:'),
    (".aws/credentials", r"aws_secret_access_key"),
    (".kube/config", r"client-key-data|token\s*:|password\s*:"),
    (".azure/accessTokens.json", None),
    (".config/gcloud/application_default_credentials.json", None),
    (".ssh/authorized_keys", None),
    ("run/secrets/kubernetes.io/serviceaccount/token", None),
)
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
_SERVICE_ACCOUNT = re.compile(rb'"private_key"\s*:\s*"-----BEGIN')
# Tests and examples of libraries carry keys that open nothing, and so do the stand-ins of Debian's ssl-cert.
_LIBRARY = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|usr/lib/python\d[\d.]*|usr/share/doc|usr/local/lib/python\d[\d.]*"
    r"|usr/share|usr/local/go)/|/ssl-cert-snakeoil\.key$"
)
_CACHES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"var/lib/apt/lists/.*_|var/cache/apt/(?:archives/.+\.deb|.+\.bin)"), "apt"),
    (re.compile(r"(?:etc|var/cache)/apk/.*(?:APKINDEX|\.apk)"), "apk"),
    (re.compile(r"var/cache/(?:dnf|yum|libdnf5)/.+/"), "dnf"),
    (re.compile(r"(?:root|home/[^/]+)/\.cache/(?:pip|uv)/"), "pip"),
    (re.compile(r"(?:root|home/[^/]+)/\.npm/_cacache/"), "npm"),
    (re.compile(r"(?:root|home/[^/]+)/(?:\.cache/yarn|\.yarn/berry/cache|\.local/share/pnpm/store)/"), "yarn or pnpm"),
    (re.compile(r"(?:root|home/[^/]+)/\.cache/go-build/"), "go"),
)
_PROGRAM = re.compile(
    r"(?:usr/(?:local/)?)?s?bin/(?:(?:ba|da|a|z|k|fi)?sh|busybox|gcc(?:-\d+)?|cc|g\+\+|clang|make|go|rustc|javac"
    r"|curl|wget|nc|ncat|netcat|socat|nmap|gdb|strace|sshd|sudo)"
)
_COMPILERS = frozenset({"cc", "gcc", "g++", "clang", "make", "go", "rustc", "javac"})
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox"})
# include/uapi/linux/capability.h, by bit.
_CAPABILITIES = (  # noqa: SIM905  a list of 41 lines is read by nobody
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service "
    "net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct "
    "sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control "
    "setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()


def sensitive(path: str, size: int, content: IO[bytes]) -> Sensitive | None:
    """What kind of secret a file is, by its name and, where the name does not settle it, its first 64 KiB.

    Args:
        path: Without a leading slash.
        size: In bytes; what is empty is no secret.
        content: Read only where the name asks for it.
    """
    if not size:
        return None
    name = path.rpartition("/")[2]
    severity = Severity.LOW if _LIBRARY.search(path) else Severity.HIGH
    if _KEY_NAMES.fullmatch(name):
        return Sensitive("private key", severity) if _PRIVATE_KEY.search(content.read(_HEAD)) else None
    if _SETTINGS.fullmatch(name):
        return _settings(content.read(_HEAD), severity)
    if _STORES.fullmatch(name):
        return Sensitive("key store", min(severity, Severity.MEDIUM))
    if name in _HISTORIES:
        return Sensitive("shell history", min(severity, Severity.MEDIUM))
    if name == "HEAD" and path.endswith(".git/HEAD"):
        return Sensitive("Git repository", min(severity, Severity.MEDIUM))
    if name.endswith(".json") and "service" in name and _SERVICE_ACCOUNT.search(content.read(_HEAD)):
        return Sensitive("cloud service account key", severity)
    return _credential(path, content, severity)


def cache_of(path: str) -> str:
    """Whose cache a file belongs to: `apt`, `pip`…; empty where to none."""
    if "cache" not in path and "apt/lists" not in path and "apk/" not in path and "pnpm" not in path:
        return ""
    return next((owner for pattern, owner in _CACHES if pattern.match(path)), "")


def is_program(path: str) -> bool:
    """Whether it is a program that helps an intruder: a shell, a compiler, a downloader, a debugger."""
    return "bin/" in path and _PROGRAM.fullmatch(path) is not None


def kind_of_program(path: str) -> str:
    """`shell`, `compiler` or `tool`."""
    name = re.sub(r"-\d+$", "", path.rpartition("/")[2])
    return "compiler" if name in _COMPILERS else "shell" if name in _SHELLS else "tool"


def capabilities(value: bytes) -> tuple[str, ...]:
    """The names of the capabilities in a `security.capability` attribute (`struct vfs_ns_cap_data`): `net_raw`."""
    if len(value) < 12:  # noqa: PLR2004  a version and the first pair of 32-bit words
        return ("unknown",)
    low = struct.unpack_from("<I", value, 4)[0]
    high = struct.unpack_from("<I", value, 12)[0] if len(value) >= 20 else 0  # noqa: PLR2004  version 2 has two pairs
    bits = low | high << 32
    named = [name for bit, name in enumerate(_CAPABILITIES) if bits >> bit & 1]
    return tuple(named) if not bits >> len(_CAPABILITIES) else (*named, "unknown")


def _settings(head: bytes, severity: Severity) -> Sensitive:
    holds_secret = MASK in redact_text(head.decode("utf-8", "replace"))
    return Sensitive(
        "settings file with secrets" if holds_secret else "settings file",
        severity if holds_secret else min(severity, Severity.MEDIUM),
    )


def _credential(path: str, content: IO[bytes], severity: Severity) -> Sensitive | None:
    for end, pattern in _CREDENTIALS:
        if path == end or path.endswith(f"/{end}"):
            if pattern is None or re.search(pattern, content.read(_HEAD).decode("utf-8", "replace"), re.IGNORECASE):
                return Sensitive("credentials", severity)
            return None
    return None
