"""The shape of a representation, and how alike two of them are."""
