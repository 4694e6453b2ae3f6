"""NetworkPolicies: the examples of the Kubernetes documentation, and any policy against a literal second reading."""

from __future__ import annotations

import ipaddress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tools.diagnosis.network.policies import End, judge

SPACES = {"shop": {"team": "a", "kubernetes.io/metadata.name": "shop"}, "ops": {"team": "b"}}


def pod(name: str, space: str = "shop", address: str = "10.0.0.1", **labels: str) -> End:
    ports = {("TCP", "http"): 8000, ("UDP", "dns"): 53}
    return End(name, space, labels, SPACES[space], address, ports)


def policy(spec: dict[str, Any], name: str = "p", space: str = "shop") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": space}, "spec": spec}


def into(policies: list[dict[str, Any]], source: End, target: End, port: int = 6379, protocol: str = "TCP") -> bool:
    return judge(policies, source, target, port, protocol, "Ingress").allowed


def out_of(policies: list[dict[str, Any]], source: End, target: End, port: int, protocol: str = "TCP") -> bool:
    return judge(policies, source, target, port, protocol, "Egress").allowed


# https://kubernetes.io/docs/concepts/services-networking/network-policies/
DOCUMENTED = policy(
    {
        "podSelector": {"matchLabels": {"role": "db"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {"ipBlock": {"cidr": "172.17.0.0/16", "except": ["172.17.1.0/24"]}},
                    {"namespaceSelector": {"matchLabels": {"team": "b"}}},
                    {"podSelector": {"matchLabels": {"role": "frontend"}}},
                ],
                "ports": [{"protocol": "TCP", "port": 6379}],
            }
        ],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}], "ports": [{"protocol": "TCP", "port": 5978}]}],
    }
)
DB = pod("db", role="db")


def test_the_documented_policy_lets_in_whom_the_documentation_says() -> None:
    assert into([DOCUMENTED], pod("web", role="frontend"), DB)
    assert into([DOCUMENTED], pod("any", "ops", address="10.9.9.9"), DB)
    assert into([DOCUMENTED], End(address="172.17.0.5"), DB)
    assert not into([DOCUMENTED], End(address="172.17.1.5"), DB)
    assert not into([DOCUMENTED], pod("other", role="backend"), DB)
    assert not into([DOCUMENTED], pod("web", role="frontend"), DB, 6380)
    assert not into([DOCUMENTED], pod("web", role="frontend"), DB, 6379, "UDP")


def test_the_documented_policy_lets_out_only_to_its_block() -> None:
    assert out_of([DOCUMENTED], DB, End(address="10.0.0.7"), 5978)
    assert not out_of([DOCUMENTED], DB, End(address="10.0.1.7"), 5978)
    assert not out_of([DOCUMENTED], DB, pod("dns", "ops", "10.1.1.1"), 53, "UDP")


def test_two_selectors_in_one_peer_mean_both_and_in_two_peers_either() -> None:
    space, pods = {"namespaceSelector": {"matchLabels": {"team": "b"}}}, {"podSelector": {"matchLabels": {"r": "c"}}}
    both, either = ({"podSelector": {}, "ingress": [{"from": peers}]} for peers in ([{**space, **pods}], [space, pods]))
    there, here = pod("x", "ops"), pod("x", r="c")
    assert not into([policy(both)], there, DB)
    assert not into([policy(both)], here, DB)
    assert into([policy(both)], pod("x", "ops", r="c"), DB)
    assert into([policy(either)], there, DB)
    assert into([policy(either)], here, DB)


def test_an_empty_selector_picks_every_pod_of_its_namespace_and_denies() -> None:
    deny = policy({"podSelector": {}, "policyTypes": ["Ingress"]}, "deny")
    verdict = judge([deny], pod("a"), DB, 80, "TCP", "Ingress")
    assert not verdict.allowed
    assert verdict.isolating == ("deny",)
    assert out_of([deny], DB, pod("a"), 80)
    assert into([deny], pod("a"), pod("b", "ops"))


