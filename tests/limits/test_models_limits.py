"""Numbers of the reference models that were computed on another way, and limits of them."""

from __future__ import annotations

import numpy as np
import pytest

from chirospin.models import (
    CurvedChain,
    DoubleHelix,
    EffectiveHelix,
    FirstOrder,
    HelicalField,
    Helicene,
    OrbitalTexture,
    SingleHelix,
    SpinterfaceLoop,
)
from chirospin.models.first_order import FIRST_ORDER_AUDITS, Perturbation
from chirospin.models.landauer import Landauer
from chirospin.models.model import system
from chirospin.models.orbital_texture import texture, transmitted_orbital_moment
from chirospin.models.single_helix import SingleHelix as Sites
from chirospin.models.spinterface_loop import (
    LOOP_AUDITS,
    SelfConsistent,
    critical_feedback,
    solenoid_energy,
    solenoid_field,
)
from chirospin.scattering.amplitudes import elastic, transmissions
from chirospin.scattering.currents import Window, currents

DIGITS = 6e-4  # three digits are given
COLD = {"probe": "none", "probe_coupling": 0.0}


def spins(model, energies):
    """Spin along z over the current at each energy, from factors written here."""
    spin = elastic(
        transmissions(system(model), np.atleast_1d(np.array(energies, dtype=float)))
    ).spin
    return spin[:, 3], spin[:, 0]


def at(model, energy):
    up, total = spins(model, energy)
    return float(up[0] / total[0])


def mean(model, energies):
    up, total = spins(model, energies)
    return float(up.sum() / total.sum())


@pytest.mark.parametrize(("pairs", "value"), [(10, 0.328), (30, 0.431), (80, 0.438)])
def test_double_helix_grows_with_its_length(pairs, value):
    assert at(DoubleHelix(base_pairs=pairs), 0.485) == pytest.approx(value, abs=DIGITS)


def test_double_helix_over_its_bands():
    upper, lower = np.linspace(0.44, 0.605, 67), np.linspace(-0.345, -0.115, 93)
    for pairs, value in ((10, 0.077), (20, 0.098), (30, 0.106)):
        assert mean(DoubleHelix(base_pairs=pairs), upper) == pytest.approx(value, abs=DIGITS)
    assert mean(DoubleHelix(), lower) == pytest.approx(0.007, abs=DIGITS)
    for probes, value in ((0.001, 0.056), (0.1, 0.085)):
        assert mean(DoubleHelix(probe_coupling=probes), upper) == pytest.approx(value, abs=DIGITS)


def test_what_polarises_the_double_helix_is_not_its_helix():
    for changes, value in (({}, 0.311), ({"twist": 0.0}, 0.295), ({"helix_angle": 0.0}, 0.440)):
        assert at(DoubleHelix(**changes), 0.49) == pytest.approx(value, abs=DIGITS)
    flat = DoubleHelix(twist=0.0, helix_angle=np.pi / 2)
    assert abs(at(flat, 0.49)) < 1e-12


def test_double_helix_without_probes():
    energies = np.linspace(0.44, 0.6, 41)
    for lead, low, high in (("one", 0.0, 1e-11), ("each", 1e-4, 1.25e-3)):
        up, total = spins(DoubleHelix(lead=lead, **COLD), energies)
        assert low <= np.abs(up / total).max() <= high


def test_single_helix_needs_its_long_range():
    assert at(SingleHelix(), -0.05) == pytest.approx(0.306, abs=DIGITS)
    assert at(SingleHelix(handedness=-1), -0.05) == pytest.approx(-0.306, abs=DIGITS)
    assert abs(at(SingleHelix(reach=1), -0.05)) < 1e-12


def test_single_helix_has_the_neighbours_of_the_alpha_helix():
    places = Sites(length=7).molecule().positions
    lengths = 10 * np.linalg.norm(places[1:] - places[0], axis=-1)
    assert lengths == pytest.approx([4.11, 5.77, 5.15, 6.24, 8.85, 9.99], abs=6e-3)


