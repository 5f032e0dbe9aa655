"""What Prometheus adds to Go's templates in alerts' labels and annotations.

https://prometheus.io/docs/prometheus/latest/configuration/template_reference/. `FUNCTIONS` are those that need
nothing; `functions` adds those that ask: the query, the time, the addresses.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping

from tocsin.query.gotemplate import encoding, humanizing, quoting, texts
from tocsin.query.gotemplate.durations import SECOND, parse_prometheus
from tocsin.query.gotemplate.errors import Fault
from tocsin.query.gotemplate.limits import Meter
from tocsin.query.gotemplate.values import ANY, TEXT, Function, Parameter, Struct, TextMap

VARIABLES = ("labels", "externalLabels", "externalURL", "value")
"""The variables that an alert's templates find, without their dollars."""

_QUERY_STEPS = 2000
"""What a query counts as, so that a template cannot ask thousands of them."""

Query = Callable[[str], Iterable[tuple[Mapping[str, str], float | str]]]
"""Answers a PromQL query at the rule's time with labels and values. Raises InvalidInput if the query is wrong."""


def sample(labels: Mapping[str, str], value: float | str) -> Struct:
    """An element of a query's answer."""
    return Struct("template.sample", {"Labels": TextMap(labels), "Value": value})


def alert_data(
    labels: Mapping[str, str], value: float, external_labels: Mapping[str, str], external_url: str
) -> tuple[Struct, dict[str, object]]:
    """Dot and the variables of an alert's templates, for `Template.render`."""
    variables = {
        "labels": TextMap(labels),
        "externalLabels": TextMap(external_labels),
        "externalURL": external_url,
        "value": value,
    }
    names = {"Labels": "labels", "ExternalLabels": "externalLabels", "ExternalURL": "externalURL", "Value": "value"}
    return Struct("rules.alertData", {name: variables[key] for name, key in names.items()}), variables


def _is_sample(value: object) -> bool:
    return isinstance(value, Struct) and value.go_type == "template.sample"


SAMPLE = Parameter("*template.sample", _is_sample)
SAMPLES = Parameter(
    "template.queryResult", lambda value: isinstance(value, list | tuple) and all(_is_sample(v) for v in value)
)


def _first(samples: list[Struct]) -> Struct:
    if not samples:
        raise Fault("first() called on vector with no elements")
    return samples[0]


def _label(name: str, element: Struct) -> str:
    labels = element.fields["Labels"]
    return labels.get(name, "") if isinstance(labels, TextMap) else ""


def _strip_port(address: str) -> str:
    parts = texts.split_host_port(address)
    return parts[0] if parts else address


def _strip_domain(address: str) -> str:
    host, port = texts.split_host_port(address) or (address, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        short = host.split(".")[0]
        return f"{short}:{port}" if port else short
    return address


def _link(tab: int) -> Callable[[str], str]:
    return lambda expression: f"/graph?g0.expr={quoting.query(expression)}&g0.tab={tab}"


FUNCTIONS: Mapping[str, Function] = {
    "args": Function(lambda *values: {f"arg{index}": value for index, value in enumerate(values)}, rest=ANY),
    "first": Function(_first, SAMPLES),
    "graphLink": Function(_link(0), TEXT),
    "humanize": Function(humanizing.humanize, ANY),
    "humanize1024": Function(humanizing.humanize_1024, ANY),
    "humanizeDuration": Function(humanizing.humanize_duration, ANY),
    "humanizePercentage": Function(humanizing.humanize_percentage, ANY),
    "humanizeTimestamp": Function(humanizing.humanize_timestamp, ANY),
    "label": Function(_label, TEXT, SAMPLE),
    "match": Function(texts.match, TEXT, TEXT),
    "parseDuration": Function(lambda text: parse_prometheus(text) / SECOND, TEXT),
    "reReplaceAll": Function(texts.replace_all, TEXT, TEXT, TEXT, metered=True),
    "safeHtml": Function(quoting.SafeHtml, TEXT),
    "sortByLabel": Function(
        lambda name, samples: sorted(samples, key=lambda element: _label(name, element)), TEXT, SAMPLES
    ),
    "stripDomain": Function(_strip_domain, TEXT),
    "stripPort": Function(_strip_port, TEXT),
    "strvalue": Function(lambda element: _label("__value__", element), SAMPLE),
    "tableLink": Function(_link(1), TEXT),
    "title": Function(texts.title_words, TEXT),
    "tmpl": Function(lambda name, _: name, TEXT, ANY),
    "toDuration": Function(humanizing.to_duration, ANY),
    "toJson": Function(encoding.encode, ANY, metered=True),
    "toLower": Function(str.lower, TEXT),
    "toTime": Function(humanizing.to_time, ANY),
    "toUpper": Function(str.upper, TEXT),
    "urlQueryEscape": Function(quoting.query, TEXT),
    "value": Function(lambda element: element.fields["Value"], SAMPLE),
}


def _asked(meter: Meter, answer: Iterable[tuple[Mapping[str, str], float | str]]) -> list[Struct]:
    meter.charge(_QUERY_STEPS)
    samples = []
    for labels, value in answer:
        meter.charge()
        samples.append(sample(labels, value))
    return samples


def functions(query: Query, *, now: float, external_url: str = "", path_prefix: str = "") -> dict[str, Function]:
    """All functions of an alert's templates.

    Args:
        query: Answers the queries that a template makes.
        now: The time of the evaluation, a Unix time in seconds.
        external_url: Where people reach the server.
        path_prefix: The path of that address.
    """
    return {
        **FUNCTIONS,
        "externalURL": Function(lambda: external_url),
        "now": Function(lambda: now),
        "pathPrefix": Function(lambda: path_prefix),
        "query": Function(lambda meter, text: _asked(meter, query(text)), TEXT, metered=True),
    }
