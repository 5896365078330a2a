"""Directives that print what the package declares: nothing about a parameter is written twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from chirospin.base.family import Problem
from chirospin.base.observables import Observable
from chirospin.base.parameters import DIMENSIONLESS, Model, ParameterInfo
from chirospin.faces.arguments import problem

_SPECIAL = re.compile(r"([*`|\\_])")


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _symbol(latex: str) -> str:
    return f":math:`{latex}`" if latex else ""


def _unit(unit: str) -> str:
    return "" if unit == DIMENSIONLESS else _plain(unit)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], widths: str) -> str:
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :widths: {widths}",
        "   :class: facts",
        "",
    ]
    for row in (titles, *rows):
        lines += [f"   {'* -' if n == 0 else '  -'} {cell}" for n, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def _default(info: ParameterInfo) -> str:
    if info.default is None:
        return ""
    return f"{info.default:.6g}" if isinstance(info.default, float) else _plain(str(info.default))


def _parameters(model: type[Model]) -> str:
    rows = [
        (
            f"``{i.name}``",
            _symbol(i.symbol),
            _unit(i.unit),
            _default(i),
            _plain(i.range),
            _plain(i.about),
        )
        for i in model.parameters()
    ]
    rows += [
        (f"``{name}``", _symbol(model.parameter_info(name).symbol), "", "", "", f"sets {members}")
        for name, values in model.shorthands.items()
        for members in [", ".join(f"``{v}``" for v in values)]
    ]
    titles = ("name", "symbol", "unit", "default", "range", "meaning")
    return _table(titles, rows, "20 8 10 9 17 36")


def _methods(one: Problem) -> str:
    lines = []
    for name, method in one.methods.items():
        lines.append(f"``{name}`` (:class:`~{method.__module__}.{method.__qualname__}`)")
        lines.append(f"   {_plain(method.summary)}.")
        settings = [
            f"   - ``{key}`` = {_plain(str(field.default))}: {_plain(field.description or '')}"
            for key, field in method.model_fields.items()
            if field.description
        ]
        lines += ["", *settings]
        lines.append("")
    return "\n".join(lines)


def _about(one: Observable) -> str:
    """First line of the docstring with its markup, which the faces strip."""
    return (one.function.__doc__ or one.about).strip().splitlines()[0]


def _observables(one: Problem) -> str:
    rows = [
        (f"``{o.name}``", _symbol(o.symbol), _unit(o.unit), _plain(", ".join(o.dims)), _about(o))
        for o in one.observables
    ]
    return _table(("name", "symbol", "unit", "dimensions", "meaning"), rows, "22 12 12 16 38")


def _checks(one: Problem) -> str:
    rows = [(f"``{c.name}``", "always", f"{c.tolerance:.3g}", _plain(c.about)) for c in one.checks]
    rows += [
        (f"``{a.name}``", "on demand", f"{a.tolerance:.3g}", _plain(a.about)) for a in one.audits
    ]
    return _table(("name", "runs", "tolerance", "what it tests"), rows, "22 12 12 54")


class ProblemFacts(SphinxDirective):
    """``.. problem:: FAMILY.MODEL`` prints parameters, methods, observables and checks."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        one = problem(self.arguments[0])
        model = f":class:`~{one.model.__module__}.{one.model.__qualname__}`"
        text = "\n\n".join(
            (
                f"{_plain(one.question[0].upper() + one.question[1:])}. Python: {model}; "
                f"shell: ``chirospin solve {one.path}``; plotted by default: ``{one.quantity}``.",
                ".. rubric:: Parameters",
                _parameters(one.model),
                ".. rubric:: Methods and their settings",
                _methods(one),
                ".. rubric:: Observables",
                _observables(one),
                ".. rubric:: Checks and audits",
                _checks(one),
            )
        )
        return list(self.parse_text_to_nodes(text))


def _without_bounds(
    app: Any,
    what: str,
    name: str,
    thing: Any,
    options: Any,
    signature: str | None,
    result: str | None,
) -> tuple[str | None, str | None]:
    """Signatures of settings name their types; the bounds stand in the table of the family."""
    return (re.sub(r"Annotated\[(\w+), [^\]]*\]", r"\1", signature) if signature else None), result


def setup(app: Any) -> dict[str, Any]:
    app.add_directive("problem", ProblemFacts)
    app.connect("autodoc-process-signature", _without_bounds)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
