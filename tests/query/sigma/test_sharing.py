"""Names for common parts."""

from __future__ import annotations

from tocsin.query.sigma.sharing import Shared, inlined, with_clause
from tocsin.store.base import Columns
from tocsin.store.sql import Sql, bind, compose


def test_equal_parts_have_one_name_whoever_names_them() -> None:
    assert Shared().name(Sql("lower(x)")) == Shared().name(Sql("lower(x)")) != Shared().name(Sql("upper(x)"))


def test_only_what_is_used_is_defined_and_in_order(columns: Columns) -> None:
    shared = Shared()
    one = shared.name(compose("length({x})", x=bind("abc")))
    unused = shared.name(Sql("length('unused')"))
    two = shared.name(compose("{one} + 1", one=one))
    expression = compose("{two} * 2", two=two)
    named = shared.used_in(expression)
    assert list(named) == [one.text, two.text]
    assert unused.text not in named
    query = compose("{let}SELECT {e} AS v", let=with_clause(named.items()), e=expression)
    assert columns.fetch(query) == [{"v": 8}]
    assert columns.fetch(compose("SELECT {e} AS v", e=inlined(expression, named))) == [{"v": 8}]


def test_a_value_that_looks_like_a_name_stays_a_value(columns: Columns) -> None:
    shared = Shared()
    name = shared.name(Sql("'replaced'"))
    expression = compose("concat({value}, {name})", value=bind(name.text), name=name)
    found = columns.fetch(compose("SELECT {e} AS v", e=inlined(expression, shared.used_in(expression))))
    assert found == [{"v": f"{name.text}replaced"}]
