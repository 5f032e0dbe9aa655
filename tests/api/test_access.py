"""The table of addresses and roles covers every address that is served."""

from __future__ import annotations

from starlette.routing import Route

from tests.api.serving import Running
from tocsin.api.access import TABLE, Access, access_of
from tocsin.intake.receivers import kubernetes_audit, lines
from tocsin.intake.settings import IntakeSettings
from tocsin.store.base import Delivery, Receipt
from tocsin.web import login


def test_every_route_has_a_line_of_its_own(running: Running) -> None:
    served = _served(running)
    assert len(served) > 15
    missing = [(method, path) for method, path in served if not any(entry.covers(method, path) for entry in TABLE)]
    assert missing == []


def test_only_what_holds_no_data_is_public(running: Running) -> None:
    public = {path for method, path in _served(running) if access_of(method, path) is Access.PUBLIC}
    assert public == {"/-/healthy", "/-/ready", "/login", "/logout"}


def test_what_is_not_in_the_table_needs_admin() -> None:
    for method, path in (
        ("GET", "/metrics/"),
        ("PUT", "/metrics"),
        ("GET", "/intake/lines"),
        ("GET", "/api/tocsin/v1"),
    ):
        assert access_of(method, path) is Access.ADMIN
    assert access_of("HEAD", "/metrics") is Access.VIEWER


class Untouched:
    """Takes nothing: only its routes are looked at."""

    async def submit(self, delivery: Delivery) -> Receipt:
        raise AssertionError(delivery)


def _served(running: Running) -> list[tuple[str, str]]:
    intake = Untouched()
    running.extra = [
        *kubernetes_audit.routes(intake, IntakeSettings(), running.clock, ""),
        *lines.routes(intake, IntakeSettings(), running.clock, ""),
        *login.routes(running.services),
    ]
    app = running.app()
    described = [(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item]
    plain = [(m, r.path) for r in app.routes if isinstance(r, Route) for m in sorted((r.methods or set()) - {"HEAD"})]
    return described + plain
