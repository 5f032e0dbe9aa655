"""Every recorded attack is found, by the rule made for it, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.packs.replay import Outcome, labels, recorded, replay
from tocsin.rules.book import RuleBook
from tocsin.rules.loading import load
from tocsin.rules.settings import RulesSettings
from tocsin.store.base import Columns
from tocsin.testing.stores import fresh_columns

_FOUND_BY = {
    "anonymous-secrets": ["anonymous-request"],
    "invalid-token-bruteforce": ["token-guessing"],
    "rbac-enumeration-ssrr": ["rights-enumeration"],
    "forbidden-burst": ["forbidden-burst"],
    "list-all-secrets": ["secrets-listed"],
    "privileged-hostpath-pod": ["host-access-workload", "exec-by-service-account", "exec-suspicious-command"],
    "exec-into-pods": ["exec-by-service-account", "exec-suspicious-command"],
    "ephemeral-container": ["ephemeral-container"],
    "clusterrolebinding-cluster-admin": ["cluster-admin-binding", "controller-secrets"],
    "impersonation": ["impersonation", "impersonation-denied"],
    "cronjob-kube-system": ["workload-in-kube-system", "download-and-run"],
    "token-request": ["token-request"],
    "csr-create-approve": ["client-certificate-requested", "client-certificate-approved"],
    "delete-events": ["events-deleted"],
    "mutating-webhook-change": ["admission-webhook-redirected"],
    "coredns-modification": ["cluster-dns-changed"],
}


@pytest.fixture(scope="module")
def book() -> RuleBook:
    """The rules that ship."""
    return load(RulesSettings())


@pytest.fixture(scope="module")
def attack(book: RuleBook) -> Iterator[Outcome]:
    """The attacks, in one batch."""
    columns = fresh_columns()
    yield replay(columns, book, [recorded("attack")])
    columns.close()


def _slugs(book: RuleBook, outcome: Outcome) -> dict[str, frozenset[str]]:
    files = {rule.id: rule.location.file.rsplit("/", 1)[-1].removesuffix(".yml") for rule in book.all()}
    return {files[rule_id]: ids for rule_id, ids in outcome.found.items()}


def test_every_attack_of_the_recording_is_expected_here() -> None:
    """A scenario added to the recording needs a detection."""
    assert {scenario["scenario"] for scenario in labels()["scenarios"]} == set(_FOUND_BY)


@pytest.mark.parametrize("scenario", _FOUND_BY)
def test_an_attack_is_found_by_its_rules(book: RuleBook, attack: Outcome, scenario: str) -> None:
    """Each of the rules made for it finds at least one of the attacker's own requests."""
    (known,) = [s for s in labels()["scenarios"] if s["scenario"] == scenario]
    by_slug = _slugs(book, attack)

    missed = [slug for slug in _FOUND_BY[scenario] if not by_slug.get(slug, frozenset()) & set(known["auditIDs"])]

    assert missed == []


def test_nothing_but_the_attacks_is_found(attack: Outcome) -> None:
    """Ordinary work around the attacks, and the administrator's clean-up, stay silent."""
    of_attacks = {
        audit_id
        for scenario in labels()["scenarios"]
        for audit_id in (*scenario["auditIDs"], *scenario.get("consequence_auditIDs", ()))
    }

    others = {rule_id: ids - of_attacks for rule_id, ids in attack.found.items() if ids - of_attacks}

    assert others == {}


def test_bursts_hold_nearly_all_of_their_events(book: RuleBook, attack: Outcome) -> None:
    """Evidence of a burst is the burst, not only the event that crossed the line."""
    by_slug = _slugs(book, attack)
    bursts = {"invalid-token-bruteforce": "token-guessing", "forbidden-burst": "forbidden-burst"}

    for scenario in labels()["scenarios"]:
        if slug := bursts.get(scenario["scenario"]):
            own = set(scenario["auditIDs"])
            assert len(by_slug[slug] & own) >= 0.95 * len(own)


def test_every_signal_carries_events_of_the_recording(attack: Outcome) -> None:
    """The evidence of each alert leads back to the lines that raised it."""
    recorded_ids = {json.loads(line)["auditID"] for line in recorded("attack")}

    assert attack.signals
    for signal in attack.signals:
        assert signal.evidence, signal.title
        assert {item.event_id.partition("/")[0] for item in signal.evidence} <= recorded_ids


def test_small_batches_find_the_same_events(book: RuleBook, attack: Outcome, columns: Columns) -> None:
    """Read live, in pieces and out of order as the log is, the same events are found as in one go."""
    lines = recorded("attack")
    size = len(lines) // 4 + 1

    pieces = replay(columns, book, [lines[start : start + size] for start in range(0, len(lines), size)])

    assert pieces.found == attack.found


def test_ordinary_work_is_silent(book: RuleBook, columns: Columns) -> None:
    """Bootstrap and seven minutes of developers, pipelines, controllers and an administrator raise no alert."""
    outcome = replay(columns, book, [recorded("benign")])

    assert outcome.signals == ()
    assert outcome.found == {}


def test_labels_speak_of_events_that_are_there() -> None:
    """The cut of the recordings kept every event that the labels name."""
    ids = {json.loads(line)["auditID"] for name in ("attack", "benign") for line in recorded(name)}
    known = labels()

    named = [*known["scenarios"], *known["benign_lookalikes"]]
    assert {audit_id for entry in named for audit_id in entry["auditIDs"]} <= ids
    assert set(known["cleanup_auditIDs"]) <= ids
