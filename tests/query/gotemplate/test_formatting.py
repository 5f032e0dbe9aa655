"""print, printf and println as fmt documents them; each expectation is what Go prints."""

from __future__ import annotations

import math

import pytest

from tocsin.query.gotemplate import Struct, Template, TextMap
from tocsin.query.gotemplate.durations import Duration


def render(text: str, data: object = None) -> str:
    """What a template prints."""
    return Template.parse("t", text).render(data)


@pytest.mark.parametrize(
    ("layout", "arguments", "expected"),
    [
        ("%d|%5d|%-5d|%05d|%+d|% d", "42 42 42 42 42 42", "42|   42|42   |00042|+42| 42"),
        ("%d|%6d|%-6d|%06d", "-42 -42 -42 -42", "-42|   -42|-42   |-00042"),
        ("%x|%X|%#x|%o|%#o|%O|%b", "255 255 255 8 8 8 5", "ff|FF|0xff|10|010|0o10|101"),
        ("%.3d|%8.3d|%+.3d", "5 5 5", "005|     005|+005"),
        ("%c|%q|%U|%#U", "9731 65 9731 128512", "☃|'A'|U+2603|U+1F600 '😀'"),
        ("%f|%.2f|%8.3f|%-8.1f|%+.1f|%08.3f", "3.14159 3.14159 3.14159 2.5 2.5 3.14159",
         "3.141590|3.14|   3.142|2.5     |+2.5|0003.142"),
        ("%e|%E|%.3e", "123456.789 0.5 12345.678", "1.234568e+05|5.000000E-01|1.235e+04"),
        ("%g|%g|%g|%.3g|%.10g|%G", "0.00001234 100000.0 1000000.0 1234.5678 1234.5678 1e-10",
         "1.234e-05|100000|1e+06|1.23e+03|1234.5678|1E-10"),
        ("%v|%v|%v|%v", "1e6 123456789.0 0.0001 100000.0", "1e+06|1.23456789e+08|0.0001|100000"),
        ("%.0f|%.0f|%.0f|%6.2f%%", "0.5 1.5 2.5 12.345", "0|2|2| 12.35%"),
        ("%x", "1.5", "0x1.8p+00"),
        ("%s|%5s|%-5s|%.2s|%5.1s|", '"abc" "abc" "abc" "abc" "abc"', "abc|  abc|abc  |ab|    a|"),
        ("%q|%x|%X|% x|%#x", '"a\\tb" "hi" "hi" "hi" "hi"', '"a\\tb"|6869|6869|68 69|0x6869'),
        ("%q|%+q|%#q", '"é☃" "é☃" "abc"', '"é☃"|"\\u00e9\\u2603"|`abc`'),
        ("%t|%v|%5t|%-7t|", "true false true false", "true|false| true|false  |"),
        ("%v|%s", "nil nil", "<nil>|%!s(<nil>)"),
        ("%T %T %T %T %T", '1 1.0 "a" true nil', "int float64 string bool <nil>"),
        ("%#v %#v %#v %+v", '"a" 1 1.0 1', '"a" 1 1 1'),
        ("%[2]d %[1]d|%[1]d %[1]v", "1 2", "2 1|1 1"),
        ("%*d|%-*d|%.*f", "5 1 5 1 2 3.14159", "    1|1    |3.14"),
        ("%% %%", "", "% %"),
    ],
)  # fmt: skip
def test_verbs(layout: str, arguments: str, expected: str) -> None:
    """Flags, width, precision, indexes."""
    assert render(f"{{{{printf `{layout}` {arguments}}}}}") == expected


@pytest.mark.parametrize(
    ("layout", "arguments", "expected"),
    [
        ("%d", '"hi"', "%!d(string=hi)"),
        ("%s", "3", "%!s(int=3)"),
        ("%t", "1", "%!t(int=1)"),
        ("%z", "1", "%!z(int=1)"),
        ("%d %d", "1", "1 %!d(MISSING)"),
        ("%d", "1 2", "1%!(EXTRA int=2)"),
        ("none", '1 "a" nil', "none%!(EXTRA int=1, string=a, <nil>)"),
        ("100%", "", "100%!(NOVERB)"),
        ("%!", "", "%!!(MISSING)"),
        ("%[3]d", "1", "%!d(BADINDEX)"),
        ("%[x]d", "1", "%!d(BADINDEX)"),
        ("%*d", '"a" 1', "%!(BADWIDTH)1"),
    ],
)
def test_mistakes_show_in_the_text(layout: str, arguments: str, expected: str) -> None:
    """A wrong layout does not stop an alert."""
    assert render(f'{{{{printf "{layout}" {arguments}}}}}') == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{print 1 2 "a" "b" 3}}', "1 2ab3"),
        ('{{print "a" 1 2 nil nil}}', "a1 2 <nil> <nil>"),
        ("{{print}}|{{println}}|", "|\n|"),
        ('{{println 1 "a"}}', "1 a\n"),
        ("{{print .l .m}}", "[a b] map[k:v]"),
        ('{{printf "%q %d" .l .l}}', '["a" "b"] [%!d(string=a) %!d(string=b)]'),
        ('{{printf "%v %s" .mixed .m}}', "[1 <nil> true] map[k:v]"),
        ('{{printf "%#v %T" .m .m}}', 'map[string]string{"k":"v"} map[string]string'),
        ('{{printf "%v %+v" .s .s}}', "{web 3} {Name:web Age:3}"),
        ('{{.d}} {{printf "%s %d %v" .d .d .d}}', "1m30s 1m30s 90000000000 1m30s"),
        ('{{.inf}} {{printf "%.2f %v" .nan .inf}} {{printf "%06.1f|%+v" .inf .nan}}', "+Inf NaN +Inf   +Inf|NaN"),
    ],
)
def test_values_of_many_parts(text: str, expected: str) -> None:
    """Lists, maps sorted by key, structs, values that have a text of their own."""
    data = {
        "l": ["a", "b"],
        "m": TextMap({"k": "v"}),
        "mixed": [1, None, True],
        "s": Struct("v1.Pod", {"Name": "web", "Age": 3}),
        "d": Duration.of_seconds(90),
        "inf": math.inf,
        "nan": math.nan,
    }

    assert render(text, data) == expected
