r"""Point impurities and any linear spin-orbit field: the kinetic equation at the Fermi level.

With :math:`f = N + \mathbf S\cdot\boldsymbol\sigma` integrated over energy at each direction, the
field :math:`\mathbf B = B p + \mathbf b` and :math:`\mathbf B' = Bp/2E_F`, to first order in B/E_F,

.. math:: -iz\mathbf S + \mathbf F = \mathbf B\times(\mathbf S + \tfrac12\mathbf B' N)
          + \frac1\tau\left[\overline{t(N + \mathbf S\cdot\boldsymbol\sigma)t^\dagger}
          - (1 + \tfrac r2)\mathbf S\right]

.. math:: t = 1 + i\kappa(1 + ix)\sigma_z\sin\theta, \qquad r = \kappa^2(1 + x^2)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Model, Shape, parameter
from chirospin.rashba.model import LARGE, MOST_RADIANS, SMALL, WEAKEST, band_mass, growth_rate

Array = NDArray[np.float64]
Values = NDArray[Any]
SINGULAR = 1e13  # condition number of the moments beyond which a spin is conserved
ROUNDING = 16 * float(np.finfo(float).eps)  # of a sum over directions, relative to its largest part
HELIX = 1e-9  # relative difference of both couplings below which they are equal
MEANS = np.array([1.0, 0.5, 0.5, 0.5, 0.5])  # of the squared harmonics 1, cos, sin, cos 2, sin 2
EQUILIBRATIONS = 20  # each halves the distance of the sizes from 1, in powers of ten
ONE_AXIS = 1e-12  # part of a field off its axis, relative, that is rounding of its numbers
UNIT = 8 * np.pi
ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])  # of Rashba: k_y sigma_x - k_x sigma_y
DIRECTIONS = ("x", "y")
SPINS = ("x", "y", "z")


class FermiLevelGas(Model):
    r"""Rashba, Dresselhaus and Zeeman fields with spin-orbit scattering by point impurities.

    .. math:: H = \frac{p^2}{2m} + \alpha_R(k_y\sigma_x - k_x\sigma_y)
              + \beta(k_x\sigma_x - k_y\sigma_y) + \tfrac12 B_{ij}k_j\sigma_i
              + \tfrac12\mathbf b\cdot\boldsymbol\sigma
    """

    mass: float = band_mass()
    spin_orbit: float = parameter(
        0.02, unit="eV*nm", symbol=r"\alpha_R", low=-LARGE, high=LARGE, about="Rashba"
    )
    dresselhaus: float = parameter(
        0.0, unit="eV*nm", symbol=r"\beta", low=-LARGE, high=LARGE, about="linear Dresselhaus"
    )
    spin_orbit_tensor: tuple[tuple[float, ...], ...] | None = parameter(
        None,
        unit="eV*nm",
        symbol="B_{ij}",
        shape=Shape(axes=(3, 2)),
        about="any linear field, spin by momentum, on top of both",
    )
    zeeman: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0), unit="eV", symbol="b", shape=Shape(axes=(3,)), about="Zeeman splitting"
    )
    fermi_energy: float = parameter(
        0.1, unit="eV", symbol="E_F", low=1 / LARGE, high=LARGE, about="Fermi energy"
    )
    scattering_rate: float = parameter(
        0.01,
        unit="eV",
        symbol=r"\hbar/\tau",
        low=SMALL,
        high=LARGE,
        about="without spin-orbit scattering",
    )
    impurity_strength: float = parameter(
        0.0,
        symbol="x",
        low=-LARGE,
        high=LARGE,
        about="pi N_0 u, the tangent of the scattering phase; its sign is u's",
    )
    impurity_density: float | None = parameter(
        None,
        unit="1/nm^2",
        symbol="n_i",
        low=SMALL,
        high=LARGE,
        about="with impurity_strength it gives hbar/tau, to all orders, in place of scattering_rate",
    )
    impurity_spin_orbit: float = parameter(
        0.0,
        symbol=r"\kappa",
        low=-1,
        high=1,
        about="lambda' p_F^2: amplitude of spin-orbit scattering; small",
    )
    frequency: float = parameter(
        0.0, unit="eV", symbol=r"\hbar\omega", low=-LARGE, high=LARGE, about="of the field"
    )
    imaginary_frequency: float = growth_rate()
    field_angle: float = parameter(
        0.0,
        unit="rad",
        symbol=r"\varphi_E",
        low=-MOST_RADIANS,
        high=MOST_RADIANS,
        about="of the electric field from x",
    )

    @model_validator(mode="after")
    def _consistent(self) -> FermiLevelGas:
        for name in ("spin_orbit", "dresselhaus", "spin_orbit_tensor", "zeeman"):
            size = float(np.abs(getattr(self, name) or 0.0).max())
            if size > LARGE or 0 < size < WEAKEST:
                unit = type(self).parameter_info(name).unit
                raise ModelError(
                    f"Parameter `{name}` must be 0, or from {WEAKEST:g} to {LARGE:g} in size (in {unit}), "
                    f"but is {size:g}"
                )
        bare = self.spin_orbit_tensor is None and not any(self.zeeman)
        static = not self.frequency and not self.imaginary_frequency
        apart = abs(abs(self.spin_orbit) - abs(self.dresselhaus)) > HELIX * abs(self.spin_orbit)
        if bare and static and not self.impurity_spin_orbit and not apart and self.spin_orbit:
            raise ModelError(
                "Parameter `dresselhaus` must not be +-`spin_orbit` (in eV*nm) at zero frequency, "
                "where a spin component is conserved (persistent helix), but is "
                f"{self.dresselhaus:g}"
            )
        return self

    @model_validator(mode="after")
    def _one_rate(self) -> FermiLevelGas:
        """Refuse impurities that give no rate, or a rate beside the one of the impurities."""
        if self.impurity_density is None:
            return self
        if "scattering_rate" in self.model_fields_set:
            raise ModelError(
                "Parameter `scattering_rate` must be left out (in eV) where `impurity_density` is given, "
                f"but is {self.scattering_rate:g}"
            )
        if not unitary_rate(self.mass, self.impurity_density, self.impurity_strength) >= SMALL:
            raise ModelError(
                "Parameter `impurity_strength` must be so large with an `impurity_density` that hbar/tau "
                f"is at least {SMALL:g} eV, but is {self.impurity_strength:g}"
            )
        return self


def unitary_rate(mass: float, density: float, x: float) -> float:
    r"""Rate of point impurities to all orders in their strength, which is that of the current too, eV.

    .. math:: \frac\hbar\tau = -2 n_i\,\mathrm{Im}\,T = \frac{4 n_i}{m}\,\frac{x^2}{1+x^2}, \qquad
              T = \frac{u}{1 + ix}, \quad x = \pi N_0 u

    The local Green function of the split bands has no spin, so that T has none; its real part belongs to u.
    """
    return 4 * density / mass * x * x / (1 + x * x)


@dataclass(frozen=True, kw_only=True)
class FermiCircle:
    """What the parameters amount to; rates and energies in eV, momenta in 1/nm.

    Parameters
    ----------
    linear : B_ij of the field B p, shape (3, 2)
    steady : Zeeman field b
    phase, skew : x and kappa of an impurity
    z : complex frequency
    """

    m: float
    momentum: float
    energy: float
    rate: float
    linear: Array
    steady: Array
    phase: float
    skew: float
    z: complex
    angle: float

    @property
    def speed(self) -> float:
        """Fermi velocity, eV nm."""
        return self.momentum / self.m

    @property
    def turns(self) -> float:
        """Angle by which a spin turns between collisions; so often is its rounding added up."""
        field = self.momentum * np.abs(self.linear).max() + np.abs(self.steady).max()
        return float(field / self.rate)

    @property
    def lag(self) -> complex:
        """-i z; real at an imaginary frequency."""
        return -1j * self.z if self.z.real else (-1j * self.z).real

    @property
    def elliott_yafet(self) -> float:
        r""":math:`r = \kappa^2(1 + x^2)`, the share of spin-orbit scattering."""
        return self.skew**2 * (1 + self.phase**2)


def fermi_circle(model: FermiLevelGas) -> FermiCircle:
    """The one place where the parameters are turned into fields and rates."""
    rashba = 2 * model.spin_orbit * ROTATION
    cubic = 2 * model.dresselhaus * np.array([[1.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    extra = np.zeros((3, 2)) if model.spin_orbit_tensor is None else model.spin_orbit_tensor
    return FermiCircle(
        m=model.mass,
        momentum=math.sqrt(2 * model.mass * model.fermi_energy),
        energy=model.fermi_energy,
        rate=model.scattering_rate
        if model.impurity_density is None
        else unitary_rate(model.mass, model.impurity_density, model.impurity_strength),
        linear=rashba + cubic + np.asarray(extra),
        steady=np.asarray(model.zeeman),
        phase=model.impurity_strength,
        skew=model.impurity_spin_orbit,
        z=complex(model.frequency, model.imaginary_frequency),
        angle=model.field_angle,
    )


def fermi_level_labels(model: FermiLevelGas) -> dict[str, tuple[str, ...]]:
    """Labels along every dimension of the observables."""
    return {"flow": DIRECTIONS, "spin": SPINS}


@dataclass(frozen=True, kw_only=True)
class FermiLevelResponse:
    """Response per force eE along the field angle.

    Parameters
    ----------
    current : shape (flow,), e^2/hbar
    spin : shape (spin,), density of sigma/2, 1/(eV nm)
    spin_current : shape (flow, spin), eE/8 pi
    errors : absolute, of the three: change with the directions, and rounding of their largest parts
    balance : largest residual of the equation averaged over directions, relative
    """

    current: Values
    spin: Values
    spin_current: Values
    errors: tuple[float, float, float]
    balance: float
    outcome: Outcome


class FermiLevelKinetic(Method):
    """The kinetic equation at the Fermi level, closed in a few angular moments of f.

    Between collisions a direction is on its own (a 3 x 3 problem); collisions bring back averages of
    f with harmonics up to the second, so that a matrix of their size is solved.
    """

    name: ClassVar[str] = "kinetic"
    summary: ClassVar[str] = "matrix equation for the Fermi level, first order in splitting/E_F"
    references: ClassVar[tuple[str, ...]] = ("khaetskii_2006",)

    directions: int = Field(default=64, ge=8, le=2**16, description="first number of directions")
    tolerance: float = Field(
        default=1e-9,
        ge=1e-18,
        le=1e-2,
        description="largest relative change with twice the directions",
    )

    def solve_many(self, models: Sequence[FermiLevelGas]) -> Iterator[FermiLevelResponse]:
        """One response per model."""
        return map(self._response, models)

    def _response(self, model: FermiLevelGas) -> FermiLevelResponse:
        circle, directions = fermi_circle(model), self.directions
        found, condition = _moments(circle, directions)
        error, size = math.inf, np.ones(3)
        while condition < SINGULAR and error > self.tolerance and directions < 2**17:
            directions *= 2
            previous = found
            found, condition = _moments(circle, directions)
            size = np.array([abs(x).max() or 1.0 for x in found])
            floor = np.array([0.0, 1e-6 * size[0] * circle.m / circle.momentum, 1.0])
            error = max(
                float(np.abs(a - b).max() / max(s, f))
                for a, b, s, f in zip(found, previous, size, floor, strict=True)
            )
        reason = ""
        if condition >= SINGULAR:
            reason = (
                "a spin component is conserved to 13 digits, so that no steady response exists: a frequency, "
                "or a weaker field along it"
            )
        elif error > self.tolerance:
            reason = f"the response changes by {error:.1e} with twice the directions"
        return FermiLevelResponse(
            current=found[0],
            spin=found[1],
            spin_current=found[2],
            errors=(
                max(error, ROUNDING) * size[0],
                max(error, ROUNDING) * size[1],
                max(error, ROUNDING) * max(size[2], 1.0)  # parts of e/8 pi cancel in q
                + ROUNDING * circle.turns,
            ),
            balance=_balance(circle, found),
            outcome=Outcome(
                converged=not reason, residual=error, iterations=directions, reason=reason
            ),
        )


Moments = tuple[Values, Values, Values]


def _moments(circle: FermiCircle, directions: int) -> tuple[Moments, float]:
    """Current, spin and spin current, and the condition number of the closing matrix."""
    phi = 2 * np.pi * (np.arange(directions) + 0.5) / directions
    harmonics = _harmonics(phi)
    decay = circle.rate * (1 + circle.elliott_yafet / 2) + circle.lag
    turn = _precession(circle, np.cos(phi), np.sin(phi), circle.steady)
    gain = _gain(circle)
    driven = np.concatenate([gain, _source(circle)[..., None]], axis=2)  # (harmonic, 4, 21)
    start = np.einsum("dh,ham->dam", harmonics, driven)
    local = decay * np.eye(4) - turn
    bent = np.linalg.solve(local, (turn @ start).astype(local.dtype))
    share = np.einsum("dh,dam->ham", harmonics / directions, bent)
    share = (share + MEANS[:, None, None] * driven) / decay  # of 1/local = (1 + turn/local)/decay
    matrix = np.eye(20) - share[..., :20].reshape(20, 20)
    known = share[..., 20].ravel()
    matrix[1:4], known[1:4] = _spin_balance(circle), 0.0
    keep = np.ones(20, bool)
    keep[_undriven(circle)] = False
    found, condition = _equilibrated(matrix[np.ix_(keep, keep)], known[keep])
    condition = math.inf if _conserved(circle) else condition
    moments = np.zeros(20, matrix.dtype)
    moments[keep] = found
    return _observed(circle, moments.reshape(5, 4)), condition


def _equilibrated(matrix: Values, known: Values) -> tuple[Values, float]:
    """Solution and condition number with rows and columns of one size; NaN where it is singular.

    A spin that relaxes slowly is a row and a column of small numbers, each with all its digits.
    """
    row, column = np.ones(len(matrix)), np.ones(len(matrix))
    for _ in range(EQUILIBRATIONS):
        size = np.abs(matrix) * row[:, None] * column
        row = row / np.sqrt(np.where(size.max(axis=1) > 0, size.max(axis=1), 1.0))
        column = column / np.sqrt(np.where(size.max(axis=0) > 0, size.max(axis=0), 1.0))
    scaled = matrix * row[:, None] * column
    condition = float(np.linalg.cond(scaled))
    if not condition < SINGULAR:
        return np.full(len(matrix), np.nan), condition
    return column * np.linalg.solve(scaled, row * known), condition


def _observed(circle: FermiCircle, moments: Values) -> Moments:
    """Current, spin and spin current from averages of f with the harmonics, shape (5, 4)."""
    density = circle.m / (2 * np.pi)
    charge, flow = moments[:, 0], moments[1:3]  # <N h>, <n_i f>
    pairs = 0.5 * np.array(
        [[charge[0] + charge[3], charge[4]], [charge[4], charge[0] - charge[3]]]
    )  # <n_i n_j N>
    carried = circle.momentum * pairs @ circle.linear.T + np.outer(flow[:, 0], circle.steady)
    return (
        2 * density * circle.speed * flow[:, 0],
        density * moments[0, 1:],
        UNIT * density * circle.speed * (flow[:, 1:] - carried / (4 * circle.energy)),
    )


def _conserved(circle: FermiCircle) -> bool:
    """Whether the field has one axis in all directions, along which no spin ever turns, at rest."""
    axes, sizes, _ = np.linalg.svd(
        np.column_stack([circle.momentum * circle.linear, circle.steady])
    )
    relaxing = circle.elliott_yafet > 0 and np.abs(axes[:2, 0]).max() > ONE_AXIS
    return bool(sizes[0] > 0 and sizes[1] <= ONE_AXIS * sizes[0] and not relaxing and not circle.z)


def _undriven(circle: FermiCircle) -> list[int]:
    """Averages that are conserved and not driven: the charge, and spins that nothing turns."""
    if circle.linear.any() or circle.steady.any():
        return [0]
    return [0, 3] if circle.skew else [0, 1, 2, 3]


def _precession(circle: FermiCircle, cosine: Any, sine: Any, steady: Array) -> Array:
    r"""B x (S + B' N/2) on (N, S), shape (..., 4, 4); B x B' = b x B', since Bp x Bp = 0."""
    linear = circle.momentum * np.multiply.outer(cosine, circle.linear[:, 0])
    linear = linear + circle.momentum * np.multiply.outer(sine, circle.linear[:, 1])
    field = linear + steady
    out = np.zeros((*field.shape[:-1], 4, 4))
    x, y, z = np.moveaxis(field, -1, 0)
    out[..., 1, 2], out[..., 1, 3] = -z, y
    out[..., 2, 1], out[..., 2, 3] = z, -x
    out[..., 3, 1], out[..., 3, 2] = -y, x
    out[..., 1:, 0] = 0.5 * np.cross(circle.steady, linear / (2 * circle.energy))
    return out


def _spin_balance(circle: FermiCircle) -> Values:
    r"""Rows of the mean spin: the equation averaged over directions, where collisions cancel.

    .. math:: -iz\langle\mathbf S\rangle + \frac r\tau\langle\mathbf S\rangle_{xy}
              = \langle\mathbf B\times(\mathbf S + \tfrac12\mathbf B' N)\rangle

    The field drives no mean spin by itself. Without these rows a slowly relaxing spin is the difference of
    what collisions take and bring back, and loses (splitting x time)^-2 digits.
    """
    rows = np.zeros((3, 5, 4), np.result_type(type(circle.lag), float))
    lost = circle.rate * circle.elliott_yafet * np.array([1.0, 1.0, 0.0])
    rows[:, 0, 1:] = np.diag(lost + circle.lag)
    none = np.zeros(3)
    for harmonic, cosine, sine, steady in (
        (0, 0, 0, circle.steady),
        (1, 1, 0, none),
        (2, 0, 1, none),
    ):
        rows[:, harmonic] -= _precession(circle, float(cosine), float(sine), steady)[1:]
    return rows.reshape(3, 20)


def _source(circle: FermiCircle) -> Array:
    r"""Harmonics of the force on the sea and, F, on the equilibrium spin; shape (harmonic, 4).

    .. math:: -\mathbf F = -[\cos\varphi_{\!E}\,\mathbf B + \sin\varphi_{\!E}\,\partial_\varphi\mathbf B]/2p
    """
    x, y = math.cos(circle.angle), math.sin(circle.angle)
    out = np.zeros((5, 4))
    out[1, 0], out[2, 0] = circle.speed * x, circle.speed * y
    out[1:3, 1:] = -np.outer([x, y], circle.steady) / (2 * circle.momentum)
    first, second = circle.linear.T
    out[3, 1:] = -0.5 * (x * first - y * second)
    out[4, 1:] = -0.5 * (x * second + y * first)
    return out


def _harmonics(phi: Array) -> Array:
    return np.stack(
        [0 * phi + 1, np.cos(phi), np.sin(phi), np.cos(2 * phi), np.sin(2 * phi)], axis=1
    )


def _gain(circle: FermiCircle) -> Array:
    """Harmonics of what collisions bring back from each moment, shape (harmonic, 4, moment)."""
    kappa, x, r = circle.skew, circle.phase, circle.elliott_yafet
    out = np.zeros((5, 4, 5, 4))
    for a in range(4):
        same = 0.5 * r * (1.0 if a in (0, 3) else -1.0)
        out[0, a, 0, a] = 1.0 + same
        out[3, a, 3, a] = out[4, a, 4, a] = -same
    skew = np.zeros((4, 4))
    skew[0, 3] = skew[3, 0] = -2 * kappa * x
    skew[1, 2], skew[2, 1] = 2 * kappa, -2 * kappa  # -2 kappa z x S
    out[2, :, 1], out[1, :, 2] = skew, -skew
    return circle.rate * out.reshape(5, 4, 20)


def _balance(circle: FermiCircle, moments: Moments) -> float:
    r"""How far precession, relaxation and frequency are from balancing the mean spin.

    .. math:: -iz\langle S_a\rangle = \langle\mathbf B\times(\mathbf S + \tfrac12\mathbf B'N)\rangle_a
              - \frac r\tau\langle S_a\rangle_{xy}
    """
    _, spin, flows = moments
    q = flows / UNIT / (circle.m / (2 * np.pi) * circle.speed)  # <n_i (S - B N/4E)>
    s = spin / (circle.m / (2 * np.pi))
    lost = circle.rate * circle.elliott_yafet * s * np.array([1.0, 1.0, 0.0])
    torque = np.cross(circle.steady, s)
    for i in range(2):
        torque = torque + circle.momentum * np.cross(circle.linear[:, i], q[i])
    torque = torque + _pressure(circle, moments)
    rest = -1j * circle.z * s - torque + lost
    size = max(
        float(np.abs(torque).max()),
        float(np.abs(lost).max()),
        1e-3 * float(np.abs(circle.linear).max() + np.abs(circle.steady).max()),
    )
    return float(np.abs(rest).max() / (size or 1.0))


def _pressure(circle: FermiCircle, moments: Moments) -> Values:
    """Torque of the Zeeman field on the spin that follows a displaced Fermi sea."""
    current = moments[0] / (2 * circle.m / (2 * np.pi) * circle.speed)  # <n_i N>
    out: Values = np.zeros(3, current.dtype)
    for i in range(2):
        share = circle.momentum / (4 * circle.energy) * current[i]
        out = out + share * np.cross(circle.steady, circle.linear[:, i])
        out = out + share * np.cross(circle.linear[:, i], circle.steady)
    return out


def _error(n: int) -> Callable[[FermiLevelGas, FermiLevelResponse], float]:
    return lambda model, state: state.errors[n]


@observable(unit="e^2/hbar", symbol=r"\sigma_i", dims=("flow",), error=_error(0))
def current_response(model: FermiLevelGas, state: FermiLevelResponse) -> Values:
    """Current along x and y per electric field."""
    return state.current


@observable(unit="1/(eV*nm)", symbol="s_a/eE", dims=("spin",), error=_error(1))
def spin_response(model: FermiLevelGas, state: FermiLevelResponse) -> Values:
    r"""Density of sigma/2 per force eE.

    .. math:: \langle\boldsymbol\sigma\rangle = -N_0\tau B\, eE
              \quad\text{without Zeeman field and spin-orbit scattering}
    """
    return state.spin


@observable(unit="e/(8 pi)", symbol="q_{ia}", dims=("flow", "spin"), error=_error(2))
def spin_current_response(model: FermiLevelGas, state: FermiLevelResponse) -> Values:
    """Flow along x and y of spin sigma/2, in units of eE/8 pi."""
    return state.spin_current


@observable(unit="eV", symbol=r"\hbar/\tau")
def relaxation_rate(model: FermiLevelGas, state: FermiLevelResponse) -> Values:
    r"""Rate at which point impurities scatter, without their spin-orbit part.

    .. math:: \frac\hbar\tau = \frac{4 n_i}{m}\,\frac{x^2}{1+x^2}
              \quad\text{where the density of impurities is given}
    """
    return np.asarray(fermi_circle(model).rate)


FERMI_LEVEL_OBSERVABLES = (
    current_response,
    spin_response,
    spin_current_response,
    relaxation_rate,
)


def extrinsic_spin_hall(circle: FermiCircle) -> float:
    r"""Spin Hall current of Rashba splitting and weak spin-orbit scattering, eE/8 pi.

    .. math:: \frac{q}{eE/8\pi} = -\frac{[4\kappa x E_F\tau + D^2]\,2r}{D^2 + 2r + rD^2}

    To leading order in kappa; D = splitting x tau.
    """
    tau, r = 1 / circle.rate, circle.elliott_yafet
    D2 = float((circle.linear**2).sum() / 2) * (circle.momentum * tau) ** 2
    drive = 4 * circle.skew * circle.phase * circle.energy * tau + D2
    return float(-drive * 2 * r / (D2 + 2 * r + r * D2))


class FermiLevelClosedForm(Method):
    r"""Any linear field at rest, or Rashba splitting with weak spin-orbit scattering.

    .. math:: \langle\boldsymbol\sigma\rangle = -N_0\tau B\, eE, \qquad q_{ia} = 0

    With spin-orbit scattering only q_yz has a form; see :func:`extrinsic_spin_hall`.
    """

    name: ClassVar[str] = "closed-form"
    summary: ClassVar[str] = "linear fields at rest; Rashba with weak spin-orbit scattering"
    references: ClassVar[tuple[str, ...]] = ("khaetskii_2006",)

    def solve_many(self, models: Sequence[FermiLevelGas]) -> Iterator[FermiLevelResponse]:
        """One response per model; NaN where no form is known."""
        return map(_closed, models)


def _closed(model: FermiLevelGas) -> FermiLevelResponse:
    circle = fermi_circle(model)
    along = np.array([math.cos(circle.angle), math.sin(circle.angle)])
    current, spin, q = np.full(2, np.nan), np.full(3, np.nan), np.full((2, 3), np.nan)
    if not circle.z and not circle.steady.any():
        rashba = np.allclose(circle.linear, circle.linear[0, 1] * ROTATION, rtol=1e-12, atol=0)
        if circle.skew == 0:
            current = circle.momentum**2 / (2 * np.pi * circle.m * circle.rate) * along
            spin = -circle.m / (4 * np.pi * circle.rate) * circle.linear @ along
            q = np.zeros((2, 3))
        elif rashba:
            q[:, 2] = extrinsic_spin_hall(circle) * np.array([-along[1], along[0]])
    return FermiLevelResponse(
        current=current,
        spin=spin,
        spin_current=q,
        errors=(
            ROUNDING * float(np.abs(current).max()),
            ROUNDING * float(np.abs(spin).max()),
            ROUNDING * float(np.abs(q[:, 2]).max()),
        ),
        balance=0.0,
        outcome=Outcome(converged=True, residual=0.0, iterations=1),
    )


def _shift(model: FermiLevelGas) -> float:
    circle = fermi_circle(model)
    size = circle.momentum * np.linalg.norm(circle.linear, 2) + np.linalg.norm(circle.steady)
    return float(size / circle.energy)


FERMI_LEVEL_CHECKS = (
    Check(
        name="spin_balance",
        tolerance=1e-9,
        about="precession, relaxation and frequency balance the mean spin, relative",
        evaluate=lambda m, s: s.balance,
    ),
    Check(
        name="small_splitting",
        tolerance=0.3,
        about="splitting over E_F, in which the equation is of first order",
        evaluate=lambda m, s: _shift(m),
    ),
    Check(
        name="weak_scattering",
        tolerance=0.3,
        about="share r of spin-orbit scattering, small by assumption",
        evaluate=lambda m, s: fermi_circle(m).elliott_yafet,
    ),
    Check(
        name="good_metal",
        tolerance=1 / 3,
        about="1/(E_F tau)",
        evaluate=lambda m, s: fermi_circle(m).rate / fermi_circle(m).energy,
    ),
)


def _turned_field(model: FermiLevelGas, method: Method) -> float:
    """A quarter turn of field, spin-orbit field and Zeeman field turns every answer."""
    circle = fermi_circle(model)
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    linear = turn @ circle.linear @ turn[:2, :2].T
    rashba = 2 * model.spin_orbit * ROTATION
    partner = model.replace(
        field_angle=circle.angle + np.pi / 2,
        zeeman=turn @ circle.steady,
        dresselhaus=0.0,
        spin_orbit_tensor=linear - rashba,
    )
    one, other = method.solve(model), method.solve(partner)
    here = turn[:2, :2] @ one.spin_current @ turn.T
    size = max(float(np.nanmax(np.abs(one.spin_current))), 1.0)
    return float(np.nanmax(np.abs(here - other.spin_current)) / size)


def _small_scattering(model: FermiLevelGas, method: Method) -> float | None:
    exact = _closed(model)
    if np.isnan(exact.spin_current[1, 2]) or isinstance(method, FermiLevelClosedForm):
        return None
    found = method.solve(model)
    return float(np.nanmax(np.abs(found.spin_current - exact.spin_current)))


FERMI_LEVEL_AUDITS = (
    Audit(
        name="rotation",
        tolerance=1e-9,
        about="turning all fields by a right angle turns every answer",
        evaluate=_turned_field,
    ),
    Audit(
        name="closed_form",
        tolerance=0.02,
        about="the closed form gives the same spin current, where it is known, in e/8 pi",
        evaluate=_small_scattering,
    ),
)
