"""Commands about settings and tokens: no server needed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from tocsin.api.tokens import TokenBook
from tocsin.app.settings import Settings, parse
from tocsin.cli import main
from tocsin.model.errors import SettingsError


def tocsin(*arguments: str, cwd: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(cwd)
    monkeypatch.delenv("TOCSIN_CONFIG", raising=False)
    return CliRunner().invoke(main.app, list(arguments))


def test_the_printed_defaults_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = tocsin("config", "--defaults", cwd=tmp_path, monkeypatch=monkeypatch).stdout
    assert parse(printed, "printed.yaml") == Settings()
    assert "# Name of the cluster" in printed


def test_settings_in_force_are_printed_without_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tocsin.yaml").write_text(
        "auth: {tokens: [{name: a, role: viewer, token: very-secret-token-text}]}\n"
        "receivers: [{name: oncall, webhook: {url: 'https://hooks.example/very-secret'}}]\n"
        "rules: {tick: 2s}\n"
    )
    printed = tocsin("config", cwd=tmp_path, monkeypatch=monkeypatch).stdout
    shown = yaml.safe_load(printed)
    assert shown["rules"]["tick"] == "2s"
    assert shown["receivers"][0]["name"] == "oncall"
    assert "very-secret" not in printed


def test_a_made_token_opens_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = tocsin("token", "create", "--name", "ci", "--role", "intake", cwd=tmp_path, monkeypatch=monkeypatch)
    token = result.stdout.strip()
    assert token not in result.stderr
    fragment = result.stderr[result.stderr.index("auth:") : result.stderr.index("This is the token")]
    auth = parse(fragment, "x.yaml").auth
    found = TokenBook(auth).check(token)
    assert found is not None
    assert (found.name, found.role) == ("ci", "intake")


def test_check_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = tocsin("check", cwd=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert "127.0.0.1:9319" in result.stdout


def test_check_reports_every_problem_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.yml").write_text("title: x\n")
    (tmp_path / "tocsin.yaml").write_text(
        "listen: 0.0.0.0:9319\nrules: {paths: [bad.yml, missing.yml]}\nalerting: {routes: [{receivers: [nobody]}]}\n"
    )
    result = tocsin("check", cwd=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 1
    for expected in ("token create", "nobody", "bad.yml", "missing.yml"):
        assert expected in result.stderr


def test_check_names_file_line_and_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tocsin.yaml").write_text("rules:\n  tick: soon\n")
    result = tocsin("check", cwd=tmp_path, monkeypatch=monkeypatch)
    assert isinstance(result.exception, SettingsError)
    assert "tocsin.yaml:2:3: rules.tick" in str(result.exception)


def test_check_names_the_place_of_every_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tocsin.yaml").write_text(
        "auth: {tokens: [{name: a, role: viewer, token_file: none}]}\n"
        "receivers:\n"
        "- name: chat\n"
        "  slack: {url_file: /nowhere/slack}\n"
        "- name: mail\n"
        "  webhook: {url: 'http://127.0.0.1/'}\n"
        "rules: {paths: [bad.yml]}\n"
        "intake: {files: [{paths: [/nowhere/audit.log]}]}\n"
    )
    (tmp_path / "bad.yml").write_text(
        "title: x\nlogsource: {product: kubernetes, service: audit}\ndetection:\n  sel: {verb: get}\n  condition: sol\n"
    )
    result = tocsin("check", cwd=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 1
    for expected in (
        "tocsin.yaml:1:41: auth.tokens[0].token_file: cannot read none",
        "tocsin.yaml:4:11: receivers[0].slack.url_file: cannot read /nowhere/slack",
        "tocsin.yaml:6:13: receivers[1].webhook.url: ",
        "bad.yml:5:3: detection.condition: ",
        "tocsin.yaml:8:27: intake.files[0].paths[0]: there is no file /nowhere/audit.log",
        "tocsin.yaml: 5 problems, 0 remarks",
    ):
        assert expected in result.stderr


def test_remarks_alone_are_no_failure_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tocsin.yaml").write_text(
        "receivers:\n"
        "- {name: a, webhook: {url: 'https://hooks.example/a'}}\n"
        "- {name: b, webhook: {url: 'https://hooks.example/b'}}\n"
        "alerting: {routes: [{receivers: [a]}, {receivers: [a], match: {x: y}}]}\n"
        "rules: {disabled: [nothing]}\n"
        f"intake: {{files: [{{paths: ['{tmp_path}/pods/*.log']}}]}}\n"
    )
    result = tocsin("check", cwd=tmp_path, monkeypatch=monkeypatch)
    assert (result.exit_code, "ok;" in result.stdout) == (0, True)
    for expected in ("takes every alert", "receiver 'b' is named by no route", "no rule 'nothing'", "no file fits"):
        assert expected in result.stderr
    assert tocsin("check", "--strict", cwd=tmp_path, monkeypatch=monkeypatch).exit_code == 1
