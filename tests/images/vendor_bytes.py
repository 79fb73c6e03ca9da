"""LIF and ND2 files byte by byte: the least that their readers take for whole."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def lif_bytes(scenes: Sequence[tuple[str, Array, float]]) -> bytes:
    """Return a Leica LIF file of scenes, each a name, an array of C Z Y X and a pixel size in meters."""
    elements, blocks = "", b""
    for number, (name, array, step) in enumerate(scenes, 1):
        elements += (
            f'<Element Name="{name}" Visibility="1" CopyOption="1" UniqueID="u{number}">'
            f'<Memory Size="{array.nbytes}" MemoryBlockID="MemBlock_{number}"/>'
            f"<Data><Image><ImageDescription>{_lif_image(array, step)}</ImageDescription></Image></Data></Element>"
        )
        label = f"MemBlock_{number}".encode("utf-16-le")
        head = struct.pack("<IIBQBI", 0x70, len(label) + 14, 0x2A, array.nbytes, 0x2A, len(label) // 2)
        blocks += head + label + array.tobytes()
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="project" Visibility="1" CopyOption="1" UniqueID="p">'
        f'<Memory Size="0" MemoryBlockID="MemBlock_0"/><Children>{elements}</Children></Element>'
        "</LMSDataContainerHeader>"
    ).encode("utf-16-le")
    return struct.pack("<IIBI", 0x70, len(xml) + 5, 0x2A, len(xml) // 2) + xml + blocks


def _lif_image(array: Array, step: float) -> str:
    size = array.dtype.itemsize
    channels = "".join(
        f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="{8 * size}" NameOfMeasuredQuantity="" Min="0" '
        f'Max="255" Unit="" LUTName="{lut}" IsLUTInverted="0" BytesInc="{index * array[0].nbytes}" BitInc="0"/>'
        for index, lut in zip(range(len(array)), ("Green", "Red", "Blue"), strict=False)
    )
    _, z, y, x = array.shape
    sizes = [(1, x, size), (2, y, x * size), (3, z, x * y * size)][: 3 if z > 1 else 2]
    dimensions = "".join(
        f'<DimensionDescription DimID="{axis}" NumberOfElements="{count}" Origin="0" Length="{step * (count - 1)}" '
        f'Unit="m" BitInc="0" BytesInc="{bytes_}"/>'
        for axis, count, bytes_ in sizes
    )
    return f"<Channels>{channels}</Channels><Dimensions>{dimensions}</Dimensions>"


def nd2_bytes(
    array: Array, step: float, z_step: float, names: Sequence[str], *, calibrated: bool = True
) -> bytes:
    """Return a Nikon ND2 file (version 2.1) of an array of Z C Y X, with steps in micrometers."""
    z, c, y, x = array.shape
    size = array.dtype.itemsize
    planes = {
        f"a{index}": {"uiCompCount": 1, "uiSampleIndex": index, "sDescription": name, "uiColor": 255}
        | {"uiModalityMask": 1, "pFluorescentProbe": {"m_sName": name}}
        for index, name in enumerate(names)
    }
    chunks = {
        "ImageAttributes!": {"uiWidth": x, "uiWidthBytes": x * c * size, "uiHeight": y, "uiComp": c}
        | {"uiBpcInMemory": 8 * size, "uiBpcSignificant": 8 * size, "uiSequenceCount": z, "eCompression": 2}
        | {"uiTileWidth": x, "uiTileHeight": y, "dCompressionParam": 0.0, "uiVirtualComponents": c},
        "ImageMetadataSeq|0!": {"bCalibrated": calibrated, "dCalibration": step, "dTimeAbsolute": 0.0}
        | {"dObjectiveMag": 20.0, "dObjectiveNA": 0.8, "dZoom": 1.0}
        | {"sPicturePlanes": {"uiCount": c, "uiCompCount": c, "sPlaneNew": planes, "sSampleSetting": {}}},
        "ImageMetadata!": {"eType": 4, "uiLoopSize": 0}
        | {
            "uLoopPars": {
                "uiCount": z,
                "dZStep": z_step,
                "dZLow": 0.0,
                "dZHigh": z_step * (z - 1),
                "iType": 0,
            }
        },
        "ImageTextInfo!": {"TextInfoItem_5": ""},
    }
    data = bytearray(_nd2_chunk(b"ND2 FILE SIGNATURE CHUNK NAME01!", b"Ver2.1".ljust(64, b"\0"), 32))
    data += b"\0" * (4096 - len(data))
    places = {}
    for name, values in chunks.items():
        places[name] = len(data)
        data += _nd2_chunk(name.encode(), _nd2_xml(values))
    for index, plane in enumerate(array):
        places[f"ImageDataSeq|{index}!"] = len(data)
        data += _nd2_chunk(f"ImageDataSeq|{index}!".encode(), b"\0" * 8 + plane.transpose(1, 2, 0).tobytes())
    places["CustomData|AcqTimesCache!"] = len(data)
    data += _nd2_chunk(b"CustomData|AcqTimesCache!", np.arange(z, dtype="<f8").tobytes())
    table = b"".join(name.encode() + struct.pack("<QQ", place, 0) for name, place in places.items())
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", len(data))
    return bytes(data) + _nd2_chunk(b"ND2 FILEMAP SIGNATURE NAME 0001!", table + end, 32)


def _nd2_chunk(name: bytes, data: bytes, room: int = 4072) -> bytes:
    return struct.pack("<IIQ", 0x0ABECEDA, room, len(data)) + name.ljust(room, b"\0") + data


def _nd2_xml(values: dict[str, Any]) -> bytes:
    kinds = {bool: "bool", int: "lx_uint32", float: "double", str: "CLxStringW"}

    def node(name: str, value: Any) -> str:
        if isinstance(value, dict):
            inner = "".join(node(*item) for item in value.items())
            return f'<{name} runtype="CLxListVariant">{inner}</{name}>'
        text = str(value).lower() if isinstance(value, bool) else value
        return f'<{name} runtype="{kinds[type(value)]}" value="{text}"/>'

    inner = "".join(node(*item) for item in values.items())
    return f'<variant version="1.0"><no_name runtype="CLxListVariant">{inner}</no_name></variant>'.encode()
