"""The sandbox: an embedded cluster that speaks the Kubernetes API over HTTPS on loopback.

A request goes `server → api (routing, negotiation) → objects.registry (the rules of writing) → objects.store`; the
controllers see every change of the store and write through the same registry. Time comes from one `Clock`.
`lifecycle` starts and stops the whole as a background process.
"""
