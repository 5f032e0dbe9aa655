"""PromQL: text to nodes (`syntax`), nodes to a plan of what to load (`plan`), evaluated over arrays (`evaluate`).

Imports the store's Protocols and below. A function is one line in its family's module in `functions/`, an aggregation
one in `aggregations/`; docs/reference/promql.md lists both.
"""

from tocsin.query.promql.memory import MemorySource
from tocsin.query.promql.queries import Limits, Options, Result, instant_query, range_query
from tocsin.query.promql.source import SampleSource, Selected
from tocsin.query.promql.syntax import QueryError, parse

__all__ = [
    "Limits",
    "MemorySource",
    "Options",
    "QueryError",
    "Result",
    "SampleSource",
    "Selected",
    "instant_query",
    "parse",
    "range_query",
]
