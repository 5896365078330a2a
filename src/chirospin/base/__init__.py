"""The words every family speaks: parameters, observables, solve, results, units, spin, errors."""
