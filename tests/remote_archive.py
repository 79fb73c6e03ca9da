"""The archive's interfaces on a local server, in the shapes of the real ones, made from a real record."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from micrographia.images import ArrayImage
from micrographia.images.ome_zarr_writer import write_image
from remote_server import Served

ACCESSION = "S-BIAD1492"
UUID = "9b3dd8d5-9ba0-4ac2-b9bd-a4dbd1ee6f62"


def picture(number: int) -> np.ndarray:
    """Return pixels that differ from file to file."""
    return np.random.default_rng(number).integers(0, 255, (3, 24, 32), dtype=np.uint16)


class LocalArchive:
    """Serves one record with small files in place of the real ones."""

    def __init__(self, served: Served, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.served = served
        folder = records / ACCESSION
        self.record = json.loads((folder / f"{ACCESSION}.json").read_text("utf-8"))
        self.files = served.folder / "biostudies" / "files" / ACCESSION
        self.files.mkdir(parents=True)
        self.paths: list[str] = []
        for name in ("bbc024_images.json", "bbc024_masks.json"):
            entries = json.loads((folder / name).read_text("utf-8"))
            for entry in entries:
                self.paths.append(entry["path"])
                place = self.files / entry["path"]
                place.parent.mkdir(parents=True, exist_ok=True)
                tifffile.imwrite(place, picture(len(self.paths)), photometric="minisblack")
                entry["size"] = place.stat().st_size
            (self.files / name).write_text(json.dumps(entries), "utf-8")
        images = served.folder / "bia-integrator-data" / ACCESSION / UUID / f"{UUID}.zarr"
        images.mkdir(parents=True)
        write_image(images / "0", ArrayImage(picture(1), "ZYX"), version="0.4")
        base = f"{served.url}/biostudies"
        monkeypatch.setenv("MICROGRAPHIA_BIOSTUDIES_API", f"{base}/api/v1/")
        monkeypatch.setenv("MICROGRAPHIA_BIOSTUDIES_FILES", f"{base}/files/")
        monkeypatch.setenv("MICROGRAPHIA_BIA_SEARCH", f"{served.url}/search/v1/")
        monkeypatch.setenv("MICROGRAPHIA_BIA_IMAGES", f"{served.url}/bia-integrator-data/")
        study = f"/biostudies/api/v1/studies/{ACCESSION}"
        served.answers |= {
            study: lambda _: self.record,
            f"{study}/info": lambda _: {
                "columns": [{"name": "x", "title": "Name", "visible": True}],
                "files": len(self.paths),
                "httpLink": f"{base}/files/{ACCESSION}",
                "ftpLink": f"ftp://example.org/{ACCESSION}",
                "isPublic": True,
                "relPath": f"S-BIAD/492/{ACCESSION}",
            },
            f"/biostudies/api/v1/files/{ACCESSION}": self._listed,
            "/search/v1/search/fts": self._found,
            "/search/v1/search/advanced": self._found,
            "/search/v1/search/fts/image": self._found_images,
        }

    def _listed(self, asked: dict[str, str]) -> object:
        start, length = int(asked["start"]), int(asked["length"])
        rows = [
            {
                "Name": Path(path).name,
                "path": path,
                "type": "file",
                "size": (self.files / path).stat().st_size,
            }
            for path in self.paths
        ]
        return {
            "draw": 0,
            "recordsTotal": len(rows),
            "recordsFiltered": len(rows),
            "data": rows[start : start + length],
        }

    def _found(self, asked: dict[str, str]) -> object:
        title = next(one["value"] for one in self.record["attributes"] if one["name"] == "Title")
        rows = [
            {"accession_id": f"S-BIAD{number}", "title": title, "uuid": str(number)}
            for number in range(1, 251)
        ]
        page, size = int(asked["pagination.page"]), int(asked["pagination.page_size"])
        return {
            "hits": {
                "total": {"value": len(rows), "relation": "eq"},
                "max_score": 1.0,
                "hits": [
                    {"_index": "test-index", "_id": row["uuid"], "_score": 1.0, "_source": row}
                    for row in rows[(page - 1) * size : page * size]
                ],
            },
            "facets": {
                "scientific_name": {"buckets": [{"key": "Homo sapiens", "doc_count": 200}]},
                "release_date": {
                    "buckets": [{"key": 1704067200000, "key_as_string": "2024", "doc_count": 250}]
                },
            },
            "pagination": {"page": page, "page_size": size, "total": len(rows)},
        }

    def _found_images(self, asked: dict[str, str]) -> object:
        address = f"{self.served.url}/bia-integrator-data/{ACCESSION}/{UUID}/{UUID}.zarr/0"
        source = {
            "uuid": UUID,
            "accession_id": ACCESSION,
            "size_x": 32, "size_y": 24, "size_z": 3, "size_c": 1, "size_t": 1,
            "voxel_physical_size_x": 1.25e-07,
            "representation": [
                {
                    "image_format": ".tif",
                    "file_uri": [f"{self.served.url}/biostudies/files/{ACCESSION}/{self.paths[0]}"],
                    "total_size_in_bytes": 3217536,
                },
                {"image_format": ".ome.zarr", "file_uri": [address], "total_size_in_bytes": 45528},
            ],
        }  # fmt: skip
        rows = [source] if asked["pagination.page"] == "1" else []
        return {"hits": {"total": {"value": 1}, "hits": [{"_source": row} for row in rows]}, "facets": {}}
