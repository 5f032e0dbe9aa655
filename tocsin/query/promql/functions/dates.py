"""Parts of dates: samples are seconds since 1970, UTC; without an argument the evaluation time is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tocsin.query.promql.functions.base import Context, Function
from tocsin.query.promql.values import Floats, Value, Vector, without_name

# Beyond the year 9999 and before year 1 there is no calendar that people agree on.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799

_Seconds = Any  # numpy's datetime64 arrays have no useful static type


def _year(t: _Seconds) -> Any:
    return t.astype("datetime64[Y]").astype(np.int64) + 1970


def _month(t: _Seconds) -> Any:
    return t.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _day_of_month(t: _Seconds) -> Any:
    return (t.astype("datetime64[D]") - t.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def _day_of_year(t: _Seconds) -> Any:
    return (t.astype("datetime64[D]") - t.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 1


def _days_in_month(t: _Seconds) -> Any:
    month = t.astype("datetime64[M]")
    return ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)


def _day_of_week(t: _Seconds) -> Any:
    return (t.astype("datetime64[D]").astype(np.int64) + 4) % 7  # 1 January 1970 was a Thursday


def _hour(t: _Seconds) -> Any:
    return t.astype(np.int64) // 3600 % 24


def _minute(t: _Seconds) -> Any:
    return t.astype(np.int64) // 60 % 60


def _date(part: Callable[[_Seconds], Any]) -> Function:
    def call(context: Context) -> Value:
        vector = context.vector() if context.values else _now(context)
        return without_name(vector.with_values(_computed(part, vector.values)))

    return call


def _now(context: Context) -> Vector:
    return Vector([{}], context.at[None, :] / 1000, np.ones((1, context.steps), bool))


def _computed(part: Callable[[_Seconds], Any], values: Floats) -> Floats:
    known = (values >= _FIRST) & (values <= _LAST)
    seconds = np.where(known, values, 0.0).astype(np.int64).astype("datetime64[s]")
    return np.where(known, part(seconds).astype(np.float64), np.nan)


FUNCTIONS: Mapping[str, Function] = {
    "day_of_month": _date(_day_of_month),
    "day_of_week": _date(_day_of_week),
    "day_of_year": _date(_day_of_year),
    "days_in_month": _date(_days_in_month),
    "hour": _date(_hour),
    "minute": _date(_minute),
    "month": _date(_month),
    "year": _date(_year),
}
