"""The file of a catalogue: its tables, and what can be wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from micrographia.catalogue.errors import CatalogueError
from micrographia.catalogue.shelf import default_place
from micrographia.catalogue.texts import FIELDS
from micrographia.catalogue.words import TOKENIZER
from micrographia.errors import command_line

SCHEMA = 1
"""Version of the tables."""
APPLICATION = 0x4D494641
"""What marks an SQLite file as a catalogue (``MIFA`` in ASCII)."""
UNWRITTEN = ("SQLITE_IOERR_SHM", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE")
"""How the errors of SQLite begin that come of a full disk, not of a damaged file."""
PATIENCE = 30.0
"""Seconds that a writer waits for another one."""

_TABLES = """
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO state VALUES ('generation', 0);
CREATE TABLE datasets (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE COLLATE NOCASE,
    place TEXT NOT NULL UNIQUE,
    stamp TEXT NOT NULL,
    digest TEXT NOT NULL,
    accession TEXT NOT NULL COLLATE NOCASE,
    doi TEXT NOT NULL COLLATE NOCASE,
    content TEXT NOT NULL,
    entry TEXT NOT NULL
);
CREATE INDEX by_accession ON datasets (accession) WHERE accession <> '';
CREATE INDEX by_content ON datasets (content) WHERE content <> '';
CREATE TABLE images (row INTEGER PRIMARY KEY REFERENCES datasets (row), data BLOB NOT NULL);
CREATE TABLE columns (name TEXT PRIMARY KEY, generation INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5 (FIELDS, tokenize = 'TOKENIZER');
CREATE VIRTUAL TABLE stems USING fts5vocab ('texts', 'row');
"""


def connect(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open the file of a catalogue.

    Parameters
    ----------
    path
        The file; made if ``write`` is set and there is none.
    write
        Open it for writing.

    Raises
    ------
    CatalogueError
        If there is none, it is none, it is damaged, of another version, or cannot be opened.
    """
    if not write and not path.exists():
        raise CatalogueError(path, "there is no catalogue yet", f"Make one: {indexing(path, 'FOLDER')}")
    if path.is_dir():
        raise CatalogueError(
            path, "is a folder without catalogue.json", "Name a file, or a published catalogue"
        )
    verify_size(path)
    with guarded(path):
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        else:
            connection = _reading(path)
        try:
            _prepare(connection, path, write=write)
        except BaseException:
            connection.close()
            raise
    return connection


def _reading(path: Path) -> sqlite3.Connection:
    address = path.resolve().as_uri()
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        # On a medium that cannot be written, what readers share cannot be kept; nobody else writes there either.
        if Path(f"{path}-wal").exists():
            raise
        connection.close()
        connection = sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, write: bool) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables == 0:
        if not write:
            raise CatalogueError(
                path, "is empty: nothing was indexed yet", f"Run  {indexing(path, 'FOLDER')}"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        _create(connection, path)
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise CatalogueError(
            path, "is an SQLite file, but no catalogue", "Name another file; this one was left as it is"
        )
    if version > SCHEMA:
        raise CatalogueError(
            path,
            f"was written by a newer micrographia (version {version} of its tables; this program knows {SCHEMA})",
            "Update micrographia",
        )
    if version < SCHEMA:
        raise CatalogueError(
            path,
            f"was written by an older micrographia (version {version} of its tables; this program knows {SCHEMA})",
            f"Read its datasets again: {indexing(path, '--rebuild')}",
        )
    if write:
        connection.execute("PRAGMA synchronous = FULL")


def _create(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
            tables = _TABLES.replace("FIELDS", ", ".join(FIELDS)).replace("TOKENIZER", TOKENIZER)
            for statement in tables.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if "fts5" in str(error):
            raise CatalogueError(
                path, "cannot be made: this Python's SQLite has no FTS5", "Use another build of Python"
            ) from error
        raise


def verify_size(path: Path) -> None:
    """Refuse a file that has lost its end.

    Raises
    ------
    CatalogueError
        If it is no SQLite file, or shorter than it says itself.
    """
    log = Path(f"{path}-wal")
    try:
        if not path.exists() or path.stat().st_size == 0:
            return
        with path.open("rb") as file:
            head = file.read(100)
        if log.exists() and log.stat().st_size:
            return  # what was written last is still in the log, from which SQLite recovers
        size = path.stat().st_size
    except OSError as error:
        raise CatalogueError(
            path, f"cannot be read ({error.strerror or error})", "Check its permissions"
        ) from error
    if not head.startswith(b"SQLite format 3\0"):
        raise CatalogueError(path, "is no catalogue", "Name another file; this one was left as it is")
    page = int.from_bytes(head[16:18], "big")
    expected = (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
    if size < max(expected, 100):
        raise damaged(path, f"it has {size:,} of {expected:,} bytes")


def indexing(path: Path, *words: str) -> str:
    """Return the command that reads datasets into a catalogue, which is named unless it is the user's own."""
    named = () if str(path) == default_place() else ("--index", path)
    return command_line("index", *words, *named)


def damaged(path: Path, how: str) -> CatalogueError:
    """Return the error of a file that is damaged, with the way out."""
    return CatalogueError(
        path,
        f"is damaged ({how})",
        f"Read its datasets again: {indexing(path, '--rebuild')}; the damaged file is kept beside it",
    )


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into an error that says what to do.

    Raises
    ------
    CatalogueError
        If anything inside raises an error of SQLite, or the folder cannot be made.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        told = str(error)
        if "locked" in told or "busy" in told:
            raise CatalogueError(
                path, "another program writes into it", "Try again when it is done"
            ) from error
        unwritten = error.sqlite_errorname.startswith(UNWRITTEN)
        if "malformed" in told or "corrupt" in told or ("disk I/O" in told and not unwritten):
            raise damaged(path, told) from error
        raise CatalogueError(
            path, f"cannot be used ({told})", "Check its permissions and the space left"
        ) from error
    except sqlite3.DatabaseError as error:
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise CatalogueError(
            path, f"cannot be written ({error.strerror or error})", "Choose another place: --index FILE"
        ) from error
