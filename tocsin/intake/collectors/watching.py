"""Finds the files that groups name, and knows them again through renames, truncation, copies and compression."""

from __future__ import annotations

import fnmatch
import glob
import logging
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

import msgspec

from tocsin.intake.collectors.followed import (
    Followed,
    Key,
    head_of,
    key_of,
    resumed,
    rotated_name,
)
from tocsin.intake.collectors.positions import Position
from tocsin.intake.collectors.readers import COMPRESSED, HEAD_BYTES, Head, Reader, open_reader
from tocsin.intake.settings import FileSettings
from tocsin.model.errors import InvalidInput

log = logging.getLogger(__name__)

_MEMORY_SECONDS = 86_400
_MEMORY = 5_000
_OPEN = 512
# A shorter beginning may be the same in two logs by chance, as a banner is.
_TELLING = 256


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """What is followed, and remembered, of a file's directory."""

    followed: Sequence[Followed]
    remembered: Sequence[Position]


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    group: FileSettings
    stat: os.stat_result


class Watch:
    """The files of some groups, kept up to date by `look`.

    Args:
        groups: What to follow; a file belongs to the first group that names it.
        positions: How far files were read before.
    """

    def __init__(self, groups: Sequence[FileSettings], positions: Iterable[Position]) -> None:
        self._groups = groups
        self._remembered: dict[Key, Position] = {(p.device, p.inode): p for p in positions}
        self._first = True
        self._complaints: dict[str, str] = {}
        self.files: dict[Key, Followed] = {}

    @property
    def troubled(self) -> int:
        """Files that could not be read when they were last tried."""
        return len(self._complaints)

    def look(self, now: float, at: float) -> None:
        """Bring `files` up to date. Blocks. Args: now: monotonic seconds. at: Unix time."""
        found = self._scan()
        for file in list(self.files.values()):
            self._revisit(file, found.pop(file.key, None), now, at)
        self._adopt_all(found, now)
        if self._first:
            self._first = False
            self._find_moved([p for key, p in self._remembered.items() if key not in self.files and not p.done], now)
        self._forget(at)
        self._spare_handles()

    def remembered(self) -> list[Position]:
        """Return the positions of files that are no longer followed, by which copies are known."""
        return [p for key, p in self._remembered.items() if key not in self.files]

    def drop(self, file: Followed, at: float) -> None:
        """Follow `file` no longer, as all of it was read."""
        file.close()
        self.files.pop(file.key, None)
        self._complaints.pop(file.path, None)
        self._remember(file, at)

    @contextmanager
    def guarded(self, path: str) -> Iterator[None]:
        """Log what is wrong with a file, once until it changes, and go on with the others."""
        try:
            yield
        except FileNotFoundError:
            return  # It went between the scan and now.
        except (OSError, InvalidInput) as error:
            reason = f"{type(error).__name__}: {error}"
            if self._complaints.get(path) != reason:
                log.warning("a followed file cannot be read", extra={"path": path, "reason": reason})
            self._complaints[path] = reason
        else:
            self._complaints.pop(path, None)

    def _scan(self) -> dict[Key, _Found]:
        found: dict[Key, _Found] = {}
        for group in self._groups:
            for path in _paths(group):
                try:
                    facts = os.stat(path)
                except OSError:
                    continue  # It went, or a link leads nowhere.
                key = key_of(facts)
                known = self.files.get(key)
                if stat.S_ISREG(facts.st_mode) and (key not in found or (known is not None and known.path == path)):
                    found[key] = _Found(path, group, facts)
        return found

    def _revisit(self, file: Followed, hit: _Found | None, now: float, at: float) -> None:
        if hit is not None:
            file.path, file.gone, facts = hit.path, False, hit.stat
        else:
            if not file.gone:
                file.gone, file.moved = True, now
                if file.reader is None and file.unread:
                    self._find_moved([file.position(at)], now)
            if file.reader is None:
                return
            facts = file.reader.stat()
        if (facts.st_size, facts.st_mtime_ns) != (file.size, file.modified):
            with self.guarded(file.path):
                self._changed(file, facts, now, at)

    def _changed(self, file: Followed, facts: os.stat_result, now: float, at: float) -> None:
        reader = file.open()
        if reader is None:
            return
        beginning = reader.read(0, HEAD_BYTES)
        if not file.head.begins(beginning) or (not file.compressed and facts.st_size < file.offset):
            # Truncated, or another file with the same inode; what was read of the former one may still lie in a copy.
            self._remember(file, at)
            file.close()
            file = Followed(path=file.path, group=file.group, key=file.key, head=Head.of(beginning))
            self.files[file.key] = file
        elif file.head.length < HEAD_BYTES:
            file.head = Head.of(beginning)
        file.size, file.modified, file.moved = facts.st_size, facts.st_mtime_ns, now
        file.finished, file.stuck = False, -1

    def _adopt_all(self, found: Mapping[Key, _Found], now: float) -> None:
        if not found:
            return
        followed = _by_directory((file.path, file) for file in self.files.values())
        remembered = _by_directory((position.path, position) for position in self._remembered.values())
        for key, hit in found.items():
            directory = os.path.dirname(hit.path)
            with self.guarded(hit.path):
                self._adopt(key, hit, _Neighbours(followed[directory], remembered[directory]), now)

    def _adopt(self, key: Key, hit: _Found, beside: _Neighbours, now: float) -> None:
        reader = open_reader(hit.path)
        try:
            beginning = reader.read(0, HEAD_BYTES)
            if key_of(reader.stat()) == key and not _copy_of_followed(hit.path, beginning, beside.followed):
                self._begin(key, hit, beginning, beside.remembered, now)
        finally:
            reader.close()

    def _begin(self, key: Key, hit: _Found, beginning: bytes, beside: Sequence[Position], now: float) -> None:
        """Follow a file from where it was left, or the file was left that it is a copy of, or from its beginning."""
        file = self._continued(key, hit, beginning, beside)
        if file is None:
            file = Followed(path=hit.path, group=hit.group, key=key, head=Head.of(beginning))
        elif file.head.length < HEAD_BYTES:
            file.head = Head.of(beginning)
        file.size, file.modified, file.moved = hit.stat.st_size, hit.stat.st_mtime_ns, now
        file.open()
        self.files[key] = file

    def _continued(self, key: Key, hit: _Found, beginning: bytes, beside: Sequence[Position]) -> Followed | None:
        left = self._remembered.get(key)
        if left is None or not head_of(left).begins(beginning) or not _fits(left, hit):
            left = next((p for p in beside if _is_copy(p, hit, beginning)), None)
            left = left and msgspec.structs.replace(left, done=False)
        if left is None:
            return None
        self._remembered.pop((left.device, left.inode), None)
        return resumed(left, hit.path, hit.group, key)

    def _find_moved(self, positions: Sequence[Position], now: float) -> None:
        """Go on with files that were renamed or compressed to names outside the groups, if they are still beside."""
        for position in positions:
            former = (position.device, position.inode)
            group = next((group for group in self._groups if _named(position.path, group)), None)
            if group is None:
                continue  # By the settings it is followed no longer.
            file = _beside(position, group)
            if file is None:
                log.warning(
                    "a followed file went before it was read to its end",
                    extra={"path": position.path, "offset": position.offset},
                )
                self._remembered[former] = msgspec.structs.replace(position, done=True)
                continue
            self._remembered.pop(former, None)
            self.files.pop(former, None)
            file.gone, file.moved = True, now
            self.files[file.key] = file

    def _remember(self, file: Followed, at: float) -> None:
        if file.head.length:
            self._remembered[file.key] = file.position(at, done=True)

    def _forget(self, at: float) -> None:
        """Forget what was done long ago; a limit holds for the rest, such as files that are followed no longer."""
        for key in [key for key, p in self._remembered.items() if p.done and p.at < at - _MEMORY_SECONDS]:
            del self._remembered[key]
        for key in list(self._remembered)[: max(0, len(self._remembered) - _MEMORY)]:
            del self._remembered[key]

    def _spare_handles(self) -> None:
        """Close the files that have been still for longest. One that is gone could not be opened again."""
        opened = [f for f in self.files.values() if f.reader and not f.gone and (f.finished or not f.compressed)]
        opened.sort(key=lambda file: (not file.finished, file.unread > 0, file.moved))
        for file in opened[: max(0, len(opened) - _OPEN)]:
            file.close()


