r"""
Junction: does a chiral dimer polarise the current?
===================================================

**The question.** Two molecules, turned against each other by 90 degrees, stand between a magnetised
lead and an ordinary one. The magnet is reversed. By how much does the current change, does the
mirror-image dimer show the opposite, and what has to be in the molecules for that?

**The answer.** At the reference point of Nozaki and Fujita (orbitals 0.8 t apart, repulsion 4 t,
spin-orbit coupling 0.03 t inside each molecule) the current is *smaller* with the magnet up:
:math:`P_{MR} = -0.241`. The mirror image has +0.241. Without repulsion it is zero, whatever the
spin-orbit coupling: a coherent two-terminal junction with one magnetic lead may not have it.
"""

# %%
# One number first
# ----------------
# ``Junction()`` is the reference point; ``gksl``, the default method, solves the many-body master
# equation exactly.

import numpy as np

from chirospin import junction
from chirospin.base.figures import Panel, Plot, draw
from chirospin.faces.auditing import audited

point = junction.solve(junction.Junction())
print(f"P_MR = {float(point.spin_polarisation):+.4f}")
print(f"I_up = {float(point.current.sel(magnetisation='up')):.5f} t e/hbar")
print(f"I_down = {float(point.current.sel(magnetisation='down')):.5f} t e/hbar")

# %%
# Is it real?
# -----------
# Cheap checks run with every solve and are kept in the result. The expensive ones solve partners: the
# mirror image must carry the current of the opposite magnetisation, reversing the lead must be the
# same as reversing its polarisation, and without repulsion nothing may remain.

print(audited("junction", method="gksl", set_=[], option=[]).text)

# %%
# What carries the effect
# -----------------------
# A sweep is ``over=``: the swept parameters become coordinates. Landauer transmission leaves the
# repulsion out, so it must give zero everywhere, and does.

enantiomers = junction.solve(
    over={"handedness": [+1, -1], "energy_b": np.linspace(0.0, 1.6, 33)},
    observables=["spin_polarisation"],
)
repulsion = np.linspace(0.0, 8.0, 17)
several = junction.solve(
    method=["gksl", "landauer"], over={"hubbard": repulsion}, observables=["spin_polarisation"]
)
sum_of_both = abs(enantiomers.spin_polarisation.sum("handedness")).max()
print(f"largest sum of both enantiomers: {float(sum_of_both):.1e}")
level = enantiomers.spin_polarisation.sel(handedness=1, energy_b=0)
print(f"both orbitals at one energy, handedness +1: {float(level):+.3f}")
print(several.spin_polarisation.sel(hubbard=[0, 2, 4, 8]).round(4).to_pandas())

# %%
# Landauer's own check is loud about what it leaves out, which is the whole repulsion:

left_out = several.audit_passed.sel(solved_by="landauer").sel(check="interaction_left_out")
print("interaction_left_out passed at U =", several.hubbard.values[left_out.values])

# %%
# The figure
# ----------
# A figure is a description of panels; labels, units and symbols come from the declarations.

figure = draw(
    Plot(
        columns=2,
        markers=False,
        panels=(
            Panel(
                source="enantiomers",
                x="energy_b",
                y="spin_polarisation",
                by="handedness",
                mark=0.8,
                legend=True,
                title="two enantiomers",
            ),
            Panel(
                source="several",
                x="hubbard",
                y="spin_polarisation",
                by="solved_by",
                mark=4.0,
                legend=True,
                title="with and without repulsion",
                x_label=r"$U$ (eV)",
            ),
        ),
    ),
    {"enantiomers": enantiomers, "several": several},
)
figure

# %%
# Grey lines mark the reference point. In (a) the two curves are mirror images, and each changes sign
# where the orbitals come close: the handedness alone does not tell the sign. Where next: a bias and a temperature
# (``junction.bias``, :doc:`/junction`), longer stacks, other orbitals (:doc:`/howto/hamiltonian`).
