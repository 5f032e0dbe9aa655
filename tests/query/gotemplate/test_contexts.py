"""Values in HTML documents: escaped for the place where they land, as html/template does it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.query.gotemplate import Template
from tocsin.query.gotemplate.alertmanager import FUNCTIONS

DATA = {
    "s": "hello <b>'\"&+",
    "js": "javascript:alert(1)",
    "url": "https://x/y?a=b&c=d",
    "path": "/a b?x=<y>",
    "n": 3.0,
    "m": {"a": "<1>"},
}


def render(text: str, data: object = DATA) -> str:
    """What a template prints as HTML."""
    return Template.parse("t", text, FUNCTIONS).render(data, html=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>{{.s}}</p>", "<p>hello &lt;b&gt;&#39;&#34;&amp;&#43;</p>"),
        ("{{.n}} {{.m}} {{.nope}}|", "3 map[a:&lt;1&gt;] |"),
        ('{{"<lit>"}} {{print "<" 1}}', "&lt;lit&gt; &lt;1"),
        ("{{.s | html}}", "hello &lt;b&gt;&#39;&#34;&amp;+"),
        ("{{.s | safeHtml}}", "hello <b>'\"&+"),
        ('{{.s | safeHtml | printf "%s"}}', "hello &lt;b&gt;&#39;&#34;&amp;&#43;"),
        ('<a title="{{.s}}">', '<a title="hello &lt;b&gt;&#39;&#34;&amp;&#43;">'),
        ("<a title={{.s}}>", "<a title=hello&#32;&lt;b&gt;&#39;&#34;&amp;&#43;>"),
        ('<a href="x" title={{.s}}>', '<a href="x" title=hello&#32;&lt;b&gt;&#39;&#34;&amp;&#43;>'),
        ('<a title="{{safeHtml .s}}">', '<a title="hello &lt;b&gt;&#39;&#34;&amp;&#43;">'),
        ('<a href="{{.url}}">', '<a href="https://x/y?a=b&amp;c=d">'),
        ("<a href={{.url}}>", "<a href=https://x/y?a&#61;b&amp;c&#61;d>"),
        ('<a href="{{.js}}"><img src="{{.js}}">', '<a href="#ZgotmplZ"><img src="#ZgotmplZ">'),
        ('<a href=" {{.js}}">', '<a href=" #ZgotmplZ">'),
        ('<a HREF="{{"JAVA\\tscript:x"}}">', '<a HREF="#ZgotmplZ">'),
        ('<a href="{{"mailto:a@b"}}">', '<a href="mailto:a@b">'),
        ('<a href="{{.path}}">', '<a href="/a%20b?x=%3Cy%3E">'),
        ('<a href="/q?x={{.s}}&y={{.n}}">', '<a href="/q?x=hello%20%3Cb%3E%27%22%26%2B&y=3">'),
        ('<a href="/q?x={{.s | urlquery}}">', '<a href="/q?x=hello&#43;%3Cb%3E%27%22%26%2B">'),
        ('<a href="{{"slack://c" | safeUrl}}">', '<a href="slack://c">'),
        ("<script>var x = {{.s}};</script>{{.n}}", '<script>var x = "hello \\u003cb\\u003e\'\\"\\u0026+";</script>3'),
        ("<script>f({{.m}})</script>", '<script>f({"a":"\\u003c1\\u003e"})</script>'),
        ('<a onclick="f({{.s}})">', '<a onclick="f(&#34;hello \\u003cb\\u003e&#39;\\&#34;\\u0026&#43;&#34;)">'),
        ('<p style="color:{{"red"}}">{{"x"}}', '<p style="color:red">x'),
        ('<p style="{{"background:url(x)"}}">', '<p style="ZgotmplZ">'),
        ("<style>a{color:{{.s}}}</style>", "<style>a{color:ZgotmplZ}</style>"),
        ('{{define "x"}}<u>{{.}}</u>{{end}}{{template "x" .s}}', "<u>hello &lt;b&gt;&#39;&#34;&amp;&#43;</u>"),
        ('{{define "u"}}{{.}}{{end}}<a href="{{template "u" .js}}">', '<a href="#ZgotmplZ">'),
    ],
)
def test_places(text: str, expected: str) -> None:
    """Text, attributes, addresses, scripts and styles."""
    assert render(text) == expected


@given(st.text())
def test_no_value_leaves_its_place(value: str) -> None:
    """Whatever an annotation holds, the document keeps its tags and attributes."""
    text = '<p title="{{.}}">{{.}}</p><a href="{{.}}">x</a><a href="/?q={{.}}"></a><i id={{.}}>'

    shown = render(text, value)

    assert re.findall("<[^>]*>", re.sub(r'"[^"]*"', '""', shown))[:-1] == [
        '<p title="">', "</p>", '<a href="">', "</a>", '<a href="">', "</a>",
    ]  # fmt: skip
    assert re.fullmatch(r"<i id=[^ \t\n\f\r<>\"'`=]*>", shown[shown.rfind("<i") :])
