"""What a template may use up. Templates come from people's files; none may hold up the server or fill its memory."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.query.gotemplate.errors import Fault

MAX_TEXT = 300_000
"""Characters of a template's source."""

MAX_NESTING = 100
"""Levels of actions and parentheses within each other in a template's source."""

MAX_VARIABLES = 200
"""Variables that can be used at one place."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one rendering; going over any is a TemplateError.

    Attributes:
        output: Characters of the result, and of any text made on the way.
        steps: Nodes and calls evaluated; a call on long values counts as several.
        depth: Blocks, templates and parentheses that are open at a time.
    """

    output: int = 4_000_000
    steps: int = 500_000
    depth: int = 120


class Meter:
    """Counts what one rendering has used up.

    Args:
        limits: How much it may use up.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._steps = limits.steps
        self._depth = 0

    def charge(self, steps: int = 1) -> None:
        """Count steps; raises Fault when there are too many."""
        self._steps -= steps
        if self._steps < 0:
            raise Fault(f"the template takes more than {self.limits.steps} steps")

    def enter(self) -> None:
        """Go one level deeper; raises Fault when it is too deep."""
        self._depth += 1
        if self._depth > self.limits.depth:
            raise Fault(f"the template nests deeper than {self.limits.depth} levels")

    def leave(self) -> None:
        """Come back from a level."""
        self._depth -= 1


class Sink:
    """Collects text up to the limit of a meter; each piece is a step."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.limit = meter.limits.output
        self._left = self.limit
        self._parts: list[str] = []

    def write(self, text: str) -> None:
        """Add a text; raises Fault when there is too much of it."""
        self.meter.charge()
        self._left -= len(text)
        if self._left < 0:
            raise Fault(f"the text grows beyond {self.limit} characters")
        self._parts.append(text)

    def text(self) -> str:
        """What was collected."""
        return "".join(self._parts)
