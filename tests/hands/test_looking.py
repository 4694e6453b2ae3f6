"""Which commands run at once in a container, and which are asked for first."""

from __future__ import annotations

import pytest

from mcp_tools.changes.executing import only_looks


@pytest.mark.parametrize(
    "command",
    [
        "ls -l /tmp",
        "cat /etc/hosts",
        "/bin/cat /app/config.yaml",
        "grep error /var/log/app.log",
        "df -h",
        "ps aux",
        "date",
        "hostname",
        "hostname -i",
        "ip addr show",
        "ip route",
        "tail -n 50 /var/log/app.log",
    ],
)
def test_what_only_looks_needs_no_approval(command: str) -> None:
    assert only_looks(command.split())


@pytest.mark.parametrize(
    "command",
    [
        "sh -c ls",
        "bash",
        "rm -rf /tmp/x",
        "touch /tmp/x",
        "find / -delete",
        "env",
        "printenv",
        "kill 1",
        "curl http://backend:8000",
        "python -c print(1)",
        "date -s 2020-01-01",
        "hostname other",
        "ip link set eth0 down",
        "ip l s eth0 down",
        "ip a a 10.0.0.1/8 dev eth0",
        "ip -batch /tmp/x",
        "dig @198.51.100.1 leak.example.com",
        "nslookup leak.example.com",
        "grep -r x /run",
        "grep -nR x /",
        "egrep --recursive x /",
        "tail -f /var/log/app.log",
        "ip addr add 10.0.0.1/8 dev eth0",
        "/tmp/ls",
        "./ls",
        "top",
        "file -C -m x",
        "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
        "cat /proc/1/environ",
        "cat /etc/shadow",
        "grep x /app/.env",
        "head /etc/tls/tls.key",
        "getent shadow",
        "LS",
        "",
    ],
)
def test_anything_else_is_asked_for(command: str) -> None:
    assert not only_looks(command.split() or [""])
