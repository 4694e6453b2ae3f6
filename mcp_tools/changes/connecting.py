"""Telling a workload where a Service is: an environment variable with its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.cluster.resolve import find_object
from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from mcp_tools.cluster.connection import Connection
    from mcp_tools.cluster.resolve import Found

# The schemes of the protocols by their registered ports; what is not here is HTTP.
SCHEMES = {6379: "redis", 5432: "postgresql", 3306: "mysql", 27017: "mongodb", 5672: "amqp", 4222: "nats", 443: "https"}
SUFFIXES = ("_URL", "_URI", "_ADDRESS", "_HOST")


def address_of(connection: Connection, workload: Found, service: str) -> dict[str, str]:
    """The variable that leads a workload to a Service of its namespace or, as `name.namespace`, of another.

    A variable that the workload has already for it (`REDIS_URL`, `REDIS_HOST`) is used again.

    Raises:
        UsageError: The Service has no port, or several.
        ShipmateError: As `find_object`.
    """
    name, _, space = service.removeprefix("service/").removeprefix("services/").partition(".")
    found = find_object(connection, f"services/{name}", space or workload.namespace, ("services",))
    ports = [int(port["port"]) for port in found.object["spec"].get("ports") or []]
    if len(ports) != 1:
        raise UsageError(f"{found} has {len(ports)} ports.", "Set the variable yourself, as `set env web URL=…`.")
    host = name if found.namespace == workload.namespace else f"{name}.{found.namespace}"
    stem = name.upper().replace("-", "_").replace(".", "_")
    has = {
        variable["name"]
        for container in workload.object["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env") or []
    }
    variable = next((stem + suffix for suffix in SUFFIXES if stem + suffix in has), f"{stem}_URL")
    if variable.endswith("_HOST"):
        return {variable: host}
    return {variable: f"{SCHEMES.get(ports[0], 'http')}://{host}:{ports[0]}"}
