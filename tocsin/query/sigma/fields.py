"""Which SQL a Sigma field name stands for, in each table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tocsin.query.sigma.logsource import table_for
from tocsin.query.sigma.paths import parse_path, pieces, texts
from tocsin.query.sigma.sharing import Shared, inlined
from tocsin.query.sigma.values import Test
from tocsin.query.sigma.verdicts import Condition, on_column
from tocsin.store.schema.tables import AUDIT, LOGS, Table
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
    "stageTimestamp": "time",
    "requestReceivedTimestamp": "received",
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


@dataclass(frozen=True, slots=True)
class Field:
    """What a field name means in SQL.

    Attributes:
        exact: A String expression that is '' when the field is absent or, if `many`, an Array(String) expression of all
            its values that are not null.
        folded: The same in lower case.
        many: Whether the field can have several values.
        present: A condition: the field is there, even if null or empty where that can be told.
        moment: A DateTime64 expression, if the field has a column of that type.
        column: The column whose text or values `exact` is; '' if it is not that of one column.
    """

    exact: Sql
    folded: Sql
    many: bool
    present: Condition
    moment: Sql | None = None
    column: str = ""

    def any(self, test: Test, variable: str = "x") -> Condition:
        """A condition: `test` holds for any value that the field has.

        Args:
            test: The condition on one value.
            variable: Name of the lambda's variable; nested lambdas need different ones.
        """
        text = self.exact if test.cased else self.folded
        if self.many:
            found = compose(f"arrayExists({variable} -> {{test}}, {{text}})", test=test.of(Sql(variable)), text=text)
        else:
            found = test.of(text)
        absent = test.empty and not self.many
        if absent:
            found = compose("({x} != '' AND {test})", x=text, test=found)

        def holds(text: str) -> bool | None:
            if absent and not text:
                return False
            return test.holds(text if test.cased else text.lower())

        return self._judged(found, holds)

    @property
    def some(self) -> Condition:
        """A condition: the field has a value that is not null."""
        if self.many:
            return self._judged(compose("notEmpty({text})", text=self.exact), lambda _: True)
        return self._judged(compose("{text} != ''", text=self.exact), bool)

    def _judged(self, sql: Sql, holds: Callable[[str], bool | None]) -> Condition:
        return on_column(self.column, sql, holds) if self.column else Condition(sql)


def resolve(table: str, field: str, shared: Shared) -> Field:
    """Return what `field` means in `table` (`audit` or `logs`); any name means something."""
    return _audit(field, shared) if table == AUDIT.name else _logs(field, shared)


def field_text(table: str, field: str) -> Sql:
    """A String expression of a field's first value, '' when it is absent."""
    shared = Shared()
    found = resolve(table, field, shared)
    text = compose("{text}[1]" if found.many else "{text}", text=found.exact)
    return inlined(compose("toString({text})", text=text), shared.used_in(text))


def field_number(table: str, field: str) -> Sql:
    """A Nullable(Float64) expression of a field's first value; NULL when it is absent or not a number."""
    return compose("toFloat64OrNull({text})", text=field_text(table, field))


def _one(exact: Sql, present: Condition, shared: Shared, *, moment: Sql | None = None, column: str = "") -> Field:
    return Field(exact, shared.name(compose("lowerUTF8({x})", x=exact)), False, present, moment, column)


def _several(exact: Sql, present: Condition, shared: Shared, *, column: str = "") -> Field:
    folded = shared.name(compose("arrayMap(x -> lowerUTF8(x), {x})", x=exact))
    return Field(exact, folded, True, present, column=column)


def _column(table: Table, name: str, shared: Shared) -> Field:
    kind = next(column.type for column in table.columns if column.name == name)
    column = identifier(name)
    if kind.startswith("Array"):
        there = on_column(name, compose("notEmpty({c})", c=column), lambda _: True)
        return _several(column, there, shared, column=name)
    if kind.startswith("Map"):
        entries = shared.name(compose("mapValues({c})", c=column))
        return _several(entries, Condition(compose("notEmpty({c})", c=column)), shared)
    if kind.startswith("DateTime64"):
        iso = compose("formatDateTime({c}, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC')", c=column)
        return _one(shared.name(iso), Condition(Sql("1")), shared, moment=column)
    if kind.startswith("UInt"):
        text = shared.name(compose("if({c} = 0, '', toString({c}))", c=column))
        return _one(text, on_column(name, compose("{c} != 0", c=column), bool), shared, column=name)
    return _one(column, on_column(name, compose("{c} != ''", c=column), bool), shared, column=name)


def _audit(field: str, shared: Shared) -> Field:
    name = AUDIT_COLUMNS.get(field, field)
    if name in AUDIT.column_names():
        return _column(AUDIT, name, shared)
    if name.startswith("annotations."):
        return _map_entry(("annotations",), name.removeprefix("annotations."), shared)
    for prefix, column in (("requestObject", "request_object"), ("responseObject", "response_object")):
        for head in (prefix, column):
            if name.startswith((f"{head}.", f"{head}[")):
                return _json(column, name.removeprefix(head).removeprefix("."), shared)
    return _json("raw", name, shared)


def _json(column: str, path: str, shared: Shared) -> Field:
    found = pieces(identifier(column), parse_path(path), shared)
    there = Condition(compose("arrayExists(r -> r != '', {found})", found=found))
    return _several(texts(found, shared), there, shared)


def _logs(field: str, shared: Shared) -> Field:
    if field in LOGS.column_names():
        return _column(LOGS, field, shared)
    for prefix in ("fields", "stream"):
        if field.startswith(f"{prefix}."):
            return _map_entry((prefix,), field.removeprefix(f"{prefix}."), shared)
    return _map_entry(("fields", "stream"), field, shared)


def _map_entry(columns: tuple[str, ...], key: str, shared: Shared) -> Field:
    """The entry of the first of the Map columns that has the key."""
    entries = [compose("{c}[{key}]", c=identifier(column), key=bind(key)) for column in columns]
    present = [compose("mapContains({c}, {key})", c=identifier(column), key=bind(key)) for column in columns]
    text = entries[0]
    if len(columns) > 1:
        text = compose("if({p}, {a}, toString({b}))", p=present[0], a=entries[0], b=entries[1])
    return _one(shared.name(text), Condition(compose("({any})", any=join(" OR ", present))), shared)
