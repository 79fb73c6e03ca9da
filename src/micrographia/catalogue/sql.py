"""Any question to a published catalogue in SQL: DuckDB over the parts of files that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.layout import Part
from micrographia.catalogue.published import PublishedCatalogue
from micrographia.catalogue.ranges import RangeFile, remote_reader
from micrographia.remote import RemoteFiles, is_address

if TYPE_CHECKING:
    import duckdb

TABLES = ("datasets", "records", "words", "images")
_PROTOCOL = "catalogue"


def connect(place: str | Path) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection with the tables of a published catalogue as views.

    The views are ``datasets``, ``records``, ``words`` and ``images``; see :mod:`micrographia.catalogue.layout`. Of
    files on the web only the parts that a query needs are read, with the retries, time-outs and the cache of
    :mod:`micrographia.remote`.

    Parameters
    ----------
    place
        Folder or address of the catalogue.

    Raises
    ------
    CatalogueError
        If there is none, or DuckDB is not installed.

    Examples
    --------
    >>> from micrographia.catalogue import connect
    >>> catalogue = connect("https://example.org/catalogue")  # doctest: +SKIP
    >>> catalogue.sql("SELECT dataset FROM images WHERE voxel_x < 0.1 GROUP BY dataset").df()  # doctest: +SKIP
    """
    try:
        import duckdb
    except ImportError as error:
        raise CatalogueError(
            "", "SQL needs DuckDB, which is not installed", 'Run  pip install "micrographia[catalogue]"'
        ) from error
    opened = PublishedCatalogue(str(place))
    held = opened.parts
    connection = duckdb.connect()
    if is_address(opened.place):
        connection.register_filesystem(
            _filesystem(opened.place, [part for one in held.values() for part in one])
        )
    for name, parts in held.items():
        paths = [
            f"{_PROTOCOL}://{part.file}" if is_address(opened.place) else str(Path(opened.place) / part.file)
            for part in parts
        ]
        if paths:
            listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}])")  # noqa: S608
    return connection


def _filesystem(place: str, parts: Sequence[Part]) -> Any:
    from fsspec import AbstractFileSystem

    sizes = {part.file: part.size for part in parts}
    files = RemoteFiles(place)

    class Published(AbstractFileSystem):  # type: ignore[misc]
        """The files of one published catalogue, as DuckDB asks for them."""

        protocol = _PROTOCOL
        cachable = False

        def _name(self, path: str) -> str:
            name = str(path).removeprefix(f"{_PROTOCOL}://")
            if name not in sizes:
                raise FileNotFoundError(path)
            return name

        def info(self, path: str, **_: Any) -> dict[str, Any]:
            name = self._name(path)
            return {"name": name, "size": sizes[name], "type": "file"}

        def exists(self, path: str, **_: Any) -> bool:
            return str(path).removeprefix(f"{_PROTOCOL}://") in sizes

        def glob(self, path: str, **_: Any) -> list[str]:
            return [self._name(path)] if self.exists(path) else []

        def modified(self, path: str) -> datetime:
            self._name(path)
            return datetime(2000, 1, 1, tzinfo=UTC)  # a published file never changes

        def open(self, path: str, mode: str = "rb", **_: Any) -> RangeFile:
            name = self._name(path)
            if mode != "rb":
                raise PermissionError(path)
            return RangeFile(remote_reader(files, name), sizes[name])

    return Published()
