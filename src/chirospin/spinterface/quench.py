r"""A molecular moment that loses its field: a level at a point contact, and the modes it sees.

In three dimensions a level at one point couples to one channel of the metal only, with total angular
momentum 1/2. Its modes make a star around the level, for each projection m of the spin:

.. math:: E_{ks} = \frac{k^2}{2N_0} + s\alpha k - \varepsilon_F, \qquad
          V_{ks} = V_0\sqrt{\frac{k^2\,dk}{4\pi^2}}\, e^{-k^2/\Lambda^2}, \qquad
          \psi(\mathbf r) = \sqrt{\frac{k^2\,dk}{4\pi^2}}\,[j_0(kr) + is\,j_1(kr)\,\hat r\cdot\sigma]

The modes push the level down by :math:`\sum_k 2N_0|V_{ks}|^2/k^2`, which grows with :math:`\Lambda`
without end; as everywhere in this family that constant is part of the level, so that
:math:`\Lambda\to\infty` is the point contact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import model_validator

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.memory import available_bytes, in_words
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.outcome import Outcome
from chirospin.base.parameters import Shape, axis_parameter, parameter
from chirospin.numerics.quadrature import PANEL_NODES
from chirospin.spinterface.contact import NEGF
from chirospin.spinterface.emission import occupation_of
from chirospin.spinterface.green import Metal
from chirospin.spinterface.model import (
    LARGEST,
    Contact,
    SpinOrbitMetal,
    bounded,
    metal_of,
    thermal_energy_of,
)
from chirospin.spinterface.release import PHASE, Release
from chirospin.spinterface.response import FEWER, TAIL, momentum_of

Real = NDArray[np.float64]
Complex = NDArray[Any]
TIMES = np.linspace(0.0, 120.0, 61)
PLACES = np.array([1.0, 4.0, 8.0, 12.0])
SIGNS = (1, -1)
TOLERANCE = 1e-8  # of the integral over energy, relative
FAINT = 1e-6  # of the charge: a smaller spin is measured against this
STATE_BYTES = 2000.0  # that one energy of the integral takes, and PLACE_BYTES more for each place
PLACE_BYTES = 200.0
CUTOFF = 300.0  # over the momentum scale: self-energies are wrong by its inverse
REACH = 3.0  # largest momentum over the cutoff: exp(-2 * 9) is left out
DIGITS = 64 * float(np.finfo(float).eps)  # lost in a difference of charges
LINEAR = 2.0  # momentum scales within which modes stand evenly
GROWTH = 4.0  # of their distance beyond, e-folds per scale
MARGIN = 2.0  # of the recurrence over the last time
COARSEST = 0.05  # distance of modes over the momentum scale
LEVELS = 3.0  # last time over 1/k_BT at least: levels of the star stand within k_BT
MODES = 1200  # of the audit, on each branch


class Quench(SpinOrbitMetal):
    """A level in equilibrium with the metal in an exchange field along z that ends at time 0.

    References
    ----------
    fransson_spinterface, Sec. II E
    """

    fermi_energy: float = parameter(
        1.0,
        unit="eV",
        symbol=r"\varepsilon_F",
        low=-LARGEST,
        high=LARGEST,
        about="of the metal above the crossing point k = 0",
    )
    level: float = parameter(
        0.0, unit="eV", symbol=r"\varepsilon", low=-LARGEST, high=LARGEST, about="of the molecule"
    )
    exchange: float = parameter(
        -0.2,
        unit="eV",
        symbol=r"\Delta",
        low=-LARGEST,
        high=LARGEST,
        about="on the level before time 0, in H = Delta sigma_z",
    )
    kept: float = parameter(
        0.0,
        unit="eV",
        symbol=r"\Delta'",
        low=-LARGEST,
        high=LARGEST,
        about="on the level after time 0",
    )
    initial_occupation: tuple[float, ...] | None = parameter(
        None,
        symbol="n_0",
        shape=Shape(axes=(2,)),
        about="of the level, up and down, before it touches the metal at time 0; if not given, it touches "
        "all the time and has `exchange` before",
    )
    hybridisation: float = parameter(
        0.08, unit="eV*nm^1.5", symbol="V_0", low=-1e3, high=1e3, about="level to metal, spin kept"
    )
    distance: tuple[float, ...] | None = axis_parameter(
        "R", unit="nm", symbol="r", about="along z, above 0"
    )
    time: tuple[float, ...] | None = axis_parameter(
        "T", unit="1/eV", symbol="t", about="from 0; 10 fs is 15.19"
    )

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, values: dict[str, Any]) -> dict[str, Any]:
        numbers = {
            n: (float(v),)
            for n, v in values.items()
            if n in ("time", "distance") and isinstance(v, (int, float, np.number))
        }
        return {**values, **numbers}

    @model_validator(mode="after")
    def _later_and_away(self) -> Quench:
        for name, unit, allowed, wrong in (
            ("time", "1/eV", ">= 0", [t for t in self.time or () if t < 0]),
            ("distance", "nm", "> 0", [r for r in self.distance or () if r <= 0]),
        ):
            if wrong:
                raise ModelError(
                    f"Parameter `{name}` must be {allowed} (in {unit}), but is {wrong[0]:g}"
                )
        bounded(self, ("distance",), 1e-6, np.inf)
        wrong_share = [n for n in self.initial_occupation or () if not 0 <= n <= 1]
        if wrong_share:
            raise ModelError(
                "Parameter `initial_occupation` must have entries in [0, 1] (electrons), but has "
                f"{wrong_share[0]:g}"
            )
        return self


def quench_axes(model: Quench) -> tuple[Real, Real]:
    """Times and distances wanted."""
    t = TIMES if model.time is None else np.array(model.time)
    r = PLACES if model.distance is None else np.array(model.distance)
    return t, r


@dataclass(frozen=True, kw_only=True)
class QuenchState:
    """Spin in time.

    Parameters
    ----------
    level_spin : shape (times,), in hbar
    level_charge : shape (times,), electrons
    spin : density along z, shape (times, distances), 1/nm^3
    error : largest relative change of a spin with fewer energies
    charge : largest charge that the spins are differences of, of the level and at the distances
    """

    level_spin: Real
    level_charge: Real
    spin: Real
    error: float
    charge: Real
    outcome: Outcome


def _in_space(model: Quench) -> Metal:
    metal = metal_of(model)
    if metal.d != 3:
        raise ModelError(f"Parameter `dimension` must be 3 for a quench, but is {metal.d}")
    return metal


def _refuse_memory(name: str, unit: str, value: float, need: float) -> None:
    if need > available_bytes():
        raise ModelError(
            f"Parameter `{name}` must be smaller (in {unit}): it needs about {in_words(need)} and "
            f"{in_words(available_bytes())} are free, but is {value:g}"
        )


def levels_of(model: Quench, m: int) -> tuple[float, float]:
    """Energy of the level with spin m before and after time 0, eV."""
    return model.level + m * model.exchange, model.level + m * model.kept


def filling_of(model: Quench, m: int) -> float | None:
    """Occupation of the level with spin m before it touches the metal; None if it always does."""
    given = model.initial_occupation
    return None if given is None else given[0 if m > 0 else 1]


def coupling_of(model: Quench) -> float:
    """V_0 between the level and the metal, eV nm^(3/2)."""
    return model.hybridisation


class PointContact(Method):
    """Closed amplitudes in time and one integral over the occupied states; nothing is cut off.

    References
    ----------
    fransson_spinterface, Sec. II E
    """

    name: ClassVar[str] = "exact"
    summary: ClassVar[str] = "point contact: closed amplitudes in time, one integral over energy"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    def solve_many(self, models: Sequence[Quench]) -> Iterator[QuenchState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Quench) -> QuenchState:
        times, r = quench_axes(model)
        metal = _in_space(model)
        if not coupling_of(model):
            return _isolated(model, times, r)
        parts = [_release(model, metal, m) for m in SIGNS]
        _fits(metal, thermal_energy_of(model), times, r)
        few = np.unique([0, times.size // 2, times.size - 1])
        densities = [part.density(times, r) for part in parts]
        rough = [part.density(times[few], r, int(FEWER * PANEL_NODES))[0] for part in parts]
        spin = (densities[0][0] - densities[1][0]) / 2
        charge = np.abs([density for density, _ in densities]).max(axis=(0, 1))
        size = np.maximum(np.abs(spin).max(axis=0), FAINT * charge)
        change = np.abs(spin[few] - (rough[0] - rough[1]) / 2) / np.where(size, size, 1.0)
        on_level = densities[0][0][:, 0] + densities[1][0][:, 0]
        missed = np.abs(on_level[few] - rough[0][:, 0] - rough[1][:, 0])
        error = max(float(change.max(initial=0.0)), float(missed.max(initial=0.0)))
        words = "" if error <= TOLERANCE else f"spins change by {error:.1e} with fewer energies"
        if any(part.narrow() for part in parts):
            words = "a resonance is narrower than rounding: raise hybridisation, or set it to 0"
        return QuenchState(
            level_spin=spin[:, 0],
            level_charge=on_level,
            spin=spin[:, 1:],
            error=error,
            charge=charge,
            outcome=Outcome(
                converged=not words,
                residual=error,
                iterations=sum(count for _, count in densities),
                reason=words,
            ),
        )


def _release(model: Quench, metal: Metal, m: int) -> Release:
    before, after = levels_of(model, m)
    return Release(
        metal=metal,
        sign=m,
        before=before,
        after=after,
        hybridisation=coupling_of(model),
        thermal_energy=thermal_energy_of(model),
        filling=filling_of(model, m),
    )


def _isolated(model: Quench, times: Real, r: Real) -> QuenchState:
    """Nothing moves without a metal."""
    f = [_occupied(model, m) for m in SIGNS]
    return QuenchState(
        level_spin=np.full(times.size, (f[0] - f[1]) / 2),
        level_charge=np.full(times.size, f[0] + f[1]),
        spin=np.zeros((times.size, r.size)),
        error=0.0,
        charge=np.array([max(f), *np.zeros(r.size)]),
        outcome=Outcome(converged=True, residual=0.0, iterations=1),
    )


def _occupied(model: Quench, m: int) -> float:
    """Occupation of a level that nothing touches."""
    given = filling_of(model, m)
    alone = occupation_of(levels_of(model, m)[0], 0.0, thermal_energy_of(model))
    return float(alone) if given is None else given


def _fits(metal: Metal, kT: float, times: Real, r: Real) -> None:
    """Refuse times and distances whose phases need more energies than there is memory for."""
    top = max(momentum_of(metal, TAIL * kT), 0.0)
    late, far = float(times.max(initial=0.0)), float(r.max(initial=0.0))
    each = (STATE_BYTES + PLACE_BYTES * r.size) * PANEL_NODES * top / PHASE
    _refuse_memory("time", "1/eV", late, each * late * top / metal.N0)
    _refuse_memory("distance", "nm", far, each * 2 * far)


@dataclass(frozen=True, kw_only=True)
class Star:
    """The level, entry 0, and its modes.

    Parameters
    ----------
    energies : of the modes, shape (N,), eV
    coupling : of the level to them, shape (N,), eV
    amplitude : sqrt(w), shape (N,); momentum and branch, shape (N,)
    shift : by which the modes push the level down at high momenta, eV
    recurrence : time after which the finite metal returns what it took, 1/eV
    """

    energies: Real
    coupling: Real
    amplitude: Real
    momentum: Real
    branch: Real
    shift: float
    recurrence: float


def momentum_scale(model: Quench) -> float:
    """Largest momentum of what moves: band, level, fields and temperature, 1/nm."""
    metal = metal_of(model)
    energy = abs(metal.bottom) + max(abs(e) for m in SIGNS for e in levels_of(model, m))
    width = (metal.N0 * coupling_of(model)) ** 2 / np.pi  # of the cubic in kappa, 1/nm
    return float(
        np.hypot(np.sqrt(2 * metal.N0 * (energy + TAIL / 2 * thermal_energy_of(model))), width)
    )


def graded(scale: float, reach: float, modes: int) -> tuple[Real, Real]:
    """Momenta and their weights: even up to a few scales, then with growing distances.

    The midpoint rule in u of k = scale (u + c sinh(g u)/g), since both branches make one analytic
    function of k on the whole line.
    """
    tail = float(LINEAR * GROWTH / np.cosh(GROWTH * LINEAR))

    def stretched(u: float) -> float:
        return scale * (u + tail * float(np.sinh(GROWTH * u)) / GROWTH)

    end = LINEAR + max(float(np.log(reach / scale)), 0.0) / GROWTH + 1.0
    last = float(scipy.optimize.brentq(lambda u: stretched(u) - reach, 0.0, end))
    u = (np.arange(modes) + 0.5) * last / modes
    k = scale * (u + tail * np.sinh(GROWTH * u) / GROWTH)
    return k, scale * (1 + tail * np.cosh(GROWTH * u)) * last / modes


def star_of(model: Quench, modes: int, reach: float, cutoff: float) -> Star:
    """The modes up to the momentum ``reach``, with a Gaussian cutoff of the coupling."""
    metal = _in_space(model)
    k, step = graded(momentum_scale(model), reach, modes)
    momentum, branch = np.tile(k, 2), np.repeat([1.0, -1.0], modes)
    amplitude = momentum * np.sqrt(np.tile(step, 2) / (4 * np.pi**2))
    coupling = coupling_of(model) * amplitude * np.exp(-((momentum / cutoff) ** 2))
    near = float(np.interp(metal.fermi_momentum, k, step))
    return Star(
        energies=momentum**2 / (2 * metal.N0) + branch * metal.alpha * momentum - metal.fermi,
        coupling=coupling,
        amplitude=amplitude,
        momentum=momentum,
        branch=branch,
        shift=float((coupling**2 * 2 * metal.N0 / momentum**2).sum()),
        recurrence=2 * np.pi * metal.N0 / (near * max(metal.fermi_momentum, 1e-150)),
    )


def _hamiltonian(star: Star, level: float) -> Real:
    H = np.diag(np.concatenate([[level + star.shift], star.energies]))
    H[0, 1:] = H[1:, 0] = star.coupling
    return H


def _at_first(model: Quench, star: Star, m: int) -> tuple[Real, Real]:
    """Occupations of the states of a star before time 0, and these states."""
    kT, given = thermal_energy_of(model), filling_of(model, m)
    if given is not None:
        f = np.append(given, occupation_of(star.energies, 0.0, kT))
        return f, np.eye(f.size)
    E, W = np.linalg.eigh(_hamiltonian(star, levels_of(model, m)[0]))
    return occupation_of(E, 0.0, kT), W


def by_modes(model: Quench, star: Star) -> tuple[Real, Real]:
    """Spin of the level, (times,), and along z, (times, distances), by diagonalisation of a star."""
    times, r = quench_axes(model)
    found = np.zeros((times.size, 1 + r.size))
    j0, j1 = (scipy.special.spherical_jn(n, star.momentum[None] * r[:, None]) for n in (0, 1))
    for m in SIGNS:
        _, after = levels_of(model, m)
        f, W = _at_first(model, star, m)
        e, U = np.linalg.eigh(_hamiltonian(star, after))
        mixed = U.T @ W
        rho = (mixed * f) @ mixed.T
        field = star.amplitude * (j0 + 1j * m * star.branch * j1)
        seen = np.concatenate([U[:1].astype(complex), field @ U[1:]])
        for n, t in enumerate(times):
            A = seen * np.exp(-1j * e * t)
            found[n] += m / 2 * ((A @ rho) * A.conj()).sum(axis=1).real
    return found[:, 0], found[:, 1:]


def fitting_star(model: Quench) -> Star | None:
    """Modes far above every momentum that moves, dense enough for the last time; None if too many."""
    metal, scale = _in_space(model), momentum_scale(model)
    late = max(
        float(quench_axes(model)[0].max(initial=0.0)),
        LEVELS / max(thermal_energy_of(model), 1e-150),
    )
    step = min(2 * np.pi * metal.N0 / (MARGIN * late * scale**2), COARSEST)
    reach = REACH * CUTOFF * scale
    modes = np.ceil((LINEAR + np.log1p(reach / (scale * LINEAR)) / GROWTH) / step)
    return None if modes > MODES else star_of(model, int(modes), reach, CUTOFF * scale)


def quench_labels(model: Quench) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    t, r = quench_axes(model)
    return {"time": tuple(t.tolist()), "distance": tuple(r.tolist())}


def _spin_error(model: Quench, state: QuenchState) -> Real:
    """Numerical error of the spins, (1 + distances,): change with fewer energies, rounding of the charge."""
    spins = np.column_stack([state.level_spin, state.spin])
    return np.asarray(state.error * np.abs(spins).max(axis=0) + DIGITS * state.charge)


@observable(
    unit="1",
    symbol="s_1",
    dims=("time",),
    error=lambda model, state: _spin_error(model, state)[0],
)
def level_spin(model: Quench, state: QuenchState) -> Any:
    """Spin of the level along z, in hbar."""
    return state.level_spin


@observable(unit="1", symbol="n_1", dims=("time",), error=lambda model, state: state.error)
def level_charge(model: Quench, state: QuenchState) -> Any:
    """Electrons on the level, of both spins."""
    return state.level_charge


@observable(
    name="spin_density",
    unit="1/nm^3",
    symbol="s_z",
    dims=("time", "distance"),
    error=lambda model, state: _spin_error(model, state)[1:],
)
def pulse_spin_density(model: Quench, state: QuenchState) -> Any:
    """Spin density along z at distances along z, in hbar."""
    return state.spin


QUENCH_OBSERVABLES = (level_spin, level_charge, pulse_spin_density)
QUENCH_CHECKS = (
    Check(
        name="quadrature",
        tolerance=TOLERANCE,
        about="largest relative change of a spin with fewer energies",
        evaluate=lambda m, s: s.error,
    ),
)


def _modes(model: Quench, method: Method) -> float | None:
    """Difference of the level's spin over its largest value, or over a millionth of a spin."""
    star = fitting_star(model)
    if star is None or not coupling_of(model):
        return None
    level_spin, two = (
        method.solve(model).level_spin,
        by_modes(model.replace(distance=[1.0]), star)[0],
    )
    return float(np.abs(level_spin - two).max() / max(float(np.abs(level_spin).max()), FAINT))


