"""The many-body state: Fock space, generator, steady state and what follows from it."""
