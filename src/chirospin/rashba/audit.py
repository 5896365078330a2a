"""Certificates of the isotropic gas: conservation, the range of the theory, partners."""

from __future__ import annotations

from collections.abc import Callable

from chirospin.base.audit import Audit, Check
from chirospin.base.method import Method
from chirospin.rashba.closed_form import ClosedForm
from chirospin.rashba.distribution import DISTRIBUTION, Distribution
from chirospin.rashba.kinetic import Kinetic
from chirospin.rashba.model import RashbaGas, complex_frequency
from chirospin.rashba.state import GasResponse

ROUNDING = 1e-11
PARTNER = 1e-7  # relative; the same equation on other momenta


def _certificate(name: str) -> Callable[[RashbaGas, GasResponse], float | None]:
    return lambda model, state: state.certificates.get(name)


def _distribution(model: RashbaGas, state: GasResponse) -> float | None:
    distribution: Distribution | None = state.parts.get(DISTRIBUTION)
    return distribution.relative_error if distribution else None


def _passivity(model: RashbaGas, state: GasResponse) -> float | None:
    value = complex(state.conductivity)
    return None if value != value else value.real / abs(value)


CHECKS = (
    Check(
        name="integration",
        tolerance=1e-6,
        about="change of the response with more momenta, over its natural size",
        evaluate=_certificate("integration"),
    ),
    Check(
        name="truncation",
        tolerance=1e-8,
        about="change of the response with longer chains, over its natural size",
        evaluate=_certificate("truncation"),
    ),
    Check(
        name="conservation",
        tolerance=1e-11,
        about="collisions conserve the total spin, relative to their largest term",
        evaluate=_certificate("conservation"),
    ),
    Check(
        name="identity",
        tolerance=1e-8,
        about="-i z <sigma_y> = 2 m alpha q_yz for linear splitting, in e/8 pi",
        evaluate=_certificate("identity"),
    ),
    Check(
        name="ward_identity",
        tolerance=3e-6,
        about="the same balance in the Kubo formula",
        evaluate=_certificate("ward_identity"),
    ),
    Check(
        name="universal",
        tolerance=ROUNDING,
        about="both parts of q_yz are -+ the mean occupation across the splitting, at rest",
        evaluate=_certificate("universal"),
    ),
    Check(
        name="passivity",
        tolerance=1e-9,
        bound="above",
        about="the field does work on the gas",
        evaluate=_passivity,
    ),
    Check(
        name="prescription",
        tolerance=0.1,
        about="error bar: relative change of current and spin with the other energy prescription",
        evaluate=_certificate("prescription"),
    ),
    Check(
        name="distribution",
        tolerance=1e-8,
        about="change of the distribution with longer chains, over its largest value",
        evaluate=_distribution,
        needs=(DISTRIBUTION,),
        judges=("distribution_by_band", "spin_z_by_momentum", "spin_across_by_momentum"),
    ),
    Check(
        name="good_metal",
        tolerance=1 / 3,
        about="1/(E_F tau), E_F from the band bottom: kinetics needs it small",
        evaluate=_certificate("good_metal"),
    ),
    Check(
        name="impurity_range",
        tolerance=1 / 3,
        about="range of an impurity over the mean free path",
        evaluate=_certificate("impurity_range"),
    ),
    Check(
        name="low_momenta",
        tolerance=1.0,
        about="splitting over the inner Fermi momentum: above 1 shells reach below the band crossing",
        evaluate=_certificate("low_momenta"),
    ),
    Check(
        name="neglected",
        tolerance=0.05,
        about="share that a closed form leaves out, large at a resonance; NaN where there is none; "
        "--method kinetic leaves out nothing",
        evaluate=_certificate("neglected"),
    ),
)


def _difference(
    response: GasResponse, other: GasResponse, sign: float = 1.0, scale: float = 1.0
) -> float:
    """Largest relative difference of current and spin, and difference of q_yz in e/8 pi."""
    found = [abs(response.spin_hall_current - other.spin_hall_current)]
    for a, b in (
        (response.conductivity, other.conductivity),
        (response.spin, sign * scale * other.spin),
    ):
        size = abs(a)
        if size > 0:
            found.append(abs(a - b) / size)
    return float(max(x for x in found if x == x))


def _opposite(model: RashbaGas, method: Method) -> float:
    """The response is solved for |alpha|, so its observables are compared."""
    from chirospin.rashba.observables import spin_accumulation, spin_hall_current

    partner = model.replace(spin_orbit=-model.spin_orbit)
    one, other = method.solve(model), method.solve(partner)
    spins = [complex(spin_accumulation(m, s)) for m, s in ((model, one), (partner, other))]
    flows = [complex(spin_hall_current(m, s)) for m, s in ((model, one), (partner, other))]
    return float(abs(sum(spins)) / (abs(spins[0]) or 1.0) + abs(flows[0] - flows[1]))


def _units(model: RashbaGas, method: Method) -> float | None:
    """Twice all energies at the same lengths: half the spin per force, and nothing else."""
    if model.dispersion != "parabolic" or model.splitting != "power":
        return None
    partner = model.replace(
        mass=model.mass / 2,
        **{
            name: 2 * getattr(model, name)
            for name in (
                "spin_orbit",
                "fermi_energy",
                "thermal_energy",
                "scattering_rate",
                "frequency",
                "imaginary_frequency",
            )
        },
    )
    return _difference(method.solve(model), method.solve(partner), scale=2.0)


def _finer(model: RashbaGas, method: Method) -> float | None:
    if not isinstance(method, Kinetic):
        return None
    finer = method.with_options(nodes=2 * method.nodes + 1)
    return _difference(method.solve(model), finer.solve(model))


def _static(model: RashbaGas, method: Method) -> float | None:
    """The response at a frequency far below all rates is that at rest."""
    if complex_frequency(model) or not isinstance(method, Kinetic):
        return None
    here = method.solve(model)
    rate = here.certificates["good_metal"] * abs(model.fermi_energy)
    slow = 1e-7 * rate * min(1.0, here.certificates["splitting_time"]) ** 2
    return _difference(here, method.solve(model.replace(imaginary_frequency=slow)))


def _closed(model: RashbaGas, method: Method) -> float | None:
    """Difference from the closed form over what the closed form leaves out."""
    if isinstance(method, ClosedForm):
        return None
    exact = ClosedForm().solve(model)
    neglected = exact.certificates["neglected"]
    if not neglected < 0.05:
        return None
    return float(_difference(method.solve(model), exact) / max(neglected, PARTNER))


AUDITS = (
    Audit(
        name="opposite_splitting",
        tolerance=ROUNDING,
        about="the spin changes sign with alpha and the spin Hall current does not",
        evaluate=_opposite,
    ),
    Audit(
        name="units",
        tolerance=PARTNER,
        about="twice all energies give half the spin per force, and nothing else",
        evaluate=_units,
    ),
    Audit(
        name="finer_grid",
        tolerance=PARTNER,
        about="twice the momenta give the same response",
        evaluate=_finer,
    ),
    Audit(
        name="static_limit",
        tolerance=1e-4,
        about="a slow field gives the response at rest",
        evaluate=_static,
    ),
    Audit(
        name="closed_form",
        tolerance=10.0,
        about="difference from the closed form over the share that it leaves out",
        evaluate=_closed,
    ),
)
