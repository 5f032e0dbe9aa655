"""What people are told and when, played in virtual time through the pipeline, the outbox and the sender."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tocsin.alerting.destinations import Receivers
from tocsin.alerting.settings import AlertingSettings, DeliverySettings, Route
from tocsin.kit.units import Duration
from tocsin.model.alerts import AlertStatus
from tocsin.model.errors import DeliveryFailed
from tocsin.model.severity import Severity
from tocsin.store.state import alerts, outbox
from tocsin.store.state.alerts import AlertQuery
from tocsin.store.state.engine import State
from tocsin.store.state.outbox import MessageQuery, MessageState
from tocsin.testing.clock import VirtualClock
from tocsin.testing.notifiers import CollectingNotifier, FailingNotifier
from tocsin.testing.timeline import Timeline, signal

SHELL = "Shell in pod"
TEAM = "team/webhook"
META = "Notification not delivered"


def busy() -> DeliveryFailed:
    """What a destination answers that wants us to come back in ten minutes."""
    return DeliveryFailed("429 Too Many Requests", retry=True, reason="rate_limited", retry_after=600)


def down() -> DeliveryFailed:
    """What a destination answers that is out of order."""
    return DeliveryFailed("503 Service Unavailable", retry=True, reason="server")


def refused() -> DeliveryFailed:
    """What a destination answers that will never take the message."""
    return DeliveryFailed("401 Unauthorized", retry=False, reason="auth")


@pytest.fixture
def team(any_state: State, clock: VirtualClock, notifier: CollectingNotifier) -> Timeline:
    """One receiver with one destination, on both databases."""
    return Timeline(any_state, clock, {"team": [("webhook", notifier)]})


async def test_an_alert_is_told_once_and_again_when_it_is_over(team: Timeline) -> None:
    team.at("1m").push(SHELL, count=3)
    team.between("1m", "1m1s").expect(TEAM, "new", SHELL, count=3)
    team.between("16m", "16m10s").expect(TEAM, "resolved", SHELL, count=3)
    await team.run("1h")


async def test_more_of_the_same_folds_into_the_alert_and_puts_off_its_end(team: Timeline) -> None:
    team.at("0s").push(SHELL)
    team.between("0s", "1s").expect(TEAM, "new", SHELL, count=1)
    team.at("10m").push(SHELL, count=4)
    team.at("20m").push(SHELL)
    team.between("35m", "35m10s").expect(TEAM, "resolved", SHELL, count=6)
    await team.run("1h")


async def test_what_fires_again_after_it_was_over_is_a_new_episode(
    team: Timeline, notifier: CollectingNotifier
) -> None:
    team.at("0s").push(SHELL, count=5)
    team.between("0s", "1s").expect(TEAM, "new", SHELL, count=5)
    team.between("15m", "15m10s").expect(TEAM, "resolved", SHELL)
    team.at("30m").push(SHELL)
    team.between("30m", "30m1s").expect(TEAM, "new", SHELL, count=1)
    await team.run("31m")
    assert [each.notification.alerts[0].episode for each in notifier.received] == [1, 1, 2]
    assert len({each.notification.group_key for each in notifier.received}) == 1


async def test_the_quiet_period_is_the_rules_own_and_counts_from_arrival(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    timeline = Timeline(state, clock, {"team": [("webhook", notifier)]})

    def push_old_events() -> None:
        old = signal(SHELL, clock.now() - timedelta(days=30), quiet="5m")
        timeline.pipeline.accept(timeline.tick(old))

    timeline.at("0s").do(push_old_events)
    timeline.between("0s", "1s").expect(TEAM, "new", SHELL)
    timeline.between("5m", "5m10s").expect(TEAM, "resolved", SHELL)
    await timeline.run("20m")


async def test_an_alert_that_goes_on_is_repeated(
    any_state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    team = Timeline(any_state, clock, {"team": [("webhook", notifier)]}, every="1m")
    for minute in range(0, 9 * 60, 10):
        team.at(f"{minute}m").push(SHELL)
    team.between("0s", "1s").expect(TEAM, "new", SHELL, count=1)
    team.between("4h", "4h1m").expect(TEAM, "repeat", SHELL)
    team.between("8h", "8h2m").expect(TEAM, "repeat", SHELL)
    await team.run("9h")


async def test_an_alert_that_gets_worse_is_told_again_but_not_one_that_gets_milder(team: Timeline) -> None:
    team.at("0s").push(SHELL, severity=Severity.MEDIUM)
    team.between("0s", "1s").expect(TEAM, "new", SHELL)
    team.at("1m").push(SHELL, severity=Severity.CRITICAL)
    team.between("1m", "1m1s").expect(TEAM, "severity", SHELL)
    team.at("2m").push(SHELL, severity=Severity.LOW)
    team.at("3m").push(SHELL, severity=Severity.CRITICAL)
    await team.run("10m")


async def test_routes_are_tried_in_order_and_continue_when_they_say_so(state: State, clock: VirtualClock) -> None:
    settings = AlertingSettings(
        routes=[
            Route(receivers=["audit"], continue_=True),
            Route(
                receivers=["oncall"], severity=Severity.HIGH, match={"namespace": "~prod.*"}, repeat=Duration(hours=1)
            ),
            Route(receivers=["team"], match={"namespace": "!sandbox"}, send_resolved=False),
        ]
    )
    receivers: Receivers = {name: [("webhook", CollectingNotifier(clock))] for name in ("audit", "oncall", "team")}
    timeline = Timeline(state, clock, receivers, settings)
    timeline.at("0s").push("A", labels={"namespace": "prod-1"}, quiet="1h30m")
    timeline.at("0s").push("B", labels={"namespace": "prod-1"}, severity=Severity.LOW, quiet="1h30m")
    timeline.at("0s").push("C", labels={"namespace": "sandbox"}, quiet="1h30m")
    now = timeline.between("0s", "1s")
    now.expect("audit/webhook", "new", "A").expect("oncall/webhook", "new", "A")
    now.expect("audit/webhook", "new", "B").expect("team/webhook", "new", "B")
    now.expect("audit/webhook", "new", "C")
    timeline.between("1h", "1h10s").expect("oncall/webhook", "repeat", "A")
    over = timeline.between("1h30m", "1h31m")
    over.expect("audit/webhook", "resolved", "A").expect("oncall/webhook", "resolved", "A")
    over.expect("audit/webhook", "resolved", "B").expect("audit/webhook", "resolved", "C")
    await timeline.run("2h")


async def test_a_destination_that_does_not_want_resolutions_gets_none(state: State, clock: VirtualClock) -> None:
    timeline = Timeline(state, clock, {"team": [("email", CollectingNotifier(clock, send_resolved=False))]})
    timeline.at("0s").push(SHELL)
    timeline.between("0s", "1s").expect("team/email", "new", SHELL)
    timeline.at("30m").push(SHELL)
    timeline.between("30m", "31m").expect("team/email", "new", SHELL)
    await timeline.run("2h")


async def test_a_busy_destination_is_left_alone_for_as_long_as_it_asks(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    failing = FailingNotifier([busy()], notifier)
    timeline = Timeline(state, clock, {"team": [("webhook", failing)]})
    timeline.at("0s").push(SHELL, quiet="1h")
    timeline.at("1m").push("Another", quiet="1h")
    timeline.between("10m", "10m10s").expect(TEAM, "new", SHELL).expect(TEAM, "new", "Another")
    await timeline.run("30m")
    assert len(failing.attempts) == 3, "nor was it bothered with the other message meanwhile"
    first, second = (each for each in failing.attempts if each.notification.alerts[0].title == SHELL)
    assert second.at - first.at >= timedelta(minutes=10)
    assert first.notification == second.notification


async def test_a_slow_destination_does_not_hold_up_another_one(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    class Slow(CollectingNotifier):
        async def send(self, notification: object) -> str:
            await clock.sleep(3600)
            return "never in time"

    timeline = Timeline(state, clock, {"slow": [("webhook", Slow(clock))], "team": [("webhook", notifier)]})
    timeline.at("0s").push(SHELL, quiet="1h")
    timeline.between("0s", "0s").expect(TEAM, "new", SHELL)
    await timeline.run("2m")
    with state.read() as connection:
        stuck = outbox.find(connection, MessageQuery(receiver="slow"))[0]
    assert (stuck.state, stuck.error_reason, stuck.error) == (MessageState.PENDING, "timeout", "no answer within 30 s")
    assert stuck.attempts >= 2


async def test_one_message_that_is_not_taken_does_not_hold_up_those_of_other_alerts(
    state: State, clock: VirtualClock, notifier: CollectingNotifier
) -> None:
    class Picky(CollectingNotifier):
        async def send(self, notification: object) -> str:
            raise KeyError("what the payload lacks")

    class Router(CollectingNotifier):
        async def send(self, notification: object) -> str:
            bad = "Poison" in str(notification)
            return await (Picky(clock) if bad else notifier).send(notification)  # type: ignore[arg-type]

    timeline = Timeline(state, clock, {"team": [("webhook", Router(clock))]})
    timeline.at("0s").push("Poison", quiet="1m")
    timeline.at("1s").push(SHELL, quiet="1h")
    timeline.between("1s", "10s").expect(TEAM, "new", SHELL)
    await timeline.run("3m")
    with state.read() as connection:
        waiting = outbox.find(connection, MessageQuery(state=MessageState.PENDING))
    assert [(m.reason, m.attempts > 0) for m in waiting] == [("resolved", False), ("new", True)], "its order is kept"
    assert waiting[1].error_reason == "internal"
    assert "what the payload lacks" not in waiting[1].error, "an exception's text may hold secrets"


async def test_what_cannot_be_delivered_is_an_alert_to_everybody_else(state: State, clock: VirtualClock) -> None:
    broken = FailingNotifier([refused()] * 100, CollectingNotifier(clock))
    receivers: Receivers = {"oncall": [("pagerduty", broken), ("email", CollectingNotifier(clock))]}
    timeline = Timeline(state, clock, receivers)
    timeline.at("0s").push(SHELL, quiet="1h")
    timeline.at("5m").push("Another", quiet="1h")
    timeline.between("0s", "1s").expect("oncall/email", "new", SHELL).expect("oncall/email", "new", META, count=1)
    timeline.between("5m", "5m1s").expect("oncall/email", "new", "Another")
    timeline.between("20m", "20m10s").expect("oncall/email", "resolved", META, count=2)
    await timeline.run("30m")
    assert {each.notification.alerts[0].title for each in broken.attempts} == {SHELL, "Another"}
    with state.read() as connection:
        failed = outbox.find(connection, MessageQuery(state=MessageState.FAILED))
        (meta,) = (a for a in alerts.find(connection, AlertQuery()) if a.title == META)
    assert [m.error for m in failed] == ["401 Unauthorized"] * 2
    assert meta.labels["destination"] == "oncall/pagerduty"
    assert "401 Unauthorized" in meta.annotations["summary"]


async def test_a_destination_that_is_down_is_an_alert_while_it_is_and_gets_everything_after(
    state: State, clock: VirtualClock
) -> None:
    pager, email = CollectingNotifier(clock), CollectingNotifier(clock)

    class DownForAnHour(CollectingNotifier):
        async def send(self, notification: object) -> str:
            if self.clock.now() < start + timedelta(hours=1):
                raise down()
            return await pager.send(notification)  # type: ignore[arg-type]

    start = clock.now()
    timeline = Timeline(state, clock, {"oncall": [("pagerduty", DownForAnHour(clock)), ("email", email)]})
    timeline.at("0s").push(SHELL, quiet="10h")
    timeline.between("0s", "1s").expect("oncall/email", "new", SHELL)
    timeline.between("5m", "12m").expect("oncall/email", "new", META)
    timeline.between("1h", "1h5m").expect("oncall/pagerduty", "new", SHELL)
    timeline.between("1h10m", "1h20m").expect("oncall/email", "resolved", META)
    await timeline.run("2h")


async def test_a_message_is_given_up_in_the_end_and_stays_listed(state: State, clock: VirtualClock) -> None:
    settings = AlertingSettings(delivery=DeliverySettings(give_up_after=Duration(hours=2)))
    broken = FailingNotifier([down()] * 10_000, CollectingNotifier(clock))
    timeline = Timeline(state, clock, {"team": [("webhook", broken)]}, settings, every="1m")
    timeline.at("0s").push(SHELL, quiet="10h")
    await timeline.run("3h")
    with state.read() as connection:
        (message,) = outbox.find(connection, MessageQuery())
    assert message.state is MessageState.FAILED
    assert message.finished_at
    assert timedelta(hours=2) <= message.finished_at - message.created_at <= timedelta(hours=2, minutes=5)
    assert 20 < message.attempts < 80


async def test_a_crash_after_the_commit_loses_no_message(team: Timeline) -> None:
    def accept_and_crash() -> None:
        # The transaction is done, but the sender has not looked yet: `at` runs without giving it a turn.
        team.pipeline.accept(team.tick(signal(SHELL, team.clock.now())))
        team.crash()

    team.at("1m").do(accept_and_crash)
    team.between("1m", "1m1s").expect(TEAM, "new", SHELL)
    await team.run("5m")


async def test_a_crash_while_sending_sends_again_with_the_same_key(state: State, clock: VirtualClock) -> None:
    class TakesItsTime(CollectingNotifier):
        async def send(self, notification: object) -> str:
            answer = await super().send(notification)  # type: ignore[arg-type]
            await clock.sleep(20)
            return answer

    slow = TakesItsTime(clock)
    timeline = Timeline(state, clock, {"team": [("webhook", slow)]})
    timeline.at("0s").push(SHELL, quiet="1h")
    timeline.at("10s").crash()
    timeline.between("30s", "31s").expect(TEAM, "new", SHELL)
    await timeline.run("2m")
    first, second = slow.received
    assert first.notification.idempotency_key == second.notification.idempotency_key
    assert first.notification == second.notification


async def test_a_tick_that_comes_twice_counts_once(team: Timeline) -> None:
    ticks = []

    def accept() -> None:
        tick = team.tick(signal(SHELL, team.clock.now(), count=7))
        ticks.append(tick)
        assert team.pipeline.accept(tick)

    def repeat() -> None:
        assert not team.pipeline.accept(ticks[0])

    team.at("0s").do(accept).crash().do(repeat)
    team.at("16m").do(repeat)
    team.between("0s", "1s").expect(TEAM, "new", SHELL, count=7)
    team.between("15m", "15m10s").expect(TEAM, "resolved", SHELL, count=7)
    await team.run("20m")


async def test_silence_while_we_were_away_is_no_all_clear(team: Timeline) -> None:
    team.at("0s").push(SHELL)
    team.between("0s", "1s").expect(TEAM, "new", SHELL)
    # The process is away until minute 20; what happened meanwhile is evaluated only afterwards.
    team.at("14m55s").crash()
    team.at("20m").push(SHELL)
    team.between("35m", "35m10s").expect(TEAM, "resolved", SHELL, count=2)
    await team.run("1h")


async def test_a_storm_becomes_one_digest(state: State, clock: VirtualClock, notifier: CollectingNotifier) -> None:
    failing = FailingNotifier([busy()], notifier)
    settings = AlertingSettings(delivery=DeliverySettings(digest_above=10))
    timeline = Timeline(state, clock, {"team": [("webhook", failing)]}, settings)
    for number in range(30):
        worst = Severity.CRITICAL if number == 17 else Severity.MEDIUM
        timeline.at("1m").push(f"Alert {number}", severity=worst, quiet="3h")
    timeline.between("11m", "12m").expect(TEAM, "digest", "Alert storm")
    timeline.at("1h").push("Later", quiet="3h")
    timeline.between("1h", "1h1s").expect(TEAM, "new", "Later")
    await timeline.run("2h")

    told = notifier.received[0].notification
    assert "30 messages" in told.alerts[0].annotations["summary"]
    assert told.alerts[0].severity is Severity.CRITICAL
    assert [alert.title for alert in told.alerts[1:3]] == ["Alert 17", "Alert 0"], "worst first, then oldest"
    assert len(told.alerts) == 31
    assert told.status is AlertStatus.FIRING
    with state.read() as connection:
        merged = outbox.find(connection, MessageQuery(state=MessageState.MERGED))
        (digest,) = (m for m in outbox.find(connection, MessageQuery()) if m.reason == "digest")
    assert len(merged) == 30
    assert {m.merged_into for m in merged} == {digest.id}
    assert digest.stands_for == 30


async def test_a_timeline_fails_on_surprises_and_on_what_does_not_come(team: Timeline) -> None:
    team.at("0s").push(SHELL)
    team.between("0s", "1s").expect(TEAM, "new", "Something else")
    with pytest.raises(AssertionError, match=r"not expected: 0:00:00 team/webhook new Shell in pod x1\ndid not come"):
        await team.run("1m")
