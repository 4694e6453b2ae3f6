"""docs/fidelity.md."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from fidelity.known import KNOWN, why

if TYPE_CHECKING:
    from fidelity.model import Tally


def page(tallies: dict[str, Tally], real: str, ours: str, seed: int) -> str:
    """The page, from what was measured."""
    day = datetime.now(timezone.utc).date()  # noqa: UP017
    total = sum(tally.requests for tally in tallies.values())
    rows = [
        f"| {name} | {tally.requests:,} | {tally.agreement:.1%} | {len(tally.differing) - len(tally.unlisted)} "
        f"| {1 - len(tally.unlisted) / max(1, tally.requests):.1%} | {len(tally.unlisted)} |"
        for name, tally in tallies.items()
    ]
    times = Counter(
        reason
        for tally in tallies.values()
        for _, found in tally.differing
        for reason in {why(line) for line in found} - {None}
    )
    known = [f"| {reason} | {times[reason]} |" for reason in sorted(set(KNOWN.values()))]
    return "\n".join(
        [_HEAD.format(day=day, total=total, real=real, ours=ours, seed=seed), *rows, _KNOWN, *known, _LEFT]
    )


_HEAD = """# How near the sandbox is to Kubernetes

Written by `make fidelity`; do not edit. Measured on {day} with seed {seed}: {total:,} generated requests, each sent to
a real API server ({real}) and to the sandbox ({ours}), and compared in status code, warnings and the whole body.

Not compared: uids, times, resource versions, allocated addresses and ports, continue tokens, the order in which several
causes of one refusal are named, the comparison of Go's internal structs that ends the message of a refused change of a
pod or claim, the certificate in kube-root-ca.crt, and `status` outside of the areas that are about it. Rollouts are
compared in their counts and conditions where they stand still, scheduling in its messages (without the numbers of
nodes), events in the kinds, types and reasons that a scene comes to (without `Pulling`: whether an image is on the node
already is not the server's doing).

| area | requests | alike | listed difference | alike or listed | others |
|---|---:|---:|---:|---:|---:|"""
_KNOWN = """
## Known differences

| what | requests |
|---|---:|"""
_LEFT = """
Custom resources with their rules in CEL, ValidatingAdmissionPolicies, and CertificateSigningRequests with approval and
signing are compared as well, with requests that were picked by hand: `tests/sandbox/test_differential_custom.py`,
`test_differential_admission.py` and `test_differential_kinds.py`. The last also compares what both say in discovery.

## Not compared because it is not there

- Rules in CEL: when a definition is made, only their syntax, names and fields are checked, not their types, and their
  cost is not estimated; `indexOf` of lists, named formats, semantic versions and the authorizer are not known.
- An audit log, and with it what audit annotations say. MutatingAdmissionPolicies, which an API server of this version
  does not serve either unless it is told to.
- Proxies of pods and Services answer as a container answers its probes, those of nodes `/healthz`, `/pods` and
  `/stats/summary`; none of them carries an upgraded connection.
- Kinds: ComponentStatuses, and Bindings as a resource of their own (a pod's `binding` is there).
- Flow control is stored and judged, and holds nobody up. Devices are not scheduled: a pod whose claims are of them
  starts without. A certificate that the sandbox signed is not taken for a login.
- A list that is written empty on purpose (a claim's requests, a node's drivers, a slice's devices) belongs to whoever
  wrote it; here to nobody.
- Where a claim's or a template's spec is refused because it may not change, the API server shows it in the names of its
  internal fields.
- Signed certificates: what the sandbox's own Services would show a webhook's caller is not looked at.
"""
