"""Paths into JSON text, and the SQL that follows them through objects and arrays.

A path such as `spec.containers.securityContext.privileged` names every value it leads to, whichever steps are arrays:
the values of all containers. Each step is one parse by the engine of a small text, since what is kept from one step to
the next are the pieces of JSON found so far.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.query.sigma.sharing import Shared
from tocsin.store.sql import Sql, bind, compose, join

_KEYED_MAPS = frozenset(
    {
        "annotations",
        "labels",
        "matchLabels",
        "nodeSelector",
        "extra",
        "data",
        "stringData",
        "binaryData",
        "limits",
        "requests",
    }
)
"""Maps of Kubernetes objects whose keys may hold dots: what follows is one key, unless brackets say otherwise."""

_OBJECTS = frozenset(
    {
        "annotations", "capabilities", "clientConfig", "configMap", "configMapKeyRef", "emptyDir", "extra", "hostPath",
        "impersonatedUser", "involvedObject", "jobTemplate", "labels", "limits", "matchLabels", "metadata",
        "nodeSelector", "object", "objectRef", "persistentVolumeClaim", "podTemplate", "requestObject", "requests",
        "responseObject", "responseStatus", "roleRef", "secret", "secretKeyRef", "securityContext", "selector", "spec",
        "template", "user", "valueFrom",
    }
)  # fmt: skip
"""Fields that the Kubernetes API defines as objects, never arrays: a run of them is followed in one parse."""

_COMMON_KEYS = frozenset({"apiVersion", "kind", "labels", "metadata", "name", "namespace", "spec", "status", "type"})
"""Keys that nearly every object has, so that searching for them tells nothing."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_./$-]+")
_STEP = re.compile(
    r"""\[(?:(?P<index>\d*)|'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]|(?P<name>(?:\\.|[^.\[\\]|\\$)+)|\."""
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: a key, and whether a note such as `[]` says that its value is an array."""

    key: str
    array: bool = False


def parse_path(path: str) -> tuple[Step, ...]:
    r"""Split a path into steps.

    Dots part the steps; `[]`, `[3]` and a step that is a number note that the value is an array, and any of its
    elements counts. A key that holds dots is written `['a.b']` or `a\.b`; after a map whose keys are free (`labels`,
    `annotations`, `data`...) the rest is one key as it stands.
    """
    steps: list[Step] = []
    position = 0
    while position < len(path):
        if steps and path[position] == "." and steps[-1].key in _KEYED_MAPS and not steps[-1].array:
            rest = path[position + 1 :]
            if rest and not rest.startswith("["):
                return (*steps, Step(rest.replace("\\.", ".")))
        match = _STEP.match(path, position)
        if match is None:  # an unpaired bracket: the rest is a name
            return (*steps, Step(path[position:]))
        position = match.end()
        _add(steps, match)
    return tuple(steps)


def _add(steps: list[Step], match: re.Match[str]) -> None:
    name = match["name"]
    key = match["single"] if match["single"] is not None else match["double"]
    if key is not None:
        steps.append(Step(key))
    elif name is not None and not (steps and name.isdigit()):
        steps.append(Step(re.sub(r"\\(.)", r"\1", name)))
    elif steps and (match["index"] is not None or name is not None):
        steps[-1] = Step(steps[-1].key, array=True)


def pieces(document: Sql, steps: Sequence[Step], shared: Shared) -> Sql:
    """The JSON texts that a path leads to in `document` (a String expression), as Array(String).

    A piece is '' where the path ends early. An array at the end of the path stays one piece.
    """
    found = _documents(document, steps, shared)
    for run in _runs(steps):
        keys = join(", ", [bind(step.key) for step in run])
        source = elements(found, shared)
        found = shared.name(compose("arrayMap(e -> JSONExtractRaw(e, {keys}), {source})", keys=keys, source=source))
    return found


def _documents(document: Sql, steps: Sequence[Step], shared: Shared) -> Sql:
    """The document as an array of one, or of none if it cannot hold the path.

    Searching for a key is several times faster than parsing. A key can also be written with escapes, which a client may
    do on purpose, so a document with such escapes is kept.
    """
    found = shared.name(compose("arrayFilter(d -> d != '', [{document}])", document=document))
    keys = [step.key for step in steps if step.key not in _COMMON_KEYS and _PLAIN_KEY.fullmatch(step.key)]
    for key in dict.fromkeys((*keys[:1], *keys[-1:])):
        needles = bind([f'"{key}"', "\\u", *(["\\/"] if "/" in key else [])])
        template = "arrayFilter(d -> multiSearchAny(d, {needles}), {found})"
        found = shared.name(compose(template, needles=needles, found=found))
    return found


def elements(found: Sql, shared: Shared) -> Sql:
    """Each array among the JSON texts `found` replaced by its elements; what is missing left out."""
    opened = "if(startsWith(r, '['), JSONExtractArrayRaw(r), if(r = '', [], [r]))"
    return shared.name(compose(f"arrayFlatten(arrayMap(r -> {opened}, {{found}}))", found=found))


def texts(found: Sql, shared: Shared) -> Sql:
    """The values of the JSON texts `found` as text, arrays opened, missing ones and nulls left out.

    A string gives its characters; a number, truth value or object its JSON text.
    """
    return shared.name(
        compose(
            "arrayMap(r -> if(startsWith(r, '\"'), JSONExtractString(r), r), arrayFilter(r -> r != 'null', {found}))",
            found=elements(found, shared),
        )
    )


def _runs(steps: Sequence[Step]) -> list[list[Step]]:
    runs: list[list[Step]] = [[]] if steps else []
    for number, step in enumerate(steps):
        runs[-1].append(step)
        if number + 1 < len(steps) and (step.array or step.key not in _OBJECTS):
            runs.append([])
    return runs
