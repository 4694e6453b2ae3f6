"""What a workload has to have for a fault to be aimed at it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.model import Fault

_TABLE = """
any: image-tag image-denied image-pull-secret image-registry-name image-rate-limit image-name image-not-loaded
any: command-not-found script-not-found command-not-executable exits-cleanly claim-missing init-hangs
any: post-start-hook gpu node-selector scheduler-name scheduling-gate secret-namespace
stable: init-fails service-account
any: readiness-gate pod-sandbox topology-spread nodes-cordoned node-taint cpu-full
any: first-consumer volume-size volume-mode volume-zone volume-released storage-class multi-attach claim-lost
any: volume-resize job-backoff job-deadline job-suspended cronjob-suspended cronjob-forbidden job-sidecar hpa-requests
any: hpa-target pdb-matches-none rbac finalizer api-service host-port statefulset-stuck volume-owner
limit: oom-limit request-too-large
liveness paths: liveness-loop
http: probe-port
http paths: probe-path
database: dependency-refused dependency-unknown
scratch: read-only-root
config: config-name config-subpath mount-key
stable restricted: pod-security
single: pdb-exhausted
service: service-selector target-port-name load-balancer
service: ingress-class ingress-backend ingress-port ingress-tls certificate-expired
caller: target-port service-protocol service-port policy-ingress policy-deny-all url-host dns-policy dns-down
caller unguarded: policy-dns
deployment: progress-deadline
deployment few: quota-exceeded webhook
deployment config: config-missing config-stale
deployment secret: secret-missing secret-key env-missing
deployment replicas: anti-affinity
deployment service: replicas-zero
deployment service http: endpoints-unready
deployment few large: limit-range
release: image-platform crash-traceback crash-segfault crash-sigterm disk-full flapping
release deployment: rollout-paused old-still-serving
release deployment scratch: pod-evicted
release limit: oom-leak
release cpu deployment: cpu-throttled hpa-at-maximum
release http deployment: readiness-500
release startup deployment: startup-budget
release liveness deployment: liveness-kill
release config secret scratch: port-taken
"""
NOWHERE = frozenset({"nothing"})
"""Of a fault that can be put into the todo stack only: no workload has this trait."""


@cache
def _needs() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _TABLE.strip().splitlines():
        traits, _, names = line.partition(":")
        found |= dict.fromkeys(names.split(), frozenset(traits.split()) - {"any"})
    return found


def needs_of(fault: Fault) -> frozenset[str]:
    """The traits that a workload must have: words of `_TABLE`.

    `deployment`, `stable` (or a StatefulSet), `replicas` (two or more), `few` (at most two), `single` (one); `config`
    and `secret` (its environment comes from such an object), `service`; `release` (its image has the faulty releases),
    `paths` (it answers some paths only); `http`, `startup`, `liveness` (HTTP probes); `limit` (of memory, above what
    the program needs), `large` (more than 256 Mi), `cpu` (a limit of it); `scratch` (an `emptyDir` at `/tmp` under a
    read-only root); `database` (something that it cannot start without); `caller` (another program calls its Service by
    a variable), `unguarded` (and no NetworkPolicy is about that caller); `restricted` (its namespace admits restricted
    pods only).
    """
    return _needs().get(fault.name, NOWHERE)
