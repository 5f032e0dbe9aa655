"""Bounded decompression."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.intake.compression import Decompressor
from tocsin.model.errors import InvalidInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}
_ENCODINGS = pytest.mark.parametrize("encoding", sorted(_COMPRESS))


@_ENCODINGS
@given(
    members=st.lists(st.binary(max_size=300), max_size=3),
    step=st.integers(1, 50),
    room=st.integers(1, 100),
    zeros=st.integers(0, 5),
)
def test_any_cutting_of_any_members_gives_the_same(
    encoding: str, members: list[bytes], step: int, room: int, zeros: int
) -> None:
    packed = b"".join(_COMPRESS[encoding](member) + bytes(zeros) for member in members)
    stream = Decompressor(encoding)
    out = b""
    for start in range(0, len(packed), step):
        piece = stream.feed(packed[start : start + step], room)
        assert len(piece) <= room
        out += piece
        while not stream.hungry:
            out += stream.feed(b"", room)
    assert out == b"".join(members)
    assert stream.complete


@_ENCODINGS
def test_a_bomb_gives_no_more_than_asked(encoding: str) -> None:
    bomb = _COMPRESS[encoding](bytes(20 << 20))
    stream = Decompressor(encoding)
    assert len(stream.feed(bomb, 1000)) == 1000
    assert not stream.complete


@_ENCODINGS
def test_what_is_cut_short_is_not_complete(encoding: str) -> None:
    stream = Decompressor(encoding)
    stream.feed(_COMPRESS[encoding](b"hello" * 100)[:-3], 1000)
    assert stream.hungry
    assert not stream.complete


@_ENCODINGS
def test_damage_is_an_error(encoding: str) -> None:
    with pytest.raises(InvalidInput, match=f"not valid {encoding}"):
        Decompressor(encoding).feed(b"no such thing as this" * 10, 1000)
