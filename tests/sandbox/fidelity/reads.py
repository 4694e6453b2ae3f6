"""Lists with every option, tables, watches."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from urllib.parse import quote

from fidelity.bodies import NOWHERE, base
from fidelity.model import JSON, Area, Case, Step

CONFIGS = "/api/v1/namespaces/{ns}/configmaps"
PODS = "/api/v1/namespaces/{ns}/pods"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_TIERS = ("web", "db", "cache")


def _made() -> tuple[Step, ...]:
    steps = []
    for index in range(9):
        labels = {"tier": _TIERS[index % 3], "n": str(index)} | ({"odd": ""} if index % 2 else {})
        steps.append(Step("POST", CONFIGS, {"metadata": {"name": f"c{index}", "labels": labels}, "data": {"a": "b"}}))
        pod = base("Pod")[1]
        pod["metadata"] = {"name": f"p{index}", "labels": labels}
        pod["spec"] |= {"restartPolicy": ("Always", "Never")[index % 2]}
        steps.append(Step("POST", PODS, pod))
    return tuple(steps)


_LABELS = (
    "tier=web", "tier==db", "tier!=web", "tier in (web,db)", "tier notin (web)", "odd", "!odd", "tier=web,odd",
    "n>3", "n<2", "tier=", "tier", "a b", "tier in ()", "tier in (web", "=web", ",", "tier===web", "!", "x/y/z=1",
    "tier=a b", "n>x", "none=1", "tier in (web, db ,)", " tier = web ", "UPPER=1", "tier=Ünlaut",
)  # fmt: skip
_FIELDS = (
    "metadata.name=c1", "metadata.name!=c1", "metadata.name==p3", "metadata.namespace={ns}", "metadata.namespace=other",
    "spec.nodeName=", "spec.nodeName=x", "status.phase=Pending", "status.phase!=Pending", "spec.restartPolicy=Never",
    "spec.restartPolicy!=Never,metadata.name!=p1", "spec.schedulerName=" + NOWHERE, "spec.serviceAccountName=default",
    "spec.unknown=1", "metadata.labels=x", "nonsense", "=", "metadata.name=c1,", "status.podIP=", "data.a=b",
)  # fmt: skip
_VERSIONS = ("0", "{version}", "1", "abc", "-1", "999999999999", "")
_MATCHES = ("Exact", "NotOlderThan", "Odd", "")


def lists(random: Random, count: int) -> Iterator[Case]:
    """Random combinations; half of them walk on where there is more."""
    for _ in range(max(1, count // 2)):
        path = random.choice([CONFIGS, PODS, PODS])
        options: list[str] = []
        if random.random() < 0.5:
            options.append("labelSelector=" + quote(random.choice(_LABELS)))
        if random.random() < 0.4:
            options.append("fieldSelector=" + quote(random.choice(_FIELDS), safe="{}"))
        if random.random() < 0.4:
            options.append(f"limit={random.choice(['1', '2', '5', '0', '100', 'x', '-1'])}")
        if random.random() < 0.25:
            options.append(f"resourceVersion={random.choice(_VERSIONS)}")
            if random.random() < 0.6:
                options.append(f"resourceVersionMatch={random.choice(_MATCHES)}")
        elif random.random() < 0.05:
            options.append(f"resourceVersionMatch={random.choice(_MATCHES)}")
        if random.random() < 0.05:
            options.append("continue=nonsense")
        accept = random.choice([JSON, JSON, TABLE, METADATA, f"{TABLE},{JSON}", "text/html"])
        query = "&".join(options)
        steps = [Step("GET", f"{CONFIGS}/c0"), Step("GET", f"{path}?{query}", accept=accept)]
        if {"limit=1", "limit=2"} & set(options) and not any("resourceVersion" in part for part in options):
            rest = [part for part in options if not part.startswith(("continue", "resourceVersion"))]
            follow = "&".join([*rest, "continue={continue}"])
            steps += [Step("GET", f"{path}?{follow}", accept=accept)]
        if random.random() < 0.2:
            one = random.choice(["c1", "none", "p1"])
            steps.append(Step("GET", f"{path}/{one}", accept=random.choice([TABLE, JSON, ONE])))
        yield Case("list", tuple(steps))


def watches(random: Random, count: int) -> Iterator[Case]:
    """What a watch from a version on sees of a few writes; each takes a second of the real server's time."""
    for index in range(max(1, count // 8)):
        name = f"w{index}-{random.getrandbits(20):05x}"
        one = f"{CONFIGS}/{name}"
        steps = [Step("POST", CONFIGS, {"metadata": {"name": name, "labels": {"watch": name}}, "data": {"a": "1"}})]
        selector = random.choice([f"labelSelector=watch%3D{name}", f"fieldSelector=metadata.name%3D{name}"])
        options = f"watch=1&timeoutSeconds=1&{selector}&resourceVersion={{version}}"
        writes = []
        for _ in range(random.randint(1, 3)):
            label = random.choice([name, "away"])
            writes.append({"data": {"a": random.choice("123")}, "metadata": {"labels": {"watch": label}}})
        steps += [Step("PUT", one, {"metadata": {"name": name, "labels": {"watch": name}}, "data": {"a": "0"}})]
        kept = [Step("PATCH", f"{one}{random.choice(['', '?dryRun=All'])}", body, "application/merge-patch+json")
                for body in writes]  # fmt: skip
        accept = random.choice([JSON, JSON, TABLE])
        if random.random() < 0.4:
            kept.append(Step("DELETE", one))
        # The version of the creation is what the watch begins at: asked for before the writes are, by a list.
        whole = f"watch=1&timeoutSeconds=1&{selector}" + random.choice(["", "&resourceVersion=0", "&resourceVersion=x"])
        yield Case("watch", (*steps, *kept, Step("GET", f"{CONFIGS}?{whole}", accept=accept)))
        yield Case("watch, bad", (Step("GET", f"{CONFIGS}?{options.replace('{version}', '1')}"),))


LISTS = Area("lists: selectors, pages, versions, tables", lists, _made(), share=3)
WATCHES = Area("watches", watches, share=0.6)
