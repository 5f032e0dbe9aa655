"""From signals to messages: alerts, routing, grouping, outbox; `pipeline.py` lists the stages in order.

Deciding is pure (`folding`, `grouping`, `routing`, `decisions`, `delivery`, `digest`, `meta`); `pipeline.AlertPipeline`
and `outbox.OutboxSender` carry the decisions out. May import `notify`, `store`, `model` and `kit`. A new stage is
one function and one line in `pipeline.py`.
"""
