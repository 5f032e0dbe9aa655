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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tocsin", "no"], {"notifications", "notify"}),
        (["tocsin", "rules", ""], {"list", "check", "test"}),
        (["tocsin", "notifications", "retry", "--f"], {"--failed"}),
        (["tocsin", "query", "--fo"], {"--follow"}),
        (["tocsin", "alerts", "--severity", "h"], {"high"}),
        (["tocsin", "ingest", "--format", "kubernetes-a"], {"kubernetes-audit"}),
        (["tocsin", "query", "--table", "l"], {"logs"}),
    ],
)
def test_bash_completes(words: list[str], expected: set[str], tmp_path: Path) -> None:
    """What `--show-completion` prints works in a real bash."""
    (tmp_path / "tocsin").write_text(f'#!/bin/sh\nexec {sys.executable} -m tocsin "$@"\n')
    (tmp_path / "tocsin").chmod(0o755)
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        f'eval "$(tocsin --show-completion bash)"; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; '
        'function=$(complete -p tocsin | sed "s/.*-F //; s/ .*//"); $function tocsin; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PATH": path, "SHELL": "/bin/bash"},
    )
    assert set(done.stdout.split()) == expected


@pytest.mark.parametrize("arguments", [["alerts", "--help"], ["config", "--defaults"]])
def test_a_full_disk_is_said_in_one_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "tocsin", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 1
    assert result.stderr == "error: the output cannot be written: No space left on device\n"


def test_closed_streams_are_no_fault() -> None:
    script = "exec {0} -m tocsin {1} {2}"
    for arguments, closing, code in (("config", ">&-", 0), ("alerts --server http://127.0.0.1:1", "2>&-", 3)):
        line = script.format(sys.executable, arguments, closing)
        result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (code, "")


def test_a_reader_that_has_enough_is_no_fault() -> None:
    line = f"{sys.executable} -m tocsin config --defaults | head -1"
    result = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (len(result.stdout.splitlines()), result.stderr) == (1, "")


@pytest.mark.parametrize("token", ["\u00e9" * 30, "a\nb"])
def test_a_token_that_cannot_be_one_is_said(token: str) -> None:
    result = run("alerts", TOCSIN_TOKEN=token)
    assert result.returncode == 1
    assert result.stderr == "error: the token holds characters that no token has (--token-file, TOCSIN_TOKEN)\n"
