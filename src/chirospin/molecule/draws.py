"""Parameters of a stack drawn over what is not known: functional, screening, geometry, and Lambda itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chirospin.base import results
from chirospin.base.errors import ModelError
from chirospin.base.family import Problem
from chirospin.molecule.kohn_sham import StackedKohnSham, StackState
from chirospin.molecule.model import MoleculeStack, frame_of, geometry, named_frame, orbital_names
from chirospin.molecule.stack import counterparts
from chirospin.molecule.structure import ANGSTROM, frame_count, molecules, pivot_of

if TYPE_CHECKING:
    import xarray as xr

FUNCTIONALS = ("b3lyp", "pbe0", "bhandhlyp")
"""A fifth, a quarter and a half of exact exchange."""
SCREENINGS = ("dscf", "dscf+pcm", "born")
PER_STRUCTURE = 8
"""Draws of screening and Lambda for each structure: they cost nothing beside its mean field."""
SPIN_ORBIT_ERROR = 0.15
"""Relative, of Lambda: one standard deviation, from 2 ``|Lambda|`` of five linear ions against experiment."""
SCALED = {"spin_orbit_vectors": 1, "spin_orbit": 1, "spin_orbit_across": 1, "pseudoscalar": 2}
"""Variables of a stack that go with a power of Lambda."""
RISE, SLIDE = 0.1, 0.2
"""angstrom: standard deviations of the rise, and of each component of the pivot."""
TURN = np.deg2rad(5.0)
"""Standard deviation of the twist and of each tilt."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """A stack that could be the true one.

    Parameters
    ----------
    stack : a result of molecule.stack, its spin-orbit vectors scaled
    inputs : what was drawn, by name, as numbers
    """

    stack: xr.Dataset
    inputs: dict[str, float]


def draws(
    problem: Problem,
    model: MoleculeStack,
    method: StackedKohnSham,
    structures: int,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    functionals: Sequence[str] = FUNCTIONALS,
    screenings: Sequence[str] = SCREENINGS,
) -> Iterator[Draw]:
    """Stacks around a model: :data:`PER_STRUCTURE` of each of some structures.

    A structure has one of the functionals and a geometry: a frame of the file if it has many, and for a carried
    stack rigid displacements of rise, twist, tilt and pivot, normal with the deviations above; see
    :func:`drawn_geometry`. Structures are spread
    as a Latin hypercube. The pair is that of the model; under another functional or in another frame the orbitals
    that overlap most take its place.

    Raises
    ------
    ModelError : fewer than two structures
    ConvergenceError : a structure that does not converge
    """
    if structures < 2:
        raise ModelError(f"Option --structures must be at least 2, but is {structures}")
    spread = _hypercube(structures, seed)
    random = np.random.default_rng(seed)
    names = _pair_by_functional(model, method, functionals)
    for n, row in enumerate(spread):
        functional = functionals[min(int(row[0] * len(functionals)), len(functionals) - 1)]
        moved, inputs = _moved(model, row[1:])
        moved = moved.replace(functional=functional, pair=names[functional])
        if "frame" in inputs:
            moved = moved.replace(pair=_pair_in_frame(model, moved, method))
        for _ in range(PER_STRUCTURE):
            screening = screenings[int(random.integers(len(screenings)))]
            factor = float(np.exp(SPIN_ORBIT_ERROR * random.standard_normal()))
            stack = _result(problem, moved.replace(screening=screening), method)
            for name, power in SCALED.items():
                attributes = stack[name].attrs
                stack[name] = (factor**power * stack[name]).assign_attrs(attributes)
            repulsion = float(stack["hubbard_a"] - stack["intersite_repulsion"])
            yield Draw(
                stack=stack,
                inputs={
                    "exact exchange": exact_exchange(functional),
                    "screening (U_a - V)": repulsion,
                    "Lambda": factor,
                    **inputs,
                },
            )
        if progress is not None:
            progress(n + 1, structures)


def drawn_geometry(model: MoleculeStack) -> str:
    """What is drawn of the geometry, in words; a file of one stack in one frame has nothing to draw from."""
    frames = frame_count(named_frame(model)[0])
    whole = len(molecules(frame_of(model))) > 1
    words = [f"{frames} frames of the file"] if frames > 1 else []
    words += [] if whole else ["rigid displacements of the carried molecule"]
    if words:
        return " and ".join(words)
    return (
        "not varied: the file holds one stack in one frame, so the interval is too narrow; give a trajectory, or one "
        "molecule with twist and rise"
    )


def exact_exchange(functional: str) -> float:
    """Share of exact exchange in a functional, at short range."""
    from pyscf.dft import libxc

    omega, _, hybrid = libxc.rsh_coeff(functional)
    return float(hybrid if omega else libxc.hybrid_coeff(functional))


def _hypercube(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    from scipy.stats import qmc

    return np.asarray(qmc.LatinHypercube(d=8, rng=np.random.default_rng(seed)).random(count))


def _moved(
    model: MoleculeStack, row: np.ndarray[Any, np.dtype[np.float64]]
) -> tuple[MoleculeStack, dict[str, float]]:
    """The geometry of a draw, and what was drawn of it."""
    from scipy.stats import norm

    inputs: dict[str, float] = {}
    frames = frame_count(named_frame(model)[0])
    if frames > 1:
        number = min(int(row[0] * frames), frames - 1)
        model = model.replace(frame=number)
        inputs["frame"] = float(number)
    parts = molecules(frame_of(model))
    if len(parts) > 1:
        return model, inputs
    asked = geometry(model)
    step = norm.ppf(row[1:7]) * np.array([RISE, TURN, SLIDE, SLIDE, TURN, TURN])
    x, y = pivot_of(parts[0], asked.pivot) + step[2:4]
    changes: dict[str, Any] = {
        "rise": max(asked.rise + step[0], 0.1) * ANGSTROM,
        "twist": asked.twist + step[1],
        "pivot": f"[{x:.6f}, {y:.6f}]",
        "tilt": (asked.tilt[0] + step[4], asked.tilt[1] + step[5]),
    }
    inputs |= {
        "rise": changes["rise"],
        "twist": float(changes["twist"]),
        "slide x": float(x),
        "slide y": float(y),
        "tilt x": float(changes["tilt"][0]),
        "tilt y": float(changes["tilt"][1]),
    }
    return model.replace(**changes), inputs


def _pair_by_functional(
    model: MoleculeStack, method: StackedKohnSham, functionals: Sequence[str]
) -> dict[str, str]:
    """Names of the model's pair under each functional, by overlap with its own orbitals."""
    first, pair = method.first_molecule(model)
    names = orbital_names(model)
    found = {}
    for functional in functionals:
        other, _ = method.first_molecule(model.replace(functional=functional))
        places, _, _ = counterparts(first, other, pair)
        found[functional] = ",".join(names[n] for n in places)
    return found


def _pair_in_frame(model: MoleculeStack, moved: MoleculeStack, method: StackedKohnSham) -> str:
    first, pair = method.first_molecule(model)
    other, _ = method.first_molecule(moved)
    places, _, _ = counterparts(first, other, pair)
    return ",".join(orbital_names(model)[n] for n in places)


def _result(problem: Problem, model: MoleculeStack, method: StackedKohnSham) -> xr.Dataset:
    state: StackState = method.solve(model)
    return results.dataset(problem, method, model, {}, [model], [state], problem.observables)
