"""One file per paper: its figures, tables and claims, each claim with a verdict."""
