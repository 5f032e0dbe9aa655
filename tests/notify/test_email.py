"""Email: mails that a real SMTP server takes, over the encryption asked for, and what its refusals mean."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings

from tests.notify.mail_server import CERTIFICATE, MailServer, mail_server
from tests.notify.samples import RUNBOOK, URL, alert, any_notifications, notification, resolved, settings_hook
from tocsin.model.alerts import Notification
from tocsin.model.errors import DeliveryFailed, SettingsError
from tocsin.notify.email import SIZE_LIMIT, EmailNotifier, EmailSettings, render


def mailing(server: MailServer | int, **changes: Any) -> EmailSettings:
    port = server if isinstance(server, int) else server.port
    values = {
        "to": ["Ops <ops@example.com>", "soc@example.com"],
        "from": "Tocsin <tocsin@example.org>",
        "host": "localhost",
        "port": port,
        "ca_file": str(CERTIFICATE),
        "timeout": "5s",
    }
    return msgspec.convert(values | changes, EmailSettings, dec_hook=settings_hook)


def notifier(server: MailServer | int, **changes: Any) -> EmailNotifier:
    return EmailNotifier(mailing(server, **changes), httpx.AsyncClient())


def parts(mail: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a mail."""
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    return text.get_content(), page.get_content()


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


async def test_a_mail_arrives_over_starttls_with_text_and_html() -> None:
    async with mail_server() as server:
        answer = await notifier(server, cc=["boss@example.com"]).send(notification())
    assert answer == "250 queued as 1A2B"
    ((recipients, mail),) = server.mails
    assert server.secured == [True]
    assert recipients == ["ops@example.com", "soc@example.com", "boss@example.com"]
    assert mail["To"] == "Ops <ops@example.com>, soc@example.com"
    assert mail["Cc"] == "boss@example.com"
    assert mail["From"] == "Tocsin <tocsin@example.org>"
    assert mail["Subject"] == "HIGH: Shell opened in a pod (prod / payments / web-0)"
    assert mail["Date"] == "Sun, 01 Mar 2026 12:00:13 +0000"
    assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")
    for body in parts(mail):
        for part in (
            *("alice@example.com opened a shell", "prod / payments / web-0", "7 events from", "T1609, T1059", URL),
            *(RUNBOOK, "and 3 more events", "created pods/exec number 0", "created pods/exec number 3"),
        ):
            assert part in body


@pytest.mark.parametrize(
    ("offered", "tls", "secured"),
    [
        ({"starttls": True}, "starttls", True),
        ({"starttls": False, "implicit": True}, "implicit", True),
        ({"starttls": True}, "opportunistic", True),
        ({"starttls": False}, "opportunistic", False),
        ({"starttls": True}, "none", False),
    ],
)
async def test_encryption_as_asked_for(offered: dict[str, bool], tls: str, secured: bool) -> None:
    async with mail_server(**offered) as server:
        await notifier(server, tls=tls).send(notification())
    assert server.secured == [secured]


async def test_nothing_is_sent_in_the_clear_where_starttls_is_asked_for() -> None:
    async with mail_server(starttls=False) as server:
        with pytest.raises(DeliveryFailed, match="STARTTLS") as failed:
            await notifier(server).send(notification())
    assert not failed.value.retry
    assert not server.mails


@pytest.mark.parametrize("tls", ["starttls", "opportunistic", "implicit"])
async def test_an_unknown_certificate_is_not_accepted(tls: str) -> None:
    async with mail_server(starttls=tls != "implicit", implicit=tls == "implicit") as server:
        with pytest.raises(DeliveryFailed, match=r"(?i)certificate") as failed:
            await notifier(server, tls=tls, ca_file="").send(notification())
    assert failed.value.reason == "connection"
    assert not server.mails


