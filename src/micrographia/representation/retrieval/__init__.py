"""Retrieval: whether the nearest rows share a label."""
