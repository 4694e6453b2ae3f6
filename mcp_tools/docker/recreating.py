"""A container's configuration as it was, so that it can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcp_tools.docker.images import find_image
from mcp_tools.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.docker.engine import Api

KEPT_OF_NETWORK = ("Aliases", "Links", "DriverOpts", "IPAMConfig")


def recreatable(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What makes the container again (`image` is its id, `config` the body of the request that creates it).

    Anonymous volumes are named, so that the new container gets the old one's data; the hostname and the network alias
    that follow from the old id are left out.
    """
    short = raw["Id"][:12]
    config = {key: value for key, value in raw["Config"].items() if not (key == "Hostname" and value == short)}
    host = {**raw["HostConfig"], "Binds": _binds(raw)}
    networks = {
        name: {
            key: [item for item in value if item != short] if isinstance(value, list) else value
            for key, value in network.items()
            if key in KEPT_OF_NETWORK and value
        }
        for name, network in ((raw.get("NetworkSettings") or {}).get("Networks") or {}).items()
    }
    body = {**config, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": networks}}
    return {"image": raw["Image"], "config": body}


def make_again(api: Api, name: str, image: str, config: Mapping[str, Any]) -> str:
    """Create the container; gives its id.

    Raises:
        NotFound: Its image is gone.
        ShipmateError: As `engine`.
    """
    body = dict(config)
    networks = dict((body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {})
    # The name of its image may be another image's by now.
    try:
        same = find_image(api, body["Image"])["Id"] == image
    except NotFound:
        same = False
    if not same:
        body["Image"] = find_image(api, image)["Id"]
    # Engines before API 1.44 take one network at the creation.
    first = dict(list(networks.items())[:1])
    body["NetworkingConfig"] = {"EndpointsConfig": first}
    made = str(api.create_container_from_config(body, name)["Id"])
    for network, options in list(networks.items())[1:]:
        api.connect_container_to_network(made, network, aliases=options.get("Aliases"), links=options.get("Links"))
    return made


def _binds(raw: Mapping[str, Any]) -> list[str]:
    host = raw["HostConfig"]
    binds = list(host.get("Binds") or [])
    targets = {bind.split(":")[1] for bind in binds if ":" in bind}
    targets |= {mount.get("Target") for mount in host.get("Mounts") or []}
    return binds + [
        f"{mount['Name']}:{mount['Destination']}{'' if mount.get('RW', True) else ':ro'}"
        for mount in raw.get("Mounts") or []
        if mount.get("Type") == "volume" and mount["Destination"] not in targets
    ]
