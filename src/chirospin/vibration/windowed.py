"""The emulation: a finite window and a broadening turn the second-order moment over."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from chirospin.base.errors import ModelError
from chirospin.base.fermi import fermi
from chirospin.base.method import NOTHING, Needs
from chirospin.base.spin import PAULI
from chirospin.numerics.quadrature import gauss_nodes
from chirospin.vibration.born import (
    Poles,
    Thermal,
    green_parts,
    inverse_green,
    self_energy_poles,
    spin_densities,
)
from chirospin.vibration.ladder import SPECTRUM, Rung, converged
from chirospin.vibration.model import Level, Vibration, energies_from_mu, level_of
from chirospin.vibration.state import VibrationState

Array = NDArray[np.floating[Any]]
GAUSS = 16  # nodes of a panel
PANELS = 2.0  # in one broadening


class Windowed(Rung):
    r"""Second order on the real axis, cut at a window and with a broadening in every propagator.

    .. math:: \mathbf m_W = -\frac1\pi \int_{-W}^{W} f(\omega)\,
              \mathrm{Im}\, \mathbf G_1(\omega + i\eta)\, d\omega

    This is no theory: the tails beyond the window are lost, and with them the sign. For small coupling and
    eta << T, W the moment changes sign at :math:`[\pi(\varepsilon_0-\mu)W^3/16\eta]^{1/3}`, whatever the
    vibrations are.
    """

    name: ClassVar[str] = "windowed"
    summary: ClassVar[str] = "EMULATION of a finite window: its sign change is an artefact"
    references: ClassVar[tuple[str, ...]] = ("fransson_closed_shell",)

    window: float = Field(
        default=2.5, ge=1e-6, le=1e6, description="W, half width of the integral, meV"
    )

    def state(self, model: Vibration, needs: Needs = NOTHING) -> VibrationState:
        """The integral over the window."""
        level = level_of(model, resolution=self.broadening)
        poles = self_energy_poles(level)
        found, norm = self._integrated(level, poles, model)
        parts = {}
        if SPECTRUM in needs:
            omega = energies_from_mu(model)
            parts[SPECTRUM] = spin_densities(level, poles, omega, self.broadening)
        return VibrationState(
            density=found.density,
            moment=found.moment,
            norm=norm,
            left_out=level.hubbard,
            truncation=None,
            outcome=converged(),
            parts=parts,
        )

    def moment_of(self, model: Vibration, finer: int) -> Array:
        """The integral with more nodes of the bath."""
        level = level_of(model, finer, resolution=self.broadening)
        return self._integrated(level, self_energy_poles(level), model)[0].moment

    def moment_at(self, model: Vibration, thermal_energy: float) -> Array:
        """The integral at another temperature."""
        level = level_of(model, thermal_energy=thermal_energy, resolution=self.broadening)
        return self._integrated(level, self_energy_poles(level), model)[0].moment

    def _integrated(self, level: Level, poles: Poles, model: Vibration) -> tuple[Thermal, float]:
        """The cut integral, and the norm inside the window; energies are absolute, not from mu."""
        mu = model.chemical_potential
        count = int(np.ceil(PANELS * 2 * self.window / self.broadening))
        if count > 200_000:
            raise ModelError(
                f"Option `broadening` of method windowed: must be > {self.window / 5e4:g} (meV) for "
                f"the window {self.window:g}, but is {self.broadening:g}"
            )
        nodes, weights = gauss_nodes(GAUSS)
        half = self.window / count
        centres = -self.window + half * (2 * np.arange(count) + 1)
        omega = (centres[:, None] + half * nodes).ravel() - mu
        measure = np.tile(half * weights, count)
        scalar, vector = green_parts(inverse_green(level, poles, omega + 1j * self.broadening))
        filled = measure * fermi(omega / level.thermal_energy)
        mean = -(filled @ scalar.imag) / np.pi
        moment = -(filled @ vector.imag) / np.pi
        norm = -(measure @ scalar.imag) / np.pi
        density = mean * np.eye(2) + np.tensordot(moment, PAULI, 1)
        return Thermal(density=np.asarray(density), moment=np.asarray(moment)), float(norm)
