"""The calibration archive: images and settings from which the same int8 model can be rebuilt."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2

from workers.contract import InputError
from workers.contract.messages import msg
from workers.convert.images import load_image

SCHEMA = 1
CONFIG_NAME = "config.json"
# The archive of equal images must have an equal hash: no timestamps.
ZIP_TIME = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class BuildSettings:
    """Everything besides the ONNX file and the images that ``rknn.config`` and ``rknn.build`` were given.

    ``mean_values`` and ``std_values`` are for pixels 0..255 in ``channel_order``, the channel order of the
    model's input. ``input_size`` is (width, height). ``int16_layers`` are computed in 16 bits.
    """

    target_platform: str
    channel_order: str
    mean_values: list[float]
    std_values: list[float]
    input_size: tuple[int, int]
    quantized: bool = True
    dtype: str | None = None
    algorithm: str = "normal"
    method: str = "channel"
    int16_layers: list[str] = field(default_factory=list)
    schema: int = SCHEMA

    @property
    def reads_pictures_as_bgr(self) -> bool:
        """The toolkit's ``quant_img_RGB2BGR``: whether it converts the calibration images to BGR.

        Measured with 2.5.0: it affects calibration only. The simulator takes pixels as they are given.
        """
        return self.channel_order == "bgr"

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> BuildSettings:
        values = json.loads(text)
        if values.get("schema") != SCHEMA:
            raise InputError(
                msg(
                    "The calibration archive has version {version} and this program reads {known}: "
                    "convert the model again.",
                    version=repr(values.get("schema")),
                    known=SCHEMA,
                )
            )
        return cls(**{**values, "input_size": tuple(values["input_size"])})


def write_pictures(sources: list[Path], input_size: tuple[int, int], folder: Path) -> list[Path]:
    """Write each source, stretched to ``input_size``, as an RGB PNG into ``folder``; return the files.

    The toolkit does not resize calibration images, so they must have the input's size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, source in enumerate(sources):
        target = folder / f"{number:04d}.png"
        # OpenCV writes BGR arrays as ordinary RGB files. Low compression: they are read at once.
        cv2.imwrite(str(target), load_image(source, input_size, "bgr"), [cv2.IMWRITE_PNG_COMPRESSION, 3])
        written.append(target)
    return written


def pack(archive: Path, pictures: list[Path], settings: BuildSettings) -> None:
    """Write the images, in order, and ``config.json`` into a zip; equal input gives equal bytes."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        target.writestr(zipfile.ZipInfo(CONFIG_NAME, ZIP_TIME), settings.to_json())
        for picture in pictures:
            target.writestr(zipfile.ZipInfo(f"images/{picture.name}", ZIP_TIME), picture.read_bytes())


def unpack(archive: Path, folder: Path) -> tuple[list[Path], BuildSettings]:
    """Extract the output of ``pack``; return the images in order and the settings.

    Raises InputError if the archive is damaged or not one of Slipway's.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            settings = BuildSettings.from_json(source.read(CONFIG_NAME).decode("utf-8"))
            pictures = []
            for member in sorted(name for name in source.namelist() if name.startswith("images/")):
                target = folder / Path(member).name
                target.write_bytes(source.read(member))
                pictures.append(target)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            msg(
                "{name} is not a whole calibration archive ({error}): deploy the release again.",
                name=archive.name,
                error=error,
            )
        ) from error
    return pictures, settings
