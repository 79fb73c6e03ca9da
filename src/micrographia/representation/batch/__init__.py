"""How much of a representation is batch."""
