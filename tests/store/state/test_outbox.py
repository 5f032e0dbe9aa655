"""The outbox: order, states, and what is listed."""

from __future__ import annotations

import pytest

from tests.store.state.builders import START, at, message
from tocsin.model.errors import StoreFailed
from tocsin.store.state import outbox
from tocsin.store.state.engine import State
from tocsin.store.state.outbox import Message, MessageQuery, MessageState

TEAM = "team/webhook"


def take(state: State, seconds: float, destination: str = TEAM) -> Message | None:
    """The next message at a time, or None."""
    with state.read() as connection:
        found = outbox.next_due(connection, destination, at(seconds))
    return found[0] if found else None


def put(state: State, *keys: str, group: str = "tocsin/a") -> None:
    """Enqueue messages of one group."""
    with state.write() as connection:
        outbox.enqueue(connection, [message(key, group) for key in keys])


def listed(state: State, query: MessageQuery | None = None) -> dict[str, Message]:
    """Messages by idempotency key."""
    with state.read() as connection:
        return {each.idempotency_key: each for each in outbox.find(connection, query or MessageQuery())}


def test_a_message_comes_out_as_it_went_in(state: State) -> None:
    sent = message("k1")
    with state.write() as connection:
        outbox.enqueue(connection, [sent])
    with state.read() as connection:
        found = outbox.next_due(connection, TEAM, START)
    assert found
    taken, notification = found
    assert notification == sent.notification
    assert (taken.receiver, taken.kind, taken.reason, taken.state) == ("team", "webhook", "new", MessageState.PENDING)


def test_the_same_message_cannot_be_queued_twice(state: State) -> None:
    put(state, "k1")
    with pytest.raises(StoreFailed):
        put(state, "k1")


def test_messages_come_in_order_each_until_it_is_ticked_off(state: State) -> None:
    put(state, "k1", "k2")
    first = take(state, 0)
    assert first
    assert first.idempotency_key == "k1"
    with state.write() as connection:
        outbox.mark_sent(connection, first, "202 Accepted", at(1.5))
    second = take(state, 2)
    assert second
    assert second.idempotency_key == "k2"
    done = listed(state)["k1"]
    assert (done.state, done.answer, done.attempts, done.latency_ms) == (MessageState.SENT, "202 Accepted", 1, 1500)


def test_a_postponed_message_lets_other_groups_pass_but_not_its_own(state: State) -> None:
    put(state, "a1", "a2")
    put(state, "b1", group="tocsin/b")
    first = take(state, 0)
    assert first
    with state.write() as connection:
        outbox.postpone(connection, first, at(60), "503 from the server", "server")
    other = take(state, 1)
    assert other
    assert other.idempotency_key == "b1"
    with state.write() as connection:
        outbox.mark_sent(connection, other, "ok", at(2))
        assert outbox.next_time(connection, TEAM) == at(60), "a2 is due, but must wait for a1"
    assert take(state, 59) is None
    again = take(state, 60)
    assert again
    assert (again.idempotency_key, again.attempts, again.error) == ("a1", 1, "503 from the server")


def test_a_message_that_failed_goes_behind_those_that_have_waited_longer(state: State) -> None:
    put(state, "a1")
    put(state, "b1", group="tocsin/b")
    first = take(state, 0)
    assert first
    with state.write() as connection:
        outbox.postpone(connection, first, at(1), "503", "server")
    following = take(state, 2)
    assert following
    assert following.idempotency_key == "b1", "both are due"


def test_destinations_have_queues_of_their_own(state: State) -> None:
    put(state, "k1")
    assert take(state, 0, "team/slack") is None
    with state.read() as connection:
        assert outbox.next_time(connection, "team/slack") is None
        assert outbox.pending_count(connection, TEAM) == 1


