"""What runs out: certificates, volumes, quotas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from pydantic import Field

from mcp_tools.diagnosis.certificates import end_of_certificate
from mcp_tools.diagnosis.model import Ref
from mcp_tools.monitoring.conditions.base import VOLUMES, Held, Parameters, Sight, condition
from mcp_tools.monitoring.conditions.objects import in_words, percent
from mcp_tools.monitoring.durations import Duration, roughly
from mcp_tools.quantity import BadQuantity, parse


class Within(Parameters):
    """How soon is too soon."""

    within: Duration = Field(
        default=dt.timedelta(days=14), description="it ends in less time than this; `0s`: it has ended"
    )


class Filled(Parameters):
    """How full is too full."""

    percent: int = Field(default=90, ge=1, le=100, description="of what there is, or more")


@condition("certificate-ends", Within, "Secret")
def certificate_ends(sight: Sight, given: Within) -> Iterator[Held]:
    """A certificate in a Secret has expired or soon will."""
    for secret in sight.snapshot.all("Secret"):
        end = end_of_certificate(secret)
        if end is None or end - sight.at >= given.within:
            continue
        users = sorted(
            ingress.name
            for ingress in sight.snapshot.all("Ingress", secret.namespace)
            if any(entry.get("secretName") == secret.name for entry in ingress.spec.get("tls") or ())
        )
        when = f"ends in {roughly(end - sight.at)}" if end > sight.at else f"ended {roughly(sight.at - end)} ago"
        yield Held(
            secret.ref,
            f"The certificate in {secret.ref} {when}, on {end:%Y-%m-%d}.",
            (f"not valid after {end.isoformat()}", *(f"ingress/{name} uses it" for name in users)),
            since=end - given.within,
        )


@condition("volume-filled", Filled, VOLUMES)
def volume_filled(sight: Sight, given: Filled) -> Iterator[Held]:
    """A volume is nearly full, in bytes or in files."""
    for volume in sight.observation.volumes or ():
        ref = Ref("PersistentVolumeClaim", volume.namespace, volume.claim)
        bytes_used = percent(volume.used, volume.capacity) if volume.capacity else 0
        files_used = percent(volume.inodes_used, volume.inodes) if volume.inodes else 0
        if max(bytes_used, files_used) < given.percent:
            continue
        figures = f"{in_words('memory', Decimal(volume.used))} of {in_words('memory', Decimal(volume.capacity))}"
        files = f"{volume.inodes_used} of {volume.inodes} files"
        full, how = (bytes_used, figures) if bytes_used >= files_used else (files_used, files)
        yield Held(ref, f"The volume of {ref} is {full} % full: {how}.", (figures, *([files] if volume.inodes else ())))


@condition("quota-filled", Filled, "ResourceQuota")
def quota_filled(sight: Sight, given: Filled) -> Iterator[Held]:
    """A quota is nearly used up."""
    for quota in sight.snapshot.all("ResourceQuota"):
        used = quota.status.get("used") or {}
        for resource, hard in sorted((quota.status.get("hard") or {}).items()):
            full = _filled(str(used.get(resource, "0")), str(hard))
            if full is None or full < given.percent:
                continue
            yield Held(
                quota.ref,
                f"Quota {quota.name} is used to {full} %: {resource} {used.get(resource)} of {hard}.",
                (f"status.used[{resource}]: {used.get(resource)}", f"status.hard[{resource}]: {hard}"),
                {"resource": resource},
            )


def _filled(used: str, hard: str) -> int | None:
    """None where nothing at all is allowed, which is a wish and no shortage."""
    try:
        return percent(parse(used), parse(hard)) if parse(hard) else None
    except BadQuantity:
        return None
