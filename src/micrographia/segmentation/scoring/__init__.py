"""Scores of many images: what is kept of each, pooled, weighted, with intervals, beside human agreement."""
