"""Hold crates against an independent validator and an independent reader; run by the interpreter of the validators.

Arguments: the context of RO-Crate 1.1, a folder for the cache, then folders of crates. Nothing is fetched: the context
is put into the validator's cache first. Prints one JSON object: folder to what is wrong with it.
"""

import json
import sys
from pathlib import Path

import requests
import requests_cache
from rocrate.rocrate import ROCrate
from rocrate_validator import models, services

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


def main(context: Path, cache: Path, *crates: Path) -> None:
    """Print what is wrong with each crate."""
    session = requests_cache.CachedSession(str(cache / "http"), backend="sqlite", expire_after=-1)
    request = requests.Request("GET", CONTEXT).prepare()
    session.cache.responses[session.cache.create_key(request)] = requests_cache.CachedResponse(
        status_code=200,
        url=CONTEXT,
        content=context.read_bytes(),
        headers={"Content-Type": "application/ld+json"},
        request=requests_cache.CachedRequest.from_request(request),
    )
    told = {}
    for crate in crates:
        settings = services.ValidationSettings(
            rocrate_uri=crate,
            profile_identifier="ro-crate-1.1",
            requirement_severity=models.Severity.REQUIRED,
            cache_path=cache / "http",
            offline=True,
        )
        issues = [str(issue.message) for issue in services.validate(settings).get_issues()]
        opened = ROCrate(crate)
        told[crate.name] = {
            "issues": issues,
            "name": opened.name,
            "entities": len(list(opened.get_entities())),
            "lists": sorted(one.id for one in opened.data_entities if "csvw:Table" in one.type),
        }
    json.dump(told, sys.stdout)


main(*map(Path, sys.argv[1:]))
