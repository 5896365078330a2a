"""Current-induced spin of a crystal of tellurium's structure, beside its k.p model.

A tight-binding crystal of three-atom helices, both hands; the two-band model that is usual for holes in tellurium,
with parameters fitted to the same crystal at H and both valleys counted; the orbital part that stands beside the spin.
At T = 0 the sums over k are by tetrahedra, at 300 K by thermal weights; errors are the largest distance of
four grids from the value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from chirospin import crystal
from chirospin.base.figures import Panel, Plot
from chirospin.crystal import Crystal, FermiSurface, KGrid
from chirospin.crystal.model import bloch_hamiltonian
from chirospin.studies.expectation import above, below, between, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

DEPTHS = (0.01, 0.015, 0.02, 0.025, 0.03)
"""eV below the top of the valence band at H; from 40 meV on other pockets join, which two bands do not know."""
VALENCE = slice(10, 12)
CORNER = (1 / 3, 1 / 3, 1 / 2)  # H
STEP = 0.05  # 1/nm of the fit: there 2 beta k is still a third of the gap
HANDS = ("helix", "helix-mirror")
ROOM = 0.02585  # eV: 300 K
SEEN = 8.4e-4  # mT at 1 A/cm^2: at the nuclei of tellurium by NMR, Furukawa et al. 2017; from memory: verify


def two_bands() -> dict[str, float]:
    """Parameters of the k.p model at H of the helix, and the energy of H in the middle of its two bands."""
    bloch = bloch_hamiltonian(Crystal(hamiltonian="helix"))
    assert bloch.cell is not None
    ways = STEP * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    k = np.array(CORNER) @ bloch.cell + ways
    low, high = np.linalg.eigvalsh(bloch.hamiltonian(k))[:, VALENCE].T
    middle, half = (high + low) / 2, (high - low) / 2
    x, y, z = (middle[1:] - middle[0]) / STEP**2
    beta = float(np.sqrt(half[3] ** 2 - half[0] ** 2) / STEP)
    return {
        "longitudinal": float(z),
        "transverse": float((x + y) / 2),
        "gap": float(half[0]),
        "spin_orbit": beta,
        "middle": float(middle[0]),
    }


@figure(
    "Spin per current along the helices at T = 0 against the depth of the Fermi level: both hands, and the two-band "
    "model of the right one",
    plot=Plot(
        panels=(
            Panel(
                source="series",
                x="depth",
                y="ratio",
                error="ratio_error",
                by="model",
                legend=True,
                x_label="Fermi level below the top at H (meV)",
                y_label=r"$\chi_{zz}/D_{zz}$ (1/(eV nm))",
            ),
        )
    ),
    setting="96 points a side, T = 0",
    outside=("integration",),
    quick={"depths": (0.02, 0.03)},
)
def doping(
    workers: int, progress: Progress, depths: Sequence[float] = DEPTHS, points: int = 96
) -> dict[str, xr.Dataset]:
    """Both hands and the two bands."""
    fit = two_bands()
    top = fit.pop("middle")
    levels = [top + fit["gap"] - depth for depth in depths]
    shown = ["edelstein_tensor", "charge_tensor", "spin_per_current"]
    method = KGrid(points=points, tolerance=1.0)
    data = {
        name: crystal.solve(
            Crystal(hamiltonian=name),
            method,
            over={"chemical_potential": levels},
            observables=shown,
        )
        for name in HANDS
    }
    data["k.p"] = crystal.solve(
        Crystal(hamiltonian="tellurium", valleys=2, **fit),
        FermiSurface(),
        over={"chemical_potential": [fit["gap"] - depth for depth in depths]},
        observables=shown,
        workers=workers,
        progress=progress,
    )
    ratio = np.stack([ds.spin_per_current.values[:, 2, 2] for ds in data.values()])
    error = np.stack([ds.spin_per_current_error.values[:, 2, 2] for ds in data.values()])
    data["series"] = xr.Dataset(
        {
            "ratio": (("model", "depth"), ratio, {"units": "1/(eV*nm)"}),
            "ratio_error": (("model", "depth"), error, {"units": "1/(eV*nm)"}),
        },
        {
            "model": ["right hand", "left hand", "two bands"],
            "depth": [1e3 * depth for depth in depths],
        },
    )
    return data


@figure(
    "Spin and internal orbital part of the kinetic magnetoelectric tensor at 300 K, 26 meV below the top",
    setting="300 K, 72 points a side",
    outside=("integration",),
    quick={"points": 48},
)
def moments(workers: int, progress: Progress, points: int = 72) -> dict[str, xr.Dataset]:
    """The two moments of the right hand."""
    fit = two_bands()
    model = Crystal(
        hamiltonian="helix",
        chemical_potential=fit["middle"] + fit["gap"] - ROOM,
        thermal_energy=ROOM,
    )
    shown = ["gme_spin", "orbital_internal", "spin_per_current_field_mT"]
    return {"helix": crystal.solve(model, KGrid(points=points, tolerance=1.0), observables=shown)}


@claim(
    "symmetry",
    "the mirror image has the opposite spin and the same conductivity",
    below("largest |chi + chi'| over the largest chi", 1e-9),
    below("largest |D - D'| over the largest D", 1e-9),
    source="analytic",
)
def enantiomers(doping: Parts) -> Numbers:
    right, left = (doping[name] for name in HANDS)
    chi = (
        np.abs(right.edelstein_tensor + left.edelstein_tensor).max()
        / np.abs(right.edelstein_tensor).max()
    )
    D = np.abs(right.charge_tensor - left.charge_tensor).max() / np.abs(right.charge_tensor).max()
    return float(chi), float(D)


@claim(
    "beside the two-band model",
    "two bands fitted at H give the sign of the spin per current, and too much of it: their spin is whole",
    between("two bands over crystal", 1.2, 2.5),
    source="analytic",
)
def too_large(doping: Parts) -> Numbers:
    ratio = doping["series"].ratio
    return np.asarray((ratio.sel(model="two bands") / ratio.sel(model="right hand")).values)


@claim(
    "beside the two-band model",
    "a current across the helices induces spin too, which two bands with spin along z alone do not know",
    above("chi_xx/chi_zz of the crystal", 0.2),
    near("chi_xx/chi_zz of two bands", 0, 1e-6),
    source="analytic",
)
def across(doping: Parts) -> Numbers:
    parts = []
    for name in ("helix", "k.p"):
        chi = doping[name].edelstein_tensor.values
        parts.append(chi[:, 0, 0] / chi[:, 2, 2])
    return parts[0], parts[1]


@claim(
    "convergence",
    "at T = 0 a pocket of 20 meV is known to a tenth or so on 96 points a side: the largest distance of four grids",
    below("stated error of chi_zz/D_zz at 20 meV, relative", 0.15),
    source="self",
)
def stated(doping: Parts) -> Numbers:
    one = doping["series"].sel(model="right hand", depth=20.0)
    return float(abs(one.ratio_error / one.ratio))


@claim(
    "orbital part",
    "across the helices the internal orbital part opposes the spin and exceeds it",
    below("K_orb,xx/K_spin,xx", -1.0),
    source="self",
)
def orbital(moments: Parts) -> Numbers:
    ds = moments["helix"]
    return float(ds.orbital_internal[0, 0] / ds.gme_spin[0, 0])


@claim(
    "nuclear resonance",
    "the field of the induced spin itself is far below what nuclear resonance sees: hyperfine coupling and the orbital "
    "part must make up for it, and neither is in this crystal",
    above("8.4e-4 mT at 1 A/cm^2 (from memory: verify) over mu_0 M of the spin along z", 1e4),
    source="self",
)
def resonance(moments: Parts) -> Numbers:
    return SEEN / abs(float(moments["helix"].spin_per_current_field_mT[2, 2]))
