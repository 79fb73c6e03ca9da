"""The names under which columns of annotation tables go in the wild."""

from __future__ import annotations

import re
from collections.abc import Iterable

from micrographia.annotations.tables import TABLES

SYNONYMS: dict[str, str] = {
    "image": (
        "image image_id imageid image_name imagename img filename file_name file image_file image_path "
        "imagepath path source_image sourceimage metadata_filename"
    ),
    "set": "set annotation_set",
    "object_id": (
        "object_id objectid id index annotation_id annotationid box_id roi_id cell_id cellid nucleus_id "
        "objectnumber object_number number spot_id"
    ),
    "label_id": "label_id labelid mask_id",
    "track_id": "track_id trackid track lineage_id particle tracklet trajectory",
    "parent": "parent parent_id parent_track parent_track_id parenttrackid mother mother_id",
    "t": "t frame time timepoint time_point frame_id frame_number position_frame slice_t",
    "z": "z z_um pos_z position_z center_z centre_z centroid_z centroid_0_3d plane zc",
    "y": (
        "y pos_y position_y center_y centre_y centroid_y y_center y_centre y_centroid yc cy "
        "location_center_y row ypos y_pos y_coordinate y_px"
    ),
    "x": (
        "x pos_x position_x center_x centre_x centroid_x x_center x_centre x_centroid xc cx "
        "location_center_x col column xpos x_pos x_coordinate x_px"
    ),
    "z0": "z0 zmin z_min min_z",
    "z1": "z1 zmax z_max max_z",
    "y0": "y0 ymin y_min min_y top bbox_y bbox_y0 y_top bbox_top bbox_0 boundingboxminimum_y",
    "x0": "x0 xmin x_min min_x left bbox_x bbox_x0 x_left bbox_left bbox_1 boundingboxminimum_x",
    "y1": "y1 ymax y_max max_y bottom bbox_y1 y_bottom bbox_bottom bbox_2 boundingboxmaximum_y",
    "x1": "x1 xmax x_max max_x right bbox_x1 x_right bbox_right bbox_3 boundingboxmaximum_x",
    "height": "height h bbox_height bbox_h box_height",
    "width": "width w bbox_width bbox_w box_width",
    "class_id": "class_id classid category_id categoryid class_index label_index",
    "class_name": (
        "class_name classname class label category category_name celltype cell_type type phenotype "
        "classification annotation class_label"
    ),
    "confidence": "confidence score probability prob quality certainty conf",
    "annotator": "annotator annotator_id annotated_by observer expert rater user worker_id workerid",
    "ignore": "ignore ignored iscrowd difficult exclude",
    "name": "name object_name roi_name",
    "count": ("count counts n_objects n_cells cell_count object_count number_of_objects number_of_cells n"),
    "node_id": "node_id nodeid node",
    "source": "source source_id from node_from",
    "target": "target target_id to node_to",
    "weight": "weight edge_weight",
    "directed": "directed",
    "attributes": "attributes",
    "part": "part",
    "ring": "ring",
    "shape": "shape",
    "compartment": "compartment",
    "layer": "layer",
}
"""Column to the names it goes by, in lower case with ``_`` for everything that is no letter or digit."""

_COLUMN = {name: column for column, names in SYNONYMS.items() for name in names.split()}


def plain(name: str) -> str:
    """Return a header in lower case with single ``_`` for everything that is no letter or digit."""
    return re.sub(r"[^0-9a-z]+", "_", name.strip().strip("﻿").lower()).strip("_")


def columns_of(header: Iterable[str]) -> dict[str, str]:
    """Return for each header that is known the column it stands for; the first of several wins."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    names = list(header)
    # A header that is exactly the column wins over a synonym before it.
    for exact in (True, False):
        for name in names:
            column = _COLUMN.get(plain(name))
            if column is None or name in found or column in taken or (exact and plain(name) != column):
                continue
            found[name] = column
            taken.add(column)
    return found


def kind_of(header: Iterable[str]) -> str | None:
    """Return the kind of table that a header makes, or None.

    A header with all columns of one of our tables is that table. Otherwise the rarest need decides: a track also has
    points, a box may also have a centre.
    """
    names = list(header)
    own = [schema for schema in TABLES.values() if set(schema.names) <= set(names)]
    if own:
        # The columns of points are among those of graph nodes: the longest that fits is meant.
        return max(own, key=lambda schema: len(schema.names)).kind
    columns = set(columns_of(names).values())
    if {"source", "target"} <= columns and not {"x", "y"} <= columns:
        return "graph_edges"
    if {"part", "ring", "y", "x"} <= columns:
        return "polygons"
    corners = {"x0", "y0", "x1", "y1"} <= columns or {"x0", "y0", "width", "height"} <= columns
    if "area" not in columns and (corners or {"x", "y", "width", "height"} <= columns):
        return "boxes"
    if "node_id" in columns:
        return "graph_nodes"
    if "track_id" in columns and "t" in columns:
        return "tracks"
    if {"x", "y"} <= columns:
        return "points"
    if "count" in columns:
        return "counts"
    if "class_name" in columns or "class_id" in columns:
        return "class_labels"
    return None
