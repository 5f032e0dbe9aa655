"""Followed files all the way into the real store."""

from __future__ import annotations

from pathlib import Path

from tocsin.intake.collectors.files import FileCollector
from tocsin.intake.collectors.positions import FilePositions
from tocsin.intake.settings import FileSettings
from tocsin.kit.clock import SystemClock
from tocsin.model.errors import StoreFailed
from tocsin.store.base import Columns, Delivery, Receipt
from tocsin.store.settings import WriterSettings
from tocsin.store.sql import Sql
from tocsin.store.writer import Writer


class LostAnswers:
    """An intake that stores everything and then forgets to say so, as a process that is killed does."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def submit(self, delivery: Delivery) -> Receipt:
        await self._writer.submit(delivery)
        raise StoreFailed("the answer was lost")


async def test_pod_logs_are_stored_once_though_answers_and_processes_are_lost(columns: Columns, tmp_path: Path) -> None:
    container = tmp_path / "pods" / "prod_web-7d9f8b6c5-x2x4z_uid" / "nginx"
    container.mkdir(parents=True)
    head = b"2026-11-23T08:50:51.1Z stderr "
    (container / "0.log").write_bytes(head + b"P half a\n" + head + b"F  line\n" + head + b"F ERROR: second\n")
    groups = [FileSettings(paths=[str(tmp_path / "pods/*/*/*.log")])]
    positions = FilePositions(tmp_path / "positions.json")
    writer = Writer(columns, WriterSettings(), SystemClock())
    writer.start()
    await FileCollector(groups, LostAnswers(writer), positions, SystemClock()).poll_once()
    with (container / "0.log").open("ab") as file:
        file.write(head + b"F third\n")
    collector = FileCollector(groups, writer, positions, SystemClock(), cluster="east")
    await collector.poll_once()
    await collector.poll_once()
    writer.stop()
    rows = columns.fetch(Sql("SELECT line, level, namespace, pod, container, app FROM logs ORDER BY line"))
    assert [(row["line"], row["level"]) for row in rows] == [
        ("ERROR: second", "error"),
        ("half a line", ""),
        ("third", ""),
    ]
    assert {(row["namespace"], row["pod"], row["container"], row["app"]) for row in rows} == {
        ("prod", "web-7d9f8b6c5-x2x4z", "nginx", "web")
    }
