"""Following real files through everything that happens to logs."""

from __future__ import annotations

import gzip
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tocsin.intake.collectors.files import GONE_WAIT, FileCollector
from tocsin.intake.collectors.pieces import PIECE_BYTES, RECORD_BYTES
from tocsin.intake.collectors.positions import FilePositions
from tocsin.intake.settings import FileSettings
from tocsin.model.errors import Overloaded, StoreFailed, TocsinError
from tocsin.store.base import Delivery, Receipt
from tocsin.testing.clock import VirtualClock

_HEADER = b"# " + b"x" * 300 + b"\n"
"""Long enough to know a file again by."""


class Died(Exception):
    """Stands for the end of the process."""


@dataclass
class Shelf:
    """An intake that keeps what it gets, knows tokens again, and can be told to refuse or to die."""

    taken: list[Delivery] = field(default_factory=list)
    refuse: TocsinError | None = None
    die_after_storing: bool = False

    async def submit(self, delivery: Delivery) -> Receipt:
        if self.refuse:
            raise self.refuse
        if all(delivery.token != other.token for other in self.taken):
            self.taken.append(delivery)
        if self.die_after_storing:
            raise Died
        return Receipt(batch=len(self.taken), accepted=1)

    def lines(self) -> list[bytes]:
        return [line for delivery in self.taken for line in delivery.payload.splitlines()]


@dataclass
class Rig:
    """A directory of logs, and a collector that can be started anew."""

    root: Path
    clock: VirtualClock
    pattern: str = "*.log"
    shelf: Shelf = field(default_factory=Shelf)
    format: str = "json-lines"
    collector: FileCollector = field(init=False)

    def __post_init__(self) -> None:
        (self.root / "logs").mkdir()
        self.restart()

    def restart(self) -> None:
        groups = [
            FileSettings(paths=[str(self.root / "logs" / self.pattern)], format=self.format, labels={"team": "a"})
        ]
        positions = FilePositions(self.root / "positions.json")
        self.collector = FileCollector(groups, self.shelf, positions, self.clock, cluster="home")

    def path(self, name: str) -> Path:
        return self.root / "logs" / name

    def write(self, name: str, data: bytes) -> None:
        with self.path(name).open("ab") as file:
            file.write(data)

    async def poll(self, times: int = 1) -> None:
        for _ in range(times):
            await self.collector.poll_once()

    async def wait_for_the_gone(self) -> None:
        await self.poll()
        await self.clock.advance(GONE_WAIT + 1)
        await self.poll(3)


@pytest.fixture
def rig(tmp_path: Path, clock: VirtualClock) -> Rig:
    """Logs named `*.log`."""
    return Rig(tmp_path, clock)


@pytest.fixture
def wide(tmp_path: Path, clock: VirtualClock) -> Rig:
    """Logs and their rotated copies."""
    return Rig(tmp_path, clock, pattern="*.log*")


async def test_lines_are_handed_over_as_they_come(rig: Rig) -> None:
    rig.write("app.log", b"one\ntwo\nthr")
    await rig.poll(2)
    assert rig.shelf.lines() == [b"one", b"two"]
    rig.write("app.log", b"ee\n")
    await rig.poll()
    assert rig.shelf.lines() == [b"one", b"two", b"three"]
    assert rig.shelf.taken[0].context == {
        "app": "app",
        "path": str(rig.path("app.log")),
        "team": "a",
        "cluster": "home",
    }


async def test_a_restart_goes_on_where_it_was(rig: Rig) -> None:
    rig.write("app.log", b"one\n")
    await rig.poll()
    rig.restart()
    rig.write("app.log", b"two\n")
    await rig.poll()
    assert rig.shelf.lines() == [b"one", b"two"]


