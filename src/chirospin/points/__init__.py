"""Many points: designs, sweeps and their store, derivatives, optimisation."""
