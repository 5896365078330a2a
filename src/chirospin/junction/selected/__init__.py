"""Steady states of long stacks in selected products of natural states, with an error bar."""
