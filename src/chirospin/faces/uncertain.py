"""What is not known about a stack, carried to the polarisation: an interval, and which input decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.method import Method
from chirospin.base.parts import states_with_parts
from chirospin.base.stored import stored_methods, stored_model
from chirospin.base.units import number
from chirospin.faces.arguments import stored_problem
from chirospin.faces.text import table

DRAW = "draw"
GEOMETRY = "drawn_geometry"
INPUT = "input: "  # prefix of the long name of what was drawn
LOW, HIGH = 0.05, 0.95
FEWEST = 16
"""Draws: with fewer the ends of the interval are the extremes themselves."""
PARAMETERS = ("spin_orbit", "hubbard_a", "hubbard_b", "hund", "intersite_repulsion", "pseudoscalar")


def uncertain_result(
    source: Path,
    problem: Problem,
    values: Mapping[str, Any],
    method: Method,
    structures: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> xr.Dataset:
    """The model of a stored stack, solved for stacks drawn around it; one point for each draw.

    Raises
    ------
    ModelError : not a result of molecule.stack, or a model that takes no result
    ConvergenceError : a structure that does not converge
    """
    made: Any = getattr(problem.model, "from_result", None)
    stack = results.load(source)
    if made is None or stack.attrs.get("family") != "molecule" or stack.attrs["model"] != "stack":
        raise ModelError(
            f"Option --uncertain needs --from with a result of molecule.stack, but `{source}` is one of "
            f"{stack.attrs.get('family')}, or {problem.path} takes none"
        )
    from chirospin.molecule.draws import drawn_geometry, draws

    origin = stored_problem(stack)
    (how,) = stored_methods(stack, origin, {})
    center: Any = stored_model(stack, origin)
    progress(0, structures)
    found = list(draws(origin, center, how, structures, seed, progress))  # type: ignore[arg-type]
    models = [made(draw.stack, **values) for draw in found]
    grid = {DRAW: range(len(found))}
    needs = problem.needs(problem.choose(None, models[0]))
    states = states_with_parts(problem.parts, method, models, needs)
    ds = results.dataset(
        problem, method, models[0], grid, models, states, problem.choose(None, models[0]), swept=()
    )
    _forget_what_varies(ds)
    ds.attrs[GEOMETRY] = drawn_geometry(center)
    return _with_draws(ds, found)


def _forget_what_varies(ds: xr.Dataset) -> None:
    """Parameters that differ from draw to draw are no attributes of the result."""
    varied = {"energies", "spin_orbit_vectors", "one_body_matrix", "hund", "intersite_repulsion"}
    for name in list(ds.attrs):
        known = name.removeprefix("parameter_")
        if known in varied or known.startswith(("hubbard", "hopping")):
            del ds.attrs[name]


def _with_draws(ds: xr.Dataset, found: Sequence[Any]) -> xr.Dataset:
    """The result with what was drawn, and with the parameters of the stacks that follow."""
    for name in found[0].inputs:
        drawn = np.array([draw.inputs[name] for draw in found])
        about = {"units": "1", "long_name": INPUT + name}
        ds[name.replace(" ", "_")] = xr.Variable(DRAW, drawn, about)
    for name in PARAMETERS:
        variable = found[0].stack[name]
        ds[f"stack_{name}"] = xr.Variable(
            DRAW,
            np.array([float(draw.stack[name]) for draw in found]),
            {"units": variable.attrs["units"], "long_name": variable.attrs["long_name"]},
        )
    sizes = np.array([_hopping(draw.stack) for draw in found])
    for n, which in enumerate(("aa", "ab", "ba", "bb")):
        size = {"units": "eV", "long_name": f"size of the hopping t_{which}, mean over neighbours"}
        ds[f"stack_t_{which}"] = xr.Variable(DRAW, sizes[:, n], size)
    return ds


def _hopping(stack: xr.Dataset) -> Any:
    t = np.abs(stack["hopping"].values).reshape(-1, 4)
    return t.mean(axis=0) if len(t) else np.zeros(4)


def uncertain_facts(ds: xr.Dataset, quantity: str) -> dict[str, Any]:
    """Interval of a quantity, shares of its signs, and rank correlations with what was drawn.

    Raises
    ------
    ModelError : a quantity with dimensions of its own
    """
    if ds[quantity].dims != (DRAW,):
        raise ModelError(
            f"Option --uncertain needs a quantity that is one number, but {quantity} has the dimensions "
            f"{', '.join(map(str, ds[quantity].dims[1:]))}"
        )
    good = ds["converged"].values
    P = results.settled(ds)[quantity].values[good]
    ranks = _ranks(ds, P, good)
    return {
        "quantity": quantity,
        "geometry": str(ds.attrs.get(GEOMETRY, "")),
        "draws": int(good.sum()),
        "failed": int((~good).sum()),
        "median": float(np.median(P)),
        "low": float(np.quantile(P, LOW)),
        "high": float(np.quantile(P, HIGH)),
        "negative": float((P < 0).mean()),
        "zero": float((P == 0).mean()),
        "positive": float((P > 0).mean()),
        "ranks": dict(sorted(ranks.items(), key=lambda one: -abs(one[1]["value"]))),
    }


def _ranks(ds: xr.Dataset, P: Any, good: Any) -> dict[str, dict[str, Any]]:
    """Rank correlations of every input and parameter with a quantity and with its sign, and their spread."""
    from scipy.stats import spearmanr

    ranks: dict[str, dict[str, Any]] = {}
    for name, column in ds.data_vars.items():
        if column.dims != (DRAW,) or column.dtype.kind != "f":
            continue
        about = str(column.attrs.get("long_name", ""))
        own = column.values[good]
        if not (about.startswith(INPUT) or str(name).startswith("stack_")) or np.ptp(own) == 0:
            continue
        rank = spearmanr(own, P).statistic if np.ptp(P) > 0 else 0.0
        sign = spearmanr(own, np.sign(P)).statistic if np.ptp(np.sign(P)) > 0 else float("nan")
        ranks[str(name).removeprefix("stack_")] = {
            "kind": "input" if about.startswith(INPUT) else "parameter",
            "value": float(rank),
            "sign": float(sign),
            "low": float(np.quantile(own, LOW)),
            "high": float(np.quantile(own, HIGH)),
        }
    return ranks


def uncertain_text(facts: Mapping[str, Any]) -> str:
    """The interval and the inputs in the order of their weight."""
    name = facts["quantity"]
    lines = [
        f"{name} = {number(facts['median'])}, 90 % of {facts['draws']} draws in "
        f"[{number(facts['low'])}, {number(facts['high'])}]",
        f"  negative in {100 * facts['negative']:.0f} %, zero within its error in {100 * facts['zero']:.0f} %, "
        f"positive in {100 * facts['positive']:.0f} %",
        f"  geometry: {facts['geometry']}",
        "",
        "rank correlation with what was drawn, and with the parameters that follow",
    ]
    rows = [
        [
            word,
            interval["kind"],
            f"{interval['value']:+.2f}",
            "" if np.isnan(interval["sign"]) else f"{interval['sign']:+.2f}",
            f"{number(interval['low'])} to {number(interval['high'])}",
        ]
        for word, interval in facts["ranks"].items()
    ]
    lines.append(table(rows, ["", "kind", f"with {name}", "with its sign", "5 to 95 %"]))
    inputs = [word for word, interval in facts["ranks"].items() if interval["kind"] == "input"]
    if facts["negative"] in (0.0, 1.0) or facts["positive"] in (0.0, 1.0):
        lines.append("the sign is the same in every draw")
    elif inputs:
        by_sign = max(inputs, key=lambda word: abs(np.nan_to_num(facts["ranks"][word]["sign"])))
        lines.append(f"of the inputs, {by_sign} decides the sign most")
    return "\n".join(lines)


def uncertain_json(facts: Mapping[str, Any]) -> str:
    """The same as one JSON object."""
    from chirospin.faces.json_format import dumps

    return dumps(json.loads(json.dumps(facts)))
