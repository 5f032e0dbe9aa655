"""Actions, pipelines and variables as text/template documents them; each expectation is what Go prints."""

from __future__ import annotations

import pytest

from tocsin.query.gotemplate import Function, Struct, Template, TemplateError, TextMap
from tocsin.query.gotemplate.values import ANY, TEXT

DATA = {
    "name": "node-1",
    "n": 3,
    "f": 1.5,
    "yes": True,
    "zero": 0,
    "empty": "",
    "letters": ["a", "b", "c"],
    "numbers": [1, 2, 3],
    "nothing": [],
    "map": {"b": "2", "a": "1"},
    "codes": {10: "ten", 9: "nine"},
    "nested": {"x": {"y": "z"}},
    "nil": None,
    "labels": TextMap({"job": "api"}),
}


def render(text: str, data: object = DATA) -> str:
    """What a template prints."""
    return Template.parse("t", text).render(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("}} and { and {| are text", "}} and { and {| are text"),
        ("{{.name}}", "node-1"),
        ("{{.n}} {{.f}} {{.yes}}", "3 1.5 true"),
        ("{{.nested.x.y}}", "z"),
        ("{{(.nested.x).y}}", "z"),
        ("{{.none}}|{{.nil}}|{{.none.deeper}}", "<no value>|<no value>|<no value>"),
        ("{{.labels.job}}|{{.labels.missing}}|", "api||"),
        ("{{.letters}} {{.map}} {{.nested}}", "[a b c] map[a:1 b:2] map[x:map[y:z]]"),
        ("{{$.n}}", "3"),
        ("{{with .name}}{{.}}{{$.n}}{{end}}", "node-13"),
        ("{{true}} {{false}} {{1}} {{-1}} {{+1}}", "true false 1 -1 1"),
        ("{{0x1F}} {{0b11}} {{0o17}} {{017}} {{1_000}}", "31 3 15 15 1000"),
        ("{{1.5e3}} {{.5}} {{1e3}} {{0x1p4}}", "1500 0.5 1000 16"),
        ("{{'a'}} {{'\\n'}} {{'☃'}}", "97 10 9731"),
        ('{{"tab\\tquote\\"A\\u0042\\x43\\104"}}', 'tab\tquote"ABCD'),
        ("{{`raw\\n`}}", "raw\\n"),
        ('{{"{{"}} {{`}}`}}', "{{ }}"),
    ],
)
def test_values(text: str, expected: str) -> None:
    """Fields, literals and what is missing."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {{- 1 -}} b", "a1b"),
        ("a \n\t {{- .n}}  b", "a3  b"),
        ("a  {{.n -}} \n b", "a  3b"),
        ("{{23 -}} < {{- 45}}", "23<45"),
        ("{{-3}} x", "-3 x"),
        ("x {{- -3}}", "x-3"),
        ("a{{/* a comment */}}b", "ab"),
        ("a {{- /* a comment */ -}} b", "ab"),
        ("{{/* over\nlines */}}x", "x"),
        ("{{ .n\n}}", "3"),
    ],
)
def test_trimming_and_comments(text: str, expected: str) -> None:
    """The example of the documentation (`23<45`) among them."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The examples of the documentation's section "Examples": all of them yield the quoted word output.
        ('{{"\\"output\\""}}', '"output"'),
        ('{{`"output"`}}', '"output"'),
        ('{{printf "%q" "output"}}', '"output"'),
        ('{{"output" | printf "%q"}}', '"output"'),
        ('{{printf "%q" (print "out" "put")}}', '"output"'),
        ('{{"put" | printf "%s%s" "out" | printf "%q"}}', '"output"'),
        ('{{"output" | printf "%s" | printf "%q"}}', '"output"'),
        ('{{with "output"}}{{printf "%q" .}}{{end}}', '"output"'),
        ('{{with $x := "output" | printf "%q"}}{{$x}}{{end}}', '"output"'),
        ('{{with $x := "output"}}{{printf "%q" $x}}{{end}}', '"output"'),
        ('{{with $x := "output"}}{{$x | printf "%q"}}{{end}}', '"output"'),
        ("{{.letters | len}}", "3"),
        ('{{(index .letters 0) | printf "%s-%s" "x"}}', "x-a"),
        ("{{((print (print 1)))}}", "1"),
        ("{{1|}}", "1"),
    ],
)
def test_pipelines(text: str, expected: str) -> None:
    """What is piped is the last argument."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{if .yes}}T{{else}}F{{end}}", "T"),
        ("{{if .zero}}T{{else}}F{{end}}", "F"),
        ("{{if .empty}}T{{end}}{{if .nothing}}T{{end}}{{if .nil}}T{{end}}{{if .none}}T{{end}}", ""),
        ("{{if 0.0}}T{{else}}F{{end}}", "F"),
        ("{{if .zero}}a{{else if .empty}}b{{else if .n}}c{{else}}d{{end}}", "c"),
        ("{{if .zero}}a{{else if .empty}}b{{else}}d{{end}}", "d"),
        ("{{if and .yes (eq .n 3)}}both{{end}}", "both"),
        ("{{if not .yes}}x{{else}}y{{end}}", "y"),
        ("{{if $x := .n}}{{$x}}{{else}}{{$x}}{{end}}", "3"),
        ("{{with .nested.x}}{{.y}}{{end}}", "z"),
        ("{{with .none}}a{{else}}b{{.n}}{{end}}", "b3"),
        ("{{with .none}}a{{else with .n}}b{{.}}{{else}}c{{end}}", "b3"),
        ("{{with $x := .n}}{{$x}}{{.}}{{end}}", "33"),
        ("{{range .letters}}{{.}},{{end}}", "a,b,c,"),
        ("{{range $i, $e := .letters}}{{$i}}={{$e}} {{end}}", "0=a 1=b 2=c "),
        ("{{range $e := .letters}}{{$e}}{{end}}", "abc"),
        ("{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"),
        ("{{range .codes}}{{.}} {{end}}", "nine ten "),
        ("{{range .nothing}}x{{else}}empty{{end}}", "empty"),
        ("{{range .none}}x{{else}}none{{.n}}{{end}}", "none3"),
        ("{{range $i, $e := .nothing}}x{{else}}{{$e}}{{end}}", "[]"),
        ("{{range 3}}{{.}}{{end}}", "012"),
        ("{{range $i := .n}}{{$i}}{{end}}", "012"),
        ("{{range .numbers}}{{if eq . 2}}{{continue}}{{end}}{{.}}{{end}}", "13"),
        ("{{range .numbers}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}", "1"),
        ("{{range .letters}}{{range $.numbers}}{{if eq . 2}}{{break}}{{end}}{{.}}{{end}}{{.}}{{end}}", "1a1b1c"),
        ("{{range $i, $e := .letters}}{{if $i}}, {{end}}{{$e}}{{end}}", "a, b, c"),
    ],
)
def test_conditions_and_loops(text: str, expected: str) -> None:
    """`if`, `with` and `range` with all that belongs to them."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", "12"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ('{{$x := ""}}{{range .letters}}{{$x = .}}{{end}}{{$x}}', "c"),
        ("{{$x := .map}}{{$x.a}}", "1"),
        ("{{$i := 0}}{{$e := 0}}{{range $i, $e = .letters}}{{end}}{{$i}}{{$e}}", "2c"),
        ("{{$x:=1}}{{$x}}", "1"),
    ],
)
def test_variables(text: str, expected: str) -> None:
    """A variable lives to the `end` of where it was declared; `=` reaches outward."""
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{define "T1"}}ONE{{end}}{{define "T2"}}TWO{{end}}{{template "T1"}} {{template "T2"}}', "ONE TWO"),
        ('{{define "T"}}[{{.}}]{{end}}{{template "T" .n}}{{template "T"}}', "[3][<no value>]"),
        ('{{define "T"}}{{$}}{{end}}{{template "T" 5}}', "5"),
        ('{{define "T"}}{{.z}}{{end}}{{template "T"}}', "<no value>"),
        ('{{block "B" .map}}{{.a}}{{end}}', "1"),
        ('{{template "late" 1}}{{define "late"}}<{{.}}>{{end}}', "<1>"),
        (
            '{{define "c"}}{{if .}}{{len .}}{{template "c" (slice . 1)}}{{end}}{{end}}{{template "c" "abc"}}',
            "321",
        ),
        ('{{define "e"}} {{end}}{{define "e"}}x{{end}}{{template "e"}}', "x"),
        ("{{template `raw` 1}}{{define `raw`}}{{.}}{{end}}", "1"),
    ],
)
def test_templates_within_templates(text: str, expected: str) -> None:
    """`define`, `template`, `block`."""
    assert render(text) == expected


