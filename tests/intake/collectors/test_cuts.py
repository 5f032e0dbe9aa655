"""Where a piece may end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.intake.collectors.cuts import whole_lines, whole_records

_T = b"2026-11-23T08:50:51.1Z "
_OUT, _OUT_P = _T + b"stdout F a\n", _T + b"stdout P a\n"
_ERR, _ERR_P = _T + b"stderr F a\n", _T + b"stderr P a\n"


def test_lines() -> None:
    assert whole_lines(b"a\nb\nc") == 4
    assert whole_lines(b"abc") == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([_OUT, _ERR], []),
        ([_OUT], [_OUT_P]),
        ([_OUT], [_OUT_P, _OUT_P]),
        ([], [_OUT_P, _ERR, _ERR]),
        ([_ERR], [_ERR_P, _OUT_P, _OUT]),
        ([_OUT_P, _OUT], [_ERR_P]),
        ([_OUT_P, _OUT, _T + b"stdout F it says stdout P x\n"], []),
        ([_OUT_P, _OUT, b"torn stdout P x\n"], []),
        ([], [_OUT_P, b"torn stdout F x\n"]),
    ],
)
def test_cri_is_cut_before_a_line_whose_end_is_missing(before: list[bytes], after: list[bytes]) -> None:
    assert whole_records(b"".join(before + after), "cri") == len(b"".join(before))


@given(st.lists(st.sampled_from([_OUT, _OUT_P, _ERR, _ERR_P]), max_size=12))
def test_what_is_before_a_cri_cut_is_whole(lines: list[bytes]) -> None:
    cut = whole_records(b"".join(lines), "cri")
    kept = b"".join(lines)[:cut].splitlines(keepends=True)
    for full, part in ((_OUT, _OUT_P), (_ERR, _ERR_P)):
        assert [line for line in kept if line in (full, part)][-1:] != [part]


@given(st.lists(st.sampled_from([_OUT, _OUT_P, _ERR, _ERR_P]), max_size=12))
def test_finished_cri_lines_before_any_piece_are_not_held_back(lines: list[bytes]) -> None:
    finished = [_OUT, _ERR, _OUT_P, _OUT]
    assert whole_records(b"".join(finished + lines), "cri") >= len(b"".join(finished))


def test_docker_is_cut_before_pieces_whose_end_is_missing() -> None:
    whole, piece = b'{"log":"a\\n","stream":"stdout"}\n', b'{"log":"a \\" b","stream":"stdout"}\n'
    assert whole_records(whole + piece + piece, "docker-json") == len(whole)
    assert whole_records(piece + whole, "docker-json") == len(piece + whole)
    assert whole_records(piece + whole.replace(b"stdout", b"stderr"), "docker-json") == 0
    assert whole_records(b"torn\n", "docker-json") == 5


def test_other_formats_have_one_record_a_line() -> None:
    assert whole_records(b"stdout P a\n", "json-lines") == 11
