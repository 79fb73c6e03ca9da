"""Compiled loops of retrieval: each takes some rows of a block of similarities and needs no GIL."""
