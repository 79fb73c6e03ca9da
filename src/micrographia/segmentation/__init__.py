"""Segmentation models: metrics of instances, models, training, evaluation across datasets, ranking without labels."""
