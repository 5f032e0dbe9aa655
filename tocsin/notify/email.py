"""Email over SMTP: text and HTML, threaded by group."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from typing import Annotated, TypeAlias

import aiosmtplib
import httpx
from jinja2 import PackageLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Meta

from tocsin.kit.units import Duration
from tocsin.model.alerts import Notification
from tocsin.model.errors import DeliveryFailed, SettingsError
from tocsin.model.severity import Severity
from tocsin.notify.facts import TEST_NOTE, Facts, Message, gather
from tocsin.notify.secrets import Secret, SecretiveSettings, mask, one_of
from tocsin.notify.shrink import Detail, richest
from tocsin.notify.texts import line, plural

SIZE_LIMIT = 100_000
"""Bytes of a message. Servers take more, but Gmail hides what is over 102 KB of it."""

_COLORS = {"critical": "#b00020", "high": "#d1480b", "medium": "#b38600", "low": "#1a56db", "informational": "#5f6368"}
_OVER = "#1e7e34"
_REMEMBERED = 1000
_POLICY = SMTP_POLICY.clone(cte_type="7bit")  # Servers without 8BITMIME (RFC 6152) exist.
_TEMPLATES = ImmutableSandboxedEnvironment(
    loader=PackageLoader("tocsin.notify"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
Refusals: TypeAlias = Mapping[str, tuple[int, str]]
"""What a server answered to recipients that it did not take: code and text, by address."""


class Tls(StrEnum):
    """How the connection to the mail server is encrypted; certificates are always verified."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    OPPORTUNISTIC = "opportunistic"
    NONE = "none"


