"""`tocsin run`: the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Settings file; ./tocsin.yaml if there is one.", envvar="TOCSIN_CONFIG"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Directory of the stores [./tocsin-data].", envvar="TOCSIN_DATA")
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option("--listen", help="HOST:PORT of all protocols [127.0.0.1:9319].", envvar="TOCSIN_LISTEN"),
    ] = None,
) -> None:
    """Take data in, watch it, tell people. Works without any settings.

    Examples:

      tocsin run

      tocsin run --config /etc/tocsin/tocsin.yaml --data /var/lib/tocsin
    """
    from tocsin.app import lifecycle, settings

    path = settings.find(str(config) if config else None)
    overrides = {"data": str(data) if data else None, "listen": listen}
    raise typer.Exit(lifecycle.main(path, overrides))
