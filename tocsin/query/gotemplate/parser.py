"""Reads the tokens of a template into its tree and the trees of what it defines."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from tocsin.query.gotemplate import literals, nodes
from tocsin.query.gotemplate.errors import Fault, TemplateError, place
from tocsin.query.gotemplate.lexer import Kind, Token, tokens
from tocsin.query.gotemplate.limits import MAX_NESTING, MAX_TEXT, MAX_VARIABLES

_KEYWORDS = {"block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"}
_T = TypeVar("_T")
_CONSTANTS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Sources:
    """What a text holds.

    Attributes:
        main: The tree of what stands outside of definitions.
        defined: The trees of `define` and `block` by name.
    """

    main: nodes.Tree
    defined: dict[str, nodes.Tree]


def parse(name: str, text: str, functions: Collection[str], variables: Collection[str] = ()) -> Sources:
    """Read a template.

    Args:
        name: What errors call it.
        text: Its source.
        functions: The names that it may call.
        variables: The names (without `$`) of variables that it finds set.

    Raises:
        TemplateError: It is not a template, calls an unknown function or uses an unknown variable.
    """
    if len(text) > MAX_TEXT:
        raise place(name, text, 0, f"the template has {len(text)} characters; at most {MAX_TEXT} are allowed")
    return _Parser(name, text, functions, variables).sources()


class _Parser:
    def __init__(self, name: str, text: str, functions: Collection[str], variables: Collection[str]) -> None:
        self._name = name
        self._text = text
        self._functions = functions
        self._tokens = list(tokens(name, text))
        self._position = 0
        self._variables = ["$", *(f"${variable}" for variable in variables)]
        self._loops = 0
        self._depth = 0
        self._defined: dict[str, nodes.Tree] = {}

    def sources(self) -> Sources:
        body, end = self._list(top=True)
        if end:
            raise self._error(f"unexpected {{{{{end.text}}}}}", end)
        return Sources(self._tree(self._name, body), self._defined)

    # --- tokens ---

    def _peek(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._tokens[self._position]
        self._position += token.kind is not Kind.END
        return token

    def _skip(self) -> Token:
        while self._peek().kind is Kind.SPACE:
            self._position += 1
        return self._peek()

    def _error(self, message: str, token: Token | None = None) -> TemplateError:
        return place(self._name, self._text, (token or self._peek()).offset, message)

    def _unexpected(self, token: Token, context: str) -> TemplateError:
        shown = token.kind.value if token.kind in (Kind.RIGHT, Kind.END, Kind.TEXT) else f"<{token.text}>"
        return self._error(f"unexpected {shown} in {context}", token)

    def _expect_end(self, context: str) -> None:
        token = self._skip()
        if token.kind is not Kind.RIGHT:
            raise self._unexpected(token, context)
        self._next()

    def _nest(self) -> None:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._error(f"nested deeper than {MAX_NESTING} levels")

    # --- statements ---

    def _tree(self, name: str, body: tuple[nodes.Node, ...]) -> nodes.Tree:
        return nodes.Tree(name, self._name, self._text, body)

    def _list(self, *, top: bool = False) -> tuple[tuple[nodes.Node, ...], Token | None]:
        """Nodes up to `else` or `end`, whose token comes with them, or up to the end of the text (None)."""
        found: list[nodes.Node] = []
        while True:
            token = self._next()
            if token.kind is Kind.END:
                return tuple(found), None
            if token.kind is Kind.TEXT:
                found.append(nodes.Text(token.text, token.offset))
                continue
            word = self._skip()
            if word.kind is Kind.WORD and word.text in ("else", "end"):
                self._next()
                return tuple(found), word
            found += self._statement(word, token, top=top)

    def _statement(self, word: Token, left: Token, *, top: bool) -> list[nodes.Node]:
        if word.kind is not Kind.WORD or word.text not in _KEYWORDS:
            return [self._action(left)]
        self._next()
        self._nest()
        try:
            if word.text == "define":
                return self._define(word, top=top)
            return [_STATEMENTS[word.text](self, word)]
        finally:
            self._depth -= 1

    def _action(self, left: Token) -> nodes.Node:
        return nodes.Action(self._pipeline("command", Kind.RIGHT), left.offset)

    def _body(self, word: Token, *, loop: bool = False) -> tuple[tuple[nodes.Node, ...], tuple[nodes.Node, ...]]:
        self._loops += loop
        body, end = self._list()
        self._loops -= loop
        orelse: tuple[nodes.Node, ...] = ()
        if end and end.text == "else":
            orelse, end = self._else(word)
        if end is None:
            raise self._error(f"unexpected end of the template: {{{{{word.text}}}}} has no {{{{end}}}}", word)
        if end.text != "end":
            raise self._error("unexpected {{else}}", end)
        self._expect_end("end")
        return body, orelse

    def _else(self, word: Token) -> tuple[tuple[nodes.Node, ...], Token | None]:
        again = self._skip()
        if again.kind is Kind.WORD and again.text == word.text and word.text in ("if", "with"):
            # `{{else if}}` is an `if` within the `else` that shares its `{{end}}`.
            self._next()
            self._nest()
            inner = self._branch(again)
            self._depth -= 1
            # Back to the delimiter after `end`, for the outer `if` to read too.
            self._position -= 1
            return (inner,), Token(Kind.WORD, "end", again.offset)
        self._expect_end("else")
        return self._list()

    def _branch(self, word: Token) -> nodes.Node:
        known = len(self._variables)
        pipeline = self._pipeline(word.text, Kind.RIGHT)
        body, orelse = self._body(word)
        del self._variables[known:]
        return nodes.Branch(pipeline, body, orelse, word.text == "with", word.offset)

    def _range(self, word: Token) -> nodes.Node:
        known = len(self._variables)
        pipeline = self._pipeline("range", Kind.RIGHT)
        body, orelse = self._body(word, loop=True)
        del self._variables[known:]
        return nodes.Range(pipeline, body, orelse, word.offset)

    def _jump(self, word: Token) -> nodes.Node:
        if not self._loops:
            raise self._error(f"{{{{{word.text}}}}} outside {{{{range}}}}", word)
        self._expect_end(word.text)
        return nodes.Jump(word.text == "continue", word.offset)

    def _call(self, word: Token) -> nodes.Node:
        name = self._name_of_template("template clause")
        if self._skip().kind is Kind.RIGHT:
            self._next()
            return nodes.Call(name, None, word.offset)
        return nodes.Call(name, self._pipeline("template clause", Kind.RIGHT), word.offset)

    def _define(self, word: Token, *, top: bool) -> list[nodes.Node]:
        if not top:
            raise self._error("unexpected {{define}}: definitions do not stand within others", word)
        name = self._name_of_template("define clause")
        self._expect_end("define clause")
        self._definition(name, word)
        return []

    def _block(self, word: Token) -> nodes.Node:
        name = self._name_of_template("block clause")
        pipeline = self._pipeline("block clause", Kind.RIGHT)
        self._definition(name, word)
        return nodes.Call(name, pipeline, word.offset)

    def _definition(self, name: str, word: Token) -> None:
        outer, self._variables = self._variables, ["$"]
        loops, self._loops = self._loops, 0
        body, end = self._list()
        if end is None or end.text != "end":
            raise self._error(f"{{{{{word.text}}}}} has no {{{{end}}}}", word)
        self._expect_end("end")
        self._variables, self._loops = outer, loops
        tree = self._tree(name, body)
        known = self._defined.get(name)
        if known is None or known.empty:
            self._defined[name] = tree
        elif not tree.empty:
            raise self._error(f"template: multiple definition of template {name!r}", word)

    def _name_of_template(self, context: str) -> str:
        token = self._skip()
        if token.kind not in (Kind.STRING, Kind.RAW):
            raise self._unexpected(token, context)
        self._next()
        return self._literal(literals.string, token)

    # --- pipelines ---

    def _pipeline(self, context: str, end: Kind) -> nodes.Pipeline:
        start = self._skip()
        variables, assign = self._declarations(context)
        commands: list[nodes.Command] = []
        while (token := self._skip()).kind is not end:
            if token.kind is Kind.PIPE and commands:
                self._next()
                if self._skip().kind is end:
                    break
            elif commands or token.kind in (Kind.RIGHT, Kind.CLOSE):
                raise self._unexpected(token, context)
            commands.append(self._command(context))
        self._next()
        if not commands:
            raise self._error(f"missing value for {context}", start)
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.arguments[0], nodes.Constant | nodes.Dot | nodes.Nil):
                message = f"non executable command in pipeline stage {stage}"
                raise place(self._name, self._text, command.offset, message)
        return nodes.Pipeline(variables, assign, tuple(commands), start.offset)

    def _declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        start, found = self._position, []
        while self._skip().kind is Kind.VARIABLE:
            found.append(self._next())
            separator = self._skip()
            if separator.kind in (Kind.DECLARE, Kind.ASSIGN):
                self._next()
                return self._declared(found, assign=separator.kind is Kind.ASSIGN)
            if separator.kind is not Kind.COMMA:
                break
            if context != "range" or len(found) > 1:
                raise self._error(f"too many declarations in {context}", separator)
            self._next()
            if self._skip().kind is not Kind.VARIABLE:
                raise self._error("range can only initialize variables")
        self._position = start
        return (), False

    def _declared(self, found: list[Token], *, assign: bool) -> tuple[tuple[str, ...], bool]:
        for token in found:
            if assign:
                self._known(token)
            else:
                self._variables.append(token.text)
        if len(self._variables) > MAX_VARIABLES:
            raise self._error(f"more than {MAX_VARIABLES} variables", found[0])
        return tuple(token.text for token in found), assign

    def _known(self, token: Token) -> None:
        if token.text not in self._variables:
            raise self._error(f"undefined variable {token.text!r}", token)

    def _command(self, context: str) -> nodes.Command:
        first = self._skip()
        arguments: list[nodes.Operand] = []
        while True:
            operand = self._operand()
            if operand is None:
                break
            arguments.append(operand)
            if self._peek().kind is not Kind.SPACE:
                break
            self._skip()
        if not arguments:
            raise self._unexpected(first, context)
        if self._skip().kind not in (Kind.PIPE, Kind.RIGHT, Kind.CLOSE):
            raise self._unexpected(self._peek(), "operand")
        return nodes.Command(tuple(arguments), first.offset)

    def _operand(self) -> nodes.Operand | None:
        token = self._peek()
        read = _TERMS.get(token.kind)
        if read is None or (token.kind is Kind.WORD and token.text in _KEYWORDS):
            return None
        self._next()
        term = read(self, token)
        names: list[str] = []
        while self._peek().kind is Kind.FIELD:
            names.append(self._next().text[1:])
        return self._chained(term, tuple(names), token) if names else term

    def _chained(self, term: nodes.Operand, names: tuple[str, ...], token: Token) -> nodes.Operand:
        if isinstance(term, nodes.Field):
            return nodes.Field(term.names + names, term.offset)
        if isinstance(term, nodes.Variable):
            return nodes.Variable(term.name, names, term.offset)
        if isinstance(term, nodes.Constant | nodes.Nil | nodes.Dot):
            raise self._error(f"unexpected . after term {token.text!r}", token)
        return nodes.Chain(term, names, token.offset)

    def _word(self, token: Token) -> nodes.Operand:
        if token.text in _CONSTANTS:
            return nodes.Constant(_CONSTANTS[token.text], token.offset)
        if token.text == "nil":
            return nodes.Nil(token.offset)
        if token.text not in self._functions:
            raise self._error(f"function {token.text!r} not defined", token)
        return nodes.Word(token.text, token.offset)

    def _variable(self, token: Token) -> nodes.Operand:
        self._known(token)
        return nodes.Variable(token.text, (), token.offset)

    def _parenthesis(self, _: Token) -> nodes.Operand:
        self._nest()
        pipeline = self._pipeline("parenthesized pipeline", Kind.CLOSE)
        self._depth -= 1
        return pipeline

    def _constant(self, token: Token) -> nodes.Operand:
        read: Callable[[str], int | float | str] = _LITERALS[token.kind]
        return nodes.Constant(self._literal(read, token), token.offset)

    def _literal(self, read: Callable[[str], _T], token: Token) -> _T:
        try:
            return read(token.text)
        except Fault as fault:
            raise self._error(str(fault), token) from None


_LITERALS: dict[Kind, Callable[[str], int | float | str]] = {
    Kind.STRING: literals.string,
    Kind.RAW: literals.string,
    Kind.CHARACTER: literals.character,
    Kind.NUMBER: literals.number,
}
_TERMS: dict[Kind, Callable[[_Parser, Token], nodes.Operand]] = {
    Kind.DOT: lambda _, token: nodes.Dot(token.offset),
    Kind.FIELD: lambda _, token: nodes.Field((token.text[1:],), token.offset),
    Kind.WORD: _Parser._word,
    Kind.VARIABLE: _Parser._variable,
    Kind.OPEN: _Parser._parenthesis,
    **dict.fromkeys(_LITERALS, _Parser._constant),
}
_STATEMENTS: dict[str, Callable[[_Parser, Token], nodes.Node]] = {
    "block": _Parser._block,
    "break": _Parser._jump,
    "continue": _Parser._jump,
    "if": _Parser._branch,
    "range": _Parser._range,
    "template": _Parser._call,
    "with": _Parser._branch,
}
