"""Probes: what a simple model reads from a representation, over hold-outs of whole groups."""

from micrographia.representation.probes.chance import majority_accuracy, predict_prior
from micrographia.representation.probes.features import Block, Blocks, Features, Residual
from micrographia.representation.probes.folds import Folds, group_folds, leave_group_out
from micrographia.representation.probes.holdouts import holdouts, one_per_class_holdouts
from micrographia.representation.probes.items import Items, accuracy_items, auc_items, by_name, r2_items
from micrographia.representation.probes.layers import LayerSweep, choose, layer_sweep
from micrographia.representation.probes.null import Null, permutation_null
from micrographia.representation.probes.predict import predict
from micrographia.representation.probes.predictions import Predictions

__all__ = [
    "Block",
    "Blocks",
    "Features",
    "Folds",
    "Items",
    "LayerSweep",
    "Null",
    "Predictions",
    "Residual",
    "accuracy_items",
    "auc_items",
    "by_name",
    "choose",
    "group_folds",
    "holdouts",
    "layer_sweep",
    "leave_group_out",
    "majority_accuracy",
    "one_per_class_holdouts",
    "permutation_null",
    "predict",
    "predict_prior",
    "r2_items",
]
