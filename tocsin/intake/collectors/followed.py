"""One file that is followed: what it is, how far it was read, and the delivery under way."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.intake.collectors.labels import in_pod, path_labels
from tocsin.intake.collectors.positions import Position
from tocsin.intake.collectors.readers import COMPRESSED, Head, Reader, open_reader
from tocsin.intake.formats.detect import detect
from tocsin.intake.formats.table import format_named
from tocsin.intake.settings import AUTO, FileSettings
from tocsin.store.base import RowFormat

Key = tuple[int, int]
"""Device and inode."""


@dataclass(slots=True)
class Followed:
    """A file, known by its inode while it exists.

    Attributes:
        path: Where it is, or was last.
        group: The settings it is followed by.
        key: Its device and inode.
        head: Its first bytes.
        origin: See `Position.origin`.
        offset: Bytes whose delivery was accepted.
        pending: End of the delivery under way, be it that of a former process; `offset` if none is.
        row_format: None until it is found.
        reader: Open, or None to be opened by need.
        size, modified: As last seen; `modified` in nanoseconds.
        moved: Monotonic time at which it last grew, or its path went.
        gone: No path of the group leads to it any more.
        finished: Nothing is left in it and, as it is compressed, nothing will be.
        stuck: The size at which nothing whole could be taken; -1 if something may be.
        held_since: Monotonic time since which an unfinished record waits; None if none does.
    """

    path: str
    group: FileSettings
    key: Key
    head: Head
    origin: str = field(default_factory=lambda: secrets.token_hex(8))
    offset: int = 0
    pending: int = 0
    row_format: RowFormat | None = None
    reader: Reader | None = None
    size: int = 0
    modified: int = -1
    moved: float = 0.0
    gone: bool = False
    finished: bool = False
    stuck: int = -1
    held_since: float | None = None

    @property
    def compressed(self) -> bool:
        """True if it is read through a decompressor, so that its size says nothing about its content's."""
        return self.path.endswith(COMPRESSED)

    @property
    def unread(self) -> int:
        """Bytes that wait to be read, as far as they are known."""
        return 0 if self.compressed else max(0, self.size - self.offset)

    def open(self) -> Reader | None:
        """Return its reader, opened if need be; None if its path leads to another file now, or to none."""
        if self.reader is None:
            try:
                reader = open_reader(self.path)
            except FileNotFoundError:
                return None
            if key_of(reader.stat()) != self.key:
                reader.close()
                return None
            self.reader = reader
        return self.reader

    def close(self) -> None:
        """Close its reader, if it is open."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def find_format(self, sample: bytes) -> RowFormat:
        """Return its format: the group's, or what the sample from its beginning tells."""
        if self.row_format is None:
            name = self.group.format if self.group.format != AUTO else detect(sample)
            if self.group.format == AUTO and in_pod(self.path) and name not in ("cri", "docker-json"):
                name = "cri"
            self.row_format = format_named(name)
        return self.row_format

    def context(self, cluster: str) -> Mapping[str, str]:
        """Return the facts about its lines: those of the path, then those of the settings."""
        facts = {
            **path_labels(self.path),
            "path": self.path,
            **self.group.labels,
            "cluster": self.group.cluster or cluster,
            "source": self.group.source,
            "priority": self.group.priority,
        }
        return {name: value for name, value in facts.items() if value}

    def position(self, at: float, *, done: bool = False) -> Position:
        """Return how far it was read. Args: at: Unix time. done: It is followed no longer."""
        device, inode = self.key
        return Position(
            path=self.path,
            device=device,
            inode=inode,
            head_length=self.head.length,
            head_digest=self.head.digest,
            origin=self.origin,
            format=self.row_format.name if self.row_format else "",
            offset=self.offset,
            pending=max(self.pending, self.offset),
            done=done or self.finished,
            at=at,
        )


def resumed(position: Position, path: str, group: FileSettings, key: Key) -> Followed:
    """Return the file that goes on from `position`, now at `path`."""
    return Followed(
        path=path,
        group=group,
        key=key,
        head=head_of(position),
        origin=position.origin,
        offset=position.offset,
        pending=position.pending,
        row_format=format_named(position.format) if position.format else None,
        finished=position.done and path.endswith(COMPRESSED),
    )


def head_of(position: Position) -> Head:
    """Return the head kept in a position."""
    return Head(position.head_length, position.head_digest)


def key_of(stat: os.stat_result) -> Key:
    """Return which file a stat is about."""
    return stat.st_dev, stat.st_ino


def rotated_name(path: str, other: str) -> bool:
    """True if `other` is what rotation calls an older `path`, such as `app.log.1`, `app.log-20261123` or `0.log.gz`."""
    return other.startswith(path) and other[len(path) : len(path) + 1] in (".", "-")
