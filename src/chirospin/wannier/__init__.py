"""Readers of matrices between Wannier functions: what any file gives, each refusal with its line."""
