r"""A molecular moment that loses its field: propagation of the level with the modes it sees.

In three dimensions a level at one point couples to one channel of the metal only, with total angular
momentum 1/2. Its modes make a star around the level, for each projection m of the spin:

.. math:: E_{ks} = \frac{k^2}{2N_0} + s\alpha k - \varepsilon_F, \qquad
          V_{ks} = V_0\sqrt{\frac{k^2\,dk}{4\pi^2}}\, e^{-k^2/\Lambda^2}, \qquad
          \psi(\mathbf r) = \sqrt{\frac{k^2\,dk}{4\pi^2}}\,[j_0(kr) + is\,j_1(kr)\,\hat r\cdot\sigma]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import spherical_jn

from chirospin.base.audit import Audit, Check
from chirospin.base.errors import ModelError
from chirospin.base.method import Method
from chirospin.base.observables import observable
from chirospin.base.parameters import Shape, parameter
from chirospin.numerics.outcome import Outcome
from chirospin.spinterface.model import SpinOrbitMetal, metal_of, temperature_of

Real = NDArray[np.float64]
Complex = NDArray[Any]
TIMES = np.linspace(0.0, 120.0, 61)
PLACES = np.array([1.0, 4.0, 8.0, 12.0])
SIGNS = (1, -1)


class Quench(SpinOrbitMetal):
    """A level in equilibrium with the metal in an exchange field along z that ends at time 0.

    References
    ----------
    fransson_spinterface, Sec. II E
    """

    fermi_energy: float = parameter(
        1.0, unit="eV", symbol=r"\varepsilon_F", about="of the metal above the crossing point k = 0"
    )
    level: float = parameter(0.0, unit="eV", symbol=r"\varepsilon", about="of the molecule")
    exchange: float = parameter(
        -0.2, unit="eV", symbol=r"\Delta", about="on the level before time 0, in H = Delta sigma_z"
    )
    kept: float = parameter(0.0, unit="eV", symbol=r"\Delta'", about="on the level after time 0")
    hybridisation: float = parameter(
        0.08, unit="eV*nm^1.5", symbol="V_0", about="level to metal, spin kept"
    )
    distance: tuple[float, ...] | None = parameter(
        None, unit="nm", symbol="r", shape=Shape(axes=("R",)), axis=True, about="along z"
    )
    time: tuple[float, ...] | None = parameter(
        None, unit="1/eV", symbol="t", shape=Shape(axes=("T",)), axis=True, about="10 fs is 15.19"
    )


def quench_axes(model: Quench) -> tuple[Real, Real]:
    """Times and distances wanted."""
    t = TIMES if model.time is None else np.array(model.time)
    r = PLACES if model.distance is None else np.array(model.distance)
    return t, r


@dataclass(frozen=True, kw_only=True)
class Star:
    """The level, entry 0, and its modes.

    Parameters
    ----------
    energies : of the modes, shape (N,), eV
    coupling : of the level to them, shape (N,), eV
    amplitude : sqrt(w), shape (N,); momentum and branch, shape (N,)
    recurrence : time after which the finite metal returns what it took, 1/eV
    """

    energies: Real
    coupling: Real
    amplitude: Real
    momentum: Real
    branch: Real
    recurrence: float


def star_of(model: Quench, modes: int, reach: float, cutoff: float) -> Star:
    """The modes on an even grid of momenta up to ``reach``, with a Gaussian cutoff of the coupling."""
    metal = metal_of(model)
    if metal.d != 3:
        raise ModelError(f"Parameter `dimension` must be 3 for a quench, but is {metal.d}")
    step = reach / modes
    k = (np.arange(modes) + 0.5) * step
    momentum, branch = np.tile(k, 2), np.repeat([1.0, -1.0], modes)
    amplitude = momentum * np.sqrt(step / (4 * np.pi**2))
    velocity = max(metal.fermi_momentum / metal.N0, 1e-300)
    return Star(
        energies=momentum**2 / (2 * metal.N0) + branch * metal.alpha * momentum - metal.fermi,
        coupling=model.hybridisation * amplitude * np.exp(-((momentum / cutoff) ** 2)),
        amplitude=amplitude,
        momentum=momentum,
        branch=branch,
        recurrence=2 * np.pi / (step * velocity),
    )


def _hamiltonian(star: Star, level: float) -> Real:
    H = np.diag(np.concatenate([[level], star.energies]))
    H[0, 1:] = H[1:, 0] = star.coupling
    return H


@dataclass(frozen=True, kw_only=True)
class QuenchState:
    """Spin in time.

    Parameters
    ----------
    level_spin : shape (times,), in hbar
    spin : density along z, shape (times, distances), 1/nm^3
    charge_error : largest change of the number of electrons
    recurrence : 1/eV
    """

    level_spin: Real
    spin: Real
    charge_error: float
    recurrence: float
    outcome: Outcome


class StarModes(Method):
    """Exact propagation with a finite number of modes, good until they return what they took."""

    name: ClassVar[str] = "star"
    summary: ClassVar[str] = "exact propagation with a finite number of modes"
    references: ClassVar[tuple[str, ...]] = ("fransson_spinterface",)

    modes: int = Field(default=320, ge=10, le=4000, description="momenta on each branch")
    reach: float = Field(default=16.0, gt=0, description="largest momentum in 1/nm")
    cutoff: float = Field(default=10.0, gt=0, description="of the coupling, Gaussian, in 1/nm")

    def solve_many(self, models: Sequence[Quench]) -> Iterator[QuenchState]:
        """One state per model."""
        return map(self._state, models)

    def _state(self, model: Quench) -> QuenchState:
        star = star_of(model, self.modes, self.reach, self.cutoff)
        times, r = quench_axes(model)
        level_spin = np.zeros(times.size)
        spin = np.zeros((times.size, r.size))
        error = 0.0
        j0, j1 = (spherical_jn(n, star.momentum[None] * r[:, None]) for n in (0, 1))
        for m in SIGNS:
            before, after = levels_of(model, m)
            E, W = np.linalg.eigh(_hamiltonian(star, before))
            filled = np.exp(-np.logaddexp(0.0, E / max(temperature_of(model), 1e-12)))
            e, U = np.linalg.eigh(_hamiltonian(star, after))
            mixed = U.T @ W
            rho = (mixed * filled) @ mixed.T
            field = star.amplitude * (j0 + 1j * m * star.branch * j1)
            seen = np.concatenate([U[:1].astype(complex), field @ U[1:]])
            for n, t in enumerate(times):
                A = seen * np.exp(-1j * e * t)
                density = ((A @ rho) * A.conj()).sum(axis=1).real
                level_spin[n] += m * density[0] / 2
                spin[n] += m * density[1:] / 2
            error = max(error, abs(float(np.trace(rho) - filled.sum())))
        late = float(times.max(initial=0.0))
        good = late < star.recurrence
        words = f"times must be below {star.recurrence:.3g}/eV, when modes return: raise modes"
        return QuenchState(
            level_spin=level_spin,
            spin=spin,
            charge_error=error,
            recurrence=star.recurrence,
            outcome=Outcome(
                converged=good, residual=error, iterations=times.size, reason="" if good else words
            ),
        )


def levels_of(model: Quench, m: int) -> tuple[float, float]:
    """Energy of the level with spin m before and after time 0, eV."""
    return model.level + m * model.exchange, model.level + m * model.kept


def quench_labels(model: Quench) -> dict[str, tuple[Any, ...]]:
    """Labels along every dimension of the observables."""
    t, r = quench_axes(model)
    return {"time": tuple(t.tolist()), "distance": tuple(r.tolist())}


@observable(unit="1", symbol="s_1", dims=("time",))
def level_spin(model: Quench, state: QuenchState) -> Any:
    """Spin of the level along z, in hbar."""
    return state.level_spin


@observable(name="spin_density", unit="1/nm^3", symbol="s_z", dims=("time", "distance"))
def pulse_spin_density(model: Quench, state: QuenchState) -> Any:
    """Spin density along z at distances along z, in hbar."""
    return state.spin


QUENCH_OBSERVABLES = (level_spin, pulse_spin_density)
QUENCH_CHECKS = (
    Check(
        name="charge",
        tolerance=1e-9,
        about="change of the number of electrons",
        evaluate=lambda m, s: s.charge_error,
    ),
    Check(
        name="recurrence",
        tolerance=1.0,
        about="last time over the time when the finite metal returns what it took",
        evaluate=lambda m, s: float(quench_axes(m)[0].max(initial=0.0) / s.recurrence),
    ),
)


def _finer(model: Quench, method: StarModes) -> float:
    finer = method.with_options(modes=2 * method.modes)
    one, two = (x.solve(model).level_spin for x in (method, finer))
    return float(np.abs(one - two).max() / (np.abs(one).max() or 1.0))


QUENCH_AUDITS = (
    Audit(
        name="finer",
        tolerance=1e-3,
        about="twice the modes give the same spin of the level",
        evaluate=_finer,
    ),
)