async def test_a_crash_after_the_store_had_it_stores_nothing_twice(rig: Rig) -> None:
    rig.write("app.log", b"one\ntwo\n")
    rig.shelf.die_after_storing = True
    with pytest.raises(Died):
        await rig.poll()
    rig.shelf.die_after_storing = False
    rig.write("app.log", b"three\n")
    rig.restart()
    await rig.poll(2)
    assert rig.shelf.lines() == [b"one", b"two", b"three"]


async def test_a_crash_before_the_store_had_it_loses_nothing(rig: Rig) -> None:
    rig.write("app.log", b"one\n")
    rig.shelf.refuse = Overloaded("full", retry_after=1)
    await rig.poll()
    rig.shelf.refuse = None
    rig.write("app.log", b"two\n")
    rig.restart()
    await rig.poll(2)
    assert rig.shelf.lines() == [b"one", b"two"]


@pytest.mark.parametrize("error", [Overloaded("full", retry_after=20), StoreFailed("engine")])
async def test_what_is_refused_is_kept_and_tried_again_later(rig: Rig, error: TocsinError) -> None:
    rig.write("app.log", b"one\n")
    rig.shelf.refuse = error
    await rig.poll()
    rig.shelf.refuse = None
    await rig.poll()
    assert rig.shelf.taken == []
    rig.write("other.log", b"another file goes on\n")
    await rig.poll()
    assert rig.shelf.lines() == [b"another file goes on"]
    await rig.clock.advance(21)
    await rig.poll()
    assert sorted(rig.shelf.lines()) == [b"another file goes on", b"one"]


async def test_rename_and_create(rig: Rig) -> None:
    rig.write("app.log", _HEADER + b"one\n")
    await rig.poll()
    rig.write("app.log", b"two\nthree without end")
    rig.path("app.log").rename(rig.path("app.log.1"))
    rig.write("app.log", b"four\n")
    await rig.poll()
    assert rig.shelf.lines()[1:] == [b"one", b"two", b"four"]
    rig.write("app.log.1", b", and late\n")
    await rig.poll()
    assert rig.shelf.lines()[-1] == b"three without end, and late"


async def test_a_last_line_without_end_is_handed_over_when_the_file_is_gone(rig: Rig) -> None:
    rig.write("app.log", b"one\nlast words")
    await rig.poll()
    rig.path("app.log").unlink()
    await rig.poll()
    assert rig.shelf.lines() == [b"one"]
    await rig.wait_for_the_gone()
    assert rig.shelf.lines() == [b"one", b"last words"]
    assert rig.collector.followed == 0


async def test_what_was_written_before_a_deletion_is_read(rig: Rig) -> None:
    rig.write("app.log", b"one\n")
    await rig.poll()
    rig.write("app.log", b"two\n")
    rig.path("app.log").unlink()
    await rig.poll()
    assert rig.shelf.lines() == [b"one", b"two"]


async def test_truncation_begins_anew(rig: Rig) -> None:
    rig.write("app.log", b"one\ntwo\n")
    await rig.poll()
    os.truncate(rig.path("app.log"), 0)
    rig.write("app.log", b"three\n")
    await rig.poll()
    assert rig.shelf.lines() == [b"one", b"two", b"three"]


async def test_truncation_is_noticed_though_the_file_has_outgrown_itself(rig: Rig) -> None:
    rig.write("app.log", b"one\n")
    await rig.poll()
    os.truncate(rig.path("app.log"), 0)
    rig.write("app.log", b"two\nthree\nfour\n")
    await rig.poll()
    assert rig.shelf.lines() == [b"one", b"two", b"three", b"four"]


@pytest.mark.parametrize("look_between", [True, False])
async def test_copytruncate_reads_the_copy_from_where_the_original_was_left(wide: Rig, look_between: bool) -> None:
    wide.write("app.log", _HEADER + b"one\n")
    await wide.poll()
    wide.write("app.log", b"two\n")
    shutil.copy(wide.path("app.log"), wide.path("app.log.1"))
    if look_between:
        await wide.poll()
    os.truncate(wide.path("app.log"), 0)
    wide.write("app.log", b"three\n")
    await wide.poll(2)
    assert sorted(wide.shelf.lines()[1:]) == [b"one", b"three", b"two"]


