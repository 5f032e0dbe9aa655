"""All aggregations by name."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.query.promql.aggregations import choosing, count_values, simple
from tocsin.query.promql.aggregations.base import Aggregator

AGGREGATIONS: Mapping[str, Aggregator] = {
    **choosing.AGGREGATIONS,
    **count_values.AGGREGATIONS,
    **simple.AGGREGATIONS,
}
