r"""
Chiral metal: does the spin at a contact follow the bulk?
=========================================================

**The question.** A current enters a chiral metal such as tellurium at one plane and leaves at
another. A magneto-optical probe sees the spin near the injecting contact. To second order in the
current, which sign has that spin, and may one read it off the spin current in the bulk?

**The answer.** For :math:`\alpha > 0` the spin integrated over the injecting plane is negative, for
either direction of the current, and has the sign of the bulk spin current:
:math:`-4.97\times10^{-7}\,\hbar/\mathrm{nm}^2` in the default model, three quarters of what the
bulk spin current carries in one relaxation time. It is made by the field of a charge dipole at the
contact, so it depends on screening: above :math:`\lambda_{TF} = 0.88` mean free paths it is
*positive*, while the bulk spin current stays the same. The bulk alone does not fix the sign.
"""

# %%
# Both orders
# -----------
# Order 1 is the Edelstein effect, odd in the current; order 2 is even. With the default mass,
# coupling and time the mean free path is 1 nm, so lengths read in mean free paths.

import numpy as np

from chirospin import chiral_metal
from chirospin.base.figures import Panel, Plot, draw
from chirospin.faces.auditing import audited

metal = chiral_metal.ChiralMetal(screening_length=0.1)
profile = chiral_metal.solve(metal, over={"position": np.linspace(-3, 6, 271)})
print(f"spin at the plane, order 2: {float(profile.interface_spin):+.3e} hbar/nm^2")
print(f"bulk spin current, order 2: {float(profile.bulk_spin_current.sel(order=2)):+.3e} eV/nm^2")
print(f"bulk spin density, order 1: {float(profile.bulk_spin_density.sel(order=1)):+.3e} hbar/nm^3")
print(f"bulk spin density, order 2: {float(profile.bulk_spin_density.sel(order=2)):+.1e}")
print(f"sign reverses at lambda_TF = {float(profile.reversal_screening_length):.3f} nm")

# %%
# The audit
# ---------
# The mirror image must have the opposite linear and quadratic spin, a metal without spin-orbit
# coupling none; the closed form is compared with the discretised Boltzmann equation, which knows
# nothing of it.

print(audited("chiral_metal", method="closed-form", set_=["screening_length=0.1"], option=[]).text)

# %%
# Screening decides the sign
# --------------------------

screened = chiral_metal.solve(
    metal.replace(position=(0.5,)),
    over={"screening_length": np.linspace(0.02, 1.6, 41)},
    observables=["interface_spin"],
)

# %%
# The figure
# ----------

first, second = (profile.sel(order=n) for n in (1, 2))
figure = draw(
    Plot(
        columns=3,
        markers=False,
        panels=(
            Panel(source="1", x="position", y="spin_density", mark=0.0, title="linear"),
            Panel(source="2", x="position", y="spin_density", mark=0.0, title="quadratic"),
            Panel(
                source="screened",
                x="screening_length",
                y="interface_spin",
                mark=float(profile.reversal_screening_length),
                title="integrated",
            ),
        ),
    ),
    {"1": first, "2": second, "screened": screened},
)
figure

# %%
# The grey line in (c) is ``reversal_screening_length``, which comes from another formula than the
# curve. Where next: collisions that keep the helicity, walls, alternating currents and crystals,
# in :doc:`/chiral_metal`.
