"""Ranking models without labels, by the consistency of their predictions."""
