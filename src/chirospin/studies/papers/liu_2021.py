r"""Chirality-driven topological electronic structure of DNA-like materials (Y. Liu et al., 2021).

The abstract says that chirality gives bands an orbital texture, that a chiral molecule so polarises the
orbital, and that the spin-orbit interaction of a metal contact then makes a spin polarisation, a
magnetoresistance and chiral separation of it. Hamiltonian and numbers are chosen here.

What decides is law 3: orbital momentum is transmitted at zeroth order, but the spin that a contact makes of it
in two terminals begins at second order in its spin-orbit coupling.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import OrbitalTexture
from chirospin.studies.expectation import above, near
from chirospin.studies.registry import Parts, Progress, claim, figure
from chirospin.studies.structure import STRUCTURE, structure

WAVEVECTORS = np.linspace(-np.pi, np.pi, 241)
COUPLINGS = (1e-3, 1e-2, 1e-1)


@figure("Eight sites with p orbitals", STRUCTURE)
def molecule(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    return structure(OrbitalTexture())


@figure(
    "Orbital momentum of the bands of the endless helix",
    Plot(
        panels=(Panel(source="texture", x="wavevector", y="orbital_moment", by="band"),),
        markers=False,
    ),
)
def texture(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        OrbitalTexture(energy=[0.2]),
        over={"wavevector": WAVEVECTORS},
        observables=["band_energy", "orbital_moment"],
    )
    return {"texture": ds.assign_coords(band=["lowest band", "middle band", "highest band"])}


@figure(
    "Transmitted spin and orbital momentum against the spin-orbit coupling of the last site",
    Plot(
        columns=2,
        panels=(
            Panel(
                source="contact", x="spin_orbit", y="transmitted_spin", x_scale="log", y_scale="log"
            ),
            Panel(source="contact", x="spin_orbit", y="transmitted_orbital_moment", x_scale="log"),
        ),
    ),
)
def contact(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        OrbitalTexture(energy=[0.2]),
        over={"spin_orbit": list(COUPLINGS)},
        observables=["transmitted_spin", "transmitted_orbital_moment"],
    )
    return {"contact": ds.isel(energy=0)}


@claim(
    "abstract",
    "a chiral molecule polarises the orbital",
    above("largest |L_z| of a band", 0.5),
    above("transmitted |L_z|", 0.2),
)
def orbital(texture: Parts, contact: Parts) -> tuple[float, np.ndarray]:
    return (
        float(np.abs(texture["texture"].orbital_moment).max()),
        np.abs(contact["contact"].transmitted_orbital_moment.values),
    )


@claim(
    "time reversal",
    "the texture is odd in the wavevector, as time reversal asks",
    near("L_z(k) + L_z(-k)", 0, 1e-12),
    source="analytic",
)
def odd(texture: Parts) -> np.ndarray:
    moment = texture["texture"].orbital_moment.values
    return np.asarray((moment + moment[::-1])[1:-1])


@claim(
    "law 3",
    "the spin that the contact makes of it is of second order in the contact's coupling",
    near("exponent", 2, 0.01),
    source="analytic",
)
def second_order(contact: Parts) -> float:
    spin = contact["contact"].transmitted_spin.values
    return float(np.log10(spin[1] / spin[0]))
