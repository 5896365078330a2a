"""Studies of our own: no paper states what they find."""
