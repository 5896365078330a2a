"""Operation counts of every family, frozen in counts.json: what a busy machine cannot spoil.

``python -m benchmarks.counts --write`` freezes them anew, deliberately.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chirospin.base.families import problem
from chirospin.chiral_metal import Boltzmann, ChiralMetal
from chirospin.chiral_metal.boltzmann import discretised
from chirospin.crystal import Crystal, FermiSurface, KGrid
from chirospin.junction import (
    GKSL,
    BiasedJunction,
    BiasedMeanField,
    BornApproximation,
    Evolution,
    Hierarchy,
    Junction,
    Levels,
    MeanField,
    MixedGKSL,
    PhononJunction,
    Redfield,
    SelectedProducts,
    SwitchedJunction,
    Tiers,
    UniversalLindblad,
)
from chirospin.junction.manybody.response import response
from chirospin.measured.inference.calibration import planned_set
from chirospin.measured.inference.emulator import Expensive
from chirospin.measured.inference.likelihood import Posterior
from chirospin.measured.inference.mechanisms import phenomenologies
from chirospin.measured.inference.refinement import fit_expensive
from chirospin.measured.inference.sampling import nested
from chirospin.points.optimise import search_range
from chirospin.rashba import FermiLevelGas, FermiLevelKinetic, Kinetic, RashbaGas
from chirospin.spinterface import NEGF, Contact, LesserOnly
from chirospin.vibration import SCBA, SCBAHartree, Vibration

FROZEN = Path(__file__).with_name("counts.json")
GENERAL = {"spin_orbit_vectors": [[0.03, 0.0, 0.01], [0.0, 0.03, 0.0]]}
VIBRATING = PhononJunction(
    phonon_energy=(0.5,),
    phonon_damping=(0.1,),
    holstein_a=((0.05, -0.05),),
    holstein_b=((0.05, -0.05),),
)
BLOCKED = BiasedJunction(
    molecules=1, hubbard=3.5, gate=0.85, bias=0.3, thermal_energy=0.2, coupling=0.03
)
BIASED = BiasedJunction(gate=-6.4, bias=14, thermal_energy=1.0)


@dataclass(frozen=True, kw_only=True)
class Count:
    """A count: of what, in which case, and how it is taken."""

    family: str
    case: str
    of: str
    take: Callable[[], int]


def _steps(method: Any, model: Any) -> Callable[[], int]:
    return lambda: int(next(iter(method.solve_many([model]))).outcome.iterations)


def _meshes() -> int:
    """Discretisations that ten sources on one mesh need."""
    discretised.cache_clear()
    weights = [0.1 * n for n in range(10)]
    models = [ChiralMetal(injection_power=2, injection_weight=w, position=[0.5]) for w in weights]
    list(Boltzmann(cells=60, ordinates=12).solve_many(models))
    return int(discretised.cache_info().misses)


def _likelihoods() -> int:
    """Of one mechanism on a typical set."""
    (null,) = phenomenologies("barrier.null")
    return nested(Posterior(null, planned_set(SEEN, 20)), live=25).calls


def _fit_solves() -> int:
    """Training and one round of exact solves of a model behind an emulator."""
    one = problem("junction.bias")
    model = one.model(bias=1.0, hopping_a=0.2, hopping_b=0.1, temperature=300.0)
    ranges = (search_range(model, "gate", -0.9, -0.3),)
    source = Expensive(problem=one, model=model, method=one.method("landauer")(), ranges=ranges)
    return fit_expensive(
        source, planned_set(SEEN, 20), points=16, live=20, rounds=0, exact=16
    ).solves


def _c(family: str, case: str, of: str, method: Any, model: Any) -> Count:
    return Count(family=family, case=case, of=of, take=_steps(method, model))


SEEN = np.array([-1.0, -0.5, 0.5, 1.0])
APPLIED = "applications of the preconditioned generator, both magnetisations"
COUNTS = (
    _c("junction", "dimer, reference", APPLIED, GKSL(), Junction()),
    _c("junction", "vibrating dimer, one tier", APPLIED, Tiers(), VIBRATING.replace(phonon_tiers=1)),
    _c("junction", "vibrating dimer, four tiers", APPLIED, Tiers(), VIBRATING.replace(phonon_tiers=4)),
    _c("junction", "vibrating dimer, Born approximation", "evaluations of the map, both magnetisations",
       BornApproximation(), VIBRATING.replace(hubbard=0.0)),
    _c("junction", "vibrating dimer, levels", APPLIED, Levels(), VIBRATING.replace(phonon_levels=(3,))),
    _c("junction", "dimer, strong repulsion", APPLIED, GKSL(), Junction().replace(hubbard=8.0)),
    _c("junction", "dimer, weak coupling", APPLIED, GKSL(), Junction().replace(coupling=0.01)),
    _c("junction", "dimer, no spin-orbit coupling", APPLIED, GKSL(), Junction(spin_orbit=0.0)),
    _c("junction", "dimer, general vectors", APPLIED, GKSL(), Junction(**GENERAL)),
    _c("junction", "single molecule", APPLIED, GKSL(), Junction(molecules=1)),
    _c("junction", "dimer, mixed precision", APPLIED, MixedGKSL(), Junction()),
    _c("junction", "trimer, mixed precision", APPLIED, MixedGKSL(), Junction(molecules=3)),
    Count(family="junction", case="adjoint, dimer", of=APPLIED,
          take=lambda: 2 * response(Junction(), GKSL()).applications),
    Count(family="junction", case="adjoint, single molecule", of=APPLIED,
          take=lambda: 2 * response(Junction(molecules=1), GKSL()).applications),
    _c("junction", "mean field, 20 molecules", "evaluations of the map", MeanField(),
       Junction(molecules=20).replace(hubbard=0.1)),
    _c("junction.bias", "redfield, dimer", APPLIED, Redfield(counting=False), BIASED),
    _c("junction.bias", "ule, dimer", APPLIED, UniversalLindblad(counting=False), BIASED),
    _c("junction.bias", "mean field", "evaluations of the map", BiasedMeanField(),
       BIASED.replace(hubbard=0.3)),
    _c("junction.bias", "hierarchy, one molecule, tier 2", "applications of the hierarchy",
       Hierarchy(tier=2, poles=3), BiasedJunction(molecules=1, bias=1, thermal_energy=2.0)),
    _c("junction.bias", "hierarchy, one molecule in blockade, tier 1", "applications of the hierarchy",
       Hierarchy(tier=1), BLOCKED),
    Count(family="junction", case="dimer, with noise", of=APPLIED,
          take=lambda: GKSL().solve(Junction(), ["noise"]).outcome.iterations),
    _c("junction", "dimer, 190 selected products", APPLIED,
       SelectedProducts(products=190, accuracy=1e-6), Junction()),
    _c("junction.transient", "dimer, two times", "products with the generator",
       Evolution(), SwitchedJunction(time=(1.0, 20.0))),
    Count(family="chiral_metal", case="boltzmann, ten sources on one mesh",
          of="discretisations", take=_meshes),
    _c("crystal", "Fermi surface, isotropic", "nodes", FermiSurface(),
       Crystal(hamiltonian="isotropic")),
    _c("crystal", "grid, cubic", "nodes", KGrid(points=24),
       Crystal(hamiltonian="cubic", chemical_potential=0.8, thermal_energy=0.2)),
    _c("vibration", "self-consistent Born", "steps of the fixed point", SCBA(), Vibration()),
    _c("vibration", "the same with Hartree", "steps of the fixed point", SCBAHartree(), Vibration()),
    _c("vibration", "the same, cold", "steps of the fixed point", SCBAHartree(),
       Vibration(thermal_energy=0.5)),
    _c("spinterface.contact", "negf, 300 K", "resolvents (energies)", NEGF(), Contact()),
    _c("spinterface.contact", "negf, 0 K", "resolvents (energies)", NEGF(),
       Contact(thermal_energy=0.0)),
    _c("spinterface.contact", "negf, with bias", "resolvents (energies)", NEGF(),
       Contact(lead_potential=0.2)),
    _c("spinterface.contact", "lesser term", "resolvents (energies)", LesserOnly(), Contact()),
    _c("rashba", "points", "momenta solved", Kinetic(), RashbaGas()),
    _c("rashba", "Gaussian impurities", "momenta solved", Kinetic(),
       RashbaGas(disorder="gaussian", disorder_length=5.0)),
    _c("rashba", "points, 300 K", "momenta solved", Kinetic(), RashbaGas(thermal_energy=0.0259)),
    Count(family="fit", case="barrier.null, 25 live points", of="likelihoods", take=_likelihoods),
    Count(family="fit", case="junction.bias, 16 points, one round", of="solves", take=_fit_solves),
    _c("rashba.fermi_level", "Rashba and Dresselhaus", "directions", FermiLevelKinetic(),
       FermiLevelGas(dresselhaus=0.01)),
)  # fmt: skip


def taken() -> dict[str, int]:
    """Every count by family and case."""
    return {f"{one.family}: {one.case}": one.take() for one in COUNTS}


def frozen() -> dict[str, int]:
    """The counts of the committed file."""
    return dict(json.loads(FROZEN.read_text(encoding="utf-8")))


def main() -> None:
    """Print the counts beside the frozen ones, or freeze them."""
    found = taken()
    if "--write" in sys.argv:
        FROZEN.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return
    known = frozen()
    for name, number in found.items():
        print(f"{name:60} {number:7d} (frozen {known.get(name, 'not')})")


if __name__ == "__main__":
    main()
