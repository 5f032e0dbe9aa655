"""`count_values`: one element for each value that occurs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tocsin.query.promql.aggregations.base import Aggregator, Input
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import Vector, number_text, relabelled

_LIMIT = 100_000
"""Elements of the answer."""


def count_values(given: Input) -> Vector:
    """`count_values("label", v)`."""
    name = given.text()
    if not name:
        raise QueryError("invalid label name: it must not be empty")
    rows, columns = np.nonzero(given.vector.present)
    values = given.vector.values[rows, columns]
    unique, which = np.unique(values, return_inverse=True)
    pairs, index = np.unique(given.groups.ids[rows] * len(unique) + which.ravel(), return_inverse=True)
    if len(pairs) > _LIMIT:
        raise QueryError(f"count_values finds {len(pairs)} values; at most {_LIMIT} are allowed")
    counts = np.zeros((len(pairs), given.vector.values.shape[1]))
    np.add.at(counts, (index.ravel(), columns), 1.0)
    texts = [number_text(value) for value in unique.tolist()]
    labels = [{**given.groups.labels[pair // len(unique)], name: texts[pair % len(unique)]} for pair in pairs.tolist()]
    return relabelled(Vector(labels, counts, counts > 0), labels)


AGGREGATIONS: Mapping[str, Aggregator] = {"count_values": count_values}
