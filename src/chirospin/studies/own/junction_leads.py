r"""Magnets at any angle, and what is left of a junction's magnetoresistance between real ones.

A real ferromagnet has a polarisation of 0.3 to 0.5, points where the field turns it, and there are two of
them in a spin valve. The dimer of nozaki_fujita_2026 in units of t = t_aa, and one level with repulsion between
two magnets, :math:`\Gamma = g(1 + p\,\mathbf n\cdot\boldsymbol\sigma)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from chirospin import junction
from chirospin.base.figures import Panel, Plot
from chirospin.base.spin import PAULI
from chirospin.junction import CustomJunction, Junction
from chirospin.studies.expectation import above, below, falls, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

ANGLES = tuple(np.linspace(0.0, np.pi, 13))
POLARISATIONS = (1.0, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.65, 0.5, 0.4, 0.3)
MAGNET = 0.9
COUPLING = 0.05  # W of the level, t
VALVES = (0.0, 4.0)
"""Repulsions U of the spin valve, t."""
REAL = 0.4
THETA = r"$\theta$ (rad)"


def magnets(angle: float, repulsion: float = 2.0) -> CustomJunction:
    """One level at -0.5 between two magnets at an angle, V = 2, T = 0.2."""
    directions = ([np.sin(angle), 0.0, np.cos(angle)], [0.0, 0.0, 1.0])
    gamma = [COUPLING * (np.eye(2) + MAGNET * np.einsum("k,kst->st", n, PAULI)) for n in directions]
    return CustomJunction(
        one_body_matrix=-0.5 * np.eye(2),
        interaction_tensor=[[0, 1, 0, 1, repulsion], [1, 0, 1, 0, repulsion]],
        lead_matrices=gamma,
        bias=2.0,
        thermal_energy=0.2,
    )


def _angle(values: Sequence[float]) -> xr.Variable:
    return xr.Variable("angle", list(values), {"symbol": r"\theta", "units": "rad"})


@figure(
    "Current between two magnets against their angle, one level with repulsion",
    plot=Plot(
        panels=(
            Panel(
                source="curve", x="angle", y="current", by="solved_by", x_label=THETA, legend=True
            ),
        ),
        markers=False,
    ),
    outside=("exchange_field", "smallest_eigenvalue"),
    quick={"angles": (np.pi / 2,)},
)
def angular(
    workers: int, progress: Progress, angles: Sequence[float] = ANGLES
) -> dict[str, xr.Dataset]:
    """Methods with and without the exchange field of the leads."""
    parts: list[xr.Dataset] = [
        junction.solve(
            magnets(angle),
            ["hierarchy", "ule", "redfield"],
            observables=["current"],
            workers=workers,
        ).sel(magnetisation="up")
        for angle in angles
    ]
    return {"curve": xr.concat(parts, _angle(angles))}


@figure(
    "Polarisation of the dimer against that of its magnet, and against the direction of the magnet",
    plot=Plot(
        columns=2,
        panels=(
            Panel(
                source="polarised",
                x="lead_polarisation",
                y="spin_polarisation",
                x_label="$p$",
            ),
            Panel(
                source="turned",
                x="angle",
                y="current",
                by="magnetisation",
                x_label=THETA,
                legend=True,
            ),
        ),
    ),
    quick={"angles": (0.0, np.pi / 2)},
)
def dimer(
    workers: int, progress: Progress, angles: Sequence[float] = ANGLES[:7]
) -> dict[str, xr.Dataset]:
    """gksl at infinite bias; the magnet turns from z towards x."""
    polarised = junction.solve(
        Junction(),
        "gksl",
        over={"lead_polarisation": POLARISATIONS},
        observables=["spin_polarisation", "current"],
        workers=workers,
    )
    turned: list[xr.Dataset] = [
        junction.solve(
            Junction(lead_directions=[[np.sin(x), 0, np.cos(x)], [0, 0, 1]]),
            "gksl",
            observables=["current"],
            workers=workers,
        )
        for x in angles
    ]
    return {"polarised": polarised, "turned": xr.concat(turned, _angle(angles))}


@figure(
    "A spin valve: what each of two magnets does to the current through the dimer",
    plot=Plot(
        panels=(
            Panel(
                source="valve",
                x="lead_polarisation",
                y="magnetoresistance",
                by="hubbard",
                by_label="U/t",
                x_label="$p$",
                legend=True,
            ),
        ),
    ),
    quick={"polarisations": (REAL,)},
)
def valve(
    workers: int, progress: Progress, polarisations: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5)
) -> dict[str, xr.Dataset]:
    """Two magnets of equal polarisation and coupling at the ends of the dimer, infinite bias."""
    p_axis = xr.Variable("lead_polarisation", list(polarisations), {"symbol": "p", "units": "1"})
    rows: list[xr.Dataset] = []
    for U in VALVES:
        parts: list[xr.Dataset] = [
            junction.solve(
                spin_valve(U, p),
                "gksl",
                observables=["magnetoresistance", "current_parts"],
                workers=workers,
            )
            for p in polarisations
        ]
        rows.append(xr.concat(parts, p_axis))
    axis = xr.Variable("hubbard", list(VALVES), {"symbol": "U", "units": "eV"})
    return {"valve": xr.concat(rows, axis)}


def spin_valve(repulsion: float, polarisation: float) -> Junction:
    """The dimer between two magnets alike."""
    W = np.zeros((2, 4, 4))
    W[0, :2, :2] = W[1, 2:, 2:] = COUPLING * np.eye(2)
    model = Junction(lead_orbitals=W, lead_polarisations=[polarisation] * 2)
    return model.replace(hubbard=repulsion)


@claim(
    "angle",
    "generators without the exchange field of the leads are off by a seventh at a right angle",
    near("ule over hierarchy at 90 degrees", 1, 0.05),
    below("redfield over hierarchy at 90 degrees", 0.87),
    source="self",
)
def exchange(angular: Parts) -> Numbers:
    flow = angular["curve"].current.sel(
        {"angle": np.pi / 2, "solved_by": ["hierarchy", "ule", "redfield"]}
    )
    exact, ule, redfield = flow.values
    return ule / exact, redfield / exact


@claim(
    "dimer",
    "a minority channel of a twentieth takes most of the polarisation",
    near("P at p = 1", -0.24107, 1e-4),
    falls("|P| as p falls"),
    below("|P| at p = 0.5", 1e-3),
    source="self",
)
def partial(dimer: Parts) -> Numbers:
    P = dimer["polarised"].spin_polarisation
    size = abs(P.sortby("lead_polarisation", ascending=False)).values
    return float(P.sel(lead_polarisation=1.0)), size, abs(float(P.sel(lead_polarisation=0.5)))


@claim(
    "dimer",
    "a magnet in the plane of the spin-orbit vectors gives no polarisation, though a current of its own",
    below("|I_up - I_down| over their sum at 90 degrees", 1e-9),
    above("current at 90 degrees over the mean along z", 1.5),
    source="analytic",
)
def in_the_plane(dimer: Parts) -> Numbers:
    flow = dimer["turned"].current
    up, down = flow.sel(angle=np.pi / 2).values.ravel()
    return abs(up - down) / (up + down), up / float(flow.sel(angle=0.0).mean())


@claim(
    "spin valve",
    "repulsion turns the sign of the magnetoresistance of two real magnets",
    above("I(+,+)/I(+,-) - 1 at U = 0, p = 0.4", 0.1),
    below("the same at U = 4 t", -0.01),
    below("|A| and |B| over I_0 at U = 0", 1e-12),
    source="self",
)
def two_magnets(valve: Parts) -> Numbers:
    found = valve["valve"].sel(lead_polarisation=REAL)
    free, repelling = (float(found.magnetoresistance.sel(hubbard=U)) for U in VALVES)
    mean, left, right, _ = found.current_parts.sel(hubbard=0.0).values.ravel()
    return free, repelling, np.abs([left, right]) / mean
