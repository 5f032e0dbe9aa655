"""`POST /intake/lines` for any format, and addresses of their own for Falco and Kubernetes Events.

Query parameters: `format` (`auto` by default), `source`, `cluster`, `priority`, and `label.<name>` for stream labels.
With an `Idempotency-Key` header, a repeated request is acknowledged without being stored again. The answer,
`{"accepted", "duplicates", "rejected", "batch"}`, is given when all of it is on disk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tocsin.intake.formats.detect import detect
from tocsin.intake.formats.table import format_named
from tocsin.intake.receivers.bodies import read_body
from tocsin.intake.settings import AUTO, IntakeSettings
from tocsin.kit.clock import Clock
from tocsin.model.errors import InvalidInput, UnsupportedFormat
from tocsin.store.base import Delivery, Intake, Receipt

_LABEL = "label."
_FACTS = ("source", "cluster", "priority")
_PRIORITIES = ("security", "operations", "debug")
_MAX_LABELS = 32
_MAX_TEXT = 256

_Handler = Callable[[Request], Awaitable[JSONResponse]]


def routes(intake: Intake, settings: IntakeSettings, clock: Clock, cluster: str) -> list[Route]:
    """Return the routes.

    Args:
        intake: Where the lines go.
        settings: Limits of a body.
        clock: For the time of arrival.
        cluster: The cluster's name, unless the request says `?cluster=`.
    """

    def receiver(fixed_format: str) -> _Handler:
        async def receive(request: Request) -> JSONResponse:
            received = clock.now()
            _check_type(request.headers.get("content-type", ""))
            context = {"cluster": cluster} | context_of(request.query_params.multi_items())
            name = fixed_format or request.query_params.get("format", AUTO)
            row_format = None if name == AUTO else format_named(name)
            key = _idempotency_key(request)
            body = await read_body(request, settings)
            if not body.strip():
                raise InvalidInput("the body is empty; expected records, one a line")
            row_format = row_format or format_named(detect(body))
            token = f"http:{row_format.name}:{key}" if key else ""
            return answer(await intake.submit(Delivery(row_format, body, received, context, token)))

        return receive

    paths = {"/intake/lines": "", "/intake/falco": "falco", "/intake/kubernetes/events": "kubernetes-events"}
    return [Route(path, receiver(name), methods=["POST"], name=f"intake {path}") for path, name in paths.items()]


def answer(receipt: Receipt) -> JSONResponse:
    """Return the answer that tells what became of a delivery."""
    return JSONResponse({name: getattr(receipt, name) for name in ("accepted", "duplicates", "rejected", "batch")})


def context_of(parameters: list[tuple[str, str]]) -> dict[str, str]:
    """Return the facts about a delivery that a request's query parameters give.

    Raises InvalidInput if there are too many labels, one is too long, or `priority` is not a retention class.
    """
    facts = {name: value for name, value in parameters if name in _FACTS and value}
    labels = {name.removeprefix(_LABEL): value for name, value in parameters if name.startswith(_LABEL) and value}
    if len(labels) > _MAX_LABELS or any(len(t) > _MAX_TEXT for pair in (labels | facts).items() for t in pair):
        raise InvalidInput(f"at most {_MAX_LABELS} labels, and {_MAX_TEXT} characters in a name or value")
    if facts.get("priority", _PRIORITIES[0]) not in _PRIORITIES:
        raise InvalidInput(f"priority is {facts['priority']!r}; expected one of {', '.join(_PRIORITIES)}")
    return labels | facts


def _check_type(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith(("multipart/", "image/", "audio/", "video/")) or kind in (
        "application/x-protobuf",
        "application/msgpack",
    ):
        raise UnsupportedFormat(f"cannot read Content-Type {kind!r}; expected text or JSON, one record a line")


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if len(key) > _MAX_TEXT:
        raise InvalidInput(f"the Idempotency-Key is longer than {_MAX_TEXT} characters")
    return key
