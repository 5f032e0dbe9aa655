"""Which alerts share a message: for now each alert is a group, so that one incident stands for one entity."""

from __future__ import annotations


def group_key(fingerprint: str) -> str:
    """The stable key of an alert's group: the same over all its episodes, restarts and replicas."""
    return f"tocsin/{fingerprint}"
