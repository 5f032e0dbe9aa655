"""Which SQL a Sigma field name stands for, in each table."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.query.sigma.logsource import table_for
from tocsin.query.sigma.paths import parse_path, pieces, texts
from tocsin.query.sigma.values import Test
from tocsin.store.schema.tables import AUDIT, LOGS
from tocsin.store.sql import Sql, bind, compose, identifier, join

__all__ = ["AUDIT_COLUMNS", "WHOLE", "Field", "field_number", "field_text", "resolve", "table_for"]

AUDIT_COLUMNS = {
    "auditID": "audit_id",
    "verb": "verb",
    "level": "level",
    "stage": "stage",
    "user.username": "user",
    "user.uid": "user_uid",
    "user.groups": "groups",
    "user.extra.authentication.kubernetes.io/credential-id": "credential_id",
    "user.extra.authentication.kubernetes.io/pod-name": "user_pod",
    "user.extra.authentication.kubernetes.io/node-name": "user_node",
    "impersonatedUser.username": "impersonated_user",
    "impersonatedUser.groups": "impersonated_groups",
    "sourceIPs": "source_ips",
    "sourceIP": "source_ip",
    "userAgent": "user_agent",
    "requestURI": "request_uri",
    "objectRef.apiGroup": "api_group",
    "objectRef.apiVersion": "api_version",
    "objectRef.resource": "resource",
    "objectRef.subresource": "subresource",
    "objectRef.namespace": "namespace",
    "objectRef.name": "name",
    "responseStatus.code": "code",
    "responseStatus.reason": "status_reason",
    "responseStatus.message": "status_message",
    "requestObject": "request_object",
    "responseObject": "response_object",
    "annotations.authorization.k8s.io/decision": "decision",
    "annotations.authorization.k8s.io/reason": "decision_reason",
}
"""Fields of an audit.k8s.io/v1 event that have a column; `sourceIP` is ours: the last of `sourceIPs`, the real peer."""

WHOLE = {AUDIT.name: "raw", LOGS.name: "line"}
"""The column that keywords are searched in."""

_AUDIT_TIMES = {"stageTimestamp": "time", "requestReceivedTimestamp": "received"}


@dataclass(frozen=True, slots=True)
class Field:
    """What a field name means in SQL.

    Attributes:
        text: A String expression that is '' when the field is absent or, if `many`, an Array(String) expression of all
            its values that are not null.
        many: Whether the field can have several values.
        present: A UInt8 expression: the field is there, even if null or empty where that can be told.
        moment: A DateTime64 expression, if the field has a column of that type.
    """

    text: Sql
    many: bool
    present: Sql
    moment: Sql | None = None

    def any(self, test: Test, variable: str = "x") -> Sql:
        """A UInt8 expression: `test` holds for any value that the field has.

        Args:
            test: The condition on one value.
            variable: Name of the lambda's variable; nested lambdas need different ones.
        """
        if self.many:
            return compose(
                f"arrayExists({variable} -> {{test}}, {{text}})", test=test.of(Sql(variable)), text=self.text
            )
        condition = test.of(self.text)
        return compose("({x} != '' AND {test})", x=self.text, test=condition) if test.empty else condition

    @property
    def some(self) -> Sql:
        """A UInt8 expression: the field has a value that is not null."""
        return compose("notEmpty({text})" if self.many else "{text} != ''", text=self.text)


def resolve(table: str, field: str) -> Field:
    """Return what `field` means in `table` (`audit` or `logs`); any name means something."""
    return _audit(field) if table == AUDIT.name else _logs(field)


def field_text(table: str, field: str) -> Sql:
    """A String expression of a field's first value, '' when it is absent."""
    found = resolve(table, field)
    return compose("({text})[1]", text=found.text) if found.many else compose("toString({text})", text=found.text)


def field_number(table: str, field: str) -> Sql:
    """A Nullable(Float64) expression of a field's first value; NULL when it is absent or not a number."""
    return compose("toFloat64OrNull({text})", text=field_text(table, field))


def _column(table: str, name: str) -> Field:
    kind = next(column.type for column in (AUDIT if table == AUDIT.name else LOGS).columns if column.name == name)
    column = identifier(name)
    if kind.startswith("Array"):
        return Field(column, many=True, present=compose("notEmpty({c})", c=column))
    if kind.startswith("DateTime64"):
        iso = compose("formatDateTime({c}, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC')", c=column)
        return Field(iso, many=False, present=Sql("1"), moment=column)
    if kind.startswith("UInt"):
        return Field(
            compose("if({c} = 0, '', toString({c}))", c=column), many=False, present=compose("{c} != 0", c=column)
        )
    if kind.startswith("Map"):
        entries = compose("mapValues({c})", c=column)
        return Field(entries, many=True, present=compose("notEmpty({c})", c=column))
    return Field(column, many=False, present=compose("{c} != ''", c=column))


def _audit(field: str) -> Field:
    name = AUDIT_COLUMNS.get(field, field)
    if name in _AUDIT_TIMES:
        return _column(AUDIT.name, _AUDIT_TIMES[name])
    if name in AUDIT.column_names():
        return _column(AUDIT.name, name)
    if name.startswith("annotations."):
        return _map_entry(("annotations",), name.removeprefix("annotations."))
    for prefix, column in (("requestObject", "request_object"), ("responseObject", "response_object")):
        for head in (prefix, column):
            if name.startswith((f"{head}.", f"{head}[")):
                return _json(column, name.removeprefix(head).removeprefix("."))
    return _json("raw", name)


def _json(column: str, path: str) -> Field:
    found = pieces(identifier(column), parse_path(path))
    return Field(texts(found), many=True, present=compose("arrayExists(r -> r != '', {found})", found=found))


def _logs(field: str) -> Field:
    if field in LOGS.column_names():
        return _column(LOGS.name, field)
    for prefix in ("fields", "stream"):
        if field.startswith(f"{prefix}."):
            return _map_entry((prefix,), field.removeprefix(f"{prefix}."))
    return _map_entry(("fields", "stream"), field)


def _map_entry(columns: tuple[str, ...], key: str) -> Field:
    entries = [compose("{c}[{key}]", c=identifier(column), key=bind(key)) for column in columns]
    present = [compose("mapContains({c}, {key})", c=identifier(column), key=bind(key)) for column in columns]
    text = entries[0] if len(entries) == 1 else compose("if({p}, {a}, {b})", p=present[0], a=entries[0], b=entries[1])
    return Field(
        compose("toString({t})", t=text), many=False, present=join(" OR ", present) if len(present) > 1 else present[0]
    )
