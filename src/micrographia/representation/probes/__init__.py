"""Probes: what a simple model reads from a representation, over hold-outs of whole groups."""
