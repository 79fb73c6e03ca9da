"""Studies in the folders in which they are published."""
