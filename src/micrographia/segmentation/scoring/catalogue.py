"""The metrics that evaluations offer, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from micrographia.segmentation.metrics.errors import SegmentationError
from micrographia.segmentation.scoring.metrics import THRESHOLDS, Metric, Ratio

_OBJECTS = "1 if neither has objects; 0 if one has none"
_TRUTH = "1 if neither has objects; not defined if only the truth has none"
_ERROR = "0 if neither has objects; not defined if only the truth has none"
_CAICEDO = "Caicedo et al., Nature Methods 2019"
_RIJSBERGEN = "van Rijsbergen, Information Retrieval, 1979"


def _at(kind: str, threshold: float) -> Metric:
    """Return one of the metrics that exist at every threshold."""
    t = f"{threshold:g}"
    tp, fp = f"tp@{t}", f"fp@{t}"
    either = {"truth": 1.0, tp: 1.0, fp: 1.0}
    name, at = f"{kind}@{t}", f"at IoU {t}"
    if kind == "f1":
        return Metric(
            name, f"F1 {at}", True, "2 TP / (2 TP + FP + FN)", _CAICEDO, _OBJECTS, (Ratio({tp: 2.0}, either),)
        )
    if kind == "ap":
        return Metric(
            name,
            f"TP / (TP + FP + FN) {at}",
            True,
            "TP / (TP + FP + FN)",
            _CAICEDO,
            _OBJECTS,
            (Ratio({tp: 1.0}, {"truth": 1.0, fp: 1.0}),),
        )
    if kind == "precision":
        return Metric(
            name,
            f"precision {at}",
            True,
            "TP / (TP + FP)",
            _RIJSBERGEN,
            "1 if neither has objects; not defined if only the prediction has none",
            (Ratio({tp: 1.0}, {tp: 1.0, fp: 1.0}),),
        )
    if kind == "recall":
        return Metric(
            name,
            f"recall {at}",
            True,
            "TP / (TP + FN)",
            _RIJSBERGEN,
            _TRUTH,
            (Ratio({tp: 1.0}, {"truth": 1.0}),),
        )
    return Metric(
        "pq" if threshold == 0.5 else name,
        "panoptic quality" + ("" if threshold == 0.5 else f" {at}"),
        True,
        "sum of IoU of matches / (TP + FP / 2 + FN / 2)",
        "Kirillov et al., Panoptic segmentation, CVPR 2019",
        _OBJECTS,
        (Ratio({f"iou@{t}": 2.0}, either),),
    )


def _share(
    name: str,
    title: str,
    formula: str,
    source: str,
    above: str,
    below: str,
    empty: str = _OBJECTS,
    nothing: tuple[str, ...] = ("truth", "predicted"),
) -> Metric:
    ratio = Ratio({above: 1.0}, {below: 1.0})
    return Metric(name, title, True, formula, source, empty, (ratio,), nothing=nothing)


def _error(name: str, title: str, formula: str, source: str, above: str, below: str) -> Metric:
    ratio = Ratio({above: 1.0}, {below: 1.0})
    bounds = (0.0, 1.0) if name == "are" else None
    return Metric(name, title, False, formula, source, _ERROR, (ratio,), bounds=bounds)


_TOLERANT = ("tolerant_truth", "tolerant_predicted")
_BOUNDARY = ("boundary_truth", "boundary_predicted")
_LISTED = (
    _at("f1", 0.5),
    _at("f1", 0.75),
    _at("ap", 0.5),
    Metric(
        "map",
        "mean of TP / (TP + FP + FN) over IoU 0.5 to 0.95",
        True,
        "mean over thresholds of TP / (TP + FP + FN)",
        _CAICEDO,
        _OBJECTS,
        tuple(ratio for threshold in THRESHOLDS for ratio in _at("ap", threshold).ratios),
    ),
    _at("pq", 0.5),
    _at("precision", 0.5),
    _at("recall", 0.5),
    _share(
        "aji",
        "aggregated Jaccard index",
        "sum |G and S(G)| / (sum |G or S(G)| + sum |S unused|)",
        "Kumar et al., IEEE Trans Med Imaging 2017",
        "aji_above",
        "aji_below",
    ),
    _share(
        "aji+",
        "aggregated Jaccard index, one to one",
        "as aji, each prediction used once",
        "Graham et al., Med Image Anal 2019",
        "aji+_above",
        "aji+_below",
    ),
    _share(
        "seg",
        "SEG",
        "mean over truth objects of the IoU with what covers more than half of them",
        "Maška et al., Bioinformatics 2014",
        "seg",
        "truth",
        _TRUTH,
    ),
    _share(
        "dice",
        "Dice of the foreground",
        "2 |T and P| / (|T| + |P|)",
        "Dice, Ecology 1945",
        "dice_above",
        "dice_below",
    ),
    _error(
        "are",
        "adapted Rand error",
        "1 - 2 sum n_ij^2 / (sum a_i^2 + sum b_j^2) over the foreground of the truth",
        "Arganda-Carreras et al., Front Neuroanat 2015",
        "are_above",
        "are_below",
    ),
    _error(
        "vi",
        "variation of information (bits)",
        "H(P | T) + H(T | P) over the foreground of the truth",
        "Meilă, J Multivar Anal 2007",
        "vi",
        "truth_pixels",
    ),
    Metric(
        "boundary_f1",
        "F1 of boundaries",
        True,
        "2 P R / (P + R) of boundary pixels within the tolerance",
        "Csurka et al., BMVC 2013",
        "1 if neither has a boundary; 0 if one has none",
        (
            Ratio({"boundary_predicted_near": 1.0}, {"boundary_predicted": 1.0}),
            Ratio({"boundary_truth_near": 1.0}, {"boundary_truth": 1.0}),
        ),
        "harmonic mean",
        nothing=_BOUNDARY,
    ),
    Metric(
        "surface_dice",
        "Dice of boundaries",
        True,
        "(near in P + near in T) / (P + T) of boundary pixels within the tolerance",
        "Nikolov et al., J Med Internet Res 2021",
        "1 if neither has a boundary; 0 if one has none",
        (
            Ratio(
                {"boundary_predicted_near": 1.0, "boundary_truth_near": 1.0},
                {"boundary_predicted": 1.0, "boundary_truth": 1.0},
            ),
        ),
        nothing=_BOUNDARY,
    ),
    _share(
        "boundary_tolerant_iou",
        "SEG outside a band along the borders",
        "as seg, pixels within the tolerance of a true border left out",
        "void border of Everingham et al., Int J Comput Vis 2010, around objects",
        "tolerant_seg",
        "tolerant_truth",
        _TRUTH,
        _TOLERANT,
    ),
    Metric(
        "f1@0.5_tolerant",
        "F1 at IoU 0.5 outside a band along the borders",
        True,
        "as f1@0.5, pixels within the tolerance of a true border left out",
        "void border of Everingham et al., Int J Comput Vis 2010, around objects",
        _OBJECTS,
        (Ratio({"tolerant_tp": 2.0}, {"tolerant_truth": 1.0, "tolerant_tp": 1.0, "tolerant_fp": 1.0}),),
        nothing=_TOLERANT,
    ),
    _error(
        "count_error",
        "error of the count",
        "|m - n| / n",
        "Lempitsky & Zisserman, NeurIPS 2010",
        "count_error",
        "truth",
    ),
    _error(
        "merges",
        "merges per truth object",
        "predicted objects that hold more than half of each of several / n",
        "after Hoover et al., IEEE Trans PAMI 1996",
        "merges",
        "truth",
    ),
    _error(
        "splits",
        "splits per truth object",
        "truth objects that hold more than half of each of several predicted ones / n",
        "after Hoover et al., IEEE Trans PAMI 1996",
        "splits",
        "truth",
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({one.name: one for one in _LISTED})
"""Name to metric. ``f1``, ``ap``, ``precision``, ``recall`` and ``pq`` exist at each of :data:`THRESHOLDS`."""

_ANY = {
    f"{kind}@{threshold:g}": (kind, threshold)
    for kind in ("f1", "ap", "precision", "recall", "pq")
    for threshold in THRESHOLDS
}


def metric(name: str | Metric) -> Metric:
    """Return the metric of a name: one of :data:`METRICS`, or one at another threshold, such as ``f1@0.9``.

    Raises
    ------
    SegmentationError
        If there is none of this name.
    """
    if isinstance(name, Metric):
        return name
    if name in METRICS:
        return METRICS[name]
    if name in _ANY:
        return _at(*_ANY[name])
    raise SegmentationError(
        "", f"no metric {name!r}", f"There are {', '.join(METRICS)}, and f1@0.9 and the like"
    )
