"""A sweep's TOML file to begin with: `chirospin sweep --example FAMILY`."""

from __future__ import annotations

import math
from pathlib import Path

from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.base.parameters import DIMENSIONLESS, ParameterInfo
from chirospin.base.sealed import written_whole
from chirospin.base.units import shown_unit

FIRST = "spin_orbit"  # what is varied where a model has it
NEAR, POINTS = 0.2, (5, 3)  # of the default to both sides, in so many values of the two parameters


def sample_sweep(problem: Problem) -> str:
    """The text of a TOML file that runs: a small grid about the defaults, and what else may be said.

    Raises
    ------
    ModelError : no number of the model can be varied
    """
    varied = _varied(problem)
    if not varied:
        raise ModelError(f"{problem.path} has no number with a default that a sample could vary")
    grid = [_range(info, count) for info, count in zip(varied, POINTS, strict=False)]
    (first, *_) = varied
    return "\n".join(
        [
            f"# A sweep of {problem.path}: {problem.question}",
            "# chirospin sweep THIS_FILE runs it, and goes on where it was stopped.",
            f'family = "{problem.path}"',
            f'method = ["{next(iter(problem.methods))}"]  # or {_listed(list(problem.methods)[1:4])}',
            f'observables = ["{problem.quantity}"]  # leave this line out for all that come unasked',
            "",
            f"# [set]  # what does not vary; chirospin describe {problem.path} lists all",
            f"# {first.name} = {first.default!r}",
            "",
            "[grid]  # START:STOP:COUNT, with :log for even ratios, or [V1, V2, ...]; units may be written",
            *grid,
            "",
            "# instead of, or beside, [grid]: points drawn at random (also [sobol], [latin-hypercube])",
            "# [random]",
            "# samples = 50",
            f"# {first.name} = {{ uniform = [{_ends(first)[0]:.4g}, {_ends(first)[1]:.4g}] }}",
            "",
        ]
    )


def write_sample(problem: Problem, path: Path) -> None:
    """Write the sample where nothing is yet.

    Raises
    ------
    ModelError : a file is there
    """
    if path.exists():
        raise ModelError(f"File `{path}` is there already; move it away, or run it")
    written_whole(path, sample_sweep(problem).encode())


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "none other"


def _varied(problem: Problem) -> list[ParameterInfo]:
    """Up to two real numbers of a model whose surroundings are allowed values."""
    numbers = [
        info
        for info in problem.model.parameters()
        if isinstance(info.default, float) and info.default and not info.axis and not info.choices
        if not info.name.endswith("tolerance")  # of a reader, no physics
    ]
    near = [info for info in numbers if all(info.allows(end) for end in _ends(info))]
    return sorted(near, key=lambda info: info.name != FIRST)[: len(POINTS)]


def _ends(info: ParameterInfo) -> tuple[float, float]:
    """What a sample sweeps: the default less and more by a share, in three digits."""
    digits = 2 - math.floor(math.log10(abs(info.default)))
    low, high = sorted(round(info.default * (1 + sign * NEAR), digits) + 0.0 for sign in (-1, 1))
    return low, high


def _range(info: ParameterInfo, count: int) -> str:
    low, high = _ends(info)
    unit = "" if info.unit == DIMENSIONLESS else f" ({shown_unit(info.unit)})"
    return f'{info.name} = "{low:g}:{high:g}:{count}"  # {info.about}{unit}'
