"""One file per paper; its name is the key of the paper in the bibliography."""
