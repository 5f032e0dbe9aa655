"""Runs a template's tree: text/template's "Actions", "Pipelines" and "Variables".

Every node and call is charged to a `Meter`, so that no template runs for long. The errors that leave are
TemplateErrors with the place of the operand at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from tocsin.model.errors import InvalidInput
from tocsin.query.gotemplate import formatting, nodes, quoting
from tocsin.query.gotemplate.contexts import HtmlContext
from tocsin.query.gotemplate.errors import Fault, place
from tocsin.query.gotemplate.limits import Limits, Meter, Sink
from tocsin.query.gotemplate.values import Function, Struct, field, method, sorted_items, truth, type_name

_CHARACTERS_A_STEP = 50
"""A call is charged a step for as many characters of its arguments and result."""

_RANGE_LIMIT = 10_000_000


class _Jump(Enum):
    BREAK = "break"
    CONTINUE = "continue"


class _Absent(Enum):
    """No value was piped in."""

    ABSENT = 0


_ABSENT = _Absent.ABSENT


class Run:
    """One rendering.

    Args:
        trees: The templates that can be called by name.
        functions: What can be called, by name.
        limits: How much it may use up.
        html: True if values are escaped for HTML.
    """

    def __init__(
        self,
        trees: Mapping[str, nodes.Tree],
        functions: Mapping[str, Function],
        limits: Limits,
        *,
        html: bool = False,
    ) -> None:
        self._trees = trees
        self._functions = functions
        self._meter = Meter(limits)
        self._limit = limits.output
        self._sink = Sink(self._meter)
        self._context = HtmlContext(self._meter) if html else None

    def render(self, tree: nodes.Tree, data: object, variables: Mapping[str, object]) -> str:
        """The text of a template for `data` as dot. Raises TemplateError."""
        _Frame(self, tree, data, variables).run(tree.nodes)
        return self._sink.text()

    def call_template(self, name: str, data: object) -> None:
        """Write what another template makes of `data`."""
        tree = self._trees.get(name)
        if tree is None:
            raise Fault(f"template {name!r} not defined")
        self._meter.enter()
        _Frame(self, tree, data, {}).run(tree.nodes)
        self._meter.leave()

    def rendered(self, name: str, data: object) -> str:
        """What another template makes of `data`, as a value."""
        outer, self._sink = self._sink, Sink(self._meter)
        try:
            self.call_template(name, data)
            return quoting.SafeHtml(self._sink.text())
        finally:
            self._sink = outer

    def literal(self, text: str) -> None:
        """Write the template's own text."""
        self._sink.write(text)
        if self._context:
            self._context.literal(text)

    def value(self, value: object) -> None:
        """Write a value."""
        if isinstance(value, Function):
            raise Fault("can't print a value of type func")
        missing = "" if self._context else "<no value>"
        text = missing if value is None else formatting.sprint(self._meter, value)
        self._meter.charge((10 if self._context else 0) + len(text) // _CHARACTERS_A_STEP)
        self._sink.write(self._context.escape(value, text) if self._context else text)

    def charge(self, *values: object) -> None:
        """Count a step, and more for long values."""
        self._meter.charge(1 + sum(len(v) for v in values if isinstance(v, str | list | tuple)) // _CHARACTERS_A_STEP)

    def enter(self) -> None:
        """Go a level deeper."""
        self._meter.enter()

    def leave(self) -> None:
        """Come back from it."""
        self._meter.leave()

    def function(self, name: str) -> Function:
        """A function by its name, which the parser has checked."""
        return self._functions[name]

    def invoke(self, name: str, function: Function, arguments: Sequence[object]) -> object:
        """Call a function after a check of its arguments."""
        function.check(name, arguments)
        try:
            result = function.call(*([self._meter] if function.metered else []), *arguments)
        except (Fault, InvalidInput) as fault:
            raise Fault(f"error calling {name}: {fault}") from None
        self.charge(result, *arguments)
        if isinstance(result, str) and len(result) > self._limit:
            raise Fault(f"the text grows beyond {self._limit} characters")
        return result


class _Frame:
    """The evaluation of one template: its variables and, for errors, its text."""

    def __init__(self, run: Run, tree: nodes.Tree, data: object, variables: Mapping[str, object]) -> None:
        self._run = run
        self._tree = tree
        self._data = data
        self._variables: list[tuple[str, object]] = [("$", data)]
        self._variables += [(f"${name}", value) for name, value in variables.items()]

    def run(self, body: Iterable[nodes.Node]) -> None:
        self._list(body, self._data)

    # --- statements ---

    def _list(self, body: Iterable[nodes.Node], dot: object) -> _Jump | None:
        for node in body:
            try:
                jump = _STATEMENTS[type(node)](self, node, dot)
            except Fault as fault:
                raise self._placed(fault, node.offset) from None
            if jump:
                return jump
        return None

    def _placed(self, fault: Fault, offset: int) -> Exception:
        return place(self._tree.file, self._tree.text, offset, str(fault))

    def _text(self, node: nodes.Text, _: object) -> None:
        self._run.charge()
        self._run.literal(node.text)

    def _action(self, node: nodes.Action, dot: object) -> None:
        value = self._pipeline(node.pipeline, dot)
        if not node.pipeline.variables:
            self._run.value(value)

    def _branch(self, node: nodes.Branch, dot: object) -> _Jump | None:
        known = len(self._variables)
        value = self._pipeline(node.pipeline, dot)
        holds = truth(value)
        inner = value if holds and node.sets_dot else dot
        jump = self._block(node.body if holds else node.orelse, inner)
        del self._variables[known:]
        return jump

    def _block(self, body: Iterable[nodes.Node], dot: object) -> _Jump | None:
        self._run.enter()
        jump = self._list(body, dot)
        self._run.leave()
        return jump

    def _range(self, node: nodes.Range, dot: object) -> _Jump | None:
        known = len(self._variables)
        value = self._pipeline(node.pipeline, dot)
        jump: _Jump | None = None
        empty = True
        for key, item in _elements(value):
            empty = False
            self._run.charge()
            kept = len(self._variables)
            self._bind_element(node.pipeline, key, item)
            ended = self._block(node.body, item)
            del self._variables[kept:]
            if ended is _Jump.BREAK:
                break
        if empty:
            jump = self._block(node.orelse, dot)
        del self._variables[known:]
        return jump

    def _bind_element(self, pipeline: nodes.Pipeline, key: object, item: object) -> None:
        names = pipeline.variables
        values = (item,) if len(names) == 1 else (key, item)
        for name, value in zip(names, values, strict=False):
            self._bind(name, value, assign=pipeline.assign)

    def _call(self, node: nodes.Call, dot: object) -> None:
        self._run.charge()
        self._run.call_template(node.name, self._pipeline(node.pipeline, dot) if node.pipeline else None)

    def _jump(self, node: nodes.Jump, _: object) -> _Jump:
        self._run.charge()
        return _Jump.CONTINUE if node.again else _Jump.BREAK

    # --- variables ---

    def _bind(self, name: str, value: object, *, assign: bool) -> None:
        if not assign:
            self._variables.append((name, value))
            return
        for index in range(len(self._variables) - 1, -1, -1):
            if self._variables[index][0] == name:
                self._variables[index] = (name, value)
                return
        raise Fault(f"undefined variable {name!r}")

    def _value_of(self, name: str) -> object:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        raise Fault(f"undefined variable {name!r}")

    # --- pipelines ---

    def _pipeline(self, pipeline: nodes.Pipeline, dot: object) -> object:
        value: object = _ABSENT
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        for name in pipeline.variables:
            self._bind(name, value, assign=pipeline.assign)
        return value

    def _command(self, command: nodes.Command, dot: object, piped: object) -> object:
        first, rest = command.arguments[0], command.arguments[1:]
        self._run.charge()
        try:
            if isinstance(first, nodes.Word):
                return self._function(first, rest, dot, piped)
            if isinstance(first, nodes.Field | nodes.Variable | nodes.Chain):
                start, names = self._start(first, dot)
                arguments = self._arguments(rest, dot, piped)
                return self._fields(start, names, arguments, lenient=not isinstance(first, nodes.Chain))
            return self._plain(first, dot, lonely=not rest and piped is _ABSENT)
        except Fault as fault:
            raise self._placed(fault, first.offset) from None

    def _plain(self, operand: nodes.Operand, dot: object, *, lonely: bool) -> object:
        if not lonely:
            raise Fault("can't give argument to non-function")
        if isinstance(operand, nodes.Nil):
            raise Fault("nil is not a command")
        return self._operand(operand, dot)

    def _arguments(self, operands: Iterable[nodes.Operand], dot: object, piped: object) -> list[object]:
        values = [self._operand(operand, dot) for operand in operands]
        return values if piped is _ABSENT else [*values, piped]

    def _operand(self, operand: nodes.Operand, dot: object) -> object:
        self._run.charge()
        try:
            return _OPERANDS[type(operand)](self, operand, dot)
        except Fault as fault:
            raise self._placed(fault, operand.offset) from None

    def _parenthesis(self, operand: nodes.Pipeline, dot: object) -> object:
        self._run.enter()
        value = self._pipeline(operand, dot)
        self._run.leave()
        return value

    def _path(self, operand: nodes.Field | nodes.Variable | nodes.Chain, dot: object) -> object:
        start, names = self._start(operand, dot)
        return self._fields(start, names, [], lenient=not isinstance(operand, nodes.Chain))

    def _start(
        self, operand: nodes.Field | nodes.Variable | nodes.Chain, dot: object
    ) -> tuple[object, tuple[str, ...]]:
        if isinstance(operand, nodes.Field):
            return dot, operand.names
        if isinstance(operand, nodes.Variable):
            return self._value_of(operand.name), operand.names
        value = self._operand(operand.operand, dot)
        if value is None:
            raise Fault(f"nil pointer evaluating interface {{}}.{operand.names[0]}")
        return value, operand.names

    def _fields(self, value: object, names: Sequence[str], arguments: list[object], *, lenient: bool) -> object:
        if not names and arguments:
            raise Fault("can't give argument to non-function")
        for index, name in enumerate(names):
            given = arguments if index == len(names) - 1 else []
            if value is None and lenient:
                # A field of nothing is nothing, as in Go with a key that is missing.
                return None
            value = self._field(value, name, given)
        return value

    def _field(self, value: object, name: str, arguments: list[object]) -> object:
        function = method(value, name)
        if function:
            return self._run.invoke(name, _bound(function, value), arguments)
        found = field(value, name)
        if arguments:
            what = (
                "has arguments but cannot be invoked as function"
                if isinstance(value, Struct)
                else ("is not a method but has arguments")
            )
            raise Fault(f"{name} {what}")
        return found

    # --- functions ---

    def _function(self, word: nodes.Word, rest: Sequence[nodes.Operand], dot: object, piped: object) -> object:
        special = _SPECIAL.get(word.name)
        if special:
            return special(self, rest, dot, piped)
        arguments = self._arguments(rest, dot, piped)
        if word.name == "tmpl":
            self._run.function(word.name).check(word.name, arguments)
            return self._run.rendered(str(arguments[0]), arguments[1])
        return self._run.invoke(word.name, self._run.function(word.name), arguments)

    def _word(self, word: nodes.Word, dot: object) -> object:
        return self._function(word, (), dot, _ABSENT)

    def _and_or(self, rest: Sequence[nodes.Operand], dot: object, piped: object, *, stop: bool) -> object:
        value = piped
        for operand in rest:
            value = self._operand(operand, dot)
            if truth(value) == stop:
                return value
        value = value if piped is _ABSENT else piped
        if value is _ABSENT:
            raise Fault(f"wrong number of args for {'or' if stop else 'and'}: want at least 1 got 0")
        return value

    def _invoke_value(self, rest: Sequence[nodes.Operand], dot: object, piped: object) -> object:
        arguments = self._arguments(rest, dot, piped)
        if not arguments:
            raise Fault("wrong number of args for call: want at least 1 got 0")
        function, *given = arguments
        if not isinstance(function, Function):
            raise Fault(f"error calling call: non-function of type {type_name(function)}")
        return self._run.invoke("call", function, given)


def _bound(function: Function, value: object) -> Function:
    return Function(lambda *arguments: function.call(value, *arguments), *function.parameters, rest=function.rest)


def _elements(value: object) -> Iterable[tuple[object, object]]:
    """Keys and elements of what `range` goes over."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return enumerate(value)
    if isinstance(value, Mapping):
        return sorted_items(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return ((index, index) for index in range(min(value, _RANGE_LIMIT)))
    raise Fault(f"range can't iterate over a value of type {type_name(value)}")


_SPECIAL: dict[str, Callable[[_Frame, Sequence[nodes.Operand], object, object], object]] = {
    "and": lambda frame, rest, dot, piped: frame._and_or(rest, dot, piped, stop=False),
    "or": lambda frame, rest, dot, piped: frame._and_or(rest, dot, piped, stop=True),
    "call": _Frame._invoke_value,
}
_STATEMENTS: dict[type, Callable[..., _Jump | None]] = {
    nodes.Text: _Frame._text,
    nodes.Action: _Frame._action,
    nodes.Branch: _Frame._branch,
    nodes.Range: _Frame._range,
    nodes.Call: _Frame._call,
    nodes.Jump: _Frame._jump,
}
_OPERANDS: dict[type, Callable[..., object]] = {
    nodes.Dot: lambda _, __, dot: dot,
    nodes.Nil: lambda *_: None,
    nodes.Constant: lambda _, operand, __: operand.value,
    nodes.Field: _Frame._path,
    nodes.Variable: _Frame._path,
    nodes.Chain: _Frame._path,
    nodes.Pipeline: _Frame._parenthesis,
    nodes.Word: _Frame._word,
}
