"""What a design can tell, from its metadata alone, before any score."""

from micrographia.representation.audit.auditing import audit
from micrographia.representation.audit.finding import Audit, AuditFinding

__all__ = ["Audit", "AuditFinding", "audit"]
