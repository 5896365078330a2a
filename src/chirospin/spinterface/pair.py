r"""Equation of motion of the charge and spin of a pair of wavevectors.

.. math:: M_{kk'} = \tfrac n2\sigma_0 + \mathbf s\cdot\boldsymbol\sigma, \qquad
          i\dot M = h_k M - M h_{k'}^+ + iJ, \qquad
          h_k = \varepsilon_0(k) + \boldsymbol\varepsilon_1(k)\cdot\boldsymbol\sigma
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, Shape, axis_parameter, parameter
from chirospin.spinterface.algebra import UNIT, matrix, spin_parts
from chirospin.spinterface.model import COMPONENTS, LARGEST, NORTH, bounded

Complex = NDArray[Any]
Real = NDArray[np.float64]
FOUR = Shape(axes=(4,), kind=complex)
SIGNS = tuple(itertools.product((1, -1), (1, -1)))
MODES = tuple(f"{s:+d}{t:+d}" for s, t in SIGNS)
TIMES = np.linspace(0.0, 60.0, 61)
LASTING = 1e-12  # decay over the largest rate: below it a mode has no stationary state
CLOSENESS = 1e6  # condition of the eigenvectors near an exceptional point
HALVES = np.array([2.0, 1.0, 1.0, 1.0])


class Pair(Model):
    """Charge and spin of one pair of wavevectors under a constant source.

    References
    ----------
    fransson_spinterface, Eqs. (20)-(29)
    """

    band_energy: tuple[complex, ...] = parameter(
        (0.1, 0.0),
        unit="eV",
        symbol=r"\varepsilon_0",
        shape=Shape(axes=(2,), kind=complex),
        about="at k and k'; a negative imaginary part is a loss",
    )
    spin_splitting: tuple[tuple[complex, ...], ...] = parameter(
        ((0.0, 0.0, 0.05), (0.05, 0.0, 0.0)),
        unit="eV",
        symbol=r"\varepsilon_1",
        shape=Shape(axes=(2, 3), kind=complex),
        about="vectors at k and k', in H = eps1.sigma; complex ones lose or gain",
    )
    initial: tuple[complex, ...] = parameter(
        (0.0, 0.0, 0.0, 0.5), symbol="(n, s)", shape=FOUR, about="charge and spin at time 0"
    )
    source: tuple[complex, ...] = parameter(
        (0.0, 0.0, 0.0, 0.0),
        unit="eV",
        symbol="J",
        shape=FOUR,
        about="rates at which charge and spin are injected, over hbar",
    )
    time: tuple[float, ...] | None = axis_parameter(
        "T", unit="1/eV", symbol="t", about="10 fs is 15.19"
    )

    @model_validator(mode="after")
    def _of_electrons(self) -> Pair:
        bounded(self, ("band_energy", "spin_splitting", "source"), 0.0, LARGEST)
        bounded(self, ("initial",), 0.0, 1e9)
        bounded(self, ("time",), 0.0, 1e12)
        return self

    @model_validator(mode="before")
    @classmethod
    def _one_time(cls, values: dict[str, Any]) -> dict[str, Any]:
        given = values.get("time")
        if isinstance(given, (int, float, np.number)) and not isinstance(given, bool):
            return {**values, "time": (float(given),)}
        return values


@dataclass(frozen=True, kw_only=True)
class Motion:
    """The equation of motion as matrices.

    Parameters
    ----------
    first, second : h_k and h_k', shape (2, 2), eV
    start, rate : M(0) and M_J, shape (2, 2)
    """

    first: Complex
    second: Complex
    start: Complex
    rate: Complex


def motion_of(model: Pair) -> Motion:
    """The one place where the parameters become matrices."""
    e, v = np.array(model.band_energy), np.array(model.spin_splitting)
    y, J = np.array(model.initial) / HALVES, np.array(model.source) / HALVES
    return Motion(
        first=matrix(e[0], v[0]),
        second=matrix(e[1], v[1]),
        start=matrix(y[0], y[1:]),
        rate=matrix(J[0], J[1:]),
    )


def moments_of(M: Complex) -> Complex:
    """(n, s) of a matrix, shape (..., 4)."""
    return np.asarray(spin_parts(M) * HALVES)


def pair_times(model: Pair) -> Real:
    """When charge and spin are wanted, over hbar/eV."""
    return TIMES if model.time is None else np.array(model.time)


def generator(motion: Motion) -> Complex:
    r"""A of :math:`i\dot y = Ay + iJ` with y = (n, s), shape (4, 4).

    .. math:: A = \begin{pmatrix} \epsilon & 4\mathbf C^t \\
              \mathbf C & \epsilon + i\mathbf D\times \end{pmatrix}

    References
    ----------
    fransson_spinterface, Eqs. (25)-(27)
    """
    one, two = spin_parts(motion.first), spin_parts(np.conj(motion.second.T))
    e, D, C = one[0] - two[0], one[1:] + two[1:], (one[1:] - two[1:]) / 2
    cross = np.array([[0, -D[2], D[1]], [D[2], 0, -D[0]], [-D[1], D[0], 0]])
    A = e * np.eye(4, dtype=complex)
    A[0, 1:] += 4 * C
    A[1:, 0] += C
    A[1:, 1:] += 1j * cross
    return np.asarray(A)


@dataclass(frozen=True, kw_only=True)
class PairState:
    """Charge and spin in time.

    Parameters
    ----------
    moments : (n, s), shape (times, 4)
    frequency : eigenvalues of A, shape (4,), eV
    growth : (n, s) per unit of time that resonant modes gain, shape (4,)
    stationary : (n, s) where all decays, else NaN
    condition : of the eigenvectors of A
    error : residual of the equation of motion
    """

    moments: Complex
    frequency: Complex
    growth: Complex
    stationary: Complex
    condition: float
    error: float
    outcome: Outcome


def _shown(h: Complex) -> str:
    return str(np.array2string(spin_parts(h), precision=4, separator=", ")).replace("\n", "")


def _lossless(motion: Motion) -> bool:
    return all(np.array_equal(h, h.conj().T) for h in (motion.first, motion.second))


def _projectors(h: Complex) -> tuple[Real, Complex]:
    """Energies and projectors of both branches, the upper one first."""
    p = spin_parts(h).real
    length = float(np.linalg.norm(p[1:]))
    unit = p[1:] / length if length else np.array(NORTH)
    signs = np.array([1.0, -1.0])
    return p[0] + signs * length, (UNIT + signs[:, None, None] * matrix(0.0, unit)) / 2


def propagated(motion: Motion, t: Real) -> Complex:
    r"""Exact solution for Hermitian h, shape (times, 2, 2).

    .. math:: M(t) = \sum_{ss'} P_s(k)\left[M(0)e^{-i\lambda t}
              + M_J\, t\, e^{-i\lambda t/2}\,\mathrm{sinc}\frac{\lambda t}2\right] P_{s'}(k')

    References
    ----------
    fransson_spinterface, Eq. (29), corrected
    """
    (e, P), (f, Q) = _projectors(motion.first), _projectors(motion.second)
    out = np.zeros((t.size, 2, 2), dtype=complex)
    for s, r in itertools.product(range(2), range(2)):
        rate = e[s] - f[r]
        turn = np.exp(-1j * rate * t)[:, None, None]
        gain = (t * np.exp(-0.5j * rate * t) * np.sinc(rate * t / (2 * np.pi)))[:, None, None]
        out += turn * (P[s] @ motion.start @ Q[r]) + gain * (P[s] @ motion.rate @ Q[r])
    return out


def _resonant_growth(motion: Motion) -> Complex:
    """Gain of (n, s) per unit of time by modes of frequency zero, lossless only."""
    if not _lossless(motion):
        return np.full(4, np.nan, dtype=complex)
    (e, P), (f, Q) = _projectors(motion.first), _projectors(motion.second)
    scale = max(np.abs(e).max(), np.abs(f).max())
    total = np.zeros((2, 2), dtype=complex)
    for s, r in itertools.product(range(2), range(2)):
        if abs(e[s] - f[r]) <= 4 * np.finfo(float).eps * scale:
            total += P[s] @ motion.rate @ Q[r]
    return moments_of(total)


def _stationary(motion: Motion, frequency: Complex) -> Complex:
    """Solution of the Sylvester equation h M - M h'^+ = -i J where every mode decays."""
    scale = np.abs(frequency).max() or 1.0
    if (frequency.imag >= -LASTING * scale).any():
        return np.full(4, np.nan, dtype=complex)
    M = scipy.linalg.solve_sylvester(motion.first, -np.conj(motion.second.T), -1j * motion.rate)
    return moments_of(np.asarray(M))


