"""Compiled loops over label images; everything here takes and gives plain arrays and releases the GIL."""
