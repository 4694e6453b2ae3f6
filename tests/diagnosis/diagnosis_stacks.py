"""Healthy worlds: the todo stack, and three other stacks of the folder `stacks`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tools.sandbox.containers.behaviours import Behaviour
from mcp_tools.sandbox.containers.catalogue import IMAGES, Image
from mcp_tools.sandbox.containers.releases import of_backend
from mcp_tools.sandbox.world import boot, load_documents

if TYPE_CHECKING:
    from mcp_tools.sandbox.world import World

STACKS = {"todo": "todo-app", "shop": "shop", "blog": "blog", "queue": "queue"}
"""Their namespaces by their names."""
AGE = 15 * 60.0
MEBI = 2**20

_WEB = Behaviour(0.5, traffic="frontend", voice="node", memory=48 * MEBI)
_API = Behaviour(0.5, traffic="backend", memory=40 * MEBI)
_PROGRAMS: dict[str, tuple[str, Behaviour]] = {
    "shop/frontend": (
        "2.0.0",
        replace(_WEB, ports=(8085,), calls=("CART_URL", "CHECKOUT_URL"), paths=("/", "/healthz")),
    ),
    "shop/cart": (
        "1.4.0",
        replace(
            _API,
            ports=(7070,),
            needs=("SESSION_KEY",),
            connects=("REDIS_URL",),
            paths=("/", "/healthz"),
            writes=("/tmp",),
        ),
    ),
    "shop/checkout": ("3.1.0", replace(_API, ports=(5050,), needs=("PAYMENT_KEY",), paths=("/", "/healthz"))),
    "blog/wordpress": (
        "6.7.0",
        replace(
            _API,
            ports=(8083,),
            needs=("AUTH_SALT",),
            connects=("WORDPRESS_DB_URL",),
            paths=("/", "/wp-login.php"),
            writes=("/tmp",),
        ),
    ),
    "blog/mysql": ("8.4.0", Behaviour(1.0, (3306,), needs=("MYSQL_ROOT_PASSWORD",), memory=128 * MEBI)),
    "blog/memcached": ("1.6.0", Behaviour(0.2, (11211,))),
    "queue/broker": ("3.8.0", Behaviour(2.0, (9092,), memory=128 * MEBI)),
    "queue/orders": (
        "1.9.0",
        replace(_API, ports=(8088,), needs=("API_TOKEN",), calls=("BROKER_URL",), paths=("/", "/live", "/ready")),
    ),
    "queue/worker": ("1.9.0", replace(_API, ports=(), calls=("BROKER_URL",))),
    "queue/log-agent": ("2.2.0", Behaviour(0.3, (), memory=28 * MEBI)),
}


def healthy(stack: str, seed: int) -> World:
    """A world in which one of `STACKS` has run for a while, everything in it ready."""
    if stack == "todo":
        return boot(seed=seed)
    for name, (tag, program) in _PROGRAMS.items():
        tags = (tag, "1.1.0") if tag != "1.1.0" else (tag,)
        IMAGES.setdefault(name, Image(tags, 90 * MEBI, program, releases=of_backend(program)))
    world = boot(empty=True, seed=seed)
    for obj in load_documents((Path(__file__).parent / "stacks" / f"{stack}.yaml").read_bytes()):
        world.add(obj)
    world.clock.advance(AGE)
    return world
