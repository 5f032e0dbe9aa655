"""The functions every template has, as text/template documents them."""

from __future__ import annotations

import pytest

from tocsin.query.gotemplate import Template, TemplateError

DATA = {"l": ["a", "b", "c"], "m": {"a": "1"}, "deep": [{"k": ["x"]}], "u": "héllo", "n": 3, "nil": None, "f": 2.5}


def render(text: str) -> str:
    """What a template prints."""
    return Template.parse("t", text).render(DATA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{and 1 2}} {{and 0 2}} {{and 1 0 3}}", "2 0 0"),
        ('{{or 0 2}} {{or 0 ""}}| {{or .none "default"}}', "2 | default"),
        ("{{and false .n.x}}", "false"),
        ("{{or true (index .l 99)}}", "true"),
        ("{{1 | or 0}} {{0 | and 1}}", "1 0"),
        ('{{not 0}} {{not "a"}} {{not nil}}', "true false true"),
        ("{{len .l}} {{len .m}} {{len .u}} {{len `abc`}}", "3 1 6 3"),
        ('{{index .l 1}} {{index .m "a"}} {{index .deep 0 "k" 0}} {{index "abc" 1}}', "b 1 x 98"),
        ('{{index .m "zz"}} {{index .l}}', "<no value> [a b c]"),
        ('{{slice .l 1}} {{slice .l 1 2}} {{slice .l}} {{slice "abcd" 1 3}}', "[b c] [b] [a b c] bc"),
        ("{{eq 1 1}} {{eq 1 2 1}} {{eq `a` `b`}} {{eq true true}} {{eq .nil nil}}", "true true false true true"),
        ("{{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 2}}", "true true true false true"),
        ('{{lt "a" "b"}} {{gt "b" "a"}} {{lt 1.5 2.5}} {{le "b" "a"}}', "true true true false"),
        ("{{html `<a href='x'>&\"`}}", "&lt;a href=&#39;x&#39;&gt;&amp;&#34;"),
        ('{{js `it\'s "<x>" \\ = &`}}', 'it\\\'s \\"\\u003Cx\\u003E\\" \\\\ \\u003D \\u0026'),
        ('{{urlquery "a b&c=d/é+"}}', "a+b%26c%3Dd%2F%C3%A9%2B"),
        ("{{html .l}} {{urlquery 1 2}} {{html nil}}", "[a b c] 1+2 &lt;no value&gt;"),
        ('{{.l | len | printf "%03d"}}', "003"),
    ],
)
def test_results(text: str, expected: str) -> None:
    """What Go prints."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{eq 1 1.0}}", "incompatible types for comparison"),
        ('{{lt 1 "a"}}', "incompatible types for comparison"),
        ("{{eq .l .l}}", "non-comparable type"),
        ("{{eq 1}}", "missing argument for comparison"),
        ("{{lt true false}}", "invalid type for comparison"),
        ("{{len 3}}", "len of type int"),
        ("{{len nil}}", "len of nil"),
        ("{{index .l 9}}", "index out of range: 9"),
        ("{{index .l -1}}", "index out of range: -1"),
        ('{{index .l "x"}}', "cannot index slice/array with type string"),
        ("{{index .m 1}}", "value has type int; should be string"),
        ("{{index .n 1}}", "can't index item of type int"),
        ("{{index nil 1}}", "index of untyped nil"),
        ("{{slice .l 2 1}}", "invalid slice index: 2 > 1"),
        ("{{slice .n 1}}", "can't slice item of type int"),
        ("{{call 1}}", "non-function of type int"),
        ("{{and}}", "wrong number of args for and"),
        ("{{not 1 2}}", "wrong number of args for not: want 1 got 2"),
        ("{{printf 1}}", "expected string; got int"),
        ("{{range .f}}{{end}}", "range can't iterate over a value of type float64"),
        ("{{range `abc`}}{{end}}", "range can't iterate over a value of type string"),
        ("{{.n.x}}", "can't evaluate field x in type int"),
        ("{{.n 1}}", "n is not a method but has arguments"),
        ("{{1 2}}", "can't give argument to non-function"),
        ("{{nil}}", "nil is not a command"),
        ('{{template "nope"}}', "template 'nope' not defined"),
        ("{{(index .m `q`).x}}", "nil pointer evaluating"),
    ],
)
def test_errors(text: str, message: str) -> None:
    """What Go refuses while it runs, with the place in our words."""
    with pytest.raises(TemplateError) as caught:
        render("line\n" + text)

    assert message in str(caught.value)
    assert (caught.value.line, caught.value.name) == (2, "t")
    assert caught.value.column >= 3