async def test_rotated_files_that_are_compressed_are_read_once(wide: Rig) -> None:
    wide.write("app.log", _HEADER + b"one\n")
    await wide.poll()
    wide.write("app.log", b"two\n")
    wide.path("app.log").rename(wide.path("app.log.1"))
    wide.write("app.log", b"three\n")
    await wide.poll()
    content = wide.path("app.log.1").read_bytes()
    wide.path("app.log.1").unlink()
    wide.path("app.log.2.gz").write_bytes(gzip.compress(content))
    await wide.wait_for_the_gone()
    assert sorted(wide.shelf.lines()[1:]) == [b"one", b"three", b"two"]
    wide.restart()
    await wide.poll(3)
    assert sorted(wide.shelf.lines()[1:]) == [b"one", b"three", b"two"]


async def test_rotation_while_we_were_down(rig: Rig) -> None:
    rig.write("app.log", _HEADER + b"one\n")
    await rig.poll()
    rig.write("app.log", b"two\n")
    rig.path("app.log").rename(rig.path("app.log.20261123"))
    rig.write("app.log", b"three\n")
    rig.restart()
    await rig.poll(2)
    assert sorted(rig.shelf.lines()[1:]) == [b"one", b"three", b"two"]


async def test_rotation_and_compression_while_we_were_down(rig: Rig) -> None:
    rig.write("app.log", _HEADER + b"one\n")
    await rig.poll()
    rig.write("app.log", b"two\n")
    rig.path("app.log.1.gz").write_bytes(gzip.compress(rig.path("app.log").read_bytes()))
    rig.path("app.log").unlink()
    rig.restart()
    await rig.poll(2)
    assert rig.shelf.lines()[1:] == [b"one", b"two"]


async def test_an_inode_used_again_is_another_file(rig: Rig) -> None:
    rig.write("app.log", b"old content\n")
    await rig.poll()
    inode = rig.path("app.log").stat().st_ino
    rig.path("app.log").write_bytes(b"new content that is longer\n")
    assert rig.path("app.log").stat().st_ino == inode
    rig.restart()
    await rig.poll()
    assert rig.shelf.lines() == [b"old content", b"new content that is longer"]


async def test_compressed_files_are_read_once(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock, pattern="*.gz")
    rig.path("old.gz").write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\nthree"))
    await rig.poll(3)
    assert rig.shelf.lines() == [b"one", b"two", b"three"]
    rig.restart()
    await rig.poll(3)
    assert len(rig.shelf.lines()) == 3