class EmailSettings(SecretiveSettings, kw_only=True, frozen=True, rename={"from_": "from"}):
    """Mail to some people, handed to an SMTP server."""

    to: Annotated[tuple[str, ...], Meta(min_length=1, description="Recipients.")]
    cc: Annotated[tuple[str, ...], Meta(description="Recipients of a copy.")] = ()
    from_: Annotated[str, Meta(description="Sender, such as `Tocsin <tocsin@example.com>`.")]
    host: Annotated[str, Meta(min_length=1, description="Mail server's name or address.")]
    port: Annotated[int, Meta(ge=1, le=65535, description="Its port; 465 for `implicit`, 25 for a local relay.")] = 587
    tls: Annotated[
        Tls,
        Meta(
            description="`starttls`: encrypt or do not send. `implicit`: TLS from the first byte. "
            "`opportunistic`: encrypt if the server offers it. `none`: never."
        ),
    ] = Tls.STARTTLS
    ca_file: Annotated[str, Meta(description="PEM file of the authority to trust, instead of the system's.")] = ""
    username: Annotated[str, Meta(description="User name, if the server wants one; sent over TLS only.")] = ""
    password: Annotated[str, Meta(description="Password.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password.")] = ""
    hello: Annotated[str, Meta(description="Name to greet the server with; the machine's own by default.")] = ""
    send_resolved: Annotated[bool, Meta(description="Also tell when an alert is over.")] = False
    timeout: Annotated[Duration, Meta(description="Longest time for handing over a mail.")] = Duration(seconds=30)

    def __post_init__(self) -> None:
        for key, addresses in (("from", (self.from_,)), ("to", self.to), ("cc", self.cc)):
            for address in addresses:
                _check_address(address, key)
        one_of(self.password, self.password_file, "password", required=bool(self.username))
        if (self.password or self.password_file) and not self.username:
            raise ValueError("`password` needs a `username`")
        if self.username and self.tls is Tls.NONE:
            raise ValueError("`username` needs `tls`: a password is not sent in the clear")

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in use."""
        return (Secret("password", self.password, self.password_file),)

    @property
    def urls(self) -> Mapping[str, str]:
        """No HTTP addresses: a mail relay on this very machine is usual."""
        return {}


def _check_address(address: str, key: str) -> None:
    _, plain = parseaddr(address)
    name, _, domain = plain.rpartition("@")
    if not name or not domain or not plain.isascii() or any(ord(mark) < 32 for mark in address):
        raise ValueError(f"`{key}` must hold addresses such as `ops@example.com` or `Ops <ops@example.com>`")


class EmailNotifier:
    """Hands mails to an SMTP server."""

    def __init__(self, settings: EmailSettings, _http: httpx.AsyncClient) -> None:
        self.send_resolved = settings.send_resolved
        self._settings = settings
        (self._password,) = settings.secrets
        self._recipients = tuple(parseaddr(address)[1] for address in (*settings.to, *settings.cc))
        self._served: dict[str, set[str]] = {}
        self._tls = _context(settings)

    async def send(self, notification: Notification) -> str:
        """See `base.Notifier`.

        If the server takes the mail for some recipients and asks to come back for others, the next attempt goes to the
        others only.
        """
        served = self._served.get(notification.idempotency_key, set())
        waiting = [address for address in self._recipients if address not in served]
        refusals, answer = await self._hand_over(render(notification, self._settings), waiting)
        later = {address for address, (code, _) in refusals.items() if code < 500}
        if later:
            self._remember(notification.idempotency_key, served | (set(waiting) - later))
            raise DeliveryFailed(_refused(refusals), retry=True, reason="server")
        self._served.pop(notification.idempotency_key, None)
        if len(refusals) == len(self._recipients):
            raise DeliveryFailed(_refused(refusals), retry=False, reason="client")
        return line(f"250 {answer or 'taken earlier'}" + (f"; but {_refused(refusals)}" if refusals else ""), 300)

    def _remember(self, key: str, served: set[str]) -> None:
        self._served[key] = served
        while len(self._served) > _REMEMBERED:
            del self._served[next(iter(self._served))]

    async def _hand_over(self, mail: EmailMessage, recipients: Sequence[str]) -> tuple[Refusals, str]:
        password = self._password.read()
        server = f"{self._settings.host}:{self._settings.port}"
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                return await self._converse(mail, recipients, password)
        except aiosmtplib.SMTPRecipientsRefused as error:
            return {each.recipient: (each.code, mask(str(each.message), [password])) for each in error.recipients}, ""
        except aiosmtplib.SMTPResponseException as error:
            raise _failure(error, server, password) from None
        except TimeoutError:
            raise DeliveryFailed(f"{server} did not finish in time", retry=True, reason="timeout") from None
        except OSError as error:  # aiosmtplib's connection errors and ssl's are among these.
            message = f"{server} cannot be reached: {mask(line(str(error), 200), [password])}"
            raise DeliveryFailed(message, retry=True, reason="connection") from None
        except aiosmtplib.SMTPException as error:
            message = f"{server}: {mask(line(str(error), 200), [password])}"
            raise DeliveryFailed(message, retry=False, reason="invalid") from None

    async def _converse(self, mail: EmailMessage, recipients: Sequence[str], password: str) -> tuple[Refusals, str]:
        settings = self._settings
        start_tls = {Tls.STARTTLS: True, Tls.OPPORTUNISTIC: None}.get(settings.tls, False)
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=settings.hello or socket.gethostname(),
            use_tls=settings.tls is Tls.IMPLICIT,
            start_tls=start_tls,
            tls_context=self._tls,
            timeout=settings.timeout.total_seconds(),
        )
        try:
            await client.connect()
            if settings.username:
                if client.get_transport_info("sslcontext") is None:
                    raise aiosmtplib.SMTPNotSupported("the server offers no TLS, so the password was not sent")
                await client.login(settings.username, password)
            sender = parseaddr(settings.from_)[1]
            refused, answer = await client.sendmail(sender, list(recipients), mail.as_bytes(policy=_POLICY))
        finally:
            client.close()  # The mail is taken or not by now; waiting for a goodbye could only spoil that.
        return {who: (reply.code, mask(reply.message, [password])) for who, reply in refused.items()}, mask(
            answer, [password]
        )


def _context(settings: EmailSettings) -> ssl.SSLContext | None:
    if settings.tls is Tls.NONE:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file or None)
    except OSError as error:
        raise SettingsError(f"cannot read certificates from {settings.ca_file}: {error}", key="ca_file") from None


def _failure(error: aiosmtplib.SMTPResponseException, server: str, password: str) -> DeliveryFailed:
    """What a reply code means (RFC 5321 4.2.1): 4yz come back later, 5yz do not."""
    message = f"{server} answered {error.code}: {mask(line(str(error.message), 200), [password])}"
    retry = error.code < 500
    auth = isinstance(error, aiosmtplib.SMTPAuthenticationError)
    return DeliveryFailed(message, retry=retry, reason="auth" if auth else "server" if retry else "client")


def _refused(refusals: Refusals) -> str:
    told = (f"{address} ({code} {line(text, 80)})" for address, (code, text) in sorted(refusals.items()))
    return line(f"refused for {', '.join(told)}", 400)


def render(notification: Notification, settings: EmailSettings) -> EmailMessage:
    """Render a mail."""

    def at(detail: Detail) -> _Draft:
        message = gather(notification, detail)
        several = len(message.alerts) > 1 or message.more > 0
        facts = {"message": message, "note": TEST_NOTE, "several": several, "color": _color, "plural": plural}
        text, page = (_TEMPLATES.get_template(f"email.{form}").render(facts) for form in ("txt", "html"))
        return _Draft(message, text, page)

    def fits(draft: _Draft) -> bool:
        # Encoding is slow, and never makes it shorter.
        unencoded = len(draft.text) + len(draft.page)
        return unencoded <= SIZE_LIMIT and len(_mail(draft, notification, settings).as_bytes()) <= SIZE_LIMIT

    return _mail(richest(at, fits, len(notification.alerts)), notification, settings)


@dataclass(frozen=True, slots=True)
class _Draft:
    message: Message
    text: str
    page: str


def _mail(draft: _Draft, notification: Notification, settings: EmailSettings) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = draft.message.headline
    mail["From"] = settings.from_
    mail["To"] = ", ".join(settings.to)
    if settings.cc:
        mail["Cc"] = ", ".join(settings.cc)
    mail["Date"] = format_datetime(notification.created_at)
    for name, value in _references(notification, settings).items():
        mail[name] = value
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers.
    mail["X-Auto-Response-Suppress"] = "All"
    worst = draft.message.alerts[0]
    if worst.severity.at_least(Severity.HIGH) and not worst.resolved:
        mail["Importance"] = "high"
    mail.set_content(draft.text)
    mail.add_alternative(draft.page, subtype="html")
    return mail


def _references(notification: Notification, settings: EmailSettings) -> dict[str, str]:
    """The ids that make a group one thread, and a mail sent again after a failure the same mail."""
    domain = parseaddr(settings.from_)[1].rpartition("@")[2]

    def identifier(kind: str, key: str) -> str:
        return f"<{kind}.{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}@{domain}>"

    thread = identifier("group", notification.group_key)
    return {
        "Message-ID": identifier("message", notification.idempotency_key),
        "In-Reply-To": thread,
        "References": thread,
    }


def _color(facts: Facts) -> str:
    return _OVER if facts.resolved else _COLORS[facts.severity.value]
