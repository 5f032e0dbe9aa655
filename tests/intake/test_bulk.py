"""Reading files for bulk load."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.formats.events import audit_event
from tocsin.intake.bulk import chunks
from tocsin.model.errors import InvalidInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LINES = b"".join(b"level=info n=%d\n" % n for n in range(5000))


def _read(data: bytes, size: int = 1000) -> bytes:
    return b"".join(chunk.lines for chunk in chunks(io.BytesIO(data), size))


@pytest.mark.parametrize("packed", [_LINES, gzip.compress(_LINES), zstd.compress(_LINES)])
def test_a_file_comes_in_chunks_of_whole_lines_with_progress(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(packed)
    found = list(chunks(path, 1000))
    assert b"".join(chunk.lines for chunk in found) == _LINES
    assert all(chunk.lines.endswith(b"\n") and len(chunk.lines) <= 1000 for chunk in found)
    assert {chunk.format for chunk in found} == {"json-lines"}
    assert [chunk.read for chunk in found] == sorted(chunk.read for chunk in found)
    assert found[-1].read == found[-1].total == len(packed)


def test_a_pipe_has_no_known_size() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as sink:
        sink.write(gzip.compress(b"one\ntwo"))
    with os.fdopen(reader, "rb") as source:
        (chunk,) = chunks(source)
    assert (chunk.lines, chunk.total) == (b"one\ntwo", None)


@given(st.lists(st.binary(max_size=40), max_size=20).map(b"\n".join), st.integers(1, 60))
def test_nothing_is_lost_or_added_by_cutting(data: bytes, size: int) -> None:
    if data[:4].startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")) or data.lstrip()[:1] in (b"{", b"["):
        return
    assert _read(data, size).replace(b"\n", b"").split() == data.replace(b"\n", b"").split()


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damage_is_told_after_all_that_came_before_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "bad.gz"
    packed = bytearray(gzip.compress(os.urandom(100_000).hex().encode().replace(b"7", b"\n")))
    content = gzip.decompress(packed)
    if damage == "cut":
        path.write_bytes(packed[:-1000])
    else:
        path.write_bytes(packed[:60_000] + b"\xff" * 200 + packed[60_200:])
    found: list[bytes] = []
    with pytest.raises(InvalidInput, match=r"bad\.gz: .*; the records before that were read"):
        found.extend(chunk.lines for chunk in chunks(path, 10_000))
    read = b"".join(found)
    assert len(read) > 50_000
    assert read[:50_000] == content[:50_000]
    assert read.endswith(b"\n")


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ([json.loads(audit_event(f"e{n}")) for n in range(50)], "kubernetes-audit"),
        ({"kind": "EventList", "items": [json.loads(audit_event(f"e{n}")) for n in range(50)]}, "kubernetes-audit"),
        ({"events": [{"timestamp": 1, "message": audit_event(f"e{n}")} for n in range(50)]}, "eks"),
        (
            {"records": [{"category": "kube-audit", "properties": {"log": audit_event(f"e{n}")}} for n in range(50)]},
            "aks",
        ),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_document_is_taken_apart(document: object, name: str, indent: int | None) -> None:
    found = list(chunks(io.BytesIO(json.dumps(document, indent=indent).encode()), 4000))
    assert {chunk.format for chunk in found} == {name}
    lines = b"".join(chunk.lines for chunk in found).splitlines()
    assert len(lines) == 50
    assert all(f"e{n}".encode() in line and json.loads(line) for n, line in enumerate(lines))


def test_one_object_over_several_lines_is_one_record() -> None:
    assert json.loads(_read(b'{\n "a": 1\n}\n')) == {"a": 1}
    assert _read(b'{\n "a": 1\n}\n').count(b"\n") == 1


def test_json_lines_of_which_the_first_is_torn_stay_lines() -> None:
    data = b'{"a":"torn\n{"a":1}\n{"a":2}\n'
    assert _read(data) == data


def test_pieces_of_a_container_line_are_not_torn_apart() -> None:
    head = b"2026-11-23T08:50:51.1Z stdout "
    data = (head + b"P abc\n" + head + b"P def\n" + head + b"F end\n") * 50
    found = list(chunks(io.BytesIO(data), 500))
    assert b"".join(chunk.lines for chunk in found) == data
    assert all(chunk.lines.endswith(b"F end\n") for chunk in found)
    assert {chunk.format for chunk in found} == {"cri"}


def test_a_record_larger_than_a_chunk_is_kept_whole() -> None:
    found = list(chunks(io.BytesIO(b"x" * 5000 + b"\nshort\n"), 1000))
    assert b"".join(chunk.lines for chunk in found) == b"x" * 5000 + b"\nshort\n"
    assert found[0].lines.startswith(b"x" * 5000 + b"\n")


def test_a_given_format_is_kept_and_a_wrong_one_refused() -> None:
    assert next(chunks(io.BytesIO(b"x\n"), row_format="docker")).format == "docker-json"
    with pytest.raises(InvalidInput, match="unknown format"):
        next(chunks(io.BytesIO(b"x\n"), row_format="xml"))
    assert list(chunks(io.BytesIO(b""))) == []
