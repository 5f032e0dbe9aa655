"""Messages over HTTP: listed, and sent again after they were given up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from tests.api.serving import SECRET, Inbox, Running, make_alert
from tocsin.api.access import NATIVE
from tocsin.api.auth import Authenticator
from tocsin.api.settings import AuthSettings, TokenSettings
from tocsin.model.alerts import AlertStatus, Notification
from tocsin.store.state import outbox, trail
from tocsin.store.state.outbox import MessageQuery, MessageState, NewMessage


@pytest.fixture
def given_up(running: Running) -> int:
    """The id of a message that was given up."""
    return give_up(running, "oncall/slack")


def give_up(running: Running, destination: str) -> int:
    now, alert = running.clock.now(), make_alert(running.clock)
    receiver, _, kind = destination.partition("/")
    told = Notification(receiver, "group", AlertStatus.FIRING, (alert,), alert.labels, "", f"key/{destination}", now)
    with running.state.write() as connection:
        outbox.enqueue(connection, [NewMessage(destination, receiver, kind, "new", told)])
        (message,) = outbox.find(connection, MessageQuery(receiver=receiver))
        outbox.give_up(connection, message, "403 from the other side", "client", now)
    return message.id


@pytest.fixture
async def watched(running: Running) -> AsyncIterator[tuple[httpx.AsyncClient, list[bool]]]:
    """A client, and a list that grows each time the sender is woken."""
    woken: list[bool] = []
    running.receivers = {"oncall": [("slack", Inbox())]}
    running.services = replace(running.services, wake=lambda: woken.append(True))
    transport = httpx.ASGITransport(running.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9319") as client:
        yield client, woken


async def test_a_message_that_was_given_up_is_sent_again(
    watched: tuple[httpx.AsyncClient, list[bool]], running: Running, given_up: int
) -> None:
    client, woken = watched
    response = await client.post(f"{NATIVE}/notifications/{given_up}/retry")
    assert response.status_code == 200
    message = response.json()
    assert (message["id"], message["state"], message["attempts"]) == (given_up, "pending", 0)
    assert woken == [True]
    with running.state.read() as connection:
        due = outbox.next_due(connection, "oncall/slack", running.clock.now())
        (entry,) = trail.entries(connection)
    assert due is not None
    assert due[0].id == given_up
    assert (entry.action.actor, entry.action.action, entry.action.subject) == (
        "local",
        "notification.retry",
        str(given_up),
    )
    assert entry.action.detail["destination"] == "oncall/slack"


async def test_only_what_failed_can_be_sent_again(
    watched: tuple[httpx.AsyncClient, list[bool]], running: Running, given_up: int
) -> None:
    client, woken = watched
    await client.post(f"{NATIVE}/notifications/{given_up}/retry")
    again = await client.post(f"{NATIVE}/notifications/{given_up}/retry")
    assert again.status_code == 409
    assert again.json()["error"] == {
        "type": "Conflict",
        "message": f"message {given_up} is pending; only one that failed can be sent again",
    }
    assert woken == [True]
    with running.state.read() as connection:
        assert len(trail.entries(connection)) == 1


async def test_a_destination_that_is_gone_gets_nothing(
    watched: tuple[httpx.AsyncClient, list[bool]], running: Running
) -> None:
    client, woken = watched
    response = await client.post(f"{NATIVE}/notifications/{give_up(running, 'former/email')}/retry")
    assert response.status_code == 409
    assert "former/email, which is no longer in the settings" in response.json()["error"]["message"]
    with running.state.read() as connection:
        (message,) = outbox.find(connection, MessageQuery())
    assert (message.state, woken) == (MessageState.FAILED, [])


@pytest.mark.parametrize(
    ("number", "status"), [("12345", 404), ("0", 400), ("-1", 400), ("x", 400), (str(1 << 63), 400), ("9" * 400, 400)]
)
async def test_what_is_no_message_is_refused(
    watched: tuple[httpx.AsyncClient, list[bool]], number: str, status: int
) -> None:
    assert (await watched[0].post(f"{NATIVE}/notifications/{number}/retry")).status_code == status


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("intake", 403), ("responder", 200), ("admin", 200)])
async def test_it_takes_a_responder(running: Running, given_up: int, role: str, status: int) -> None:
    running.receivers = {"oncall": [("slack", Inbox())]}
    auth = AuthSettings(tokens=[TokenSettings(name="it", role=role, token=SECRET + role)])  # type: ignore[arg-type]
    running.services = replace(running.services, authenticator=Authenticator(auth, running.web, running.clock))
    transport = httpx.ASGITransport(running.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://tocsin.example") as client:
        headers = {"Authorization": f"Bearer {SECRET}{role}"}
        assert (await client.post(f"{NATIVE}/notifications/{given_up}/retry", headers=headers)).status_code == status