def test_methods_and_functions_that_data_brings() -> None:
    """A method is called with arguments; a function as a value by `call`; nothing else can be called."""
    pod = Struct(
        "v1.Pod",
        {"Name": "web", "join": Function(lambda a, b: f"{a}+{b}", TEXT, TEXT)},
        {"Label": Function(lambda self, name: f"{self.fields['Name']}/{name}", TEXT)},
    )

    assert render('{{.Name}} {{.Label "app"}} {{"x" | .Label}} {{.Label "a" | len}}', pod) == "web web/app web/x 5"
    assert render('{{call .join "a" "b"}}', pod) == "a+b"
    with pytest.raises(TemplateError, match="Name has arguments but cannot be invoked"):
        render("{{.Name 1}}", pod)
    with pytest.raises(TemplateError, match=r"can't evaluate field Nope in type v1\.Pod"):
        render("{{.Nope}}", pod)


@pytest.mark.parametrize("text", ["{{.name.__class__}}", "{{.name.upper}}", "{{.letters.append}}", "{{.n.real}}"])
def test_python_does_not_show(text: str) -> None:
    """No attribute of a Python object is a field or method."""
    assert render("{{.__class__}}{{.items}}") == "<no value><no value>"
    with pytest.raises(TemplateError, match="can't evaluate field"):
        render(text)


def test_an_object_of_another_kind_is_refused() -> None:
    """Only values of the documented kinds can be printed or looked into."""
    for text in ("{{.}}", "{{.x}}", "{{range .}}{{end}}", "{{len .}}", "{{index . 0}}", '{{printf "%d" .}}'):
        with pytest.raises(TemplateError):
            render(text, object())


def test_arguments_are_checked_before_a_function_gets_them() -> None:
    """A wrong call is the template's error."""
    functions = {"two": Function(lambda a, b: f"{a}{b}", TEXT, ANY)}

    assert Template.parse("t", '{{two "a" 1}}', functions).render(None) == "a1"
    with pytest.raises(TemplateError, match="wrong number of args for two: want 2 got 1"):
        Template.parse("t", '{{two "a"}}', functions).render(None)
    with pytest.raises(TemplateError, match="expected string; got int"):
        Template.parse("t", "{{two 1 2}}", functions).render(None)
