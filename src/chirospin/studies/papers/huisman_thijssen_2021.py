r"""CISS effect: a magnetoresistance through inelastic scattering (K. H. Huisman and J. M. Thijssen, 2021).

The abstract says of a helicene between gold contacts, in a tight-binding model, that its magnetoresistance is
strictly zero without inelastic scattering at any bias; that voltage probes give one at finite bias, of the
order of 0.1 %; and that this does not explain experiments. The Hamiltonian of the molecule is read in public
code. The gold contacts are left out here, so that the size cannot be compared.

What decides is law 5: elastic probes protect P_MR = 0 at every bias, voltage probes only for a vanishing one.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import Helicene
from chirospin.studies.expectation import above, below, near
from chirospin.studies.registry import Parts, Progress, claim, figure
from chirospin.studies.structure import STRUCTURE, structure

PROBES = ("none", "dephasing", "voltage")
BIASES = (0.01, 0.5, 1.0, 1.5, 2.0)
COUPLINGS = (0.003, 0.006, 0.012)
ELASTIC = 1e-11  # two integrals over energy


@figure("[6]helicene", STRUCTURE)
def molecule(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    return structure(Helicene())


def _one_probe(kind: str) -> Helicene:
    strength = {"probe_coupling": 0.5, "probe_sites": [2]} if kind != "none" else {}
    return Helicene(probe=kind, spin_orbit=0.06, **strength)


@figure(
    "Magnetoresistance of [6]helicene against bias, one probe on the second inner atom",
    Plot(
        panels=(Panel(source="bias", x="bias", y="current_spin_polarisation", by="kind"),),
    ),
    setting="spin_orbit = 60 meV, ten times that of carbon; wide-band leads on p_z of the end atoms",
)
def magnetoresistance(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    found = [
        models.solve(
            _one_probe(kind),
            over={"bias": list(BIASES)},
            observables=["current_spin_polarisation"],
            workers=workers,
        )
        for kind in PROBES
    ]
    joined = xr.concat(
        [ds.current_spin_polarisation for ds in found], xr.Variable("kind", list(PROBES))
    )
    return {"bias": joined.to_dataset()}


@figure(
    "Transmitted spin of [3]helicene at -1 eV against its spin-orbit coupling",
    Plot(
        panels=(
            Panel(
                source="order",
                x="spin_orbit",
                y="size",
                by="kind",
                x_scale="log",
                y_scale="log",
                y_label=r"$|P_s|$",
            ),
        )
    ),
)
def order_of_coupling(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    mixed = {"probe": "dephasing", "probe_coupling": 0.05}
    cases = {
        "coherent": {},
        "mixing probes": mixed,
        "keeping probes": {**mixed, "probe_spin": "kept"},
    }
    found = [
        models.solve(
            Helicene(rings=3, energy=[-1.0], **changes),
            over={"spin_orbit": list(COUPLINGS)},
            observables=["transmitted_spin"],
        )
        for changes in cases.values()
    ]
    spins = [np.abs(ds.transmitted_spin.isel(energy=0, drop=True)) for ds in found]
    joined = xr.concat(spins, xr.Variable("kind", list(cases)))
    joined["spin_orbit"].attrs |= {"symbol": r"\xi", "units": "eV"}
    return {"order": joined.rename("size").to_dataset()}


@claim(
    "abstract",
    "no magnetoresistance without inelastic scattering, at any bias",
    near("P_MR without probes and with elastic ones", 0, ELASTIC),
)
def coherent(magnetoresistance: Parts) -> np.ndarray:
    P = magnetoresistance["bias"].current_spin_polarisation
    return np.asarray(P.sel(kind=["none", "dephasing"]).values)


@claim(
    "abstract",
    "inelastic scattering makes one beyond linear response",
    above("|P_MR| at 2 V", 1e-5),
    below("|P_MR| at 0.01 V", 1e-7),
)
def inelastic(magnetoresistance: Parts) -> tuple[float, float]:
    P = np.abs(magnetoresistance["bias"].current_spin_polarisation.sel(kind="voltage"))
    return float(P.sel(bias=2.0)), float(P.sel(bias=0.01))


@claim(
    "abstract",
    "of the order of 0.1 %",
    above("largest |P_MR|", 3e-4),
    departs="the published value belongs to leads of gold with their own spin-orbit coupling, left out here",
)
def size(magnetoresistance: Parts) -> float:
    return float(np.abs(magnetoresistance["bias"].current_spin_polarisation).max())


@claim(
    "laws 3, 4",
    "P_s is of second order without probes and with those that keep the spin, of first with those that mix it",
    near("exponent, coherent", 2, 0.02),
    near("exponent, mixing probes", 1, 0.02),
    near("exponent, keeping probes", 2, 0.05),
    source="analytic",
)
def exponents(order_of_coupling: Parts) -> tuple[float, float, float]:
    size = order_of_coupling["order"]["size"]
    slope = np.log2((size.isel(spin_orbit=-1) / size.isel(spin_orbit=-2)).values)
    return float(slope[0]), float(slope[1]), float(slope[2])
