"""Admission that a cluster's owner configures: limits, quotas, pod security, priorities, webhooks."""
