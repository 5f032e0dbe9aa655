"""The command line as a whole: quick, and never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tocsin import __version__
from tocsin.cli import main


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tocsin", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )


def test_the_version() -> None:
    assert run("--version").stdout == f"tocsin {__version__}\n"


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself_as_the_list_does(name: str) -> None:
    command = main.load(name)
    first = (command.help or "").strip().split(".")[0].split(":")[0]
    assert first
    result = CliRunner().invoke(main.app, [name, "--help"])
    assert result.exit_code == 0
    assert "Traceback" not in result.output


def test_help_and_client_commands_load_no_engine() -> None:
    program = """
import sys
from typer.testing import CliRunner
from tocsin.cli import main
CliRunner().invoke(main.app, ["--help"])
CliRunner().invoke(main.app, ["query", "--server", "http://127.0.0.1:1"])
sys.exit(" ".join({"chdb", "sqlalchemy", "nicegui", "fastapi", "sigma"} & set(sys.modules)) or 0)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_misspelt_command_is_guessed() -> None:
    result = run("alrets")
    assert result.returncode == 2
    assert "alerts" in result.stderr


def test_an_error_is_one_sentence_and_a_code() -> None:
    result = run("alerts", "--server", "http://127.0.0.1:1")
    assert result.returncode == 3
    assert result.stderr.startswith("error: cannot reach Tocsin at http://127.0.0.1:1")
    assert result.stdout == ""


def test_a_fault_of_ours_shows_its_traceback_only_on_request(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import tocsin.cli.main as m\nm.load = lambda name: (_ for _ in ()).throw(RuntimeError('oops'))\n"
    )
    path = f"{tmp_path}{os.pathsep}{Path.cwd()}"
    quiet = run("alerts", PYTHONPATH=path)
    assert (quiet.returncode, quiet.stderr.splitlines()[0]) == (70, "error: a fault in Tocsin: RuntimeError: oops")
    assert "Traceback" in run("alerts", PYTHONPATH=path, TOCSIN_DEBUG="1").stderr


def test_shell_completion_knows_the_commands() -> None:
    environment = {"_TOCSIN_COMPLETE": "complete_bash", "COMP_WORDS": "tocsin no", "COMP_CWORD": "1"}
    assert run(**environment).stdout.split() == ["notifications", "notify"]
