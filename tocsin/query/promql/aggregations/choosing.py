"""Aggregations that keep some of the elements, labels and all: `topk`, `bottomk`, `limitk`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tocsin.query.promql.aggregations.base import Aggregator, Input
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import Floats, Integers, Vector


def topk(given: Input) -> Vector:
    """`topk(k, v)`: the largest; NaN is smaller than everything."""
    return _ranked(given, -given.vector.values)


def bottomk(given: Input) -> Vector:
    """`bottomk(k, v)`: the smallest; NaN is larger than everything."""
    return _ranked(given, given.vector.values)


def _ranked(given: Input, rank_by: Floats) -> Vector:
    chosen = _first_of(given, np.lexsort(_keys(given, rank_by), axis=0))
    if given.vector.values.shape[1] > 1:
        return chosen
    # An instant query shows them best first, group by group.
    order = np.lexsort((rank_by[:, 0], np.isnan(rank_by[:, 0]), given.groups.ids))
    return replace(chosen.take(order), ordered=True)


def _keys(given: Input, rank_by: Floats) -> tuple[Any, ...]:
    group = np.broadcast_to(given.groups.ids[:, None], rank_by.shape)
    return rank_by, np.isnan(rank_by), ~given.vector.present, group


def limitk(given: Input) -> Vector:
    """`limitk(k, v)`: any k elements, the same ones as long as the same series are there."""
    names = np.array([repr(sorted(labels.items())) for labels in given.vector.labels])
    by_name = np.argsort(np.argsort(names, kind="stable"), kind="stable").astype(np.float64)
    ranks = np.broadcast_to(by_name[:, None], given.vector.values.shape)
    return _first_of(given, np.lexsort(_keys(given, ranks), axis=0))


def _first_of(given: Input, order: Integers) -> Vector:
    """Keep the first k of each group, `order` being sorted by group first."""
    wanted = given.number()
    if np.isnan(wanted).any():
        raise QueryError("parameter value is NaN")
    starts = given.groups.starts
    place = np.arange(len(order)) - starts[given.groups.ids[given.groups.order]]
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(place[:, None], order.shape), axis=0)
    return given.vector.only(ranks < np.floor(wanted))


AGGREGATIONS: Mapping[str, Aggregator] = {"bottomk": bottomk, "limitk": limitk, "topk": topk}
