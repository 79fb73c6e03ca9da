"""What the annotation tables hold: one schema a kind, each column with type, unit and meaning.

All coordinates are in pixels of the annotated image. Integers are pixel centres, so pixel ``i`` covers ``i
- 0.5`` to ``i + 0.5`` on its axis: this holds for points, for the vertices of polygons and for centroids.
Boxes are half-open in index space: a box from ``y0`` to ``y1`` holds the rows ``y0 <= y < y1``, so its
edges lie at ``y0 - 0.5`` and ``y1 - 0.5`` in the coordinates of points.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA_VERSION = 1
"""The version of the schemas below; written into each Parquet file."""

STORAGE = {
    "text": "str",
    "integer": "int64",
    "integer?": "Int64",
    "number": "float64",
    "flag": "bool",
    "flag?": "boolean",
    "numbers": "object",
}
"""Type of a column in a schema to the pandas type that holds it; a question mark allows missing values."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an annotation table.

    Parameters
    ----------
    name
        Its name.
    dtype
        One of the keys of :data:`STORAGE`. Text is never missing: the empty text says that there is none. A
        ``number`` that is missing is NaN, an ``integer?`` or ``flag?`` is ``pandas.NA``. ``numbers`` holds a
        float64 array in each cell.
    unit
        Unit of its values; empty if they have none.
    meaning
        What a value says.
    required
        Whether a row without it is worthless.
    default
        What a missing value becomes where the type has none of its own.
    """

    name: str
    dtype: str
    unit: str
    meaning: str
    required: bool = False
    default: int = 0


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of one kind of annotation table.

    Parameters
    ----------
    kind
        Name of the kind, and of the file: ``annotations/KIND.parquet``.
    row
        What one row is.
    columns
        Its columns, in order. A table may have further columns after these; they are kept as they are.
    key
        Columns that tell rows apart.
    """

    kind: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column with a name; raises ``KeyError`` if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


_PLACE = (
    Column("image", "text", "", "id of the image"),
    Column("set", "text", "", "name of the annotation set in mifa.yaml"),
)
_TIME = Column(
    "t", "integer?", "index", "time point; missing if the image has no time or the mark holds for all"
)
_OBJECT = Column(
    "object_id",
    "integer",
    "",
    "id of the marked object, unique in image and set; the label_id where it comes from a mask",
    required=True,
)
_CLASS = (
    Column("class_id", "integer?", "", "id of the class in the class list of mifa.yaml"),
    Column("class_name", "text", "", "name of the class as the annotation says it"),
)
_JUDGEMENT = (
    Column("confidence", "number", "0 to 1", "how sure the annotator or the method was"),
    Column("annotator", "text", "", "who or what made the annotation"),
)
_IGNORE = Column("ignore", "flag", "", "true if training and scoring leave this object out")
_NAME = Column("name", "text", "", "what people called this object")
_ATTRIBUTES = Column(
    "attributes", "text", "", "a JSON object: what the source says beyond these columns; empty if nothing"
)
_POSITION = (
    Column("z", "number", "pixels", "coordinate of the centre or plane; missing in 2D"),
    Column("y", "number", "pixels", "coordinate; pixel centres are integers"),
    Column("x", "number", "pixels", "coordinate; pixel centres are integers"),
)
_POINT = (
    _POSITION[0],
    *(
        Column(name, "number", "pixels", "coordinate; pixel centres are integers", required=True)
        for name in "yx"
    ),
)
_TAIL = (*_CLASS, *_JUDGEMENT, _IGNORE, _NAME, _ATTRIBUTES)


def _edges(dtype: str, *, required: bool) -> tuple[Column, ...]:
    names = {"z0": "first plane", "z1": "last plane + 1", "y0": "first row", "x0": "first column"}
    names |= {"y1": "last row + 1", "x1": "last column + 1"}
    return tuple(
        Column(
            name,
            dtype,
            "pixels",
            f"edge of the box, half-open: {meaning}{'; missing in 2D' if name[0] == 'z' else ''}",
            required=required and name[0] != "z",
        )
        for name, meaning in names.items()
    )