def test_what_was_given_up_is_listed_and_can_be_put_back(state: State) -> None:
    put(state, "k1")
    first = take(state, 0)
    assert first
    with state.write() as connection:
        outbox.give_up(connection, first, "401 Unauthorized", "auth", at(3))
    assert take(state, 10) is None
    failed = listed(state, MessageQuery(state=MessageState.FAILED))["k1"]
    assert (failed.error, failed.error_reason, failed.finished_at) == ("401 Unauthorized", "auth", at(3))
    with state.write() as connection:
        assert outbox.requeue(connection, first.id, at(100))
        assert not outbox.requeue(connection, first.id, at(100)), "it is not failed any more"
    again = take(state, 100)
    assert again
    assert (again.idempotency_key, again.attempts, again.created_at) == ("k1", 0, at(100))


def test_a_late_note_does_not_undo_what_another_replica_noted(state: State) -> None:
    put(state, "k1")
    first = take(state, 0)
    assert first
    with state.write() as connection:
        outbox.mark_sent(connection, first, "ok", at(1))
        outbox.give_up(connection, first, "late", "timeout", at(2))
        outbox.postpone(connection, first, at(9), "late", "timeout")
    assert listed(state)["k1"].state is MessageState.SENT
    assert take(state, 100) is None


def test_a_digest_takes_the_place_of_what_is_pending_for_its_destination(state: State) -> None:
    put(state, "k1", "k2", "k3")
    first = take(state, 0)
    assert first
    with state.write() as connection:
        outbox.mark_sent(connection, first, "ok", at(1))
        outbox.enqueue(connection, [message("other", destination="team/slack")])
        assert outbox.merge(connection, message("digest", "tocsin/storm"), at(2)) == 2
    seen = listed(state)
    assert seen["k1"].state is MessageState.SENT
    assert [seen[key].merged_into for key in ("k2", "k3")] == [seen["digest"].id] * 2
    assert [seen[key].state for key in ("k2", "other")] == [MessageState.MERGED, MessageState.PENDING]
    following = take(state, 2)
    assert following
    assert following.idempotency_key == "digest"


def test_all_pending_messages_are_walked_through_in_order(state: State) -> None:
    put(state, *(f"k{number}" for number in range(250)))
    with state.read() as connection:
        keys = [found.idempotency_key for found, _ in outbox.pending(connection, TEAM)]
    assert keys == [f"k{number}" for number in range(250)]


def test_messages_to_destinations_that_are_gone_are_found(state: State) -> None:
    put(state, "k1")
    with state.read() as connection:
        assert [m.idempotency_key for m in outbox.orphans(connection, ["team/slack"], at(1))] == ["k1"]
        assert outbox.orphans(connection, [TEAM], at(1)) == []
        assert outbox.orphans(connection, [], START) == [], "it may be a replica with newer settings that knows it"


def test_lists_are_narrowed_and_paged(state: State) -> None:
    with state.write() as connection:
        outbox.enqueue(
            connection,
            [
                message("k1", created_at=at(0)),
                message("k2", "tocsin/b", created_at=at(10)),
                message("k3", destination="boss/email", created_at=at(20)),
            ],
        )
    assert list(listed(state)) == ["k3", "k2", "k1"]
    assert list(listed(state, MessageQuery(receiver="team"))) == ["k2", "k1"]
    assert list(listed(state, MessageQuery(group_key="tocsin/b"))) == ["k2"]
    assert list(listed(state, MessageQuery(since=at(10)))) == ["k3", "k2"]
    assert list(listed(state, MessageQuery(limit=1, offset=1))) == ["k2"]
    with state.read() as connection:
        assert outbox.counts(connection) == {
            ("team", "webhook", MessageState.PENDING): 2,
            ("boss", "email", MessageState.PENDING): 1,
        }
        shown = outbox.notification(connection, listed(state)["k3"].id)
        assert shown
        assert shown.receiver == "boss"
        assert outbox.notification(connection, 999) is None


def test_pruning_spares_what_is_pending(state: State) -> None:
    put(state, "k1", "k2")
    first = take(state, 0)
    assert first
    with state.write() as connection:
        outbox.mark_sent(connection, first, "ok", at(1))
        assert outbox.prune(connection, START) == 0
        assert outbox.prune(connection, at(1)) == 1
    assert list(listed(state)) == ["k2"]
