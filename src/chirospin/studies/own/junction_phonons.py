"""What vibrations and their temperature do to the polarisation of a junction.

The dimer of nozaki_fujita_2026 with one vibration of w = 0.5 t, damped at 0.1 t, in units of t = t_aa. Six ways to
move the electrons are compared; what a mode does without repulsion, where a classical one can do nothing; what a
mode does that breaks time reversal; and what is left at finite bias, where the leads are as hot as the mode.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from chirospin import junction
from chirospin.base.figures import Panel, Plot
from chirospin.junction import BiasedJunction, PhononJunction, Redfield, Tiers
from chirospin.studies.expectation import above, below, near
from chirospin.studies.registry import Numbers, Parts, Progress, claim, figure

MODE: Mapping[str, Any] = {"phonon_energy": (0.5,), "phonon_damping": (0.1,)}
FREE: Mapping[str, Any] = {"hubbard": 0.0}
SHOWN = ("spin_polarisation", "mean_current")
T_LABEL, P_LABEL, I_LABEL = "$k_BT/t$", r"$P_\mathrm{MR}$", r"$\bar I$  ($q\,t/\hbar$)"
TEMPERATURES = (0.05, 0.1, 0.25, 0.5, 1.0, 1.75, 2.5)
COUPLINGS: Mapping[str, Mapping[str, Any]] = {
    "0": {},
    r"\epsilon_i": {"holstein_a": [[0.05, -0.05]], "holstein_b": [[0.05, -0.05]]},
    r"\epsilon_b-\epsilon_a": {"holstein_a": [[-0.05, -0.05]], "holstein_b": [[0.05, 0.05]]},
    "t_{aa}": {"peierls_a": [[0.05]]},
    "t_{bb}": {"peierls_b": [[0.05]]},
    r"|\Lambda|": {"spin_orbit_modulation": [[[0.015, 0, 0], [0, 0.015, 0]]]},
    r"\arg\Lambda": {"spin_orbit_modulation": [[[0, 0, 0], [-0.015, 0, 0]]]},
}
STILL = "0"
"""Label of a mode that moves nothing."""
EVEN, MIXED = "even under time reversal", "with an odd part"
BIASES_T = (0.1, 0.25, 0.5)
TRUNCATED = ("tier_change", "one_tier")
"""Two tiers are good to 2 % of P; hot modes would want more."""


def _holstein(g: float) -> dict[str, Any]:
    return {"holstein_a": [[g, -g]], "holstein_b": [[g, -g]]}


@figure(
    "Polarisation and mean current against the temperature of the mode, six couplings",
    plot=Plot(
        columns=2,
        panels=tuple(
            Panel(
                source="curves",
                x="thermal_energy",
                y=y,
                by="coupling",
                by_label="V",
                x_label=T_LABEL,
                y_label=label,
            )
            for y, label in (("spin_polarisation", P_LABEL), ("mean_current", I_LABEL))
        ),
    ),
    outside=TRUNCATED,
    quick={"temperatures": (0.25, 1.0), "tiers": 1},
)
def couplings(
    workers: int,
    progress: Progress,
    temperatures: Sequence[float] = TEMPERATURES,
    tiers: int = 3,
) -> dict[str, xr.Dataset]:
    """Six couplings by a hierarchy."""
    parts = [
        junction.solve(
            PhononJunction(**MODE, **coupling, phonon_tiers=tiers),
            Tiers(),
            over={"thermal_energy": temperatures},
            observables=SHOWN,
            workers=workers,
            progress=progress,
        )
        for coupling in COUPLINGS.values()
    ]
    return {"curves": xr.concat(parts, xr.Variable("coupling", list(COUPLINGS)))}


@claim(
    "temperature",
    "a mode moves P by less than 15 % while it is no warmer than its quantum",
    below("change of P at T = w/2, relative, each coupling", 0.15),
    source="self",
)
def cold(couplings: Parts) -> Numbers:
    P = couplings["curves"].spin_polarisation.sel(thermal_energy=0.25)
    return abs(P / P.sel(coupling=STILL) - 1).drop_sel(coupling=STILL).values


@claim(
    "temperature",
    "every coupling that is even under time reversal loses polarisation on heating beyond its quantum",
    below("|P| at T = 2 w over that at T = w/2, each coupling", 0.99),
    source="self",
)
def hot(couplings: Parts) -> Numbers:
    P = abs(couplings["curves"].spin_polarisation).drop_sel(coupling=STILL)
    return (P.sel(thermal_energy=1.0) / P.sel(thermal_energy=0.25)).values


@figure(
    "Polarisation without repulsion against temperature: a quantum mode, and classical noise",
    plot=Plot(
        panels=(
            Panel(
                source="curves",
                x="thermal_energy",
                y="size",
                by="coupling",
                x_scale="log",
                y_scale="log",
                x_label=T_LABEL,
                y_label=r"$|P_\mathrm{MR}|/g^2(2n+1)$",
            ),
        )
    ),
    setting="U = 0, w = 0.5 t damped at 0.1 t, g^2 (2 n + 1) = 1e-4, one tier; the odd part is g on the spin of molecule 1; P is positive without it, else negative",
    outside=TRUNCATED,
    quick={"temperatures": (0.1, 5.0, 20.0)},
)
def without_repulsion(
    workers: int, progress: Progress, temperatures: Sequence[float] = (0.1, 0.3, 1.0, 5.0, 20.0)
) -> dict[str, xr.Dataset]:
    """P over g^2 (2n + 1) of weak modes at U = 0, noise kept."""
    curves = []
    for field in (0.0, 1.0):
        values = []
        for T in temperatures:
            g = float(np.sqrt(1e-4 * np.tanh(0.25 / T)))  # g^2 (2 n + 1) is 1e-4
            odd = {"spin_coupling": [[[0.0, 0.0, field * g], [0.0, 0.0, 0.0]]]} if field else {}
            model = PhononJunction(
                **MODE, **_holstein(g), **odd, **FREE, thermal_energy=T, phonon_tiers=1
            )
            ds = junction.solve(model, Tiers(), observables=SHOWN, workers=workers)
            values.append(ds.spin_polarisation / 1e-4)
        curves.append(xr.concat(values, xr.Variable("thermal_energy", list(temperatures))))
    labels = xr.Variable("coupling", [EVEN, MIXED])
    both = xr.concat(curves, labels)
    both.attrs = {"units": "1", "symbol": r"P_\mathrm{MR}/g^2(2n+1)"}
    size = abs(both)
    size.attrs = {"units": "1", "symbol": r"|P_\mathrm{MR}|/g^2(2n+1)"}
    return {"curves": xr.Dataset({"over_square": both, "size": size})}


@claim(
    "no repulsion",
    "a quantum mode polarises by 0.161 g^2 at T = w/5 without any repulsion",
    near("P over g^2 (2n + 1) at T = w/5", 0.161, 0.004),
    source="self",
)
def quantum(without_repulsion: Parts) -> Numbers:
    return float(without_repulsion["curves"].over_square.sel(coupling=EVEN, thermal_energy=0.1))


@claim(
    "no repulsion",
    "at fixed noise the effect dies with temperature; a mode that breaks time reversal keeps it",
    near(
        "exponent of P in T from 10 w to 40 w, even coupling: the quantum part is w/T", -1.0, 0.01
    ),
    near("the same with an odd part: classical noise polarises", 0.0, 0.1),
    source="analytic",
)
def classical(without_repulsion: Parts) -> Numbers:
    """What is left out is of order (w/T)^2 beside the first, and w/T beside the second."""
    P = abs(without_repulsion["curves"].over_square)
    ratio = P.sel(thermal_energy=20.0) / P.sel(thermal_energy=5.0)
    power = np.log(ratio) / np.log(4.0)
    return float(power.sel(coupling=EVEN)), float(power.sel(coupling=MIXED))


@claim(
    "no repulsion",
    "white noise of an even matrix polarises nothing at U = 0; of a mixed one it does",
    below("|P| with n_1 - n_2", 1e-10),
    above("|P| with the spin of molecule 1 added", 1e-2),
    source="analytic",
)
def noise() -> Numbers:
    even = np.kron(np.diag([1.0, -1.0]), np.eye(4))
    odd = np.kron(np.diag([1.0, 0.0]), np.kron(np.eye(2), np.diag([1.0, -1.0])))
    P = [
        abs(
            float(
                junction.solve(
                    PhononJunction(**FREE, dephasing=0.02, dephasing_matrix=matrix),
                    Tiers(),
                    observables=SHOWN,
                ).spin_polarisation
            )
        )
        for matrix in (even, even + odd)
    ]
    return P[0], P[1]


@figure(
    "Polarisation against the part of a mode that is odd under time reversal, T = 0.1 t",
    plot=Plot(
        panels=(
            Panel(
                source="curve",
                x="odd_part",
                y="spin_polarisation",
                x_label="$u/t$",
                y_label=P_LABEL,
            ),
        )
    ),
    outside=TRUNCATED,
    quick={"fields": (0.0, 0.05)},
)
def broken_reversal(
    workers: int, progress: Progress, fields: Sequence[float] = (0.0, 0.0125, 0.025, 0.0375, 0.05)
) -> dict[str, xr.Dataset]:
    """A mode of site energies whose coordinate is also a field on the first molecule."""
    parts = [
        junction.solve(
            PhononJunction(
                **MODE,
                **_holstein(0.05),
                phonon_tiers=2,
                thermal_energy=0.1,
                spin_coupling=[[[0.0, 0.0, u], [0.0, 0.0, 0.0]]],
            ),
            Tiers(),
            observables=SHOWN,
            workers=workers,
        )
        for u in fields
    ]
    axis = xr.Variable("odd_part", list(fields), {"units": "eV", "symbol": "u"})
    return {"curve": xr.concat(parts, axis)}


@claim(
    "broken time reversal",
    "a mode with both parts takes |P| above 0.3: a large enhancement may mean no more than that",
    above("|P| at u = 0.05", 0.3),
    source="self",
)
def enhanced(broken_reversal: Parts) -> Numbers:
    return abs(float(broken_reversal["curve"].spin_polarisation.sel(odd_part=0.05)))


@figure(
    "Polarisation at V = 14 t against temperature, with a mode as warm as the leads and without",
    plot=Plot(
        panels=(
            Panel(
                source="curves",
                x="thermal_energy",
                y="spin_polarisation",
                by="mode_kind",
                x_label=T_LABEL,
                y_label=P_LABEL,
            ),
        )
    ),
    setting="V = 14 t, gate = -6.4 t, w = 0.5 t damped at 0.1 t, g = 0.1 t, six levels, redfield",
    outside=("reciprocity", "broadening", "sequential_tunnelling", "smallest_eigenvalue"),
    quick={"temperatures": (0.25,), "levels": 2},
)
def finite_bias(
    workers: int,
    progress: Progress,
    temperatures: Sequence[float] = BIASES_T,
    levels: int = 6,
) -> dict[str, xr.Dataset]:
    """Redfield leads and an Ohmic bath, in the eigenbasis of the whole Hamiltonian."""
    still = BiasedJunction(bias=14.0, gate=-6.4)
    kinds = {
        "no mode": still,
        "$g = 0.1\\,t$": still.replace(**MODE, **_holstein(0.1), phonon_levels=(levels,)),
    }
    parts = []
    for model in kinds.values():
        states = Redfield(counting=False).solve_many(
            [model.replace(thermal_energy=T) for T in temperatures]
        )
        currents = np.array([state.lead_current[:, 0] for state in states])
        P = (currents[:, 0] - currents[:, 1]) / currents.sum(axis=1)
        parts.append(xr.DataArray(P, {"thermal_energy": list(temperatures)}))
    both = xr.concat(parts, xr.Variable("mode_kind", list(kinds)))
    both.attrs = {"units": "1", "symbol": r"P_\mathrm{MR}"}
    return {"curves": xr.Dataset({"spin_polarisation": both})}


@claim(
    "finite bias",
    "at T >= 0.25 t a mode as warm as the leads raises |P|",
    above("|P| with the mode over that without at T = 0.25 t", 1.1),
    source="self",
)
def raised(finite_bias: Parts) -> Numbers:
    P = abs(finite_bias["curves"].spin_polarisation.sel(thermal_energy=0.25))
    return float(P.sel(mode_kind="$g = 0.1\\,t$") / P.sel(mode_kind="no mode"))
