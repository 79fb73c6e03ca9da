"""Metrics of a segmentation against the truth, from one pass over both label images."""
