"""Other communities' forms: read leniently, written strictly, and every loss named.

``read_submission`` reads a file, folder or address, ``import_submission`` makes a dataset folder of it, ``export``
writes one; ``formats`` are those that are known.
"""

from micrographia.exchange.codes import CODES, Code, code_table, told
from micrographia.exchange.comparing import differing, unnamed_differences
from micrographia.exchange.form import Choice, ExchangeFormat
from micrographia.exchange.registry import find_format, formats, recognise
from micrographia.exchange.source import Source
from micrographia.exchange.submission import COMPONENT, Submission, described, file_table
from micrographia.exchange.transfer import Exported, export, import_submission, read_submission

__all__ = [
    "CODES",
    "COMPONENT",
    "Choice",
    "Code",
    "ExchangeFormat",
    "Exported",
    "Source",
    "Submission",
    "code_table",
    "described",
    "differing",
    "export",
    "file_table",
    "find_format",
    "formats",
    "import_submission",
    "read_submission",
    "recognise",
    "told",
    "unnamed_differences",
]
