"""The page of ``chirospin explore``: forms from metadata, live curves, verdicts. No physics here."""
