"""Write a dataset as an RO-Crate in a dialect of the BioImage Archive."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from micrographia.dataset.folder import DESCRIPTION
from micrographia.dataset.manifest import NAME as MANIFEST
from micrographia.dataset.origin import NAME as ORIGIN
from micrographia.exchange.carrying import carry_files
from micrographia.exchange.codes import told
from micrographia.exchange.rocrate.crate import Crate
from micrographia.exchange.rocrate.describing import describe
from micrographia.exchange.rocrate.reading import read_back
from micrographia.exchange.rocrate.terms import DOCUMENT, FILE_LIST, MEMBER_LIST, ROOT
from micrographia.exchange.rocrate.writing_files import write_files
from micrographia.exchange.submission import Submission
from micrographia.findings import Finding
from micrographia.metadata import Mifa
from micrographia.metadata.trees import dotted, paths

_OWN = frozenset({DOCUMENT, FILE_LIST, MEMBER_LIST, DESCRIPTION, MANIFEST, ORIGIN})


def write(submission: Submission, target: Path, options: Mapping[str, str]) -> list[Finding]:
    """Write a crate into an empty folder.

    Parameters
    ----------
    submission
        What travels.
    target
        The folder.
    options
        ``dialect`` and ``files``.

    Returns
    -------
    list of Finding
        What is missing, what the archive does not read, what has another form, and what could not be carried.
    """
    findings: list[Finding] = []
    carried: list[str] = []
    if options["files"] != "none":
        carried, findings = carry_files(submission, target, options["files"], _OWN)
        if submission.folder is not None:
            submission.save(target)
    own = submission.origin.kept if submission.origin.format == "rocrate" else ()
    crate, parts, told_first = describe(submission.mifa, Crate(options["dialect"], own))
    findings += told_first
    findings += write_files(crate, submission, parts, target)
    _folders(crate, carried)
    homeless = crate.put_back()
    if not own:
        homeless = [one.at for one in submission.origin.kept]
    for kind in dict.fromkeys(re.sub(r"\[\d+\]", "[]", one) for one in homeless):
        findings.append(told("E005", f"{kind} was kept by the import and has no place in the crate"))
    document = crate.document()
    changed = _changed(submission.mifa, read_back(document).mifa)
    if changed:
        findings.append(told("E002", "what was written reads otherwise", fields=changed))
    text = json.dumps(document, ensure_ascii=False, indent=1)
    (target / DOCUMENT).write_text(text + "\n", encoding="utf-8", newline="\n")
    return findings


def _folders(crate: Crate, carried: list[str]) -> None:
    tops = sorted({path.split("/")[0] for path in carried if "/" in path})
    for top in tops:
        wanted = f"{quote(top)}/"
        if not crate.is_free(wanted):
            continue  # the source describes it, and that is put back
        name = crate.add(wanted, "Dataset", name=top)
        crate.nodes[ROOT].setdefault("hasPart", []).append({"@id": name})


def _changed(before: Mifa, after: Mifa) -> list[str]:
    left = {dotted(at): value for at, value in paths(before.plain())}
    right = {dotted(at): value for at, value in paths(after.plain())}
    return [at for at in dict.fromkeys([*left, *right]) if left.get(at) != right.get(at)]
