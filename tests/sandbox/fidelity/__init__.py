"""The same generated requests to the sandbox and to a real API server, and how often both answer alike.

`PYTHONPATH=tests/sandbox python -m fidelity` runs all of it and prints docs/fidelity.md; test_fidelity.py runs a part.
"""
