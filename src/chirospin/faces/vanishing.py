"""Signals that vanish: what looks like spin polarisation and is not, each with the audit that says so.

A record holds commands, not numbers. The page runs the commands and shows what they print.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Run:
    """A command of the reader's shell and the lines of its answer that matter.

    Parameters
    ----------
    says : what the lines show, in one sentence
    arguments : after ``chirospin``
    shows : beginnings of the lines that are kept, without verdict and indent
    code : exit code of the command
    """

    says: str
    arguments: tuple[str, ...]
    shows: tuple[str, ...]
    code: int = 0


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A signal that vanishes.

    Parameters
    ----------
    looks : what it looks like, and where it was seen
    why : why it is not there
    caught_by : names of the checks or audits that catch it
    """

    name: str
    title: str
    looks: str
    why: str
    caught_by: tuple[str, ...]
    runs: tuple[Run, ...]


def _diagonal(*entries: float) -> str:
    rows = [[v if i == j else 0 for j in range(len(entries))] for i, v in enumerate(entries)]
    return str(rows).replace(" ", "")


ZEEMAN = _diagonal(0.1, -0.1, 0.1, -0.1, 0, 0, 0, 0)
"""A field along z on the first of two molecules."""
QUIET = ("--set", "level_splitting=[0,0,0]", "--set", "direction=[1,0,0]")
DISTANCES = ("--over", "distance=2,4,8")
BIASED = ("junction.bias", "--set", "gate=-6.4", "--set", "bias=1", "--set", "thermal_energy=0.5")

ZINCBLENDE = (
    "solve", "crystal", "--set", "hamiltonian=zincblende", "--set", "chemical_potential=-1",
    "--set", "thermal_energy=0.1", "--option", "points=48", "--option", "tolerance=1",
)  # fmt: skip

