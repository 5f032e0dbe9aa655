"""Positions on disk."""

from __future__ import annotations

from pathlib import Path

from tocsin.intake.collectors.positions import FilePositions, Position

_POSITION = Position(
    path="/var/log/a\udc80.log".encode("utf-8", "replace").decode(),
    device=1,
    inode=2,
    head_length=3,
    head_digest="d",
    origin="o",
    format="cri",
    offset=10,
    pending=20,
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    positions = FilePositions(tmp_path / "positions.json")
    assert positions.load() == []
    positions.save([_POSITION])
    positions.save([_POSITION, _POSITION])
    assert FilePositions(tmp_path / "positions.json").load() == [_POSITION, _POSITION]
    assert [path.name for path in tmp_path.iterdir()] == ["positions.json"]


def test_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "positions.json").write_bytes(b'{"version":1,"files":[{')
    positions = FilePositions(tmp_path / "positions.json")
    assert positions.load() == []
    assert (tmp_path / "positions.broken").exists()
    positions.save([_POSITION])
    assert positions.load() == [_POSITION]
