"""The supported formats. A new one is a module and a line in FORMATS."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from workers.contract.messages import msg

from .boxtables import looks_like_box_table, looks_like_open_images, read_box_table, read_open_images
from .class_folders import read_class_folders
from .coco import coco_files, read_coco
from .createml import looks_like_createml, read_createml
from .csv_table import csv_tables, read_csv
from .cvat import looks_like_cvat, read_cvat, read_cvat_boxes, read_cvat_labels
from .datumaro import (
    looks_like_datumaro,
    read_datumaro,
    read_datumaro_boxes,
    read_datumaro_labels,
)
from .edgeimpulse import (
    looks_like_edge_impulse,
    read_edge_impulse,
    read_edge_impulse_boxes,
    read_edge_impulse_labels,
)
from .imagenet import looks_like_imagenet, read_imagenet
from .labelme import looks_like_labelme, read_labelme, read_labelme_boxes, read_labelme_flags
from .labelstudio import (
    looks_like_label_studio,
    read_label_studio,
    read_label_studio_boxes,
    read_label_studio_labels,
)
from .listing import Listing
from .paddlex_lists import looks_like_paddlex_lists, read_paddlex_lists
from .plain_images import read_plain_images, read_unsorted_images
from .reading import Reading
from .sagemaker import looks_like_sagemaker, read_sagemaker, read_sagemaker_boxes, read_sagemaker_labels
from .supervisely import (
    looks_like_supervisely,
    read_supervisely,
    read_supervisely_boxes,
    read_supervisely_labels,
)
from .upload import Upload
from .voc import looks_like_voc, read_voc
from .yolo import looks_like_yolo, read_yolo


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """A format: its key, its name in sentences, and its two functions.

    ``evidence`` inspects the files and returns the path of one that indicates the format, or None; a format
    without it is read only if chosen. ``read`` fills the reading and returns the listing; it raises
    InputError only if nothing at all can be read this way. ``holds_images``: the annotations may contain the
    images themselves.
    """

    key: str
    name: str
    evidence: Callable[[Upload], str | None] | None
    read: Callable[[Upload, Reading], Listing]
    holds_images: bool = False


def _first_coco(upload: Upload) -> str | None:
    return next((entry.path for entry in coco_files(upload)), None)


def _first_csv(upload: Upload) -> str | None:
    return next((entry.path for entry in csv_tables(upload)), None)


FOLDERS = Format("folders", msg("class folders"), None, read_class_folders)
FORMATS = (
    Format("paddlex", msg("PaddleX lists"), looks_like_paddlex_lists, read_paddlex_lists),
    Format("coco", "COCO", _first_coco, read_coco),
    Format("voc", "Pascal VOC", looks_like_voc, read_voc),
    Format("yolo", "YOLO", looks_like_yolo, read_yolo),
    Format("labelme", "LabelMe", looks_like_labelme, read_labelme, holds_images=True),
    Format("labelme-boxes", msg("LabelMe boxes"), None, read_labelme_boxes, holds_images=True),
    Format("labelme-flags", msg("LabelMe flags"), None, read_labelme_flags, holds_images=True),
    Format("cvat", "CVAT XML", looks_like_cvat, read_cvat),
    Format("cvat-boxes", msg("CVAT XML boxes"), None, read_cvat_boxes),
    Format("cvat-labels", msg("CVAT XML tags"), None, read_cvat_labels),
    Format("datumaro", "Datumaro", looks_like_datumaro, read_datumaro),
    Format("datumaro-boxes", msg("Datumaro boxes"), None, read_datumaro_boxes),
    Format("datumaro-labels", msg("Datumaro labels"), None, read_datumaro_labels),
    Format("labelstudio", "Label Studio", looks_like_label_studio, read_label_studio),
    Format("labelstudio-boxes", msg("Label Studio boxes"), None, read_label_studio_boxes),
    Format("labelstudio-labels", msg("Label Studio choices"), None, read_label_studio_labels),
    Format("edgeimpulse", "Edge Impulse", looks_like_edge_impulse, read_edge_impulse),
    Format("edgeimpulse-boxes", msg("Edge Impulse boxes"), None, read_edge_impulse_boxes),
    Format("edgeimpulse-labels", msg("Edge Impulse labels"), None, read_edge_impulse_labels),
    Format("createml", "CreateML", looks_like_createml, read_createml),
    Format("supervisely", "Supervisely", looks_like_supervisely, read_supervisely),
    Format("supervisely-boxes", msg("Supervisely boxes"), None, read_supervisely_boxes),
    Format("supervisely-labels", msg("Supervisely tags"), None, read_supervisely_labels),
    Format("sagemaker", "SageMaker Ground Truth", looks_like_sagemaker, read_sagemaker),
    Format("sagemaker-boxes", msg("SageMaker boxes"), None, read_sagemaker_boxes),
    Format("sagemaker-labels", msg("SageMaker classes"), None, read_sagemaker_labels),
    Format("openimages", "OpenImages", looks_like_open_images, read_open_images),
    Format("boxtable", msg("table of boxes"), looks_like_box_table, read_box_table),
    Format("imagenet", "ImageNet", looks_like_imagenet, read_imagenet),
    Format("csv", "CSV", _first_csv, read_csv),
    Format("unlabelled", msg("images without labels, to draw boxes on"), None, read_plain_images),
    Format("unsorted", msg("images without labels, to give each a class"), None, read_unsorted_images),
    FOLDERS,
)
LAYOUTS = {format.key: format for format in FORMATS}
