r"""Spin-selective transport of electrons in DNA double helix (A.-M. Guo and Q.-f. Sun, 2012).

The abstract says that spin-orbit coupling, dephasing by the environment and helical symmetry together
explain a high selectivity that depends on the length; that the polarisation of two strands is large even for
weak coupling; and that one strand alone has none. The Hamiltonian and its numbers are from memory: whoever has
the paper is asked to correct them.

What decides is law 1, trees transmit no spin, and the dephasing that mixes spins, law 4. The helix itself is
no condition.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from chirospin import models
from chirospin.base.figures import Panel, Plot
from chirospin.models import DoubleHelix
from chirospin.studies.expectation import above, below, near, rises
from chirospin.studies.registry import Parts, Progress, claim, figure
from chirospin.studies.structure import STRUCTURE, structure

LENGTHS = (10, 20, 30)
UPPER_BAND = np.linspace(0.44, 0.605, 67)
SHOWN = ["transmission", "transmitted_spin", "mean_transmitted_spin", "spin_polarisation"]
ZERO = 1e-11  # rounding where little is transmitted


@figure("Ten pairs of the double helix", STRUCTURE, setting="base_pairs = 10")
def molecule(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    return structure(DoubleHelix(base_pairs=10))


def _curve(source: str, title: str, by: str) -> Panel:
    return Panel(source=source, x="energy", y="transmitted_spin", by=by, title=title, legend=True)


@figure(
    "Transmitted spin in the upper band for three lengths",
    Plot(panels=(_curve("lengths", "", "base_pairs"),), markers=False),
)
def length(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    ds = models.solve(
        DoubleHelix(energy=UPPER_BAND),
        over={"base_pairs": list(LENGTHS)},
        observables=SHOWN,
        workers=workers,
        progress=progress,
    )
    return {"lengths": ds}


CONTROLS: dict[str, dict[str, Any]] = {
    "as remembered": {},
    "no twist": {"twist": 0.0},
    "rise only": {"helix_angle": 0.0},
    "no twist, no rise": {"twist": 0.0, "helix_angle": np.pi / 2},
    "no probes": {"probe": "none", "probe_coupling": 0.0},
    "strands apart": {"hopping_between": 0.0, "lead": "each"},
}


@figure(
    "What the polarisation needs: the same molecule with one thing taken away",
    Plot(panels=(_curve("controls", "", "control"),), markers=False),
    setting="base_pairs = 12",
)
def conditions(workers: int, progress: Progress) -> dict[str, xr.Dataset]:
    found = [
        models.solve(DoubleHelix(base_pairs=12, energy=UPPER_BAND, **changes), observables=SHOWN)
        for changes in CONTROLS.values()
    ]
    names = xr.Variable("control", list(CONTROLS))
    spins = xr.concat([ds["transmitted_spin"].fillna(0.0) for ds in found], names)
    return {"controls": spins.to_dataset()}


@claim(
    "abstract",
    "the polarisation of two strands is significant for weak spin-orbit coupling, and depends on the length",
    above("largest P_s at t_so = 0.01 eV, a tenth of the hopping", 0.3),
    rises("mean P_s with the length"),
)
def weak_coupling(length: Parts) -> tuple[float, np.ndarray]:
    ds = length["lengths"]
    return float(ds.transmitted_spin.max()), ds.mean_transmitted_spin.values


@claim("abstract", "no polarisation in a single strand", below("|P_s| of separate strands", ZERO))
def single_strand(conditions: Parts) -> np.ndarray:
    spin = conditions["controls"].transmitted_spin.sel(control="strands apart")
    return np.asarray(np.abs(spin.values))


@claim(
    "laws 1, 4",
    "mixing probes and two joined strands are needed, the twist is not; the pseudoscalar is t_so cos(theta)",
    below("|P_s| without probes", ZERO),
    above("largest P_s without a twist", 0.2),
    below("|P_s| without twist and rise", ZERO),
    source="analytic",
)
def what_is_needed(conditions: Parts) -> tuple[np.ndarray, float, np.ndarray]:
    spin = conditions["controls"].transmitted_spin
    return (
        np.abs(spin.sel(control="no probes").values),
        float(spin.sel(control="no twist").max()),
        np.abs(spin.sel(control="no twist, no rise").values),
    )


@claim(
    "law 5",
    "the magnetoresistance of the same molecule vanishes: P_s is not P_MR",
    near("P_MR", 0, 1e-12),
    source="analytic",
)
def no_magnetoresistance(length: Parts) -> np.ndarray:
    return np.asarray(length["lengths"].spin_polarisation.values)
