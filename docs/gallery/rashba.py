"""
Junction
========
"""
from chirospin import junction

ds = junction.solve(junction.Junction(), over={"energy_b": [0.4, 0.8]})
figure = ds.chirospin.plot()
