"""Our own metrics of alerting."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400)


class DeliveryMetrics:
    """Counts what became of messages.

    Args:
        registry: Where the metrics are exposed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._outcomes = Counter(
            "tocsin_notifications",
            "Attempts to deliver a message, by outcome: sent, postponed or failed; and messages merged into a digest.",
            ("receiver", "kind", "outcome", "reason"),
            registry=registry,
        )
        self._latency = Histogram(
            "tocsin_notification_latency_seconds",
            "Time from a message becoming due to the destination's taking it.",
            ("receiver", "kind"),
            buckets=_BUCKETS,
            registry=registry,
        )

    def sent(self, receiver: str, kind: str, seconds: float) -> None:
        """A message was taken, `seconds` after it became due."""
        self._outcomes.labels(receiver, kind, "sent", "").inc()
        self._latency.labels(receiver, kind).observe(seconds)

    def not_sent(self, receiver: str, kind: str, outcome: str, reason: str) -> None:
        """A message was `postponed` or `failed` for a reason (`DeliveryFailed.reason`)."""
        self._outcomes.labels(receiver, kind, outcome, reason).inc()

    def merged(self, receiver: str, kind: str, messages: int) -> None:
        """So many messages were put together into a digest."""
        self._outcomes.labels(receiver, kind, "merged", "").inc(messages)