OBJECTS = TableSchema(
    "objects",
    "one object of a label image",
    (
        *_PLACE,
        Column(
            "layer", "integer", "", "layer of the label image, from 1; overlapping objects differ", default=1
        ),
        _TIME,
        Column("label_id", "integer", "", "value of its pixels, unique in image and set", required=True),
        *_CLASS,
        *_JUDGEMENT,
        _IGNORE,
        Column("source", "text", "", "file or id from which the object came"),
        Column("area", "integer?", "pixels", "number of pixels, or of voxels in 3D"),
        *_edges("integer?", required=False),
        *(Column(name, "number", "pixels", "centroid: mean coordinate of its pixels") for name in "zyx"),
        Column(
            "touches_border", "flag?", "", "whether it reaches the edge of the image in Y or X, or Z in 3D"
        ),
        Column("components", "integer?", "", "connected components, diagonal neighbours connected"),
        Column("smallest_component", "integer?", "pixels", "size of the smallest connected component"),
        Column("holes", "integer?", "", "holes (2D): background or other objects that it encloses"),
        _ATTRIBUTES,
    ),
    ("image", "set", "t", "label_id"),
)
BOXES = TableSchema(
    "boxes",
    "one bounding box",
    (*_PLACE, _OBJECT, _TIME, *_edges("number", required=True), *_TAIL),
    ("image", "set", "object_id", "t"),
)
POLYGONS = TableSchema(
    "polygons",
    "one ring of an outline: the outer ring of a part of an object, or a hole in that part",
    (
        *_PLACE,
        _OBJECT,
        _TIME,
        Column("z", "number", "pixels", "plane in which the outline lies; missing in 2D"),
        Column(
            "compartment",
            "text",
            "",
            "what of the object is outlined: empty for the whole, or such as nucleus",
        ),
        Column("part", "integer", "", "part of the object, from 0; an object of several parts has several"),
        Column("ring", "integer", "", "0 is the outer ring of its part, 1 and up are its holes"),
        Column(
            "shape",
            "text",
            "",
            "polygon (closed, the first vertex is not repeated), path (an open line), or ellipse "
            "(its four vertices are the corners of the rectangle around it)",
        ),
        Column(
            "y", "numbers", "pixels", "coordinates of the vertices; pixel centres are integers", required=True
        ),
        Column(
            "x", "numbers", "pixels", "coordinates of the vertices; pixel centres are integers", required=True
        ),
        *_TAIL,
    ),
    ("image", "set", "object_id", "t", "z", "compartment", "part", "ring"),
)
POINTS = TableSchema(
    "points",
    "one marked point",
    (*_PLACE, _OBJECT, _TIME, *_POINT, *_TAIL),
    ("image", "set", "object_id", "t"),
)
CLASS_LABELS = TableSchema(
    "class_labels",
    "one statement that an image, or an object in it, belongs to a class",
    (
        *_PLACE,
        Column("object_id", "integer?", "", "id of the object; missing if the whole image is meant"),
        _TIME,
        *_CLASS,
        *_JUDGEMENT,
        _ATTRIBUTES,
    ),
    ("image", "set", "object_id", "t", "class_id", "class_name", "annotator"),
)
COUNTS = TableSchema(
    "counts",
    "how many objects of a class an image holds",
    (
        *_PLACE,
        _TIME,
        *_CLASS,
        Column("count", "integer", "objects", "number of objects", required=True),
        *_JUDGEMENT,
        _ATTRIBUTES,
    ),
    ("image", "set", "t", "class_id", "class_name", "annotator"),
)
TRACKS = TableSchema(
    "tracks",
    "one object at one time point",
    (
        *_PLACE,
        Column("t", "integer", "index", "time point", required=True),
        Column("label_id", "integer?", "", "value of its pixels in the label image of this time point"),
        Column("track_id", "integer", "", "id of the track, the same at all its time points", required=True),
        Column("parent", "integer?", "", "track_id of the track it came from, as after a division"),
        *_POSITION,
        *_TAIL,
    ),
    ("image", "set", "t", "track_id"),
)
GRAPH_NODES = TableSchema(
    "graph_nodes",
    "one node of a graph",
    (
        *_PLACE,
        Column("node_id", "integer", "", "id of the node, unique in image and set", required=True),
        Column("object_id", "integer?", "", "id of the object that the node stands for"),
        _TIME,
        *_POSITION,
        *_TAIL,
    ),
    ("image", "set", "node_id"),
)
GRAPH_EDGES = TableSchema(
    "graph_edges",
    "one edge of a graph",
    (
        *_PLACE,
        Column("source", "integer", "", "node_id of one end", required=True),
        Column("target", "integer", "", "node_id of the other end", required=True),
        Column("directed", "flag", "", "whether it leads from source to target only"),
        Column("weight", "number", "", "strength of the edge"),
        *_CLASS,
        _ATTRIBUTES,
    ),
    ("image", "set", "source", "target"),
)

TABLES: dict[str, TableSchema] = {
    schema.kind: schema
    for schema in (
        OBJECTS,
        BOXES,
        POLYGONS,
        POINTS,
        CLASS_LABELS,
        COUNTS,
        TRACKS,
        GRAPH_NODES,
        GRAPH_EDGES,
    )
}
"""The schema of each kind of table."""


def schema_markdown() -> str:
    """Return all schemas as Markdown tables, as ``docs/annotations.md`` shows them."""
    parts = []
    for schema in TABLES.values():
        lines = [f"### `{schema.kind}`", "", f"One row is {schema.row}. Key: {', '.join(schema.key)}.", ""]
        lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{column.name}`{' *' if column.required else ''} | {column.dtype} | {column.unit} | {column.meaning} |"
            for column in schema.columns
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
