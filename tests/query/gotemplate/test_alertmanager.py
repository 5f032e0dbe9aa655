"""Alertmanager's functions and data, from its notification template reference and examples."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tocsin.query.gotemplate import Template, TemplateError, TemplateSet
from tocsin.query.gotemplate.alertmanager import alert, data, functions

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
START = datetime(2026, 11, 24, 10, 30, 0, 250_000, tzinfo=UTC)
FUNCTIONS = functions(NOW)
DATA = data(
    receiver="team-x",
    group_labels={"alertname": "Down"},
    external_url="https://tocsin.example",
    alerts=[
        alert(
            status="firing",
            labels={"alertname": "Down", "instance": "a", "zone": "z1", "job": "api"},
            annotations={"summary": "a is <down>", "runbook": "https://r/1"},
            starts_at=START,
            generator_url="https://prom/graph?g0.expr=up",
            fingerprint="00ff",
        ),
        alert(
            status="resolved",
            labels={"alertname": "Down", "instance": "b", "zone": "z1", "job": "api"},
            annotations={"summary": "b is down", "runbook": "https://r/1"},
            starts_at=START,
            ends_at=NOW,
        ),
    ],
)


def render(text: str, *, html: bool = False) -> str:
    """A field of a receiver."""
    return Template.parse("field", text, FUNCTIONS).render(DATA, html=html)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ .Receiver }} {{ .Status | toUpper }} {{ .ExternalURL }}", "team-x FIRING https://tocsin.example"),
        ("{{ .Alerts | len }} {{ .Alerts.Firing | len }} {{ len .Alerts.Resolved }}", "2 1 1"),
        ("{{ range .Alerts }}{{ .Labels.instance }}:{{ .Status }} {{ end }}", "a:firing b:resolved "),
        ("{{ range .Alerts.Firing }}{{ .Annotations.summary }}\n{{ end }}", "a is <down>\n"),
        ("{{ (index .Alerts 0).Labels.instance }}", "a"),
        ("{{ .GroupLabels.alertname }} {{ .CommonLabels.zone }}{{ .CommonLabels.instance }}", "Down z1"),
        ("{{ .CommonAnnotations.runbook }}|{{ .CommonAnnotations.summary }}|", "https://r/1||"),
        ("{{ .GroupLabels }} {{ .CommonLabels }}", "alertname=Down alertname=Down, job=api, zone=z1"),
        ("{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }}", "alertname=Down;job=api;zone=z1;"),
        ("{{ .CommonLabels.SortedPairs }}", "alertname=Down, job=api, zone=z1"),
        ('{{ .GroupLabels.SortedPairs.Values | join " " }}', "Down"),
        ('{{ .CommonLabels.Names | join "," }}', "alertname,job,zone"),
        ('{{ .CommonLabels.Values | join "," }}', "Down,api,z1"),
        ("{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join ` ` }}{{ end }}", "api z1"),
        ('{{ (.CommonLabels.Remove (stringSlice "job" "zone")).Names }}', "[alertname]"),
        ("{{ if gt (len .CommonLabels) (len .GroupLabels) }}more{{ end }}", "more"),
        # The title of the default templates, shortened.
        (
            "[{{ .Status | toUpper }}{{ if eq .Status `firing` }}:{{ .Alerts.Firing | len }}{{ end }}] "
            "{{ .GroupLabels.SortedPairs.Values | join ` ` }}",
            "[FIRING:1] Down",
        ),
        ("{{ range .Alerts }}{{ .StartsAt }};{{ .EndsAt }}\n{{ end }}",
         "2026-11-24 10:30:00.25 +0000 UTC;0001-01-01 00:00:00 +0000 UTC\n"
         "2026-11-24 10:30:00.25 +0000 UTC;2026-11-24 12:00:00 +0000 UTC\n"),
        ("{{ (index .Alerts 0).EndsAt.IsZero }} {{ (index .Alerts 1).EndsAt.IsZero }}", "true false"),
        ("{{ (index .Alerts 0).GeneratorURL }} {{ (index .Alerts 0).Fingerprint }}",
         "https://prom/graph?g0.expr=up 00ff"),
    ],
)  # fmt: skip
def test_data(text: str, expected: str) -> None:
    """Alerts, labels and times."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ "aBC dEF it\'s" | title }} {{ title "1st x_Y" }} {{ toUpper "é" }}', "Abc Def It's 1St X_y É"),
        ('[{{ "  x y \\n" | trimSpace }}]', "[x y]"),
        ('{{ match "^a.c$" "abc" }} {{ reReplaceAll "(\\\\d+)" "<$1>" "a1b22" }}', "true a<1>b<22>"),
        ('{{ stringSlice "a" "b" | join "-" }}', "a-b"),
        ("{{ (index .Alerts 0).StartsAt | date `15:04:05 02 Jan 2006 MST` }}", "10:30:00 24 Nov 2026 UTC"),
        ('{{ (index .Alerts 0).StartsAt | tz "Europe/Paris" | date "15:04 MST -07:00" }}', "11:30 CET +01:00"),
        ('{{ (index .Alerts 0).StartsAt.Format "Monday, January _2 3:04PM" }}', "Tuesday, November 24 10:30AM"),
        ("{{ since (index .Alerts 0).StartsAt }}", "1h29m59.75s"),
        ("{{ since (index .Alerts 0).StartsAt | humanizeDuration }}", "1h 29m 59s"),
        ("{{ (index .Alerts 1).EndsAt.Sub (index .Alerts 1).StartsAt }}", "1h29m59.75s"),
        ("{{ ((index .Alerts 0).StartsAt.Add -1800000000000).UnixMilli }}", "1795514400250"),
        ("{{ now.Year }} {{ now.Month }} {{ now.Weekday }} {{ now.Unix }}", "2026 November Tuesday 1795521600"),
        ('{{ humanizeDuration 90 }} {{ humanizeDuration "0.5" }}', "1m 30s 500ms"),
        ('{{ dict "a" 1 "b" (list 1 "x" nil) | toJson }}', '{"a":1,"b":[1,"x",null]}'),
        ("{{ append (list 1) 2 3 }}", "[1 2 3]"),
        ('{{ $l := list }}{{ range stringSlice "a" "b" }}{{ $l = append $l . }}{{ end }}{{ $l }}', "[a b]"),
        ("{{ toJson .GroupLabels }} {{ toJson `<a>&` }}", '{"alertname":"Down"} "\\u003ca\\u003e\\u0026"'),
        ("{{ toJson (index .Alerts 0).StartsAt }}", '"2026-11-24T10:30:00.25Z"'),
        ("{{ range .Alerts.Resolved }}{{ toJson . }}{{ end }}",
         '{"status":"resolved","labels":{"alertname":"Down","instance":"b","job":"api","zone":"z1"},'
         '"annotations":{"runbook":"https://r/1","summary":"b is down"},'
         '"startsAt":"2026-11-24T10:30:00.25Z","endsAt":"2026-11-24T12:00:00Z","generatorURL":"","fingerprint":""}'),
        ('{{ "a b" | base64Encode }} {{ "YSBi" | base64Decode }}', "YSBi a b"),
        ('{{ urlUnescape "a+b%26c" }}', "a b&c"),
    ],
)  # fmt: skip
def test_functions(text: str, expected: str) -> None:
    """Texts, times, lists, JSON."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{{ dict "a" }}', "dict requires an even number of arguments"),
        ("{{ dict 1 2 }}", "dict keys must be strings"),
        ("{{ join `,` (list 1 2) }}", "expected []string; got []interface {}"),
        ("{{ now | tz `Nowhere/Land` }}", "unknown time zone Nowhere/Land"),
        ("{{ now | tz `../../etc/passwd` }}", "unknown time zone"),
        ("{{ base64Decode `%%%` }}", "illegal base64 data"),
        ("{{ .Nope }}", "can't evaluate field Nope in type *template.Data"),
        ("{{ toJson (toJson .Alerts | len | humanizeDuration | match) }}", "wrong number of args for match"),
    ],
)
def test_errors(text: str, message: str) -> None:
    """What an author gets wrong is said."""
    with pytest.raises(TemplateError) as caught:
        render(text)

    assert message in str(caught.value)


def test_files_of_definitions_serve_the_fields() -> None:
    """Templates of several files call each other, a later file replaces a definition, a field calls them."""
    files = TemplateSet.of(
        {
            "default.tmpl": '{{ define "__subject" }}{{ .Status }} {{ template "who" . }}{{ end }}'
            '{{ define "who" }}?{{ end }}',
            "own.tmpl": '{{ define "who" }}{{ .Receiver }}{{ end }}\n',
        },
        FUNCTIONS,
    )

    assert files.parse("slack.title", '{{ template "__subject" . }}!').render(DATA) == "firing team-x!"
    assert files.template("who").render(DATA) == "team-x"
    assert files.extended({"more": '{{ define "who" }}you{{ end }}'}).template("__subject").render(DATA) == "firing you"
    with pytest.raises(TemplateError, match="template broken:1:3"):
        files.extended({"broken": "{{nope}}"})


def test_an_email_is_escaped_for_its_places() -> None:
    """Annotations cannot bring markup or code into a mail."""
    text = (
        '<a href="{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}">{{ .Receiver }}</a>'
        "{{ range .Alerts.Firing }}<p>{{ .Annotations.summary }}</p>"
        '<a href="{{ .GeneratorURL }}">source</a><a href="{{ "javascript:alert(1)" }}">x</a>{{ end }}'
        '<a href="{{ "slack://channel" | safeUrl }}">{{ "<b>" | safeHtml }}</a>'
    )

    assert render(text, html=True) == (
        '<a href="https://tocsin.example/#/alerts?receiver=team-x">team-x</a>'
        "<p>a is &lt;down&gt;</p>"
        '<a href="https://prom/graph?g0.expr=up">source</a><a href="#ZgotmplZ">x</a>'
        '<a href="slack://channel"><b></a>'
    )