SIGNALS = (
    Signal(
        name="vibrational-sign-change",
        title="The moment of a closed-shell level changes its sign with temperature",
        looks="Figs. 5 and 7 of fransson_closed_shell: the thermal moment turns at a temperature that the "
        "sound velocity does not move.",
        why="A frequency window with a broadening cuts the tails of the spectrum, and what is cut is "
        "larger than the moment. The window alone sets that temperature. Without it, and exactly, "
        "the sign never changes.",
        caught_by=("norm", "second_order", "exact_direction", "sign_changes"),
        runs=(
            Run(
                says="Five theories of one model; crossover (meV) is where the sign changes, nan is nowhere.",
                arguments=(
                    "solve", "vibration", "--method",
                    "exact,second-order,scba,scba-hartree,windowed",
                ),
                shows=("solved_by  ", "exact  ", "second-order  ", "scba  ", "scba-hartree  ", "windowed  "),
                code=1,
            ),
            Run(
                says="The audit of the emulated window fails; it leaves with exit code 1.",
                arguments=("audit", "vibration", "--method", "windowed"),
                shows=("norm", "second_order", "exact_direction", "sign_changes", "audit FAILED"),
                code=1,
            ),
            Run(
                says="The audit of the exact method passes.",
                arguments=("audit", "vibration", "--method", "exact"),
                shows=("time_reversed", "audit passed"),
            ),
        ),
    ),
    Signal(
        name="inelastic-scattering-alone",
        title="Inelastic scattering polarises a level",
        looks="fransson_closed_shell, introduction to Eq. (9): scattering from vibrations breaks time "
        "reversal and so allows a moment.",
        why="A spin that couples to momenta of vibrations is even under time reversal. It scatters just as "
        "much, and its moment is zero. What makes the moment of that paper is a term that is odd by "
        "itself, displacement times spin.",
        caught_by=("time_reversal", "time_reversed"),
        runs=(
            Run(
                says="Coupling to momenta, exactly: no moment.",
                arguments=(
                    "solve", "vibration", "--method", "exact", "--set", "spin_coupling=[0,0,0]",
                    "--set", "momentum_coupling=[0,0,0.01]",
                ),
                shows=("moment  ", "time_reversal"),
            ),
            Run(
                says="The audit of this null result passes.",
                arguments=(
                    "audit", "vibration", "--method", "exact", "--set", "spin_coupling=[0,0,0]",
                    "--set", "momentum_coupling=[0,0,0.01]",
                ),
                shows=("time_reversal", "time_reversed", "rotation", "audit passed"),
            ),
            Run(
                says="Coupling to displacements: the odd share of the Hamiltonian and its moment.",
                arguments=("solve", "vibration", "--method", "exact"),
                shows=("moment  ", "time_reversal"),
            ),
        ),
    ),
    Signal(
        name="equilibrium-spin",
        title="A non-magnetic molecule on gold carries a spin cloud that falls as the inverse square",
        looks="Eqs. (4) and (11) of fransson_spinterface, read in equilibrium: a radial spin around the contact.",
        why="The lesser function of the paper keeps one term. Those that it leaves out cancel it in equilibrium, "
        "as time reversal demands. Only a bias brings the spin back, smaller and with the sign of the flux.",
        caught_by=("time_reversal", "dropped_terms"),
        runs=(
            Run(
                says="The printed term alone: a spin, and two checks that fail.",
                arguments=(
                    "solve", "spinterface.contact", "--method", "lesser-only", *QUIET, *DISTANCES,
                ),
                shows=("spin_density  ", "time_reversal", "dropped_terms"),
                code=1,
            ),
            Run(
                says="All terms: no spin.",
                arguments=(
                    "solve", "spinterface.contact", "--method", "negf", *QUIET, *DISTANCES,
                ),
                shows=("spin_density  ", "time_reversal"),
            ),
            Run(
                says="Control: with a bias of 0.2 V there is one.",
                arguments=(
                    "solve", "spinterface.contact", "--method", "negf", *QUIET,
                    "--set", "lead_potential=0.2", *DISTANCES,
                ),
                shows=("spin_density  ",),
            ),
        ),
    ),
    Signal(
        name="spin-hall-current",
        title="The spin Hall current of the linear Rashba gas",
        looks="The universal value e/(8 pi) of the clean gas.",
        why="Impurities accelerate the spins back: both parts are universal and opposite, whatever the "
        "disorder, because the current is the time derivative of the spin (khaetskii_2006).",
        caught_by=("identity", "universal", "conservation"),
        runs=(
            Run(
                says="Precession gives -1, acceleration +1, in e/(8 pi).",
                arguments=("solve", "rashba"),
                shows=("spin_hall_current", "spin_hall_interband", "spin_hall_acceleration",
                       "conservation", "identity", "universal"),
            ),
            Run(
                says="Smooth impurities, cleaner and dirtier: still nothing.",
                arguments=(
                    "solve", "rashba", "--set", "disorder=gaussian", "--set", "disorder_length=1",
                    "--over", "scattering_rate=0.001,0.01,0.03",
                ),
                shows=("scattering_rate", "0.0", "identity", "universal"),
            ),
            Run(
                says="Control: cubic splitting keeps a current.",
                arguments=("solve", "rashba", "--set", "winding=3", "--set", "splitting_power=3"),
                shows=("spin_hall_current",),
            ),
        ),
    ),
    Signal(
        name="junction-without-interaction",
        title="A chiral junction with spin-orbit coupling and no interaction",
        looks="Spin-orbit coupling in a chiral molecule is often taken to be enough.",
        why="Two terminals, time reversal on the molecule and no repulsion: the two magnetisations carry the "
        "same current (nozaki_fujita_2026, appendix A). The repulsion makes all of the -24 %.",
        caught_by=("no_interaction",),
        runs=(
            Run(
                says="Without repulsion, exactly, by the many-body method.",
                arguments=("solve", "junction", "--set", "hubbard=0"),
                shows=("spin_polarisation", "residual"),
            ),
            Run(
                says="The audit asks this of every junction.",
                arguments=("audit", "junction"),
                shows=("no_interaction", "enantiomer", "audit passed"),
            ),
            Run(
                says="With the paper's repulsion.",
                arguments=("solve", "junction"),
                shows=("spin_polarisation", "residual"),
            ),
            Run(
                says="Control: a Zeeman energy of 0.1 on the first molecule, no repulsion.",
                arguments=("solve", "junction", "--set", "hubbard=0", "--set", f"one_body_matrix={ZEEMAN}"),
                shows=("spin_polarisation",),
            ),
            Run(
                says="A null result can be an artefact too: Landauer's zero at U = 4 is loud about what it leaves out.",
                arguments=("solve", "junction", "--method", "landauer"),
                shows=("spin_polarisation", "interaction_left_out"),
                code=1,
            ),
        ),
    ),
    Signal(
        name="one-molecule",
        title="One molecule with repulsion and spin-orbit coupling",
        looks="Repulsion and spin-orbit coupling are both there, so why not a polarisation?",
        why="One molecule of the model is its own mirror image: handedness enters by the twist between "
        "neighbours.",
        caught_by=("enantiomer",),
        runs=(
            Run(
                says="One molecule.",
                arguments=("solve", "junction", "--set", "molecules=1"),
                shows=("spin_polarisation", "residual"),
            ),
            Run(
                says="Its audit: the mirror image is the molecule itself.",
                arguments=("audit", "junction", "--set", "molecules=1"),
                shows=("enantiomer", "audit passed"),
            ),
        ),
    ),
    Signal(
        name="linear-response",
        title="Polarisation at a vanishing bias",
        looks="A generator of second order gives currents of the two magnetisations that differ already at "
        "the smallest bias.",
        why="Reciprocity forbids it with two terminals, one of them magnetised. What is left is an artefact "
        "of the generator; `kms` is made to have none, and where the artefact is not small beside the "
        "signal the check says so.",
        caught_by=("reciprocity", "equilibrium", "linear_response", "no_interaction"),
        runs=(
            Run(
                says="The default generator at a bias of 1 and a temperature of 0.5: too close to linear response.",
                arguments=("audit", *BIASED),
                shows=("reciprocity", "equilibrium", "linear_response", "no_interaction",
                       "audit FAILED"),
                code=1,
            ),
            Run(
                says="The generator with detailed balance.",
                arguments=("audit", *BIASED, "--method", "kms"),
                shows=("reciprocity", "equilibrium", "linear_response", "no_interaction",
                       "audit passed"),
            ),
        ),
    ),
    Signal(
        name="assumed-pairs",
        title="A current induces spin in gallium arsenide",
        looks="Bulk tensors from a Wannier file: chi_xx = -9.5e-3/nm^2 of a public file of GaAs, where this toolkit "
        "once assumed spins up and down on pairs of functions.",
        why="T_d allows no such tensor. Maximally localised functions mix spins, so that pairs of them are no up and "
        "down of one orbital: what was summed is no spin. The functions of this zincblende are mixed on purpose, and "
        "keep time reversal, which is blind to it; the point group is not. A small tensor would be no certificate "
        "either: the test looks at single points of k.",
        caught_by=("crystal_spin",),
        runs=(
            Run(
                says="Spins assumed on pairs: a tensor that does not vanish, and the test that fires.",
                arguments=(*ZINCBLENDE, "--set", "spin=pauli-interleaved"),
                shows=("edelstein_tensor", "tr_spin", "crystal_spin"),
                code=1,
            ),
            Run(
                says="The spin operator of the functions: nothing, and a sound certificate.",
                arguments=ZINCBLENDE,
                shows=("edelstein_tensor", "tr_spin", "crystal_spin", "audit passed"),
            ),
        ),
    ),
)  # fmt: skip
