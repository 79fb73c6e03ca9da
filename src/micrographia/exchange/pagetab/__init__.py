"""PageTab: what BioStudies and the BioImage Archive store of a submission.

``PAGETAB`` is the exchange format; ``read_record`` takes a record that is parsed already, as the archive's interface
gives it.
"""

from micrographia.exchange.pagetab.form import PAGETAB, PageTab
from micrographia.exchange.pagetab.record import FILES_ADDRESS, files_address, read_record

__all__ = ["FILES_ADDRESS", "PAGETAB", "PageTab", "files_address", "read_record"]
