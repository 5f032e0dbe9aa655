"""Prometheus' functions and an alert's templates, from its template reference and examples."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tocsin.model.errors import InvalidInput
from tocsin.query.gotemplate import Template, TemplateError
from tocsin.query.gotemplate.prometheus import VARIABLES, alert_data, functions

_UP = [
    ({"__name__": "up", "instance": "b:9100", "job": "node"}, 1.0),
    ({"__name__": "up", "instance": "a:9100", "job": "node"}, 0.0),
]
_ANSWERS: dict[str, list[tuple[Mapping[str, str], float | str]]] = {"up": [*_UP], "absent": [], "1.5": [({}, 1.5)]}


def _query(text: str) -> list[tuple[Mapping[str, str], float | str]]:
    if text not in _ANSWERS:
        raise InvalidInput(f"parse error in {text!r}")
    return _ANSWERS[text]


def render(text: str, value: float = 1234567.0, *, html: bool = False) -> str:
    """An annotation of an alert."""
    table = functions(_query, now=1435065584.5, external_url="http://prom.example:9090/p", path_prefix="/p")
    template = Template.parse("annotation", text, table, variables=VARIABLES)
    labels = {"instance": "node-1.example:9100", "job": "node"}
    data, variables = alert_data(labels, value, {"cluster": "prod"}, "http://prom.example:9090/p")
    return template.render(data, variables=variables, html=html)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Instance {{ $labels.instance }} down", "Instance node-1.example:9100 down"),
        (
            "{{ $labels.instance }} of job {{ $labels.job }} has been down for more than 5 minutes.",
            "node-1.example:9100 of job node has been down for more than 5 minutes.",
        ),
        ("(current value: {{ $value }}s)", "(current value: 1.234567e+06s)"),
        ("{{ .Value }} {{ .Labels.job }} {{ .ExternalLabels.cluster }}", "1.234567e+06 node prod"),
        ("{{ $externalLabels.cluster }} {{ $externalURL }} {{ externalURL }}{{ pathPrefix }}",
         "prod http://prom.example:9090/p http://prom.example:9090/p/p"),
        ("[{{ $labels.missing }}]", "[]"),
        ('{{ printf "%.2f" $value }}', "1234567.00"),
        ('{{ $value | printf "%.0f" }}', "1234567"),
        ("{{ range query `up` }}{{ .Labels.instance }}={{ .Value }} {{ end }}", "b:9100=1 a:9100=0 "),
        ("{{ range query `up` | sortByLabel `instance` }}{{ .Labels.instance }} {{ end }}", "a:9100 b:9100 "),
        ("{{ with query `1.5` }}{{ . | first | value }}{{ end }}", "1.5"),
        ("{{ query `up` | first | label `instance` }}", "b:9100"),
        ("{{ (query `up` | first).Labels.job }}", "node"),
        ("{{ with query `absent` }}some{{ else }}none{{ end }}", "none"),
        ("{{ query `up` | len }}", "2"),
        ("{{ (index (query `up`) 1).Value }}", "0"),
        ('{{ if gt $value 100.0 }}high{{ else }}low{{ end }}', "high"),
        ('{{ if eq $labels.job "node" "other" }}yes{{ end }}', "yes"),
        ("{{ now }}", "1.4350655845e+09"),
        ("{{ $labels }}", "map[instance:node-1.example:9100 job:node]"),
        ('{{ define "x" }}{{ . | humanize }}{{ end }}{{ template "x" $value }}', "1.235M"),
        ('{{ define "x" }}<b>{{ .arg0 }}-{{ .arg1 }}</b>{{ end }}{{ tmpl "x" (args 1 "a") }}', "<b>1-a</b>"),
        ("{{ range $name, $value := $labels }}{{ $name }}:{{ $value }};{{ end }}",
         "instance:node-1.example:9100;job:node;"),
    ],
)  # fmt: skip
def test_alert_templates(text: str, expected: str) -> None:
    """Labels, value and queries."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ humanize 0.0 }} {{ humanize 1234567.0 }} {{ humanize 1000 }} {{ humanize `0.123` }}", "0 1.235M 1k 123m"),
        ("{{ humanize -1234.5 }} {{ humanize 1e30 }} {{ humanize 1e-10 }} {{ humanize `+Inf` }}",
         "-1.234k 1e+06Y 100p +Inf"),
        ("{{ humanize1024 0 }} {{ humanize1024 1048576 }} {{ humanize1024 1023 }} {{ humanize1024 `NaN` }}",
         "0 1Mi 1023 NaN"),
        ("{{ humanizeDuration 0 }} {{ humanizeDuration 1 }} {{ humanizeDuration 59.5 }} {{ humanizeDuration 60 }}",
         "0s 1s 59.5s 1m 0s"),
        ("{{ humanizeDuration 3600 }} {{ humanizeDuration 86400 }} {{ humanizeDuration 899.99 }}",
         "1h 0m 0s 1d 0h 0m 0s 14m 59s"),
        ("{{ humanizeDuration -93784 }} {{ humanizeDuration .0001 }} {{ humanizeDuration `0.25` }}",
         "-1d 2h 3m 4s 100us 250ms"),
        ("{{ humanizePercentage 0.1234567 }} {{ humanizePercentage 1 }} {{ humanizePercentage `-0.5` }}",
         "12.35% 100% -50%"),
        ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ("{{ humanizeTimestamp `1435065584` }} {{ humanizeTimestamp `NaN` }}", "2015-06-23 13:19:44 +0000 UTC NaN"),
        ("{{ (1435065584.128 | toTime).Year }} {{ (toTime 0).Format `2006-01-02` }}", "2015 1970-01-01"),
        ("{{ toDuration 90 }} {{ (toDuration 5400.0).Hours }}", "1m30s 1.5"),
        ("{{ parseDuration `1h30m` }} {{ parseDuration `1d` }} {{ parseDuration `250ms` }}", "5400 86400 0.25"),
        ("{{ humanize (parseDuration `1h`) }}", "3.6k"),
        ("{{ title `aa bb CC-dd` }} {{ toUpper `aa bb CC` }} {{ toLower `aA bB CC` }}",
         "Aa Bb CC-Dd AA BB CC aa bb cc"),
        ("{{ match `a+` `aa` }} {{ match `^b` `ab` }}", "true false"),
        ("{{ reReplaceAll `localhost:(.*)` `my.domain:$1` `localhost:3000` }}", "my.domain:3000"),
        ("{{ reReplaceAll `a(?P<x>.)` `${x}$$${y}` `abac` }} {{ reReplaceAll `a*` `-` `baaac` }}", "b$c$ -b-c-"),
        ("{{ stripPort $labels.instance }} {{ stripPort `[::1]:80` }} {{ stripPort `host` }}",
         "node-1.example ::1 host"),
        ("{{ stripDomain $labels.instance }} {{ stripDomain `a.b.c` }} {{ stripDomain `10.0.0.1:80` }}",
         "node-1:9100 a 10.0.0.1:80"),
        ("{{ graphLink `up == 0` }}", "/graph?g0.expr=up+%3D%3D+0&g0.tab=0"),
        ("{{ tableLink `up` }}", "/graph?g0.expr=up&g0.tab=1"),
        ("{{ urlQueryEscape `a b&c` }}", "a+b%26c"),
        ("{{ (args 1 `b`).arg1 }} {{ toJson (args 1 `<b>`) }}", 'b {"arg0":1,"arg1":"\\u003cb\\u003e"}'),
    ],
)  # fmt: skip
def test_functions(text: str, expected: str) -> None:
    """Numbers, texts and links."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ query `bad(` }}", "error calling query: parse error"),
        ("{{ query `absent` | first | value }}", "error calling first: first() called on vector with no elements"),
        ("{{ humanize `x` }}", "'x' is not a number"),
        ("{{ humanize $labels }}", "can't convert map[string]string to float"),
        ("{{ match `(` `x` }}", "error parsing regexp"),
        ("{{ toTime `NaN` }}", "cannot be represented as a nanoseconds timestamp"),
        ("{{ humanizeTimestamp 1e12 }}", "cannot be represented as a nanoseconds timestamp"),
        ("{{ parseDuration `1x` }}", "not a valid duration string"),
        ("{{ if gt $value 100 }}{{ end }}", "incompatible types for comparison"),
        ("{{ toUpper $value }}", "expected string; got float64"),
        ("{{ $labels.a.b }}", "can't evaluate field b in type string"),
        ("{{ first 1 }}", "expected template.queryResult; got int"),
        ("{{ tmpl `none` 1 }}", "template 'none' not defined"),
    ],
)
def test_errors(text: str, message: str) -> None:
    """What an author gets wrong is said with its place."""
    with pytest.raises(TemplateError) as caught:
        render("a\nb " + text)

    assert message in str(caught.value)
    assert str(caught.value).startswith("template annotation:2:")


def test_consoles_are_escaped() -> None:
    """In HTML, labels are escaped and `safeHtml` is not."""
    assert render("{{ `<b>` }}{{ `<i>` | safeHtml }}{{ $labels.missing }}", html=True) == "&lt;b&gt;<i>"


def test_variables_must_be_named_when_the_template_is_read() -> None:
    """A text that is not an alert's has no `$labels`."""
    with pytest.raises(TemplateError, match=r"undefined variable '\$labels'"):
        Template.parse("t", "{{ $labels.job }}")
