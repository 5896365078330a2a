"""Faces: the command line. No physics here; all is derived from what the families declare."""
