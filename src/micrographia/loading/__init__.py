"""Patches, splits and samplers for training: ``loading.patches(dataset)``."""
