"""What a junction's steady state holds beside its current: cotunnelling, reciprocity, spin at rest.

One molecule between two leads. In Coulomb blockade the hierarchy is held against the golden rule of second order;
Onsager's relation against four generators; the spin current that flows without bias against exact scattering states.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.integrate import quad

from chirospin import junction
from chirospin.base.fermi import fermi_difference
from chirospin.base.figures import Panel, Plot
from chirospin.junction import (
    BiasedJunction,
    BiasedLandauer,
    DetailedBalance,
    Hierarchy,
    PositiveLindblad,
    Redfield,
    UniversalLindblad,
)
from chirospin.studies.expectation import above, below, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

BLOCKADE = BiasedJunction(
    molecules=1,
    energy_b=0.0,
    hubbard_a=2.0,
    hubbard_b=2.0,
    hubbard_ab_singlet=0.0,
    hubbard_ab_triplet=0.0,
    spin_orbit=0.0,
    lead_polarisation=0.0,
    coupling=0.02,
    bias=0.1,
    thermal_energy=0.05,
)
"""Two equal levels that do not see each other, so that the current is twice that of one with repulsion 2."""
GATES = tuple(np.linspace(-2.4, 0.4, 29).round(3))
MIDDLE = -1.0
ORBITALS = np.array([[[0.05, 0.02 + 0.01j], [0.02 - 0.01j, 0.03]], [[0.06, -0.01j], [0.01j, 0.04]]])
TURNED = BiasedJunction(
    molecules=1,
    energy_b=0.1,
    hubbard=2.0,
    hund=0.5,
    spin_orbit_vectors=((0.03, 0.05, 0.02),),
    lead_orbitals=ORBITALS.tolist(),
    lead_polarisations=(0.8, 0.6),
    lead_directions=((1, 1, 1), (0, 1, -1)),
    thermal_energy=0.3,
    bias=0.0,
)
LEVELS = tuple(np.linspace(-3.0, 1.0, 17))
ANGLES = tuple(np.linspace(0, np.pi, 13))
TOLERANCE = 1e-9
EXPECTED = (
    "sequential_tunnelling",
    "broadening",
    "equilibrium_current",
    "onsager",
    "own_spin_current",
    "exchange_field",
    "smallest_eigenvalue",
)
"""What fails because it is the subject: second order in blockade, generators without reciprocity, spurious spin."""


@figure(
    "Current through Coulomb blockade: sequential tunnelling, and with cotunnelling",
    plot=Plot(
        panels=(
            Panel(
                source="blockade",
                x="gate",
                y="mean_current",
                by="solved_by",
                x_label="$V_g$  (eV)",
                y_label=r"$\bar I$  (eV $e/\hbar$)",
                y_scale="log",
            ),
        ),
    ),
    outside=EXPECTED,
    quick={"gates": (MIDDLE, 0.0)},
)
def blockade(
    workers: int, progress: Progress, gates: Sequence[float] = GATES
) -> dict[str, xr.Dataset]:
    """Mean current against the gate at a bias of two temperatures."""
    ds = junction.solve(
        BLOCKADE,
        [UniversalLindblad(), Hierarchy(tier=2, tolerance=TOLERANCE)],
        over={"gate": gates},
        observables=["mean_current"],
        workers=workers,
        progress=progress,
    )
    return {"blockade": ds}


@figure(
    "Departure from Onsager's relation of charge and heat, all magnets reversed",
    plot=Plot(
        panels=(
            Panel(
                source="reciprocity",
                x="gate",
                y="onsager_defect",
                by="solved_by",
                x_label="$V_g$  (eV)",
                y_label=r"$d_O$",
            ),
        ),
    ),
    outside=EXPECTED,
    quick={"gates": (-1.25, -0.25)},
)
def reciprocity(
    workers: int, progress: Progress, gates: Sequence[float] = LEVELS
) -> dict[str, xr.Dataset]:
    """The defect of four generators against the gate."""
    ds = junction.solve(
        TURNED,
        [DetailedBalance(), Redfield(), PositiveLindblad(), UniversalLindblad()],
        over={"gate": gates},
        observables=["onsager_defect"],
        workers=workers,
        progress=progress,
    )
    return {"reciprocity": ds.isel(magnetisation=0)}


@figure(
    "Spin current from the left lead without bias and without repulsion, along x, against the angle of the magnets",
    plot=Plot(
        panels=(
            Panel(
                source="rest",
                x="angle",
                y="spin_current",
                by="found",
                x_label=r"$\theta$  (rad)",
                y_label="$J_x$  (eV)",
            ),
        ),
    ),
    setting="no repulsion, gate = 0.1, bias = 0; left magnet in the yz plane at the angle to the right one along z; "
    "coupling, polarisations and spin-orbit vector as in the figure before",
    outside=EXPECTED,
    quick={"angles": (0.0, np.pi / 2)},
)
def rest(
    workers: int, progress: Progress, angles: Sequence[float] = ANGLES
) -> dict[str, xr.Dataset]:
    """Exact, by the universal Lindblad equation itself, and with its Lamb shift in the form of Redfield."""
    free = TURNED.replace(hubbard=0.0, hund=0.0, hubbard_ab_triplet=0.0, gate=0.1)
    rows = []
    for done, angle in enumerate(angles):
        model = free.replace(lead_directions=((0.0, np.sin(angle), np.cos(angle)), (0.0, 0.0, 1.0)))
        names = ["spin_current", "spin_current_lamb"]
        ds = junction.solve(model, [BiasedLandauer(), UniversalLindblad()], observables=names)
        own = ds.spin_current.isel(magnetisation=0, lead=0).sel(component="x").values
        lamb = ds.spin_current_lamb.isel(magnetisation=0, lead=0, solved_by=1).sel(component="x")
        rows.append([own[0], own[1], float(lamb)])
        progress(done + 1, len(angles))
    values = xr.DataArray(
        rows,
        dims=("angle", "found"),
        coords={
            "angle": list(angles),
            "found": ["exact", "ule, its own", "ule, with the Lamb shift"],
        },
        attrs={"units": "eV", "long_name": "spin current from the left lead", "symbol": "J_x"},
    )
    return {"rest": xr.Dataset({"spin_current": values})}


def golden_rule(model: BiasedJunction, couplings: tuple[float, float], repulsion: float) -> float:
    r"""Cotunnelling through one level that holds one electron.

    .. math:: I = g_L g_R \int \frac{d\omega}{2\pi} (f_L - f_R) [a^2 + b^2 + (a + b)^2], \qquad
              a = \frac{1}{\omega - \epsilon}, \; b = \frac{1}{\epsilon + U - \omega}

    Elastic through the empty and through the full level, and spin flips through both.
    """
    level, V, T = model.gate, model.bias, model.thermal_energy or 0.1

    def integrand(omega: float) -> float:
        a, b = 1 / (omega - level), 1 / (level + repulsion - omega)
        drive = float(fermi_difference((omega - V / 2) / T, (omega + V / 2) / T))
        return drive * (a**2 + b**2 + (a + b) ** 2)

    reach = 0.6 * min(abs(level), abs(level + repulsion))
    value, _ = quad(integrand, -reach, reach)
    return float(couplings[0] * couplings[1] * value / (2 * np.pi))


@claim(
    "middle of the blockade",
    "tier 2 of the hierarchy is cotunnelling of second order",
    near("current over that of the golden rule", 1, 0.03),
    source="analytic",
)
def cotunnelling(blockade: Parts) -> Numbers:
    I = blockade["blockade"].mean_current.sel({"solved_by": "hierarchy", "gate": MIDDLE})  # noqa: E741
    expected = 2 * golden_rule(BLOCKADE.replace(gate=MIDDLE), (0.01, 0.02), 2.0)
    return float(I) / expected


@claim(
    "middle of the blockade",
    "sequential tunnelling misses the current by orders of magnitude",
    below("its current over that with cotunnelling", 1e-4),
    source="self",
)
def sequential(blockade: Parts) -> Numbers:
    I = blockade["blockade"].mean_current.sel(gate=MIDDLE)  # noqa: E741
    return float(I.sel({"solved_by": "ule"}) / I.sel({"solved_by": "hierarchy"}))


@claim(
    "on resonance",
    "where levels are in the window both find the same current, but for the width of the level",
    near("sequential over exact current at gate 0", 1, 0.2),
    source="self",
)
def resonance(blockade: Parts) -> Numbers:
    I = blockade["blockade"].mean_current.sel(gate=0.0)  # noqa: E741
    return float(I.sel({"solved_by": "ule"}) / I.sel({"solved_by": "hierarchy"}))


@claim(
    "linear response",
    "Onsager's relation holds for kms, and for no other generator",
    below("largest defect of kms", 1e-7),
    above("largest defect of ule", 1e-3),
    source="self",
)
def onsager(reciprocity: Parts) -> Numbers:
    worst = abs(reciprocity["reciprocity"].onsager_defect).max("gate")
    return float(worst.sel({"solved_by": "kms"})), float(worst.sel({"solved_by": "ule"}))


@claim(
    "at rest, 90 degrees",
    "a spin current of second order in the coupling flows without bias: ule has it in neither form",
    above("size of the exact one (eV)", 1e-5),
    above("error of ule's own over the exact one", 0.5),
    above("error of that with the other Lamb shift", 0.5),
    source="self",
)
def spin_at_rest(rest: Parts) -> Numbers:
    J = rest["rest"].spin_current.sel(angle=np.pi / 2, method="nearest")
    exact = float(J.sel(found="exact"))
    own, lamb = (float(J.sel(found=f"ule, {name}")) for name in ("its own", "with the Lamb shift"))
    return abs(exact), abs(own - exact) / abs(exact), abs(lamb - exact) / abs(exact)