def test_helicene_with_and_without_probes():
    energies = [-1.5, -1.0]
    up, total = spins(Helicene(), energies)
    assert np.all((np.abs(up / total) > 5e-9) & (np.abs(up / total) < 1.2e-7))
    probed = Helicene(probe="dephasing", probe_coupling=0.05)
    up, total = spins(probed, energies)
    assert up / total == pytest.approx([1.2e-4, -5.9e-5], rel=0.04)
    up, total = spins(probed.replace(hopping_ss=-7.92), [-1.0])
    assert up / total == pytest.approx([-2.9e-6], rel=0.02)
    up, total = spins(Helicene(contact_atoms=1), energies)
    assert np.abs(up / total).max() < 1e-11


def test_coherent_helicene_is_of_second_order_and_probed_of_first():
    for changes, power in (({}, 2.0), ({"probe": "dephasing", "probe_coupling": 0.05}, 1.0)):
        weak, strong = (
            at(Helicene(rings=3, spin_orbit=xi, **changes), -1.0) for xi in (0.003, 0.006)
        )
        assert np.log2(strong / weak) == pytest.approx(power, abs=0.01)


def test_helicene_with_one_voltage_probe():
    model = Helicene(probe="voltage", probe_coupling=0.5, probe_sites=[2], spin_orbit=0.06)
    for bias, value in ((0.01, 3.75e-8), (1.0, 6.8e-6), (2.0, 9.7e-5)):
        window = Window(bias=bias, fermi_energy=0.3, thermal_energy=0.025)
        up, down = currents(system(model), "voltage", window, (1.0, -1.0))
        assert up.converged
        assert down.converged
        P = (up.right - down.right) / (up.right + down.right)
        assert pytest.approx(value, rel=6e-3) == P


@pytest.mark.parametrize("probe", ["voltage", "dephasing"])
def test_a_small_bias_is_linear_response(probe):
    """Current over bias against the conductance; quadratic corrections are (bias/T)^2."""
    conductance, *others = (
        currents(
            system(Helicene(rings=2, probe="voltage", probe_coupling=0.5, probe_sites=[2])),
            probe,
            Window(bias=bias, fermi_energy=0.3, thermal_energy=0.025),
            (1.0,),
        )[0]
        for bias in (0.0, 1e-7, 1e-12, -1e-15)
    )
    for bias, one in zip((1e-7, 1e-12, -1e-15), others, strict=True):
        assert one.converged
        assert one.right / bias == pytest.approx(conductance.right, rel=1e-10)  # (bias/T)^2


def test_one_channel_in_a_helical_field_needs_a_broken_symmetry():
    assert abs(at(HelicalField(), -0.08)) < 1e-12
    assert at(HelicalField(spin_orbit_phase=0.0), -0.08) == pytest.approx(0.28, abs=5e-3)


def test_curved_chain_without_vibrations():
    energies = np.linspace(-5, 5, 21)
    sizes = []
    for changes in (
        {"contact_sites": 1},
        {},
        {"probe": "dephasing", "probe_coupling": 0.1},
    ):
        up, total = spins(CurvedChain(**changes), energies)
        sizes.append(np.abs(up / total).max())
    assert sizes[0] < 1e-11
    assert 1e-7 < sizes[1] < 1e-6
    assert 2.1e-3 < sizes[2] < 3.0e-3


def test_effective_helix_polarises_nothing():
    up, total = spins(EffectiveHelix(probe="dephasing", probe_coupling=0.1), np.linspace(-4, 4, 21))
    assert np.abs(up / total).max() < 1e-12