def _pair_state(motion: Motion, moments: Complex, t: Real) -> PairState:
    A = generator(motion)
    frequency, vectors = np.linalg.eig(A)
    if _lossless(motion):
        e, f = _projectors(motion.first)[0], _projectors(motion.second)[0]
        frequency = (e[:, None] - f[None]).ravel() + 0j
        condition = 1.0
    else:
        order = np.lexsort((frequency.imag, -frequency.real))
        frequency, condition = frequency[order], float(np.linalg.cond(vectors))
    error = _motion_error(A, motion, moments, t)
    return PairState(
        moments=moments,
        frequency=frequency,
        growth=_resonant_growth(motion),
        stationary=_stationary(motion, frequency),
        condition=condition,
        error=error,
        outcome=Outcome(
            converged=bool(np.isfinite(moments).all()),
            residual=error,
            iterations=t.size,
            reason=""
            if np.isfinite(moments).all()
            else "a growing mode overflows: shorten the time",
        ),
    )


def _motion_error(A: Complex, motion: Motion, moments: Complex, t: Real) -> float:
    """Difference from one step of the matrix exponential to the time that is nearest to one period."""
    size = np.abs(A).max()
    at = int(np.abs(np.abs(t) * size - 1.0).argmin())
    expected = stepped(A, motion, t[at : at + 1])[0]
    top = max(np.abs(expected).max(), np.abs(moments[at]).max(), np.finfo(float).tiny)
    return float(np.abs(moments[at] - expected).max() / top)


