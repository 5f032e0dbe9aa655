"""What is no template is refused with the place where it goes wrong."""

from __future__ import annotations

import pytest

from tocsin.query.gotemplate import Template, TemplateError
from tocsin.query.gotemplate.limits import MAX_NESTING, MAX_TEXT, MAX_VARIABLES


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("{{", "unclosed action", 1),
        ("{{.x", "unclosed action", 1),
        ("a{{/* open", "unclosed comment", 2),
        ("{{/* a */ b}}", "comment ends before closing delimiter", 1),
        ("{{}}", "missing value for command", 3),
        ("{{if}}x{{end}}", "missing value for if", 5),
        ("{{range}}{{end}}", "missing value for range", 8),
        ("{{if .x}}", "{{if}} has no {{end}}", 3),
        ("{{end}}", "unexpected {{end}}", 3),
        ("{{else}}", "unexpected {{else}}", 3),
        ("{{if .x}}{{else}}{{else}}{{end}}", "unexpected {{else}}", 20),
        ("{{break}}", "{{break}} outside {{range}}", 3),
        ("{{range .x}}{{else}}{{continue}}{{end}}", "{{continue}} outside {{range}}", 23),
        ("{{foo}}", "function 'foo' not defined", 3),
        ("ab{{ $y }}", "undefined variable '$y'", 6),
        ("{{$y = 1}}", "undefined variable '$y'", 3),
        ("{{if $x := 1}}{{end}}{{$x}}", "undefined variable '$x'", 24),
        ('{{define "a"}}{{$x}}{{end}}', "undefined variable '$x'", 17),
        ("{{$a, $b := 1}}", "too many declarations in command", 5),
        ("{{range $a, $b, $c := .l}}{{end}}", "too many declarations in range", 15),
        ("{{range $a, 1 := .l}}{{end}}", "range can only initialize variables", 13),
        ("{{1 | 2}}", "non executable command in pipeline stage 2", 7),
        ("{{(1}}", "unclosed left paren", 5),
        ("{{1)}}", "unexpected right paren", 4),
        ("{{|}}", "unexpected <|> in command", 3),
        ("{{.x,}}", "unexpected <,> in operand", 5),
        ("{{template}}", "in template clause", 11),
        ("{{template x}}", "unexpected <x> in template clause", 12),
        ('{{if 1}}{{define "x"}}{{end}}{{end}}', "definitions do not stand within others", 11),
        ('{{define "x"}}a{{end}}{{define "x"}}b{{end}}', "multiple definition of template 'x'", 25),
        ('{{define "x"}}', "{{define}} has no {{end}}", 3),
        ('{{"open}}', "unterminated quoted string", 3),
        ("{{`open}}", "unterminated raw quoted string", 3),
        ("{{'ab'}}", "malformed character constant: 'ab'", 3),
        ('{{"\\z"}}', "invalid escape", 3),
        ("{{1.2.3}}", "bad number syntax", 3),
        ("{{08}}", "bad number syntax", 3),
        ("{{9223372036854775808}}", "integer overflow", 3),
        ("{{1e999}}", "number overflow", 3),
        ("{{1i}}", "complex numbers are not supported", 3),
        ('{{"a".x}}', "unexpected . after term", 3),
        ("{{.x.}}", "unexpected <.> in operand", 5),
        ("{{..x}}", "unexpected . after term", 3),
        ("{{.x-y}}", "bad character '-' after .x", 5),
        ("{{a?}}", "bad character '?' after a", 4),
        ("{{ ? }}", "unexpected '?' in an action", 4),
    ],
)
def test_mistakes(text: str, message: str, column: int) -> None:
    """Name, line and column of the mistake, and what it is."""
    with pytest.raises(TemplateError) as caught:
        Template.parse("file.tmpl", "first\n" + text)

    assert message in caught.value.message
    assert str(caught.value).startswith(f"template file.tmpl:2:{column}: ")


@pytest.mark.parametrize(
    "text",
    ["{{if 1}}" * 200, "{{" + "(" * 200 + "1" + ")" * 200 + "}}", "{{if 0}}" + "{{else if 0}}" * 200 + "{{end}}"],
)
def test_nesting_is_limited(text: str) -> None:
    """Deep templates are refused, rather than running out of stack."""
    with pytest.raises(TemplateError, match=str(MAX_NESTING)):
        Template.parse("t", text)


def test_variables_are_limited() -> None:
    """Looking one up stays quick."""
    with pytest.raises(TemplateError, match=f"more than {MAX_VARIABLES} variables"):
        Template.parse("t", "{{$x := 1}}" * (MAX_VARIABLES + 1))


def test_length_is_limited() -> None:
    """A huge file is no template."""
    with pytest.raises(TemplateError, match=str(MAX_TEXT)):
        Template.parse("t", "x" * (MAX_TEXT + 1))
