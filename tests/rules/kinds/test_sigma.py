"""What a Sigma rule says about itself."""

from __future__ import annotations

from tests.rules.support import SECRETS
from tocsin.model.severity import Severity
from tocsin.rules.kinds.sigma import StreamRule
from tocsin.rules.loading import build


def test_what_a_rule_says_about_itself() -> None:
    text = SECRETS.replace("tocsin:\n", "references: [https://example.org]\ntocsin:\n  owner: sre\n") + (
        "  reviewed: 2026-11-24\n  min_audit_level: Metadata\n"
    )
    (rule,) = build([("secrets.yml", text)]).rules
    assert rule.id == "11111111-0000-4000-8000-000000000001"
    assert (rule.name, rule.title, rule.severity) == ("secret_read", "Secret read", Severity.HIGH)
    assert rule.tags == ("attack.credential-access", "attack.t1552.007")
    assert rule.techniques == ("T1552.007",)
    assert rule.references == ("https://example.org",)
    assert (rule.owner, rule.reviewed, rule.min_audit_level) == ("sre", "2026-11-24", "Metadata")
    assert (rule.location.file, rule.location.line) == ("secrets.yml", 2)
    assert rule.alerting


def test_the_version_changes_with_the_content_and_only_then() -> None:
    def version(text: str) -> str:
        return build([("f.yml", text)]).rules[0].version

    assert version(SECRETS) == version(SECRETS + "\n# a remark\n")
    assert version(SECRETS) != version(SECRETS.replace("verb: get", "verb: list"))
    assert version(SECRETS) != version(SECRETS.replace("quiet: 30m", "quiet: 31m"))


def built(text: str) -> StreamRule:
    (rule,) = build([("f.yml", text)]).rules
    return rule


def test_the_entity_is_the_user_and_the_namespace_unless_it_says_otherwise() -> None:
    assert set(built(SECRETS).entity) == {"user", "namespace"}
    assert set(built(SECRETS + "  entity: [sourceIP, userAgent, objectRef.apiGroup]\n").entity) == {
        "source_ip",
        "user_agent",
        "objectRef_apiGroup",
    }
    assert set(built(SECRETS + "  entity: {who: user.username}\n").entity) == {"who"}
    assert set(built(SECRETS + "  entity: []\n").entity) == set()


def test_a_runbook_is_an_address_or_one_of_ours() -> None:
    assert built(SECRETS).runbook_url == "/runbooks/secrets"
    elsewhere = SECRETS.replace("runbook: secrets", "runbook: https://wiki.example.org/secrets")
    assert built(elsewhere).runbook_url == "https://wiki.example.org/secrets"
    assert built(SECRETS.replace("  runbook: secrets\n", "")).runbook_url == ""


def test_without_id_the_name_and_without_name_the_title_is_the_id() -> None:
    nameless = "\n".join(line for line in SECRETS.splitlines() if not line.startswith("id:"))
    assert built(nameless).id == "secret_read"
    assert built(nameless.replace("name: secret_read\n", "")).id == "Secret read"