def stepped(A: Complex, motion: Motion, t: Real) -> Complex:
    """(n, s) by the exponential of the augmented 5 x 5 matrix, shape (times, 4)."""
    augmented = np.zeros((5, 5), dtype=complex)
    augmented[:4, :4] = -1j * A
    augmented[:4, 4] = moments_of(motion.rate)
    start = np.append(moments_of(motion.start), 1.0)
    return np.array([(scipy.linalg.expm(augmented * one) @ start)[:4] for one in t])


class Spectral(Method):
    """Projectors of both wavevectors; modes of frequency zero grow linearly, exactly.

    References
    ----------
    fransson_spinterface, Eqs. (28), (29)
    """

    name: ClassVar[str] = "spectral"
    summary: ClassVar[str] = "projectors, exact at any time; real vectors only"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    def solve_many(self, models: Sequence[Pair]) -> Iterator[PairState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Pair) -> PairState:
        motion, t = motion_of(model), pair_times(model)
        if not _lossless(motion):
            raise ModelError(
                "Parameter `band_energy` and `spin_splitting` must be real (in eV) for the method "
                f"spectral, but make h = {_shown(motion.first)} and {_shown(motion.second)}; use expm"
            )
        return _pair_state(motion, moments_of(propagated(motion, t)), t)


class MatrixExponential(Method):
    """Exponential of the augmented matrix, also with losses and at exceptional points."""

    name: ClassVar[str] = "matrix-exponential"
    summary: ClassVar[str] = "matrix exponential, also with losses; loses 1e-16 |A| t"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    def solve_many(self, models: Sequence[Pair]) -> Iterator[PairState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Pair) -> PairState:
        motion, t = motion_of(model), pair_times(model)
        return _pair_state(motion, stepped(generator(motion), motion, t), t)


