"""A real SMTP server on loopback for the tests, with TLS, authentication and refusals as told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CERTIFICATE = Path(__file__).with_name("mail_server.pem")
"""Self-signed for `localhost` and 127.0.0.1, with its worthless key, until 2126; made with openssl."""


@dataclass
class MailServer:
    """What the server got, and how it behaves.

    Attributes:
        port: Where it listens on 127.0.0.1.
        mails: What it took: the recipients and the parsed mail.
        secured: For each mail, whether it came over TLS.
        logins: The credentials it was given.
        password: The password it accepts.
        refuse: Reply to RCPT for an address; an empty one takes it.
        data_reply: Reply to DATA.
    """

    port: int = 0
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    password: str = "right-password"
    refuse: Callable[[str], str] = lambda _: ""
    data_reply: str = "250 queued as 1A2B"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        reply = self.refuse(address)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        """Keep the mail."""
        if self.data_reply.startswith("2"):
            assert isinstance(envelope.content, bytes)
            assert envelope.content.isascii()
            assert all(len(line) <= 998 for line in envelope.content.split(b"\r\n"))
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append((envelope.rcpt_tos, mail))
            assert server.transport is not None
            self.secured.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.data_reply

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Check a login."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == self.password, handled=False)


@asynccontextmanager
async def mail_server(
    *, starttls: bool = True, implicit: bool = False, auth: bool = False
) -> AsyncIterator[MailServer]:
    """Run a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    state = MailServer()

    def connected() -> SMTP:
        return SMTP(
            state,
            hostname="mail.test",
            tls_context=context if starttls else None,
            authenticator=state.authenticate if auth else None,
            auth_require_tls=False,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(connected, "127.0.0.1", 0, ssl=context if implicit else None)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)
