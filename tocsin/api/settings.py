"""Settings of the HTTP side: who may do what, and its limits."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tocsin.kit.units import ByteSize, Duration


class TokenSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One API token; give `hash`, `token` or `token_file`."""

    name: Annotated[str, Meta(description="Whose it is; appears in logs.", min_length=1, max_length=100)]
    role: Annotated[
        Literal["viewer", "responder", "admin", "intake"],
        Meta(
            description="`viewer` reads, `responder` also acts on alerts, `admin` may do all, `intake` only sends data."
        ),
    ]
    hash: Annotated[str, Meta(description="What `tocsin token create` printed; the token itself is kept nowhere.")] = ""
    token: Annotated[str, Meta(description="The token itself, at least 20 characters.")] = ""
    token_file: Annotated[str, Meta(description="File that holds the token itself.")] = ""


class AuthSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Who may do what. Without tokens only this machine is served, and may do all."""

    tokens: Annotated[list[TokenSettings], Meta(description="API tokens. Needed to listen beyond loopback.")] = []
    session: Annotated[Duration, Meta(description="How long a login to the pages lasts.")] = Duration(hours=12)
    failures_per_minute: Annotated[
        int, Meta(description="Wrong tokens that one address may send a minute; then it is answered 429.", ge=1)
    ] = 10


class WebSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The HTTP side."""

    allowed_hosts: Annotated[
        list[str],
        Meta(description="Names, besides loopback's, that may stand in a Host header while there are no tokens."),
    ] = []
    body_limit: Annotated[
        ByteSize, Meta(description="Largest body of a request that is no intake; that has `intake.body_limit`.")
    ] = ByteSize(1 << 20)
    query_workers: Annotated[int, Meta(description="Queries that run at the same time.", ge=1, le=64)] = 4
    query_queue: Annotated[
        int, Meta(description="Queries that may wait for their turn; more are answered 429.", ge=0)
    ] = 64
    max_rows: Annotated[int, Meta(description="Rows that one request may ask for.", ge=1)] = 100_000
