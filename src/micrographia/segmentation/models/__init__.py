"""Segmentation models: a small protocol, adapters, baselines, tuning, tiled prediction."""
