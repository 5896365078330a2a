"""Six laws of electrons that do not repel each other, each with what must break it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chirospin.models import (
    CurvedChain,
    DoubleHelix,
    EffectiveHelix,
    HelicalField,
    Helicene,
    OrbitalTexture,
    SingleHelix,
    Stack,
)
from chirospin.models.audit import LAWS
from chirospin.models.landauer import Landauer
from chirospin.models.model import system
from chirospin.scattering.amplitudes import Channels, elastic, transmissions
from chirospin.scattering.currents import Window, currents
from chirospin.scattering.laws import (
    one_channel_premise,
    real_lead_premise,
    real_probe_premise,
    spin_at_first_order,
    time_reversal_premise,
    tree_premise,
    with_spin_orbit,
)
from chirospin.scattering.system import KEPT, MIXED, Lead
from tests.laws.one_electron_systems import (
    ENERGIES,
    even_hamiltonian,
    on,
    random_system,
    tree,
    vector,
    zeeman,
)

ROUNDING = 1e-12
SEEN = 1e-6  # a control must be far above rounding
SEEDS = st.integers(0, 10_000)


def transmitted(of, energies=ENERGIES):
    """Largest spin of any direction that arrives, over the largest transmission."""
    spin = elastic(transmissions(of, energies)).spin
    return np.abs(spin[:, 1:]).max() / spin[:, 0].max()


def magnetoresistance(of, probe, window):
    up, down = currents(of, probe, window, (1.0, -1.0))
    return abs(up.right - down.right) / (up.right + down.right)


def lonely(random, size):
    """A tree with a lead at either end and probes on all sites."""
    h = even_hamiltonian(random, size, tree(random, size))
    return random_system(
        random,
        size,
        h=h,
        left=on(size, [0]),
        right=on(size, [size - 1, size - 2], [0.7, 0.4]),
        probes=[on(size, [n], 0.3) for n in range(size)],
    )


# 1


@given(SEEDS)
def test_no_spin_leaves_a_tree(seed):
    of = lonely(np.random.default_rng(seed), 6)
    for spins in (MIXED, KEPT):
        probed = replace(of, probe_spins=spins)
        assert not tree_premise(probed)
        assert transmitted(probed) < ROUNDING


def test_what_polarises_a_tree():
    random = np.random.default_rng(3)
    chain = np.eye(6) + np.eye(6, k=1) + np.eye(6, k=-1)
    of = replace(lonely(random, 6), hamiltonian=even_hamiltonian(random, 6, chain))
    assert transmitted(of) < ROUNDING
    loop = of.hamiltonian + even_hamiltonian(random, 6)
    two = np.zeros((6, 6))
    two[np.ix_([1, 3], [1, 3])] = 1.0
    broken = {
        "loop": replace(of, hamiltonian=loop),
        "channel over two sites": replace(of, left=Lead.of(two), right=Lead.of(two[::-1, ::-1])),
        "coherent probe": replace(of, probes=(*of.probes, two.astype(complex))),
    }
    for name, system_ in broken.items():
        assert tree_premise(system_), name
        assert transmitted(system_) > SEEN, name
    odd = replace(of, hamiltonian=zeeman(of.hamiltonian))
    assert time_reversal_premise(odd)
    assert transmitted(odd) > SEEN


# 2


@given(SEEDS)
def test_no_spin_leaves_by_one_channel(seed):
    random = np.random.default_rng(seed)
    of = random_system(random, 5, right=vector(random, 5))
    assert not one_channel_premise(of)
    assert transmitted(of) < ROUNDING


def test_what_polarises_one_channel():
    random = np.random.default_rng(5)
    of = random_system(random, 5, right=vector(random, 5))
    swapped = replace(of, left=Lead.of(of.right.coupling), right=Lead.of(of.left.coupling))
    crossed = replace(of, right=Lead.of(vector(random, 5, complex_=True)))
    magnetic = replace(of, hamiltonian=zeeman(of.hamiltonian))
    probed = replace(of, probes=(on(5, [2], 0.2).astype(complex),))
    assert one_channel_premise(swapped)
    assert real_lead_premise(crossed)
    assert one_channel_premise(probed)
    for other in (swapped, crossed, magnetic, probed):
        assert transmitted(other) > SEEN


# 3 and 4


@given(SEEDS)
def test_no_first_order_without_probes(seed):
    of = random_system(np.random.default_rng(seed), 5)
    assert np.abs(spin_at_first_order(of, ENERGIES)).max() < 1e-10


@given(SEEDS)
def test_no_first_order_along_z_with_probes_that_keep_it(seed):
    random = np.random.default_rng(seed)
    probes = [on(5, [n], 0.3) for n in range(5)]
    kept = random_system(random, 5, probes=probes, spins=KEPT)
    assert np.abs(spin_at_first_order(kept, ENERGIES)[:, 2]).max() < 1e-10
    mixed = replace(kept, probe_spins=MIXED)
    assert np.abs(spin_at_first_order(mixed, ENERGIES)[:, 2]).max() > SEEN


def test_the_slope_is_the_limit_of_a_quotient():
    random = np.random.default_rng(7)
    of = random_system(random, 5, probes=[on(5, [n], 0.3) for n in range(5)])
    step = 1e-4
    ends = []
    for sign in (1, -1):
        spin = elastic(transmissions(with_spin_orbit(of, sign * step), ENERGIES)).spin
        ends.append(spin[:, 1:] / spin[:, :1])
    slope = spin_at_first_order(of, ENERGIES)
    assert np.allclose((ends[0] - ends[1]) / (2 * step), slope, rtol=1e-5, atol=1e-8)


def test_a_complex_lead_has_a_first_order():
    random = np.random.default_rng(8)
    of = random_system(random, 5)
    W = vector(random, 5, complex_=True) + vector(random, 5, complex_=True)
    assert np.abs(spin_at_first_order(replace(of, right=Lead.of(W)), ENERGIES)).max() > SEEN


# 5

BIASED = Window(bias=1.2, thermal_energy=0.1)
VANISHING = Window(bias=0.0, thermal_energy=0.1)
INFINITE = Window(kind="infinite")


@settings(max_examples=6)
@given(SEEDS, st.sampled_from([MIXED, KEPT]))
def test_elastic_probes_leave_no_magnetoresistance_at_any_bias(seed, spins):
    random = np.random.default_rng(seed)
    of = random_system(random, 3, probes=[on(3, [n], 0.3) for n in range(3)], spins=spins)
    for window in (BIASED, VANISHING, INFINITE):
        assert magnetoresistance(of, "dephasing", window) < 1e-13
    for window in (VANISHING, INFINITE):  # one filling for all energies
        assert magnetoresistance(of, "voltage", window) < 1e-13
    assert magnetoresistance(of, "voltage", BIASED) > SEEN


def test_what_makes_a_magnetoresistance_with_elastic_probes():
    random = np.random.default_rng(11)
    probes = [on(4, [n], 0.3) for n in range(4)]
    of = random_system(random, 4, probes=probes)
    one_spin = replace(of, probe_spins=(((1, 0), (0, 0)),))
    W = of.left.coupling + 1j * np.diag([0.3, 0.2, 0.1], 1) - 1j * np.diag([0.3, 0.2, 0.1], -1)
    W = W + 0.6 * np.eye(4)
    crossed = replace(of, left=replace(of.left, coupling=W))
    valve = replace(of, right=Lead.of(of.right.coupling, (0, 0, 0.5)))
    magnetic = replace(of, hamiltonian=zeeman(of.hamiltonian))
    assert real_probe_premise(one_spin)
    assert real_lead_premise(crossed)
    assert real_lead_premise(valve)
    for other in (one_spin, crossed, valve, magnetic):
        assert magnetoresistance(other, "dephasing", VANISHING) > SEEN


# 6

HANDED = (
    DoubleHelix(base_pairs=6),
    SingleHelix(length=8),
    Helicene(rings=2, energy=[-1.5, -1.0, 0.5], probe="dephasing", probe_coupling=0.1),
    CurvedChain(probe="dephasing", probe_coupling=0.1),
    OrbitalTexture(length=4, spin_orbit=0.1),
    Stack(molecules=3, probe="dephasing", probe_coupling=0.1),
    Stack(molecules=2, spin_orbit_vectors=[[0.1, 0.2, 0.3], [0.2, -0.1, 0.1]]),
    HelicalField(length=6, probe="voltage", probe_coupling=0.1, probe_spin="kept", spin_orbit=0.03),
    EffectiveHelix(
        length=6, spin_orbit=0.2, probe="dephasing", probe_coupling=0.1, probe_spin="kept"
    ),
)


@pytest.mark.parametrize("model", HANDED, ids=lambda m: type(m).__name__)
def test_the_mirror_image_transmits_the_opposite_spin(model):
    found = {law.name: law.run(model, Landauer()) for law in LAWS}
    assert found["law_mirror"].passed
    assert all(one.passed for one in found.values() if one is not None)


def test_half_a_mirror_is_none():
    model = DoubleHelix(base_pairs=6, energy=[0.485])
    half = model.replace(twist=-model.twist)
    spins = [elastic(transmissions(system(m), np.array([0.485]))).spin[0, 3] for m in (model, half)]
    assert abs(sum(spins)) > SEEN


def test_a_law_says_what_is_missing():
    odd = HelicalField(length=6, spin_orbit_phase=0.0)
    tree_law = next(law for law in LAWS if law.name == "law_tree")
    assert "odd under time reversal of 0.01 eV" in tree_law.unmet(odd, Landauer())
    assert tree_law.run(odd, Landauer()) is None


# what every answer obeys


@given(SEEDS)
def test_unitarity_and_balance(seed):
    random = np.random.default_rng(seed)
    of = random_system(random, 5, probes=[on(5, [n], 0.3) for n in range(3)], spins=KEPT)
    for m in (0.0, 1.0, -1.0):
        found = transmissions(of, ENERGIES, m)
        assert found.defect.max() < 1e-12
        assert np.allclose(found.between.sum(axis=1), found.between.sum(axis=2), atol=1e-12)
        flow = elastic(found)
        assert np.allclose(flow.left, flow.right, rtol=1e-10)
        assert ((flow.filling > -1e-12) & (flow.filling < 1 + 1e-12)).all()


@given(SEEDS)
def test_magnetised_amplitudes_are_those_of_the_magnetised_system(seed):
    random = np.random.default_rng(seed)
    of = random_system(random, 4, probes=[on(4, [1], 0.3)])
    for m in (1.0, -1.0):
        G = [
            np.linalg.inv(
                E * np.eye(8)
                - of.hamiltonian
                + 0.5j * (of.magnetised(m).left.matrix + of.right.matrix + of.probe_matrices[0])
            )
            for E in ENERGIES
        ]
        left = of.magnetised(m).left.matrix
        T = [np.trace(of.right.matrix @ g @ left @ g.conj().T).real for g in G]
        assert np.allclose(transmissions(of, ENERGIES, m).between[:, 1, 0], T, rtol=1e-10)


def test_modes_that_merge_are_factorised():
    """Two equal levels, one of which decays twice as much as the other is coupled: an exceptional point."""
    h = np.kron(np.array([[0.0, 0.25], [0.25, 0.0]]), np.eye(2)).astype(complex)
    random = np.random.default_rng(0)
    of = random_system(random, 2, h=h, left=on(2, [0]), right=1e-9 * on(2, [1]))
    of = replace(of, right=Lead.of(np.diag([0.0, 1e-30])))
    at = np.array([0.0, 0.1])
    channels = Channels(system=of)
    assert np.allclose(channels.amplitudes(at), channels.direct(at), atol=1e-9)
