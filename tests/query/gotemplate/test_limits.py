"""No template holds up the server, fills its memory or raises anything but TemplateError."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.query.gotemplate import Limits, Template, TemplateError, alertmanager, prometheus
from tocsin.query.gotemplate.values import Function

FUNCTIONS: dict[str, Function] = {
    **alertmanager.functions(datetime(2026, 11, 24, tzinfo=UTC)),
    **prometheus.functions(lambda _: [({"a": "b"}, 1.0)], now=1.0),
}
DATA = {"l": ["a", "b"], "m": {"k": "v"}, "n": 3, "s": "text", "nil": None, "big": ["x" * 100_000] * 100}

_DOUBLING = "{{$x := `0123456789`}}{{range 60}}{{$x = printf `%s%s` $x $x}}{{end}}"
_NESTING = "{{$x := list 1}}{{range 40}}{{$x = list $x $x}}{{end}}"


@pytest.mark.parametrize(
    "text",
    [
        '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}',
        '{{define "a"}}x{{template "b"}}{{end}}{{define "b"}}{{template "a"}}{{end}}{{template "a"}}',
        '{{define "a"}}{{tmpl "a" 1}}{{end}}{{tmpl "a" 1}}',
        "{{range 1000000000}}{{end}}",
        "{{range 100000}}{{range 100000}}x{{end}}{{end}}",
        "{{range 9223372036854775807}}{{.}}{{end}}",
        _DOUBLING,
        "{{$x := `0123456789`}}{{range 60}}{{$x = print $x $x}}{{end}}",
        "{{$x := `<<<<<<<<<<`}}{{range 60}}{{$x = html $x $x}}{{end}}",
        "{{$x := `ab`}}{{range 60}}{{$x = reReplaceAll `.` `$0$0$0$0` $x}}{{end}}",
        "{{$x := `ab`}}{{range 60}}{{$x = join $x (stringSlice $x $x $x)}}{{end}}",
        _NESTING + "{{$x}}",
        _NESTING + "{{toJson $x}}",
        _NESTING + "{{html $x}}",
        _NESTING + "{{printf `%d` $x}}",
        "{{printf `%9999999d` 1}}{{printf `%999999d` 1}}" * 10,
        "{{printf `%.999999f` 1.5}}" * 10,
        "{{range 100000}}{{range $.big}}{{toUpper . | len}}{{end}}{{end}}",
        "{{range 100000}}{{reReplaceAll `(x+x+)+y` `z` (index $.big 0)}}{{end}}",
        "{{join `,` .big}}{{join `,` .big}}",
        "{{match `(((a{100}){100}){100}){100}` `a`}}",
        "{{match `" + "a" * 5000 + "` `a`}}",
        "{{printf `" + "%s" * 500 + "`" + " (index .big 0)" * 500 + "}}",
    ],
)
def test_what_would_take_for_ever_is_stopped(text: str) -> None:
    """Loops, recursion, texts and lists that double, patterns that explode."""
    start = time.monotonic()

    with pytest.raises(TemplateError):
        Template.parse("t", text, FUNCTIONS).render(DATA)

    assert time.monotonic() - start < 10


def test_a_template_cannot_ask_many_queries() -> None:
    """A loop over queries ends before the store feels it."""
    asked: list[str] = []

    def query(text: str) -> list[tuple[dict[str, str], float]]:
        asked.append(text)
        return []

    with pytest.raises(TemplateError, match="error calling query: the template takes more than"):
        Template.parse("t", "{{range 100000}}{{query `up`}}{{end}}", prometheus.functions(query, now=0)).render(None)

    assert len(asked) < 300


def test_limits_can_be_set() -> None:
    """Small limits stop small templates, and the message says which."""
    for limits, text, message in (
        (Limits(steps=50), "{{range 100}}x{{end}}", "more than 50 steps"),
        (Limits(output=50), "{{range 100}}x{{end}}", "beyond 50 characters"),
        (Limits(depth=5), "{{if 1}}" * 6 + "{{end}}" * 6, "deeper than 5 levels"),
    ):
        with pytest.raises(TemplateError, match=message):
            Template.parse("t", text).render(None, limits=limits)


def test_a_large_notification_is_no_problem() -> None:
    """Thousands of alerts fit into the default limits."""
    alerts = [{"labels": {"instance": f"node-{index}"}} for index in range(10_000)]

    text = Template.parse("t", "{{range .}}{{.labels.instance}} is {{printf `%q` `down`}}\n{{end}}").render(alerts)

    assert text.count("\n") == 10_000


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_actions_stands_for_itself(text: str) -> None:
    """Nothing is escaped, trimmed or lost, in HTML either."""
    template = Template.parse("t", text)

    assert template.render(None) == text
    assert template.render(None, html=True) == text


_WORDS = """
{{ }} {{- -}} ( ) | , := = $ $x . .l .m.k .n .nil nil true 1 -1 2.5 'a' "s" `r` " ` ' if else end range with
define template block break continue /* */ and or not len index slice print printf println html js urlquery call
eq lt match reReplaceAll join list dict append toJson humanize date tz now since query first value tmpl args %s
%!d %*d %[1]v %v \\ é ☃ \0 0x1F 99999999999999999999 1e400 title stripPort toTime
"""
_PIECES = st.sampled_from([*_WORDS.split(), "\n", "", "\ud800"])


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=25), st.booleans())
def test_any_text_is_rendered_or_refused(pieces: list[str], html: bool) -> None:
    """Nothing but TemplateError comes out."""
    _survives(" ".join(pieces), html=html)
    _survives("{{" + " ".join(pieces) + "}}", html=html)


_ARGUMENTS = st.lists(
    st.sampled_from(
        [".l", ".m", ".n", ".s", ".nil", "nil", "1", "-1", "2.5", "`a`", '"%d%[2]*.[1]*f%z"', "(list 1 nil .)", "true",
         "(dict `a` .)", "now", "(toTime 1e9)", "(since now)", "(query `x`)", "1e300", '"2006-01-02"', "$", "`(`"]
    ),
    max_size=4,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(
        sorted({*FUNCTIONS, "eq", "lt", "index", "slice", "len", "print", "printf", "and", "call", "html"})
    ),
    _ARGUMENTS,
)
def test_any_call_is_answered_or_refused(name: str, arguments: list[str]) -> None:
    """Functions refuse what they cannot take with TemplateError."""
    _survives(f"{{{{{name} {' '.join(arguments)}}}}}")
    _survives(f"{{{{range {name} {' '.join(arguments)}}}}}{{{{.}}}}{{{{end}}}}")


@settings(max_examples=300, deadline=None)
@given(
    st.text(),
    st.sampled_from(["", "-8", "08.3", "+", "#", " ", "*", "[2]", ".0"]),
    st.sampled_from("vdsqxXtTgeEfFbBoOcUpZ"),
)
def test_any_layout_formats_any_value(text: str, flags: str, verb: str) -> None:
    """printf shows mistakes in the text instead of failing."""
    for value in (text, 3, -2.5, True, None, [text], {text: 1}, {1: text}):
        Template.parse("t", "{{printf .layout .value .value}}").render(
            {"layout": f"%{flags}{verb}{text}", "value": value}
        )


def _survives(text: str, *, html: bool = False) -> None:
    try:
        Template.parse("t", text, FUNCTIONS).render(DATA, html=html)
    except TemplateError as error:
        assert error.line >= 1  # noqa: PT017 - most of these texts are wrong; what matters is that nothing else comes.
        assert error.column >= 1  # noqa: PT017
