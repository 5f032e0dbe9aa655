"""A private PostgreSQL server for tests; needs the extra `tocsin[postgresql]` and Debian's package `postgresql`."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

_BINARIES = "/usr/lib/postgresql"
_numbers = itertools.count(1)


@contextmanager
def postgresql_server() -> Iterator[Callable[[], str]]:
    """Run a PostgreSQL server of our own; yields a function that gives the URL of an empty database each time.

    It listens on a socket in a temporary directory only. As root it runs as the user `postgres`, since PostgreSQL
    refuses to run as root.

    Raises:
        RuntimeError: PostgreSQL's server programs are not installed.
    """
    binaries = _binaries()
    with tempfile.TemporaryDirectory(prefix="tocsin-pg-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        owner = _owner()
        if owner:
            os.chown(directory, owner.pw_uid, owner.pw_gid)

        def call(program: str, *arguments: str) -> None:
            done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, with our own arguments
                [binaries / program, *arguments],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=directory,
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )
            if done.returncode:
                raise RuntimeError(f"{program} failed: {done.stderr.decode(errors='replace')}")

        data = directory / "data"
        call("initdb", "-D", str(data), "-U", "tocsin", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        # Tests lose nothing when the machine fails, so the server need not wait for the disk.
        options = f"-c listen_addresses= -k {directory} -c fsync=off -c full_page_writes=off"
        call("pg_ctl", "start", "-w", "-D", str(data), "-l", str(directory / "log"), "-o", options)
        try:
            yield lambda: _empty_database(directory)
        finally:
            call("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(data))


def _empty_database(directory: Path) -> str:
    # A schema of its own is as empty as a database of its own, and made a hundred times faster.
    name = f"test_{next(_numbers)}"
    with psycopg.connect(host=str(directory), user="tocsin", dbname="postgres", autocommit=True) as connection:
        connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
    return f"postgresql://tocsin@/postgres?host={directory}&options=-csearch_path%3D{name}"


def _binaries() -> Path:
    found = shutil.which("initdb")
    installed = sorted(Path(_BINARIES).glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found and not installed:
        raise RuntimeError("PostgreSQL's server is not installed; `make test` installs it, or: apt install postgresql")
    return installed[-1].parent if installed else Path(str(found)).resolve().parent


def _owner() -> pwd.struct_passwd | None:
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None
