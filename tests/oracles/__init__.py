"""Naive implementations and other codes that the package must meet; never importable from it."""