def _start(model: Quench, method: Method) -> float | None:
    """Difference from the Matsubara sum of a contact that keeps the field, over the largest spin."""
    if filling_of(model, 1) is not None:
        return None
    up, down = (levels_of(model, m)[0] for m in SIGNS)
    still = Contact(
        **{name: getattr(model, name) for name in SpinOrbitMetal.model_fields},
        level=(up + down) / 2,
        level_splitting=(0.0, 0.0, (up - down) / 2),
        hybridisation=coupling_of(model),
        lead_coupling=0.0,
        distance=quench_axes(model)[1],
    )
    right = NEGF().solve(still).total.vector.real[:, 2]
    ours = method.solve(model.replace(time=[0.0])).spin[0]
    size = np.maximum(np.abs(right), np.finfo(float).tiny)
    return float((np.abs(ours - right) / size).max())


QUENCH_AUDITS = (
    Audit(
        name="start",
        tolerance=1e-6,  # of a spin that is 1e-8 of the charge that is summed
        about="at time 0 the spin of the metal is that of a contact in equilibrium",
        evaluate=_start,
    ),
    Audit(
        name="modes",
        tolerance=1e-2,  # of the star: its cutoff is 300 scales, and its step a twentieth of the width
        about="a star of modes, diagonalised, gives the same spin of the level",
        evaluate=_modes,
    ),
)
