"""Settings of intake."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tocsin.intake.formats.table import format_named
from tocsin.kit.units import ByteSize
from tocsin.model.errors import InvalidInput

AUTO = "auto"
"""The format's name that means: look at the first lines."""


class FileSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A group of files that are followed as they grow."""

    paths: Annotated[
        list[str],
        Meta(
            description="Paths, with `*`, `?`, `[...]` and `**` for any depth, such as `/var/log/pods/*/*/*.log`. "
            "Files ending in `.gz` or `.zst` are read once.",
            min_length=1,
        ),
    ]
    exclude: Annotated[list[str], Meta(description="Paths, with the same wildcards, to leave out.")] = []
    format: Annotated[
        str, Meta(description="A format of `docs/reference/formats.md`; `auto` looks at each file's first lines.")
    ] = AUTO
    source: Annotated[
        str, Meta(description="The rows' `source`; by default what the format says, such as `pod` or `node`.")
    ] = ""
    cluster: Annotated[str, Meta(description="Name of the cluster they come from; `cluster` by default.")] = ""
    priority: Annotated[
        Literal["", "security", "operations", "debug"],
        Meta(description="Retention class of log lines; by default the format's, and `debug` for debug lines."),
    ] = ""
    labels: Annotated[dict[str, str], Meta(description="Labels added to those that the path tells.")] = {}

    def __post_init__(self) -> None:
        """Refuse a format that does not exist."""
        if self.format == AUTO:
            return
        try:
            format_named(self.format)
        except InvalidInput as error:
            raise ValueError(str(error)) from None


class IntakeSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What comes in: limits of a request, and files to follow."""

    body_limit: Annotated[ByteSize, Meta(description="Largest body of an intake request, as it is sent.")] = ByteSize(
        16 << 20
    )
    decompressed_limit: Annotated[ByteSize, Meta(description="Largest body after decompression.")] = ByteSize(64 << 20)
    files: Annotated[list[FileSettings], Meta(description="Files to follow as they grow.")] = []
