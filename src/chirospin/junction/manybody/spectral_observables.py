"""The Green function of the many-body state, its spectral parts, and the laws that they obey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chirospin.base.audit import Check
from chirospin.base.observables import observable
from chirospin.junction.manybody.green import GREEN, GreenFunction
from chirospin.junction.model import MolecularStack
from chirospin.junction.state import JunctionState
from chirospin.numerics.sylvester import dagger

Real = NDArray[np.float64]
Complex = NDArray[np.complex128]
MATRIX = ("magnetisation", "energy", "row", "column")
TAIL = 0.1  # of the largest element: generators with roots of f miss 3 to 8 %, a wrong sign of jumps all
NEGATIVE = 1e-3  # of the largest element of A
SUM_RULE = 1e-9
NO_GREEN = "the method has no many-body Green function"


def _found(state: JunctionState) -> GreenFunction:
    green: GreenFunction = state.parts[GREEN]
    return green


def _spectral(G: Complex) -> Complex:
    return np.asarray(1j * (G - dagger(G)) / (2 * np.pi))


@observable(
    unit="1/eV", symbol="G(\\omega)", dims=MATRIX, needs=(GREEN,), default=False, undefined=NO_GREEN
)
def green_function(model: MolecularStack, state: JunctionState) -> Complex:
    r"""Retarded Green function of the electrons on the molecules.

    .. math:: G_{ab}(\omega) = i\,Tr[c_a (L_{odd} + i\omega)^{-1} (c^+_b\rho + \rho c^+_b)]

    In L_odd every jump has changed its sign. Not for currents: generators of second order do not
    carry the same current through it.
    """
    return _found(state).retarded


@observable(
    unit="1/eV", symbol="A(\\omega)", dims=MATRIX, needs=(GREEN,), default=False, undefined=NO_GREEN
)
def spectral_function(model: MolecularStack, state: JunctionState) -> Complex:
    r"""Spectral function, a Hermitian matrix over spin-orbitals.

    .. math:: A = i(G - G^+)/2\pi, \qquad \int A\,d\omega = 1
    """
    return _spectral(_found(state).retarded)


@observable(
    unit="1/eV",
    symbol="A^<(\\omega)",
    dims=MATRIX,
    needs=(GREEN,),
    default=False,
    undefined=NO_GREEN,
)
def spectral_lesser(model: MolecularStack, state: JunctionState) -> Complex:
    r"""Occupied part of the spectral function, from :math:`\rho c^+_b` alone.

    .. math:: \int A^<_{ab}\,d\omega = \langle c^+_b c_a \rangle
    """
    return _spectral(_found(state).lesser)


@observable(
    unit="1/eV",
    symbol="Tr A",
    dims=("magnetisation", "energy"),
    needs=(GREEN,),
    default=False,
    undefined=NO_GREEN,
)
def density_of_states(model: MolecularStack, state: JunctionState) -> Real:
    r"""Trace of the spectral function over all spin-orbitals.

    .. math:: \sum_a A_{aa}(\omega)
    """
    return np.asarray(np.einsum("meaa->me", _spectral(_found(state).retarded)).real)


@observable(unit="1", symbol="d_t", needs=(GREEN,), default=False, undefined=NO_GREEN)
def tail_defect(model: MolecularStack, state: JunctionState) -> Real:
    r"""What the tail of the Green function misses, relative to its largest element.

    .. math:: \omega^2 (G - 1/\omega) \to \langle\{[c_a, H], c^+_b\}\rangle - i\Gamma_{ab}/2,
              \qquad \omega = 10^5

    Exact for ``gksl`` and ``redfield``. A regression whose jumps do not change their sign misses all of it,
    although sum rule and positivity hold.
    """
    green = _found(state)
    apart = np.abs(green.tail - green.tail_law).max()
    return np.asarray(apart / max(np.abs(green.tail_law).max(), 1e-300))


def lowest_weight(part: Complex, whole: Complex) -> float:
    """Smallest eigenvalue of a spectral part over the largest element of the whole."""
    return float(np.linalg.eigvalsh(part).min() / max(np.abs(whole).max(), 1e-300))


def _positivity(model: MolecularStack, state: JunctionState) -> float:
    A, lesser = _spectral(_found(state).retarded), _spectral(_found(state).lesser)
    return min(lowest_weight(A, A), lowest_weight(lesser, A), lowest_weight(A - lesser, A))


def _sum_rule(model: MolecularStack, state: JunctionState) -> float:
    whole = _found(state).sum_rule
    return float(np.abs(whole - np.eye(whole.shape[-1])).max())


SPECTRAL = ("green_function", "spectral_function", "spectral_lesser", "density_of_states")
SPECTRAL_OBSERVABLES = (
    green_function,
    spectral_function,
    spectral_lesser,
    density_of_states,
    tail_defect,
)
SPECTRAL_CHECKS = (
    Check(
        name="resolvent_residual",
        tolerance=1e-8,
        about="residual of the Green function's equation at every energy, relative to its source",
        evaluate=lambda m, s: float(np.max(_found(s).residual)),
        needs=(GREEN,),
        judges=SPECTRAL,
    ),
    Check(
        name="spectral_sum",
        tolerance=SUM_RULE,
        about="the spectral function adds up to one for every orbital",
        evaluate=_sum_rule,
        needs=(GREEN,),
        judges=SPECTRAL,
    ),
    Check(
        name="spectral_positivity",
        tolerance=NEGATIVE,
        bound="above",
        about="spectral function, its occupied and its empty part have no negative weight, over the largest",
        evaluate=_positivity,
        needs=(GREEN,),
        judges=SPECTRAL,
    ),
    Check(
        name="spectral_tail",
        tolerance=TAIL,
        about="the tail of the Green function holds levels, mean field and widths, relative",
        evaluate=lambda m, s: float(tail_defect.function(m, s)),
        needs=(GREEN,),
        judges=(*SPECTRAL, "tail_defect"),
    ),
)