def test_policies_add_up_so_that_one_which_allows_is_enough() -> None:
    deny = policy({"podSelector": {}, "policyTypes": ["Ingress"]}, "deny")
    allow = policy({"podSelector": {"matchLabels": {"role": "db"}}, "ingress": [{}]}, "allow")
    verdict = judge([deny, allow], pod("a"), DB, 80, "TCP", "Ingress")
    assert verdict.allowed
    assert verdict.by == "allow spec.ingress[0]"
    assert verdict.isolating == ("deny", "allow")


def test_types_that_are_not_stated_follow_from_the_rules() -> None:
    silent = policy({"podSelector": {}})
    assert not into([silent], pod("a"), DB)
    assert out_of([silent], DB, pod("a"), 1)
    leaving = policy({"podSelector": {}, "egress": [{"ports": [{"protocol": "UDP", "port": 53}]}]})
    assert not into([leaving], pod("a"), DB)
    assert out_of([leaving], DB, pod("dns", "ops"), 53, "UDP")
    assert not out_of([leaving], DB, pod("dns", "ops"), 53)


def test_ports_may_be_ranges_and_names_of_the_target() -> None:
    ranged = policy({"podSelector": {}, "ingress": [{"ports": [{"port": 32000, "endPort": 32768}]}]})
    assert into([ranged], pod("a"), DB, 32000)
    assert into([ranged], pod("a"), DB, 32768)
    assert not into([ranged], pod("a"), DB, 32769)
    named = policy({"podSelector": {}, "ingress": [{"ports": [{"port": "http"}]}]})
    assert into([named], pod("a"), DB, 8000)
    assert not into([named], pod("a"), DB, 8001)


def test_a_pod_on_its_nodes_network_is_no_pod_to_selectors() -> None:
    source = End("agent", "shop", {"role": "frontend"}, SPACES["shop"], "192.168.0.2", host_network=True)
    assert not into([DOCUMENTED], source, DB)


# The second reading: one sentence of the API's documentation a line, over everything, without a shortcut.
def literally(policies: list[dict[str, Any]], source: End, target: End, port: int, protocol: str, way: str) -> bool:
    own, peer = (target, source) if way == "Ingress" else (source, target)
    isolated, allowed = False, False
    for each in policies:
        spec = each["spec"]
        types = (
            spec["policyTypes"] if spec.get("policyTypes") else ["Ingress"] + (["Egress"] if spec.get("egress") else [])
        )
        in_its_namespace = each["metadata"]["namespace"] == own.namespace
        if way in types and in_its_namespace and picked(spec["podSelector"], own.labels):
            isolated = True
            for rule in spec.get(way.lower()) or []:
                peers = rule.get("from" if way == "Ingress" else "to") or []
                by_peer = [peer_fits(item, own, peer) for item in peers]
                by_port = [port_fits(item, target, port, protocol) for item in rule.get("ports") or []]
                if (not by_peer or True in by_peer) and (not by_port or True in by_port):
                    allowed = True
    return allowed if isolated else True


