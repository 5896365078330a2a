"""Constants of nature in the units of the package, of CODATA as SciPy has them."""

from __future__ import annotations

from scipy.constants import e, h, k, mu_0, physical_constants, pi

BOLTZMANN: float = k / e
"""eV/K."""
BOHR_MAGNETON: float = physical_constants["Bohr magneton in eV/T"][0]
"""eV/T."""
AMPERE_PER_EV: float = 2 * pi * e**2 / h
"""Of a current of one eV e/hbar, and of a conductance of one e^2/hbar in volts."""
VACUUM_PERMEABILITY: float = mu_0
"""T m/A."""
