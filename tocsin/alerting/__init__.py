"""From signals to messages: alerts, routing, grouping, outbox; `pipeline.py` lists the stages in order."""
