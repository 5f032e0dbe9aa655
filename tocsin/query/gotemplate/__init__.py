"""Go's template language, for alerts' texts as Prometheus and Alertmanager have them. docs/reference/templates.md.

`lexer` and `parser` make a tree, `evaluation` runs it over `values`; `prometheus` and `alertmanager` are tables of
functions. A new function is a line in such a table. Imports `model` only.
"""

from tocsin.query.gotemplate.errors import Fault, TemplateError
from tocsin.query.gotemplate.limits import Limits
from tocsin.query.gotemplate.template import Template, TemplateSet
from tocsin.query.gotemplate.values import Function, Struct, TextMap

__all__ = ["Fault", "Function", "Limits", "Struct", "Template", "TemplateError", "TemplateSet", "TextMap"]
