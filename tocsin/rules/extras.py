"""Tocsin's own keys in a Sigma rule: the top-level mapping `tocsin:`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tocsin.kit.units import Duration
from tocsin.kit.yaml_source import parse_path
from tocsin.model.errors import RuleError
from tocsin.query.sigma.syntax import Rule, location_of
from tocsin.rules import entities

Level = Literal["", "Metadata", "Request", "RequestResponse"]


class Extras(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """What a rule may say to Tocsin beyond Sigma."""

    entity: Annotated[
        dict[str, str] | list[str] | None,
        Meta(description="Label to field, or a list of fields: who and what an alert is about; its identity."),
    ] = None
    quiet: Annotated[Duration, Meta(description="An alert resolves after this long without a match.")] = Duration(
        minutes=15
    )
    summary: Annotated[str, Meta(description="One line about a match; fields of the event in braces.")] = ""
    runbook: Annotated[str, Meta(description="An address, or the name of a runbook in `packs/runbooks`.")] = ""
    min_audit_level: Annotated[
        Level, Meta(description="The audit level without which the rule sees nothing: `Metadata`, `Request`...")
    ] = ""
    owner: Annotated[str, Meta(description="Who answers for the rule.")] = ""
    reviewed: Annotated[date | None, Meta(description="When somebody last looked whether it is still right.")] = None

    def labels(self, default: Mapping[str, str]) -> dict[str, str]:
        """The entity as label to field, `default` if the rule names none."""
        if self.entity is None:
            return dict(default)
        return entities.labelled(self.entity) if isinstance(self.entity, list) else dict(self.entity)

    @property
    def runbook_url(self) -> str:
        """The runbook's address; one of our own is a path on Tocsin's server."""
        if not self.runbook or "://" in self.runbook:
            return self.runbook
        return f"/runbooks/{self.runbook.removesuffix('.md')}"


def read_extras(rule: Rule) -> Extras:
    """Read the mapping of a rule; all defaults if it has none.

    Raises:
        RuleError: An unknown key, a wrong type, or a label that cannot be one.
    """
    value = rule.custom_attributes.get("tocsin")
    if value is None:
        return Extras()
    try:
        extras = msgspec.convert(value, Extras, dec_hook=_decode)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        inside = parse_path(path.strip("`"))
        if unknown := _unknown_key(message):
            inside = [unknown]
            message = f"unknown key {unknown!r}; expected one of: {', '.join(Extras.__struct_fields__)}"
        raise rule_error(rule, message, ["tocsin", *inside]) from None
    for label in extras.labels({}):
        if wrong := entities.problem(label):
            raise rule_error(rule, wrong, ["tocsin", "entity", label])
    return extras


def rule_error(rule: Rule, message: str, path: Sequence[str | int]) -> RuleError:
    """Return an error that names the place of the key at `path` in the rule."""
    return RuleError(message, location_of(rule, path), ".".join(str(step) for step in path))


def _decode(type_: type, value: Any) -> Any:
    if type_ is Duration:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is not a duration; write a number and a unit, such as 15m")
        return Duration.parse(value)
    raise NotImplementedError(type_)


def _unknown_key(message: str) -> str:
    marker = "Object contains unknown field `"
    return message.removeprefix(marker).rstrip("`") if message.startswith(marker) else ""
