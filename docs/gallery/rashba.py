r"""
Rashba gas: is there a spin Hall current in the bulk?
=====================================================

**The question.** A two-dimensional electron gas with Rashba splitting carries a current; impurities
scatter. Clean theory promises a universal spin Hall current of :math:`e/8\pi` per field. Does it
survive impurities, and where should one look for a current that does?

**The answer.** It does not survive: the turn of the spins with the momentum gives :math:`-e/8\pi`,
the acceleration of the Fermi seas :math:`+e/8\pi`, and the sum is zero at any scattering rate and
any range. An in-plane spin of :math:`+N_0\alpha_R\tau` per force remains. A gas with *cubic*
splitting does carry a current: -2.0 :math:`e/8\pi` with point impurities, positive with smooth
ones.
"""

# %%
# Two parts that cancel
# ---------------------

import numpy as np
import xarray as xr

from chirospin import rashba
from chirospin.base.figures import Panel, Plot, draw
from chirospin.faces.auditing import audited

gas = rashba.RashbaGas()
rates = rashba.solve(gas, over={"scattering_rate": np.geomspace(0.001, 0.1, 13)})
print(f"largest |q| = {float(abs(rates.spin_hall_current).max()):.1e} e/(8 pi)")
print(f"interband {float(rates.spin_hall_interband[0]):+.6f}", end=", ")
print(f"acceleration {float(rates.spin_hall_acceleration[0]):+.6f}")

one = rashba.solve(gas)
expected = gas.mass / (2 * np.pi) * gas.spin_orbit / gas.scattering_rate
print(f"spin per force {float(one.spin_accumulation):.6f}, N_0 alpha tau {expected:.6f} 1/(eV nm)")

# %%
# The audit
# ---------
# ``identity`` is the balance of the in-plane spin, which ties its time derivative to the spin Hall
# current; ``closed_form`` compares with a formula found by another route.

print(audited("rashba", method="kinetic", set_=[], option=[]).text)

# %%
# Where a current survives
# ------------------------
# Holes have a splitting that goes with the cube of the momentum and winds three times. Its strength
# is chosen here so that the splitting at the Fermi momentum is 1.45 times the scattering rate.

cubic = rashba.RashbaGas(winding=3, splitting_power=3, spin_orbit=0.1515, disorder="gaussian")
ranges = {"disorder_length": np.geomspace(0.5, 10, 15)}
parts = [
    rashba.solve(model, over=ranges, observables=["spin_hall_current"])
    for model in (gas.replace(disorder="gaussian"), cubic)
]
print(parts[1].spin_hall_current.round(2).to_pandas().iloc[[0, 7, 14]])

# %%
# The figure
# ----------

names = ("spin_hall_interband", "spin_hall_acceleration", "spin_hall_current")
terms = xr.concat(
    [rates[name].rename("current") for name in names],
    xr.Variable("curve", ["interband", "acceleration", "sum"]),
)
splittings = xr.concat(parts, xr.Variable("curve", ["linear", "cubic"]))
figure = draw(
    Plot(
        columns=2,
        panels=(
            Panel(
                source="terms",
                x="scattering_rate",
                y="current",
                by="curve",
                x_scale="log",
                legend=True,
                title="linear splitting",
                y_label=r"$q_{yz}$ ($e/8\pi$)",
            ),
            Panel(
                source="splittings",
                x="disorder_length",
                y="spin_hall_current",
                by="curve",
                x_scale="log",
                legend=True,
                title="smooth impurities",
                y_label=r"$q_{yz}$ ($e/8\pi$)",
            ),
        ),
    ),
    {"terms": terms.to_dataset(), "splittings": splittings},
)
figure

# %%
# The sign of (b) tells short from long ranges. Where next: spin-orbit scattering, Dresselhaus and
# Zeeman fields (``rashba.fermi_level``, :doc:`/rashba`), your own impurities (:doc:`/howto/disorder`).
