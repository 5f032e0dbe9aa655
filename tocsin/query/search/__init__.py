"""The search language of `tocsin query`: `field:value` terms, no SQL. docs/reference/search.md describes it."""

from tocsin.query.search.plan import Plan, plan
from tocsin.query.search.statements import Window, arrived, count, rows, top, watermarks
from tocsin.query.search.syntax import SearchError, parse

__all__ = ["Plan", "SearchError", "Window", "arrived", "count", "parse", "plan", "rows", "top", "watermarks"]
