"""Electrons that do not repel each other, between leads and probes: plain matrices in, transmissions out."""
