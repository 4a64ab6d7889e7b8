"""Findings shared by several readers, in the same words. ``where`` is the example of a finding."""

from __future__ import annotations

from collections.abc import Container

from workers.contract.messages import msg_n
from workers.datakit import names
from workers.datakit.findings import Findings

from .upload import Upload


def outline_boxed(findings: Findings, where: str) -> None:
    message = msg_n(
        "{count} outline (or turned box) was replaced by the upright box around it.",
        "{count} outlines (or turned boxes) were replaced by the upright box around each.",
    )
    findings.add("info", "outlines-boxed", message, where)


def shape_left_out(findings: Findings, where: str) -> None:
    message = msg_n(
        "{count} shape is no area (a line, points) and was left out.",
        "{count} shapes are no areas (lines, points) and were left out.",
    )
    findings.add("info", "shapes-left-out", message, where)


def shape_without_label(findings: Findings, where: str | None = None) -> None:
    message = msg_n("{count} shape has no label.", "{count} shapes have no label.")
    findings.add("warn", "shapes-without-label", message, where)


def object_without_box(findings: Findings, where: str) -> None:
    message = msg_n(
        "{count} object has no name or no box and was left out.",
        "{count} objects have no name or no box and were left out.",
    )
    findings.add("warn", "annotations-without-box", message, where)


def bad_row(findings: Findings, where: str) -> None:
    message = msg_n(
        "{count} row has no path or no label and was left out.",
        "{count} rows have no path or no label and were left out.",
    )
    findings.add("warn", "bad-lines", message, where)


def bad_json(findings: Findings, where: str) -> None:
    message = msg_n(
        "{count} JSON file cannot be read, so its images were left out.",
        "{count} JSON files cannot be read, so their images were left out.",
    )
    findings.add("warn", "bad-json", message, where)


def bad_xml(findings: Findings, where: str) -> None:
    message = msg_n(
        "{count} XML file cannot be read, so its images were left out.",
        "{count} XML files cannot be read, so their images were left out.",
    )
    findings.add("warn", "bad-xml", message, where)


def listed_twice(findings: Findings, where: str) -> None:
    message = msg_n("{count} image is listed more than once.", "{count} images are listed more than once.")
    findings.add("info", "listed-twice", message, where)


def two_labels(findings: Findings, where: str) -> None:
    message = msg_n(
        "{count} image is listed with two different classes and was left out.",
        "{count} images are listed with two different classes and were left out.",
    )
    findings.add("warn", "two-labels", message, where)


def unlisted_images(findings: Findings, upload: Upload, listed: Container[str]) -> None:
    """Note each image of the upload whose path is not in ``listed``."""
    message = msg_n(
        "{count} image is in no annotation and was left out.",
        "{count} images are in no annotation and were left out.",
    )
    for entry in upload.entries:
        if entry.path not in listed and names.is_image(entry.path):
            findings.add("info", "unlisted-images", message, names.show(entry.path))