def test_orbital_texture_is_odd_and_its_spin_of_second_order():
    model = OrbitalTexture(energy=[0.2])
    for changes, sign in (({}, 1), ({"wavevector": -0.7}, -1), ({"handedness": -1}, -1)):
        _, moment = texture(model.replace(**changes))
        assert sign * moment == pytest.approx([0.805, -0.885, 0.080], abs=DIGITS)
    assert transmitted_orbital_moment.function(model, None) == pytest.approx([0.27], abs=5e-3)
    small, large = (at(OrbitalTexture(spin_orbit=xi), 0.2) for xi in (1e-3, 0.1))
    assert small == pytest.approx(2e-7, rel=0.05)
    assert large == pytest.approx(2e-3, rel=0.05)


def test_first_order_belongs_to_a_source_that_is_no_lead():
    for source, applies in (("p_z", False), ("lead", True)):
        model = FirstOrder(rings=2, source=source)
        found = {audit.name: audit.run(model, Perturbation()) for audit in FIRST_ORDER_AUDITS}
        assert found["slope"].passed
        assert (found["law_first_order"] is not None) == applies
        assert not applies or found["law_first_order"].passed


def polarisation(model):
    up, down = SelfConsistent().solve(model).current
    return (up - down) / (up + down)


def test_the_loop_without_order_obeys_reciprocity():
    model = SpinterfaceLoop()
    values = {1e-6: 1.15e-7, 0.01: 1.15e-3, 0.1: 1.35e-2, 0.4: 7.9e-2, 0.8: 5.6e-3}
    for bias, value in values.items():
        assert polarisation(model.replace(bias=bias)) == pytest.approx(value, rel=7e-3)
        image = polarisation(model.replace(bias=bias, handedness=-1))
        assert image == pytest.approx(-polarisation(model.replace(bias=bias)), rel=1e-9)
    assert all(audit.run(model, SelfConsistent()).passed for audit in LOOP_AUDITS)


def test_the_ordered_loop_breaks_reciprocity_and_says_so():
    critical = critical_feedback(SpinterfaceLoop())
    assert critical == pytest.approx(1.8505, abs=1e-4)
    model = SpinterfaceLoop(feedback=2 * critical)
    for bias in (1e-9, -1e-9):
        assert polarisation(model.replace(bias=bias)) == pytest.approx(
            np.sign(bias) * 0.2876, abs=1e-4
        )
    found = {audit.name: audit.run(model, SelfConsistent()) for audit in LOOP_AUDITS}
    assert not found["law_no_magnetoresistance"].passed
    assert found["joint_reversal"].passed


def test_sweeps_from_both_sides_carry_other_moments():
    model = SpinterfaceLoop(feedback=2 * 1.8505, bias=0.05)
    ends = [
        SelfConsistent().solve(model.replace(branch=name)).moment
        for name in ("from-negative", "from-positive")
    ]
    assert np.all(ends[0] * ends[1] < 0)
    assert np.all(
        ends[0] * [1, -1] > 0
    )  # spin that the magnet lets in under the large negative bias


def test_a_realistic_solenoid_is_a_million_times_too_weak():
    model = SpinterfaceLoop(solenoid=2.8e-6, feedback=1.8505 / 2)
    assert polarisation(model) == pytest.approx(4e-7, rel=0.05)
    state = SelfConsistent().solve(model)
    micro = 1e-6 / (3.8740458e-5 * np.abs(state.current).mean())
    assert micro * solenoid_field.function(model, state) == pytest.approx(1.26e-3, rel=5e-3)
    assert micro * solenoid_energy.function(model, state) == pytest.approx(7.3e-8, rel=5e-3)


def test_vanishing_probes_are_the_coherent_result():
    energies = np.linspace(-0.1, 0.1, 5)
    bare = spins(SingleHelix(length=8, **COLD), energies)[1]
    weak = spins(SingleHelix(length=8, probe_coupling=1e-9), energies)[1]
    assert weak == pytest.approx(bare, rel=1e-6)


def test_an_energy_far_outside_the_band_transmits_nothing():
    model = DoubleHelix(energy=[30.0], **COLD)
    ds_state = Landauer().solve(model, ("curve",))
    assert ds_state.curve.flow.right[0] < 1e-15
