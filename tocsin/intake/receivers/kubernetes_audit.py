"""`POST /intake/kubernetes/audit`: the API server's audit webhook backend.

The API server sends `EventList` objects of audit.k8s.io/v1 and keeps them in a bounded buffer until it has an answer,
so nothing on the way from body to disk waits but for the writer. It drops the query string of the webhook's address: a
token goes into the kubeconfig (header) or into the last part of the path, which `api/auth.py` reads.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tocsin.intake.formats.kubernetes_audit import KUBERNETES_AUDIT
from tocsin.intake.receivers.bodies import read_body
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.clock import Clock
from tocsin.model.errors import InvalidInput
from tocsin.store.base import Delivery, Intake, Receipt

PATH = "/intake/kubernetes/audit"


class _EventList(msgspec.Struct):
    items: list[msgspec.Raw]
    kind: str = "EventList"


_decoder = msgspec.json.Decoder(_EventList)


def split_event_list(body: bytes) -> bytes:
    """Return the items of an `EventList` body, one a line, without decoding them.

    Raises InvalidInput if the body is not a JSON object with a list of `items`; says so if it is cut short.
    """
    try:
        events = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"not an audit.k8s.io EventList: {error}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"the body is not valid JSON ({len(body)} bytes): {error}") from None
    if events.kind != "EventList":
        raise InvalidInput(f"expected kind EventList, got {events.kind!r}")
    lines = b"\n".join(events.items)
    # Pretty-printed events hold line ends, which in JSON can only stand between tokens.
    return (
        lines if lines.count(b"\n") < max(1, len(events.items)) else b"\n".join(_on_one_line(i) for i in events.items)
    )


def routes(intake: Intake, settings: IntakeSettings, clock: Clock, cluster: str) -> list[Route]:
    """Return the webhook's routes.

    Args:
        intake: Where the events go.
        settings: Limits of a body.
        clock: For the time of arrival.
        cluster: The cluster's name, unless the request says `?cluster=`.
    """

    async def receive(request: Request) -> JSONResponse:
        received = clock.now()
        lines = split_event_list(await read_body(request, settings))
        context = {"cluster": request.query_params.get("cluster", cluster), "source": "kubernetes-audit-webhook"}
        if not lines:
            return _answer(Receipt(batch=0, accepted=0))
        return _answer(await intake.submit(Delivery(KUBERNETES_AUDIT, lines, received, context)))

    return [Route(path, receive, methods=["POST"], name="audit webhook") for path in (PATH, PATH + "/{token}")]


def _answer(receipt: Receipt) -> JSONResponse:
    return JSONResponse({n: getattr(receipt, n) for n in ("accepted", "duplicates", "rejected", "batch")})


def _on_one_line(item: msgspec.Raw) -> bytes:
    return bytes(item).replace(b"\n", b" ").replace(b"\r", b" ")
