"""Binary operators between two instant vectors: which elements meet, and what becomes of their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.model.labels import Labels
from tocsin.query.promql.nodes import Binary, Matching
from tocsin.query.promql.operators import COMPARISONS, apply
from tocsin.query.promql.syntax import QueryError
from tocsin.query.promql.values import NAME, Booleans, Integers, LabelKey, Vector, empty, merged, show


@dataclass(frozen=True, slots=True)
class Signatures:
    """The match group of each element: equal numbers meet."""

    left: Integers
    right: Integers
    count: int


def signatures(left: Vector, right: Vector, matching: Matching) -> Signatures:
    """Number the match groups of both sides."""
    ids: dict[LabelKey, int] = {}

    def numbered(labels: Sequence[Labels]) -> Integers:
        return np.fromiter((ids.setdefault(_signature(own, matching), len(ids)) for own in labels), np.int64)

    first, second = numbered(left.labels), numbered(right.labels)
    return Signatures(first, second, len(ids))


def _signature(labels: Labels, matching: Matching) -> LabelKey:
    if matching.on:
        return frozenset((name, labels[name]) for name in matching.labels if labels.get(name))
    return frozenset((k, v) for k, v in labels.items() if k != NAME and k not in matching.labels)


def between_vectors(expr: Binary, left: Vector, right: Vector) -> Vector:
    """Evaluate an arithmetic or comparison operator.

    Raises:
        QueryError: Elements meet several others where that is not allowed.
    """
    matching = expr.matching
    found = signatures(left, right, matching)
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    many_ids, one_ids = (found.right, found.left) if swapped else (found.left, found.right)
    _check_one_side(one, one_ids, found.count, matching, "left" if swapped else "right")
    rows, partners = _pairs(many_ids, one_ids)
    if not len(rows):
        return empty(left.values.shape[1])
    a, b = many.values[rows], one.values[partners]
    first, second = (b, a) if swapped else (a, b)
    values = apply(expr.op, first, second)
    present = many.present[rows] & one.present[partners]
    if expr.op in COMPARISONS and not expr.as_bool:
        # What stays is the left operand's value, whichever side is the many.
        present, values = present & (values != 0), first
    labels = [
        _result_labels(expr, many.labels[row], one.labels[partner])
        for row, partner in zip(rows.tolist(), partners.tolist(), strict=True)
    ]
    return _unique(labels, Vector(labels, values, present), many_ids[rows], matching)


def _pairs(many: Integers, one: Integers) -> tuple[Integers, Integers]:
    order = np.argsort(one, kind="stable")
    low, high = np.searchsorted(one[order], many), np.searchsorted(one[order], many, "right")
    counts = high - low
    rows = np.repeat(np.arange(len(many)), counts)
    inner = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[np.repeat(low, counts) + inner]


def _check_one_side(one: Vector, ids: Integers, count: int, matching: Matching, side: str) -> None:
    clash = merged(ids, count, one.values, one.present)[0]
    if clash is None:
        return
    members = [one.labels[row] for row in np.nonzero(ids == clash)[0].tolist()]
    group = show(dict(_signature(members[0], matching)))
    listed = ", ".join(show(labels) for labels in members[:2])
    raise QueryError(
        f"found duplicate series for the match group {group} on the {side} hand-side of the operation: [{listed}]; "
        "many-to-many matching not allowed: matching labels must be unique on one side"
    )


def _result_labels(expr: Binary, many: Labels, one: Labels) -> Labels:
    matching = expr.matching
    labels = dict(many)
    if expr.op not in COMPARISONS or expr.as_bool:
        labels.pop(NAME, None)
    if matching.many is None:
        return {k: v for k, v in labels.items() if (k in matching.labels) == matching.on}
    for name in matching.include:
        if one.get(name):
            labels[name] = one[name]
        else:
            labels.pop(name, None)
    return labels


def _unique(labels: Sequence[Labels], vector: Vector, groups: Integers, matching: Matching) -> Vector:
    """Lay results with equal labels over each other, if they are there at different steps."""
    if matching.many is None and merged(groups, int(groups.max()) + 1, vector.values, vector.present)[0] is not None:
        raise QueryError("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
    ids: dict[LabelKey, int] = {}
    rows = np.fromiter((ids.setdefault(frozenset(own.items()), len(ids)) for own in labels), np.int64)
    if len(ids) == len(labels):
        return vector
    clash, values, present = merged(rows, len(ids), vector.values, vector.present)
    if clash is not None:
        raise QueryError("multiple matches for labels: grouping labels must ensure unique matches")
    return Vector([dict(identity) for identity in ids], values, present)


def of_sets(expr: Binary, left: Vector, right: Vector) -> Vector:
    """Evaluate `and`, `or` or `unless`."""
    found = signatures(left, right, expr.matching)
    if expr.op == "or":
        fresh = right.present & ~_any(left, found.left, found.count)[found.right]
        return _union(left, right.only(fresh))
    match = _any(right, found.right, found.count)[found.left]
    return left.only(match if expr.op == "and" else ~match)


def _any(vector: Vector, ids: Integers, count: int) -> Booleans:
    """(groups, steps); whether any element of the group is there."""
    out = np.zeros((count, vector.values.shape[1]), bool)
    np.logical_or.at(out, ids, vector.present)
    return out


def _union(left: Vector, right: Vector) -> Vector:
    labels = [*left.labels, *right.labels]
    values = np.concatenate([left.values, right.values])
    present = np.concatenate([left.present, right.present])
    ids: dict[LabelKey, int] = {}
    rows = np.fromiter((ids.setdefault(frozenset(own.items()), len(ids)) for own in labels), np.int64)
    if len(ids) == len(labels):
        return Vector(labels, values, present)
    clash, values, present = merged(rows, len(ids), values, present)
    if clash is not None:
        raise QueryError("vector cannot contain metrics with the same labelset")
    return Vector([dict(identity) for identity in ids], values, present)
