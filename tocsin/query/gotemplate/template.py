"""What the rest of the program uses: a template that was read, and sets of templates that call each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tocsin.query.gotemplate import builtin, nodes
from tocsin.query.gotemplate.errors import TemplateError
from tocsin.query.gotemplate.evaluation import Run
from tocsin.query.gotemplate.limits import Limits
from tocsin.query.gotemplate.parser import Sources, parse
from tocsin.query.gotemplate.values import Function

_NONE: Mapping[str, Function] = MappingProxyType({})
_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read and can be run any number of times, by several threads at a time."""

    tree: nodes.Tree
    trees: Mapping[str, nodes.Tree] = field(repr=False)
    functions: Mapping[str, Function] = field(repr=False)

    @classmethod
    def parse(
        cls, name: str, text: str, functions: Mapping[str, Function] = _NONE, *, variables: Iterable[str] = ()
    ) -> Template:
        """Read a template.

        Args:
            name: What errors call it, such as a file or a rule's annotation.
            text: Its source.
            functions: What it may call besides the functions that every template has.
            variables: The names, without dollar, of variables that `render` will set.

        Raises:
            TemplateError: It is wrong at a known place.
        """
        return TemplateSet.of({}, functions).parse(name, text, variables=variables)

    def render(
        self,
        data: object,
        *,
        html: bool = False,
        variables: Mapping[str, object] | None = None,
        limits: Limits = _DEFAULT_LIMITS,
    ) -> str:
        """The text that the template makes.

        Args:
            data: What dot is at the start: values as `gotemplate.values` lists them.
            html: True if values are escaped for the place in an HTML document where they land.
            variables: Values of the variables named at `parse`, without dollars; those not given are nil.
            limits: How much it may use up.

        Raises:
            TemplateError: It cannot be run with this data, or uses up too much.
        """
        run = Run(self.trees, self.functions, limits, html=html)
        try:
            return run.render(self.tree, data, variables or {})
        except RecursionError:
            raise TemplateError("the template nests too deep", self.tree.name, 1, 1) from None


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """Templates of several files, which can call each other by name."""

    trees: Mapping[str, nodes.Tree]
    functions: Mapping[str, Function] = field(repr=False)

    @classmethod
    def of(cls, files: Mapping[str, str], functions: Mapping[str, Function] = _NONE) -> TemplateSet:
        """Read files, by name, in their order; a later definition replaces an earlier one. Raises TemplateError."""
        return cls({}, {**_SPECIAL, **builtin.FUNCTIONS, **functions}).extended(files)

    def extended(self, files: Mapping[str, str]) -> TemplateSet:
        """This set with more files. Raises TemplateError."""
        trees = dict(self.trees)
        for name, text in files.items():
            sources = self._read(name, text, ())
            _add(trees, {**sources.defined, name: sources.main})
        return TemplateSet(trees, self.functions)

    def template(self, name: str) -> Template:
        """A defined template, or a file, by its name. Raises KeyError if there is none."""
        return Template(self.trees[name], self.trees, self.functions)

    def parse(self, name: str, text: str, *, variables: Iterable[str] = ()) -> Template:
        """Read a text that may call the templates of this set. Raises TemplateError."""
        sources = self._read(name, text, tuple(variables))
        trees = dict(self.trees)
        _add(trees, sources.defined)
        return Template(sources.main, trees, self.functions)

    def _read(self, name: str, text: str, variables: tuple[str, ...]) -> Sources:
        try:
            return parse(name, text, self.functions, variables)
        except RecursionError:
            raise TemplateError("the template nests too deep", name, 1, 1) from None


_SPECIAL: Mapping[str, Function] = dict.fromkeys(builtin.SPECIAL, Function(lambda: None))


def _add(trees: dict[str, nodes.Tree], more: Mapping[str, nodes.Tree]) -> None:
    # A definition of blanks only, such as the rest of a file of definitions, does not replace one of text.
    trees.update({name: tree for name, tree in more.items() if name not in trees or not tree.empty})