def pair_labels(model: Pair) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    return {
        "time": tuple(pair_times(model).tolist()),
        "component": COMPONENTS,
        "mode": MODES,
        "moment": ("charge", *COMPONENTS),
    }


@observable(name="charge", unit="1", symbol="n", dims=("time",))
def pair_charge(model: Pair, state: PairState) -> Any:
    r""":math:`\langle\psi_{k'}^+\psi_k\rangle` in time.

    References
    ----------
    fransson_spinterface, Eq. (24)
    """
    return state.moments[:, 0]


@observable(name="spin", unit="1", symbol="s", dims=("time", "component"))
def pair_spin(model: Pair, state: PairState) -> Any:
    r""":math:`\tfrac12\langle\psi_{k'}^+\boldsymbol\sigma\psi_k\rangle` in time.

    References
    ----------
    fransson_spinterface, Eq. (23)
    """
    return state.moments[:, 1:]


@observable(name="frequency", unit="eV", symbol=r"\lambda", dims=("mode",))
def pair_frequency(model: Pair, state: PairState) -> Any:
    r"""Eigenvalues :math:`\epsilon + s\varepsilon_1(k) - s'\varepsilon_1(k')`, labelled by s and s'.

    With losses they are in the order of their real parts; the imaginary part is minus the decay rate.

    References
    ----------
    fransson_spinterface, Eq. (28)
    """
    return state.frequency


@observable(
    unit="eV", symbol=r"\dot y", dims=("moment",), undefined="with losses nothing grows linearly"
)
def linear_growth(model: Pair, state: PairState) -> Any:
    """Charge and spin that modes of frequency zero gain per unit of time, over hbar."""
    return state.growth


@observable(
    name="stationary",
    unit="1",
    symbol=r"y_\infty",
    dims=("moment",),
    undefined="some mode does not decay",
)
def stationary_moments(model: Pair, state: PairState) -> Any:
    r"""Charge and spin after all has decayed: :math:`h_kM - Mh_{k'}^+ = -iJ`."""
    return state.stationary


PAIR_OBSERVABLES = (pair_charge, pair_spin, pair_frequency, linear_growth, stationary_moments)
PAIR_CHECKS = (
    Check(
        name="equation_of_motion",
        tolerance=1e-11,
        about="difference from the matrix exponential after about one radian, relative",
        evaluate=lambda m, s: s.error,
    ),
    Check(
        name="exceptional_point",
        tolerance=CLOSENESS,
        about="condition of the eigenvectors of A: frequencies lose digits near an exceptional point",
        evaluate=lambda m, s: s.condition,
    ),
)


def _swapped(model: Pair, method: Method) -> float:
    """y_k'k is the conjugate of y_kk' for Hermitian data."""
    y, J = np.array(model.initial), np.array(model.source)
    partner = model.replace(
        band_energy=model.band_energy[::-1],
        spin_splitting=model.spin_splitting[::-1],
        initial=y.conj(),
        source=J.conj(),
    )
    moments, other = method.solve(model).moments, method.solve(partner).moments
    return float(np.abs(moments - other.conj()).max() / (np.abs(moments).max() or 1.0))


def _by_exponential(model: Pair, method: Method) -> float | None:
    if isinstance(method, MatrixExponential):
        return None
    moments, other = method.solve(model).moments, MatrixExponential().solve(model).moments
    return float(np.abs(moments - other).max() / (np.abs(moments).max() or 1.0))


PAIR_AUDITS = (
    Audit(
        name="swapped",
        tolerance=1e-12,
        about="exchanging k and k' conjugates charge and spin",
        evaluate=_swapped,
    ),
    Audit(
        name="expm",
        tolerance=1e-10,
        about="the exponential of the augmented matrix gives the same",
        evaluate=_by_exponential,
    ),
)
