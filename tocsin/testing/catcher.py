"""A local stand-in for every destination: takes HTTP and SMTP messages, answers as the vendor does, keeps them."""

from __future__ import annotations

import email
import json
import socket
import threading
from dataclasses import dataclass
from email.policy import default as mail_policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_ANSWERS: dict[str, tuple[int, dict[str, Any] | str]] = {
    "slack": (200, "ok"),
    "teams": (202, ""),
    "pagerduty": (202, {"status": "success", "message": "Event processed", "dedup_key": "caught"}),
    "webhook": (200, {}),
}


@dataclass(frozen=True, slots=True)
class Caught:
    """One message.

    Attributes:
        kind: `email`, `slack`, `teams`, `pagerduty` or `webhook`.
        headers: Of the request or the mail.
        body: The JSON value, or the mail's text part.
        title: Its first words, for a list.
    """

    kind: str
    headers: dict[str, str]
    body: Any
    title: str


class Catcher:
    """Listens on two loopback ports from construction to `close`.

    HTTP messages are posted to `http://127.0.0.1:<http_port>/<kind>`, mail goes to port `smtp_port`.
    """

    def __init__(self) -> None:
        self._caught: list[Caught] = []
        self._arrived = threading.Condition()
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
                kind = self.path.strip("/").split("/")[0]
                status, answer = _ANSWERS.get(kind, (404, "unknown"))
                text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                catcher._keep(Caught(kind, dict(self.headers.items()), body, _title(kind, body)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        class Mailbox:
            async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
                content = envelope.content or b""
                mail = email.message_from_bytes(
                    content if isinstance(content, bytes) else content.encode(), policy=mail_policy
                )
                part = mail.get_body(("plain",))
                text = part.get_content() if part else ""
                headers = {name: str(value) for name, value in mail.items()}
                catcher._keep(Caught("email", headers, text, str(mail["Subject"])))
                return "250 caught"

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self._smtp = Controller(Mailbox(), hostname="127.0.0.1", port=free_port())
        self._smtp.start()

    @property
    def http_port(self) -> int:
        """Where HTTP is taken."""
        return self._http.server_port

    @property
    def smtp_port(self) -> int:
        """Where mail is taken."""
        port: int = self._smtp.port
        return port

    @property
    def messages(self) -> list[Caught]:
        """Everything so far, in order of arrival."""
        with self._arrived:
            return list(self._caught)

    def settings(self, name: str = "everyone") -> dict[str, Any]:
        """Return the settings of a receiver with all five kinds of destination, here."""
        base = f"http://127.0.0.1:{self.http_port}"
        return {
            "name": name,
            "email": {
                "to": ["oncall@example.com"],
                "from": "Tocsin <tocsin@example.com>",
                "host": "127.0.0.1",
                "port": self.smtp_port,
                "tls": "none",
                "send_resolved": True,
            },
            "slack": {"url": f"{base}/slack", "send_resolved": True},
            "teams": {"url": f"{base}/teams"},
            "pagerduty": {"url": f"{base}/pagerduty", "routing_key": "R" * 32},
            "webhook": {"url": f"{base}/webhook"},
        }

    def wait(self, count: int, kind: str | None = None, seconds: float = 30.0) -> list[Caught]:
        """Return the messages (of one kind) when there are `count` of them, or what there is after `seconds`."""

        def found() -> list[Caught]:
            return [message for message in self._caught if kind in (None, message.kind)]

        with self._arrived:
            self._arrived.wait_for(lambda: len(found()) >= count, timeout=seconds)
            return found()

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()
        self._smtp.stop()

    def _keep(self, message: Caught) -> None:
        with self._arrived:
            self._caught.append(message)
            self._arrived.notify_all()


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _title(kind: str, body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    match kind:
        case "pagerduty":
            return str(body.get("payload", {}).get("summary", body.get("event_action", "")))
        case "slack":
            return str(body.get("text", ""))
        case "teams":
            card = body.get("attachments", [{}])[0].get("content", {}).get("body", [{}])
            return str(card[0].get("text", "") or card[0].get("items", [{}])[0].get("text", ""))
        case _:
            return f"{body.get('status', '')}: {body.get('commonLabels', {}).get('alertname', '')}"