def picked(selector: dict[str, Any], labels: Any) -> bool:
    checks = [labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or []:
        value = labels.get(rule["key"])
        checks.append(
            {
                "In": value is not None and value in rule.get("values", []),
                "NotIn": value is None or value not in rule.get("values", []),
                "Exists": value is not None,
                "DoesNotExist": value is None,
            }[rule["operator"]]
        )
    return False not in checks


def peer_fits(item: dict[str, Any], own: End, peer: End) -> bool:
    if "ipBlock" in item:
        inside = [
            address in ipaddress.ip_network(item["ipBlock"]["cidr"]) for address in [ipaddress.ip_address(peer.address)]
        ]
        excepted = [
            ipaddress.ip_address(peer.address) in ipaddress.ip_network(part)
            for part in item["ipBlock"].get("except", [])
        ]
        return inside == [True] and True not in excepted
    if not peer.name:
        return False
    spaces_fit = picked(item["namespaceSelector"], peer.space_labels) if "namespaceSelector" in item else None
    pods_fit = picked(item["podSelector"], peer.labels) if "podSelector" in item else None
    if spaces_fit is None:
        return peer.namespace == own.namespace and pods_fit is True
    return spaces_fit and pods_fit is not False


def port_fits(item: dict[str, Any], target: End, port: int, protocol: str) -> bool:
    if item.get("protocol", "TCP") != protocol:
        return False
    if "port" not in item:
        return True
    if isinstance(item["port"], str):
        return {name: number for (kind, name), number in target.ports.items() if kind == protocol}.get(
            item["port"]
        ) == port
    return port in range(item["port"], item.get("endPort", item["port"]) + 1)


LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["a", "b"]))
RULES = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["app", "tier", "team"]),
        "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
        "values": st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2),
    }
)
SELECTORS = st.fixed_dictionaries({}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(RULES, max_size=2)})
BLOCKS = st.sampled_from(
    [
        {"cidr": "10.0.0.0/8"},
        {"cidr": "10.0.0.0/8", "except": ["10.0.1.0/24"]},
        {"cidr": "0.0.0.0/0"},
        {"cidr": "192.168.0.0/16"},
    ]
)
PEERS = st.one_of(
    st.fixed_dictionaries({"ipBlock": BLOCKS}),
    st.fixed_dictionaries({"podSelector": SELECTORS}),
    st.fixed_dictionaries({"namespaceSelector": SELECTORS}),
    st.fixed_dictionaries({"podSelector": SELECTORS, "namespaceSelector": SELECTORS}),
)
PORTS = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={"port": st.sampled_from([53, 80, 8000, "http", "dns"]), "protocol": st.sampled_from(["TCP", "UDP"])},
    ),
    st.just({"port": 50, "endPort": 90}),
)
SPECS = st.fixed_dictionaries(
    {"podSelector": SELECTORS},
    optional={
        "policyTypes": st.lists(st.sampled_from(["Ingress", "Egress"]), max_size=2, unique=True),
        "ingress": st.lists(
            st.fixed_dictionaries(
                {}, optional={"from": st.lists(PEERS, max_size=2), "ports": st.lists(PORTS, max_size=2)}
            ),
            max_size=2,
        ),
        "egress": st.lists(
            st.fixed_dictionaries(
                {}, optional={"to": st.lists(PEERS, max_size=2), "ports": st.lists(PORTS, max_size=2)}
            ),
            max_size=2,
        ),
    },
)
PODS = st.builds(
    lambda labels, space, address: pod("x", space, address, **labels),
    LABELS,
    st.sampled_from(["shop", "ops"]),
    st.sampled_from(["10.0.0.5", "10.0.1.5", "192.168.1.1"]),
)
OUTSIDE = st.builds(lambda address: End(address=address), st.sampled_from(["10.0.1.9", "8.8.8.8"]))
POLICIES = st.lists(st.builds(policy, SPECS, st.just("p"), st.sampled_from(["shop", "ops"])), max_size=3)


@settings(max_examples=400, deadline=None)
@given(POLICIES, PODS, st.one_of(PODS, OUTSIDE), st.sampled_from([53, 80, 8000]), st.sampled_from(["TCP", "UDP"]))
def test_any_policies_judge_as_the_specification_reads(
    policies: list[dict[str, Any]], own: End, peer: End, port: int, protocol: str
) -> None:
    assert judge(policies, peer, own, port, protocol, "Ingress").allowed == literally(
        policies, peer, own, port, protocol, "Ingress"
    )
    assert judge(policies, own, peer, port, protocol, "Egress").allowed == literally(
        policies, own, peer, port, protocol, "Egress"
    )
