"""`POST /api/v1/write`: Prometheus remote write, 1.0 and 2.0.

1.0: https://prometheus.io/docs/specs/prw/remote_write_spec/
2.0: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/

The answer is 204 once everything is on disk. If a part of the request cannot be stored, the rest is, and the answer is
400 with a sentence for each kind of fault: as the specification has it, the sender then does not repeat the request.
To a sender of 2.0 the answer's headers say how much was written.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tocsin.intake.formats.remote_write import REMOTE_WRITE_V1, REMOTE_WRITE_V2
from tocsin.intake.receivers.bodies import decompress, read_body
from tocsin.intake.settings import IntakeSettings
from tocsin.kit.clock import Clock
from tocsin.model.errors import UnsupportedFormat
from tocsin.store.metrics import MetricDelivery, MetricFormat, MetricIntake, MetricReceipt

PATH = "/api/v1/write"

_MEDIA_TYPE = "application/x-protobuf"
_MESSAGES: Mapping[str, MetricFormat] = {
    "": REMOTE_WRITE_V1,
    "prometheus.WriteRequest": REMOTE_WRITE_V1,
    "io.prometheus.write.v2.Request": REMOTE_WRITE_V2,
}


def routes(intake: MetricIntake, settings: IntakeSettings, clock: Clock) -> list[Route]:
    """Return the route.

    Args:
        intake: Where the samples go.
        settings: Limits of a body.
        clock: For the time of arrival.
    """

    async def receive(request: Request) -> Response:
        received = clock.now()
        metric_format = format_of(request.headers.get("content-type", ""))
        body = await read_body(request, settings)
        if not request.headers.get("content-encoding"):  # Early senders left it out; snappy is the only choice there.
            body = decompress(body, "snappy", settings.decompressed_limit)
        receipt = await intake.submit(MetricDelivery(metric_format, body, received))
        return answer(receipt, written(receipt) if metric_format is REMOTE_WRITE_V2 else None)

    return [Route(PATH, receive, methods=["POST"], name="remote write")]


def format_of(content_type: str) -> MetricFormat:
    """Return the format that a Content-Type names; 1.0 if there is none. Raises UnsupportedFormat."""
    media_type, *parameters = (part.strip() for part in content_type.split(";"))
    given = dict(parameter.partition("=")[::2] for parameter in parameters)
    message = given.get("proto", "").strip('"')
    if media_type.lower() in ("", _MEDIA_TYPE) and message in _MESSAGES:
        return _MESSAGES[message]
    names = ", ".join(name for name in _MESSAGES if name)
    raise UnsupportedFormat(
        f"cannot read Content-Type {content_type!r}; expected {_MEDIA_TYPE} with proto= one of {names}"
    )


def written(receipt: MetricReceipt) -> dict[str, str]:
    """Return the headers by which a sender of 2.0 learns how much was written."""
    counts = {"Samples": receipt.samples, "Histograms": 0, "Exemplars": receipt.exemplars}
    return {f"X-Prometheus-Remote-Write-{kind}-Written": str(count) for kind, count in counts.items()}


def answer(receipt: MetricReceipt, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that tells what became of a request."""
    if not receipt.problems:
        return Response(status_code=204, headers=headers)
    message = f"{receipt.samples} samples stored, but: {'; '.join(receipt.problems)}"
    return JSONResponse({"error": {"type": "InvalidInput", "message": message}}, 400, headers)