async def test_the_password_is_read_from_its_file_and_sent(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("right-password\n")
    async with mail_server(auth=True) as server:
        await notifier(server, username="tocsin", password_file=str(file)).send(notification())
    assert server.logins == [("tocsin", "right-password")]
    assert server.mails


async def test_a_wrong_password_is_given_up_and_not_revealed() -> None:
    async with mail_server(auth=True) as server:
        with pytest.raises(DeliveryFailed, match="answered 535") as failed:
            await notifier(server, username="tocsin", password="wrong-password").send(notification())
    assert (failed.value.retry, failed.value.reason) == (False, "auth")
    assert "wrong-password" not in str(failed.value)
    assert not server.mails


async def test_a_password_is_not_sent_in_the_clear() -> None:
    async with mail_server(starttls=False, auth=True) as server:
        with pytest.raises(DeliveryFailed, match="the password was not sent"):
            await notifier(server, tls="opportunistic", username="a", password="right-password").send(notification())
    assert not server.logins


@pytest.mark.parametrize(
    ("reply", "retry"), [("451 later", True), ("452 too much mail", True), ("554 no thanks", False)]
)
async def test_what_the_server_answers_decides_about_another_try(reply: str, retry: bool) -> None:
    async with mail_server() as server:
        server.data_reply = reply
        with pytest.raises(DeliveryFailed, match=reply.replace(" ", ": ", 1)) as failed:
            await notifier(server).send(notification())
    assert failed.value.retry is retry


async def test_recipients_that_come_back_later_do_not_double_the_mail_for_the_others() -> None:
    async with mail_server() as server:
        server.refuse = lambda address: "450 greylisted" if address.startswith("soc") else ""
        sender = notifier(server)
        with pytest.raises(DeliveryFailed, match=r"soc@example.com \(450 greylisted\)") as failed:
            await sender.send(notification())
        assert failed.value.retry
        server.refuse = lambda _: ""
        await sender.send(notification())
        await sender.send(notification(idempotency_key="another"))
    assert [recipients for recipients, _ in server.mails] == [
        *(["ops@example.com"], ["soc@example.com"], ["ops@example.com", "soc@example.com"]),
    ]


async def test_an_unknown_recipient_is_named_while_the_others_get_their_mail() -> None:
    async with mail_server() as server:
        server.refuse = lambda address: "550 no such user" if address.startswith("soc") else ""
        answer = await notifier(server).send(notification())
    assert answer == "250 queued as 1A2B; but refused for soc@example.com (550 no such user)"


async def test_a_recipient_who_is_refused_for_good_later_does_not_undo_the_others_mail() -> None:
    async with mail_server() as server:
        server.refuse = lambda address: "450 greylisted" if address.startswith("soc") else ""
        sender = notifier(server)
        with pytest.raises(DeliveryFailed):
            await sender.send(notification())
        server.refuse = lambda _: "550 no such user"
        answer = await sender.send(notification())
    assert answer == "250 taken earlier; but refused for soc@example.com (550 no such user)"


async def test_if_all_recipients_are_unknown_it_has_failed() -> None:
    async with mail_server() as server:
        server.refuse = lambda _: "550 no such user"
        with pytest.raises(DeliveryFailed, match="refused for ops") as failed:
            await notifier(server).send(notification())
    assert (failed.value.retry, failed.value.reason) == (False, "client")


async def test_a_server_that_is_down_is_worth_another_try() -> None:
    async with mail_server() as server:
        pass
    with pytest.raises(DeliveryFailed, match=f"localhost:{server.port} cannot be reached") as failed:
        await notifier(server).send(notification())
    assert (failed.value.retry, failed.value.reason) == (True, "connection")


async def test_a_server_that_never_greets_is_a_timeout() -> None:
    gone = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        with pytest.raises(DeliveryFailed, match="did not finish in time") as failed:
            await notifier(server.sockets[0].getsockname()[1], timeout="50ms").send(notification())
        await gone.wait()
    assert (failed.value.retry, failed.value.reason) == (True, "timeout")


def test_a_group_is_one_thread_and_a_repeated_attempt_the_same_mail() -> None:
    def ids(message: Notification) -> tuple[str, str, str]:
        mail = render(message, mailing(25))
        return mail["Message-ID"], mail["References"], mail["In-Reply-To"]

    first, again, later = ids(notification()), ids(notification()), ids(notification(idempotency_key="later"))
    assert first == again
    assert first[0] != later[0]
    assert first[1:] == later[1:] == (first[1], first[1])
    assert ids(notification(group_key="other"))[1] != first[1]
    assert first[0].endswith("@example.org>")


def test_states_are_marked() -> None:
    test = render(notification(test=True), mailing(25))
    assert test["Subject"].startswith("[TEST] HIGH: ")
    assert all("This is a test message" in body for body in parts(test))
    over = render(notification(resolved()), mailing(25))
    assert over["Subject"].startswith("RESOLVED: ")
    assert over["Importance"] is None
    for body in parts(render(notification(alert(), resolved(title="Other")), mailing(25))):
        assert "RESOLVED" in body
        assert "Other" in body


def test_what_an_attacker_writes_stays_text_and_nothing_is_loaded_from_outside() -> None:
    nasty = '<img src="http://evil.example/x">"\'&amp;'
    message = notification(alert(title=nasty, labels={"alertname": "x", "user": nasty}, annotations={"summary": nasty}))
    _, page = parts(render(message, mailing(25)))
    seen = Tags()
    seen.feed(page)
    assert not seen.tags & {"img", "script", "link", "iframe", "object"}
    assert {name for name, _ in seen.attributes} <= {"href", "style", "role", "charset", "lang"}
    assert {value for name, value in seen.attributes if name == "href"} == {URL, RUNBOOK}
    assert not any("url(" in (value or "") for _, value in seen.attributes)


def test_a_subject_cannot_add_header_fields() -> None:
    mail = render(notification(alert(title="x\r\nBcc: evil@example.com")), mailing(25))
    assert mail["Bcc"] is None
    assert "Bcc: evil@example.com" in mail["Subject"]


@settings(max_examples=30, deadline=None)
@given(any_notifications)
def test_any_message_fits_and_keeps_title_severity_and_link(message: Notification) -> None:
    mail = render(message, mailing(25))
    raw = mail.as_bytes()
    assert len(raw) <= SIZE_LIMIT
    assert raw.isascii()
    severity = "RESOLVED" if message.status == "resolved" else message.alerts[0].severity.upper()
    for body in (mail["Subject"], *parts(mail)):
        assert f"{severity}: " in body
    links = (message.alerts[0].url, "https://tocsin.example/alerts")
    assert all(any(link in body for link in links) for body in parts(mail))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"to": []}, "to"),
        ({"to": ["nobody"]}, "`to` must hold addresses"),
        ({"cc": ["a@b", "x@"]}, "`cc` must hold addresses"),
        ({"from": "a@b.c\nBcc: x@y.z"}, "`from` must hold addresses"),
        ({"username": "me"}, "`password` or `password_file` is required"),
        ({"password": "x"}, "needs a `username`"),
        ({"username": "me", "password": "x", "tls": "none"}, "not sent in the clear"),
        ({"tls": "maybe"}, "tls"),
        ({"port": 0}, "port"),
    ],
)
def test_wrong_settings_say_what_is_wrong(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        mailing(25, **changes)


def test_a_missing_certificate_file_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="cannot read certificates") as wrong:
        notifier(25, ca_file="/nowhere.pem")
    assert wrong.value.key == "ca_file"
