"""Trivial baselines: what is to be beaten."""
