"""Who reaches whom, worked out from objects alone: selectors, NetworkPolicies, Services and Ingresses."""
