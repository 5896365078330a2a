r"""
Spinterface: does an adsorbed molecule leave a moment in gold?
==============================================================

**The question.** A molecule is adsorbed on gold, and a probe of surface magnetism sees a signal.
How far does spin of the molecule reach into the metal, can a molecule *without* a moment polarise
it, and what would hold a moment on the molecule in place?

**The answer.** A moment on the molecule is followed by a spin density that oscillates and falls as
:math:`1/r^2` close by, and in equilibrium at 300 K exponentially, with 5.7 nm, far out. A
non-magnetic molecule polarises the metal only when a current flows: radially, with the sign of
:math:`-\alpha` times the outward electron flux. Nothing of this holds a moment: 99 % of saturation
takes a repulsion of 0.61 eV on the level, or 524 T.
"""

# %%
# Equilibrium and current apart
# -----------------------------
# ``Contact`` is a level that touches a metal with spin-orbit coupling at one point; the default is
# gold at 300 K. A lead above it, 0.5 eV higher, drives electrons into the metal.

import numpy as np
import xarray as xr

from chirospin import spinterface
from chirospin.base.figures import Panel, Plot, draw
from chirospin.faces.auditing import audited

distances = {"distance": np.geomspace(0.5, 40, 240)}
magnetic = spinterface.Contact(level_splitting=(0, 0, 0.05))
bare = spinterface.Contact(level_splitting=(0, 0, 0), lead_potential=0.5)

at_rest = spinterface.solve(magnetic, over={"distance": np.linspace(0.5, 5, 600)})
driven = spinterface.solve(bare, over=distances)
mirrored = spinterface.solve(bare.replace(spin_orbit=-0.033), over=distances)
outward = driven.isel(distance=-1)
print("non-magnetic, at rest:", float(abs(driven.spin_density_equilibrium).max()))
print(f"electrons flow outward: {float(outward.radial_current):+.2e} eV/nm^2")
for name, ds in (("alpha > 0", driven), ("alpha < 0", mirrored)):
    last = ds.spin_density.sel(component="z").isel(distance=-1)
    print(f"{name}: r^2 s_r = {float(last * last.distance**2):+.2e} hbar/nm")

# %%
# The audit
# ---------
# Without bias the time-reversed molecule must make the opposite spin: a condition that the
# non-equilibrium term alone (``lesser-only``) breaks: it gives a non-magnetic molecule at rest a spin.

settings = ["level_splitting=[0,0,0]", "lead_potential=0.5"]
print(audited("spinterface.contact", method="negf", set_=settings, option=[]).text)

# %%
# What would hold a moment
# ------------------------

hold = spinterface.solve(spinterface.Stability())
print(f"repulsion {float(hold.repulsion):.3f} eV, or field {float(hold.field):.0f} T")
print(f"reached: {float(hold.reached_moment):.3f} of saturation")

# %%
# The figure
# ----------


def scaled(ds: xr.Dataset) -> xr.DataArray:
    """Spin along the direction times the square of the distance, in 1e-5 hbar/nm."""
    return 1e5 * ds.spin_density.sel(component="z") * ds.distance**2


curves = xr.concat([scaled(driven), scaled(mirrored)], xr.Variable("curve", [0.033, -0.033]))
curves["curve"].attrs["symbol"] = r"\alpha"
figure = draw(
    Plot(
        columns=2,
        markers=False,
        panels=(
            Panel(
                source="at rest",
                x="distance",
                y="spin_density",
                title="magnetic, at rest",
                y_label=r"$10^5\, r^2 s_z$ ($\hbar$/nm)",
            ),
            Panel(
                source="driven",
                x="distance",
                y="spin_density",
                by="curve",
                legend=True,
                title="non-magnetic, driven",
                y_label=r"$10^5\, r^2 s_r$ ($\hbar$/nm)",
            ),
        ),
    ),
    {
        "at rest": scaled(at_rest).rename("spin_density").to_dataset(),
        "driven": curves.rename("spin_density").to_dataset(),
    },
)
figure

# %%
# In (a) the envelope falls faster than :math:`1/r^2`; in (b) it does not, and the sign is that of the
# enantiomer. Where next: a molecule with several contacts, maps in the plane, quenched moments:
# :doc:`/spinterface`.
