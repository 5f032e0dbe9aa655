"""What a reload changes, in words, and what only a restart can change."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.app.settings import Settings
from tocsin.rules.book import RuleBook

_AT_START = ("listen", "data", "store", "intake", "web", "cluster")


def changes(old: Settings, new: Settings, old_book: RuleBook, new_book: RuleBook) -> list[str]:
    """Return one line per change; settings that are read only at the start say so."""
    told = []
    for name in Settings.__struct_fields__:
        if getattr(old, name) != getattr(new, name):
            told.append(f"{name} changed" + ("; a restart is needed for it" if name in _AT_START else ""))
    return [*told, *_rules(old_book, new_book)]


def _rules(old: RuleBook, new: RuleBook) -> Sequence[str]:
    before = {rule.id: rule for rule in old.all()}
    after = {rule.id: rule for rule in new.all()}
    told = [f"rule added: {after[i].title}" for i in sorted(after.keys() - before.keys())]
    told += [f"rule removed: {before[i].title}" for i in sorted(before.keys() - after.keys())]
    told += [
        f"rule changed: {after[i].title}"
        for i in sorted(after.keys() & before.keys())
        if after[i].version != before[i].version
    ]
    return [*told, *(f"rule with an error: {error}" for error in new.errors)]