async def test_a_damaged_archive_gives_what_comes_before_the_damage(
    tmp_path: Path, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig(tmp_path, clock, pattern="*.gz")
    rig.path("bad.gz").write_bytes(gzip.compress(b"good\nhalf") + b"\x1f\x8b\x08damage damage damage")
    rig.path("fine.gz").write_bytes(gzip.compress(b"fine\n"))
    await rig.poll(4)
    assert sorted(rig.shelf.lines()) == [b"fine", b"good", b"half"]
    assert rig.collector.troubled == 1
    assert [record.message for record in caplog.records] == ["a followed file cannot be read"]


async def test_a_large_file_comes_in_pieces_of_whole_lines(rig: Rig) -> None:
    line = b"x" * 99_999 + b"\n"
    rig.write("app.log", line * 50)
    while (await rig.collector.poll_once()).more:
        pass
    assert len(rig.shelf.taken) > 1
    assert all(len(d.payload) <= PIECE_BYTES and d.payload.endswith(b"\n") for d in rig.shelf.taken)
    assert b"".join(d.payload for d in rig.shelf.taken) == line * 50


async def test_a_line_longer_than_a_piece_is_kept_whole_up_to_a_limit(rig: Rig) -> None:
    long, endless = b"x" * (2 * PIECE_BYTES) + b"\n", b"y" * (RECORD_BYTES + 10) + b"\n"
    rig.write("app.log", long + endless)
    while (await rig.collector.poll_once()).more:
        pass
    await rig.poll()
    assert [len(line) for line in rig.shelf.lines()] == [2 * PIECE_BYTES, RECORD_BYTES, 10]


async def test_partial_cri_lines_wait_for_their_end_but_not_for_ever(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock, format="auto")
    head = b"2026-11-23T08:50:51.1Z stdout "
    rig.write("app.log", head + b"F one\n" + head + b"P tw\n")
    await rig.poll(2)
    assert rig.shelf.lines() == [head + b"F one"]
    rig.write("app.log", head + b"F o\n" + head + b"P never ends\n")
    await rig.poll(2)
    assert rig.shelf.lines()[1:] == [head + b"P tw", head + b"F o"]
    await clock.advance(6)
    await rig.poll()
    assert rig.shelf.lines()[-1] == head + b"P never ends"
    assert {delivery.format.name for delivery in rig.shelf.taken} == {"cri"}


async def test_pod_logs_are_cri_whatever_they_begin_with(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock, pattern="pods/*/*/*.log", format="auto")
    rig.path("pods/prod_web-0_uid/web").mkdir(parents=True)
    rig.write("pods/prod_web-0_uid/web/0.log", b"torn beginning\n")
    await rig.poll()
    (delivery,) = rig.shelf.taken
    assert delivery.format.name == "cri"
    assert (delivery.context["namespace"], delivery.context["pod"], delivery.context["app"]) == ("prod", "web-0", "web")


async def test_links_to_one_file_are_one_file(rig: Rig) -> None:
    rig.write("app.log", b"one\n")
    rig.path("link.log").symlink_to(rig.path("app.log"))
    await rig.poll(2)
    assert rig.shelf.lines() == [b"one"]


async def test_excluded_and_unreadable_files_do_no_harm(tmp_path: Path, clock: VirtualClock) -> None:
    rig = Rig(tmp_path, clock)
    rig.path("directory.log").mkdir()
    os.mkfifo(rig.path("pipe.log"))
    rig.path("dangling.log").symlink_to(rig.path("nowhere"))
    rig.write("app.log", b"one\n")
    rig.write("secret.log", b"two\n")
    group = FileSettings(paths=[str(rig.path("*.log"))], exclude=[str(rig.path("secret*"))])
    collector = FileCollector([group], rig.shelf, FilePositions(tmp_path / "p.json"), clock)
    await collector.poll_once()
    assert rig.shelf.lines() == [b"one"]


async def test_thousands_of_files_need_few_handles(rig: Rig) -> None:
    before = len(os.listdir("/proc/self/fd"))  # The engine has files open of its own, the more the longer it runs.
    for number in range(1_500):
        rig.write(f"{number}.log", b"line\n")
    while (await rig.collector.poll_once()).more:
        pass
    await rig.poll(2)
    assert len(rig.shelf.taken) == 1_500
    assert rig.collector.unread == 0
    assert len(os.listdir("/proc/self/fd")) - before < 600


async def test_run_polls_on_the_clock(rig: Rig) -> None:
    import asyncio

    task = asyncio.create_task(rig.collector.run())
    rig.write("app.log", b"one\n")
    for _ in range(200):
        await asyncio.to_thread(lambda: None)
        await rig.clock.advance(1)
        if rig.shelf.taken:
            break
    task.cancel()
    assert rig.shelf.lines() == [b"one"]


def test_a_format_that_does_not_exist_is_refused_in_the_settings() -> None:
    with pytest.raises(ValueError, match="unknown format 'xml'"):
        FileSettings(paths=["x"], format="xml")
