"""A data directory belongs to one process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tocsin.model.errors import StoreFailed
from tocsin.store.lock import hold


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    """The message names the process that has it."""
    first = hold(tmp_path / "data")

    with pytest.raises(StoreFailed, match=str(os.getpid())):
        hold(tmp_path / "data")

    first.close()
    hold(tmp_path / "data").close()
