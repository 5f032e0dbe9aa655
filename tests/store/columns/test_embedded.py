"""The embedded engine: budgets, failures by their own names, results as promised."""

from __future__ import annotations

import threading

import pytest

from tocsin.model.errors import BudgetExceeded, InvalidInput, StoreFailed
from tocsin.store.base import Budget, Columns
from tocsin.store.columns.faults import translate
from tocsin.store.sql import Sql, bind, compose


@pytest.mark.parametrize(
    ("query", "budget"),
    [
        ("SELECT groupArray(number) AS n FROM numbers(100000000)", Budget(memory=20_000_000)),
        ("SELECT count() AS n FROM numbers(100000000) WHERE sipHash64(number) = 0", Budget(seconds=0.05)),
        ("SELECT count() AS n FROM numbers(1000000) WHERE number % 7 = 1", Budget(rows=10_000)),
    ],
    ids=["memory", "time", "rows"],
)
def test_a_greedy_query_fails_and_the_next_one_works(columns: Columns, query: str, budget: Budget) -> None:
    """Each limit has its own words; the server lives."""
    with pytest.raises(BudgetExceeded, match="budget"):
        columns.fetch(Sql(query), budget)

    assert columns.fetch(Sql("SELECT 1 AS one")) == [{"one": 1}]


@pytest.mark.parametrize(
    "query", ["SELEC 1", "SELECT no_such_column", "SELECT * FROM no_such_table", "SELECT match('a', '(')"]
)
def test_a_wrong_query_is_the_askers_fault(columns: Columns, query: str) -> None:
    """Told apart from a failure of the engine, so that it is not tried again."""
    with pytest.raises(InvalidInput, match="refuses the query"):
        columns.fetch(Sql(query))


def test_bytes_that_are_no_text_do_not_break_an_answer(columns: Columns) -> None:
    """A log line may hold anything."""
    columns.insert("logs", ["line"], "RowBinary", b"\x04\xff\xfea\x00")

    (row,) = columns.fetch(Sql("SELECT line FROM logs"))

    assert row["line"].endswith("a\0")
    assert b"".join(columns.stream(Sql("SELECT line FROM logs"))).decode().startswith('{"line"')


def test_a_stream_comes_in_pieces_and_can_be_left(columns: Columns) -> None:
    """A large answer is never held as a whole; whoever stops reading leaves the session usable."""
    chunks = columns.stream(Sql("SELECT number, repeat('x', 100) AS s FROM numbers(500000)"))
    first = next(chunks)
    chunks.close()  # type: ignore[attr-defined]

    assert len(first) < 40_000_000
    assert columns.fetch(Sql("SELECT 1 AS one")) == [{"one": 1}]


def test_threads_have_sessions_of_their_own(columns: Columns) -> None:
    """A temporary table of one thread is not another's."""
    columns.run(Sql("CREATE TEMPORARY TABLE mine (x UInt8) ENGINE = Memory"))
    failures: list[Exception] = []

    def other() -> None:
        try:
            columns.fetch(Sql("SELECT * FROM mine"))
        except InvalidInput as error:
            failures.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(failures) == 1


def test_a_failed_insert_leaves_nothing_and_the_session_usable(columns: Columns) -> None:
    """Half of a row is no row."""
    with pytest.raises((InvalidInput, StoreFailed)):
        columns.insert("logs", ["line"], "RowBinary", b"\xff\xff\xff\xff\x7fshort")

    assert columns.fetch(Sql("SELECT count() AS n FROM logs")) == [{"n": 0}]


def test_values_can_stand_wherever_the_engine_takes_expressions(columns: Columns) -> None:
    """The same parameter twice in one query is sent once."""
    value = bind("a'b")

    (row,) = columns.fetch(compose("SELECT {v} = {v} AS same, length({v}) AS n", v=value))

    assert row == {"same": 1, "n": 3}


def test_unknown_failures_are_the_engines() -> None:
    """Whatever has no code we know is not blamed on the asker, and its text is kept short."""
    error = translate(RuntimeError("Code: 999. DB::Exception: " + "x" * 10_000))

    assert isinstance(error, StoreFailed)
    assert len(str(error)) < 500
