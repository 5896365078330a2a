"""Plain arrays in, plain arrays out: this room knows no physics."""