def _paths(group: FileSettings) -> Iterator[str]:
    for pattern in group.paths:
        for path in glob.iglob(pattern, recursive=True):
            if not any(fnmatch.fnmatchcase(path, exclude) for exclude in group.exclude):
                yield path


def _named(path: str, group: FileSettings) -> bool:
    """True if the group names `path`, or what it was rotated from."""
    patterns = [form for pattern in group.paths for form in (pattern, pattern + "[.-]*")]
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _by_directory(items: Iterable[tuple[str, _T]]) -> defaultdict[str, list[_T]]:
    found: defaultdict[str, list[_T]] = defaultdict(list)
    for path, item in items:
        found[os.path.dirname(path)].append(item)
    return found


def _copy_of_followed(path: str, beginning: bytes, followed: Iterable[Followed]) -> bool:
    """True for a copy of a file that is still followed: it is known by that file's end, when that has come."""
    return any(
        other.head.length > 0
        and (rotated_name(other.path, path) or (other.gone and other.head.length >= _TELLING))
        and other.head.begins(beginning)
        for other in followed
    )


def _fits(left: Position, hit: _Found) -> bool:
    return hit.path.endswith(COMPRESSED) or hit.stat.st_size >= left.offset


def _is_copy(left: Position, hit: _Found, beginning: bytes) -> bool:
    return (
        left.head_length > 0
        and (left.head_length >= _TELLING or rotated_name(left.path, hit.path))
        and head_of(left).begins(beginning)
        and _fits(left, hit)
    )


def _beside(position: Position, group: FileSettings) -> Followed | None:
    """Look in the file's directory for the same inode, or a compressed copy."""
    try:
        with os.scandir(PurePath(position.path).parent) as entries:
            beside = [(e.path, e.inode()) for e in entries if e.is_file()]
    except OSError:
        return None
    plain = [path for path, inode in beside if inode == position.inode]
    packed = [path for path, _ in beside if path.endswith(COMPRESSED)]
    for path in (*plain, *packed):
        if file := _opened_at(position, path, group, same_file=path not in packed):
            return file
    return None


def _opened_at(position: Position, path: str, group: FileSettings, *, same_file: bool) -> Followed | None:
    reader: Reader | None = None
    try:
        reader = open_reader(path)
        facts = reader.stat()
        known = position.head_length > 0 and head_of(position).begins(reader.read(0, HEAD_BYTES))
    except (OSError, InvalidInput):
        known = False
    if reader is None:
        return None
    if not known or (same_file and key_of(facts) != (position.device, position.inode)):
        reader.close()
        return None
    file = resumed(position, path, group, key_of(facts))
    file.reader, file.size, file.modified = reader, facts.st_size, facts.st_mtime_ns
    return file
