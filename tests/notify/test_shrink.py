"""Shrinking: the richest that fits is found, and the least always remains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.notify.shrink import EVENTS_LIMIT, LEAST, MOST_ALERTS, STEPS, Detail, DoesNotFit, richest


def size(detail: Detail) -> int:
    """What a message of this detail might weigh: it grows with every part."""
    return 100 + detail.alerts * (detail.text + detail.facts * 20 + detail.evidence * detail.text)


def found(limit: int, alerts: int, most: int = 10_000) -> Detail:
    return richest(lambda detail: detail, lambda detail: size(detail) <= limit, alerts, most)


def test_nothing_is_cut_when_all_fits() -> None:
    assert found(10**9, 3) == Detail(3, STEPS[0].evidence, STEPS[0].text, STEPS[0].facts)


def test_evidence_and_texts_shrink_before_alerts_go() -> None:
    detail = found(2000, 10)
    assert detail.alerts == 10
    assert detail.evidence == 0


def test_the_most_alerts_that_fit_are_told() -> None:
    detail = found(2000, 500)
    assert 1 < detail.alerts < 500
    assert size(detail) <= 2000 < size(Detail(detail.alerts + 1, 0, STEPS[-1].text, STEPS[-1].facts))


def test_one_alert_in_few_words_is_more_than_the_least() -> None:
    assert found(size(STEPS[-1]), 7) == STEPS[-1]


def test_the_least_is_told_when_little_fits() -> None:
    assert found(160, 7) == LEAST


def test_a_limit_below_the_least_is_our_mistake() -> None:
    with pytest.raises(DoesNotFit):
        found(10, 1)


def test_no_more_alerts_than_wanted() -> None:
    assert richest(lambda detail: detail, lambda _: True, 1000).alerts == MOST_ALERTS
    assert found(10**9, 50, most=3).alerts == 3
    assert found(10**9, 2, most=3).alerts == 2


def test_enormous_messages_are_not_rendered_for_nothing() -> None:
    rendered: list[Detail] = []

    def render(detail: Detail) -> Detail:
        rendered.append(detail)
        return detail

    richest(render, lambda _: True, 1000, 1000)
    assert [detail.alerts * detail.evidence for detail in rendered] == [EVENTS_LIMIT]


@given(st.integers(160, 10**7), st.integers(1, 2000))
def test_what_is_found_fits(limit: int, alerts: int) -> None:
    detail = found(limit, alerts)
    assert size(detail) <= limit
    assert 1 <= detail.alerts <= alerts


def test_each_step_is_poorer_than_the_one_before() -> None:
    sizes = [size(step) for step in (*STEPS, LEAST)]
    assert sizes == sorted(sizes, reverse=True)
