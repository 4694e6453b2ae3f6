"""How healthy workloads, nodes, namespaces and the cluster are, from 0 to 100, and why.

A part is what one kind of trouble leaves of 100; the parts and what they weigh stand in `parts`, how they become a
score in `score`, and docs/health.md tells it to people.
"""
