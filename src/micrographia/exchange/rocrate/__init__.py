"""RO-Crate, in the two dialects of the BioImage Archive and as general crates have it; nothing is ever fetched."""

from micrographia.exchange.rocrate.format import ROCRATE, ROCrate

__all__ = ["ROCRATE", "ROCrate"]
