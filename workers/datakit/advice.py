"""What to do about each finding that is not about single images (those are in ``marks.py``)."""

from workers.contract.messages import msg

_MEND = msg("Correct the lines that are shown and upload again, if their images matter.")
_EXPORT = msg("If you miss them, export the annotations again, together with the images.")
_RIGHT = msg("Nothing, if that is right.")

ADVICE = {
    # The dataset as a whole.
    "class-name-collision": msg("Merge the two classes, or rename one of them."),
    "no-boxes": msg(
        "Draw boxes around the objects, or let a model propose them, and create a version of the changes."
    ),
    "no-train-images": msg("Move some of their images to the training split, or remove the class."),
    "no-val-images": msg("Move some of their images to the validation split, or split the dataset again."),
    "no-test-images": msg("Move some of their images to the test split, or split the dataset again."),
    "small-classes": msg(
        "Add images to these classes: a model memorizes a few images instead of learning from them."
    ),
    "unequal-classes": msg(
        "Add images to the small classes, or remove some of the large ones: a model favors the class that "
        "it saw most."
    ),
    # Images and files that were left out.
    "undecodable": msg("Open them in an image viewer, save those that you need again, and upload them."),
    "truncated": msg("Copy them again from their source, and upload them."),
    "too-large": msg("Make them smaller and upload again."),
    "outside-class-folders": msg("Put each of them into the folder of its class, if you need them."),
    "unlisted-images": msg("Add them to the annotations or lists, if you need them."),
    "missing-images": msg("Add the images to the archive, or take them out of the annotations."),
    "not-images": _RIGHT,
    "other-json": _RIGHT,
    "other-xml": _RIGHT,
    "unlabelled-folders": msg("Put the images of each class into a folder named after it, if you need them."),
    "other-folders": msg("Give the folder a role and read the upload again, if you need its images."),
    "masks-left-out": msg("Nothing, unless you want a segmentation set: those are not supported yet."),
    "copied-folders": msg("Nothing: the same files are there already."),
    "other-formats": msg("Choose that format and read the upload again, if you meant it."),
    "tables-left-out": msg("Choose the table and read the upload again, if it holds the labels."),
    "several-labels": msg("Decide on one class for each, and upload again."),
    "test-left-out": msg("Label them and upload again, if the model is to be measured on them."),
    "small-boxes-left-out": msg("Nothing, unless you need them: cut again with a smaller least size."),
    "unclear-images-left-out": msg("Nothing: cut images out of the boxes instead, if you need them."),
    "already-there": msg("Nothing: they are in the new version as they were."),
    # The format.
    "names-decoded": msg("Look at the names; if they are wrong, make the archive again with UTF-8 names."),
    "empty-folders": msg("Put images into them, or leave them out."),
    "nested-folders": msg("Nothing, if the folders below belong to the class; else move them beside it."),
    "val-drawn": msg("Nothing, unless you want other images for validation: name their folder or list val."),
    "test-drawn": msg("Nothing: you asked for a test split."),
    "no-split": msg("Put them into a split (its folder, list or column) if you need them, and upload again."),
    "rest-as-train": msg(
        "Nothing, if that is right; else name the training images, or split the dataset again."
    ),
    "no-val-list": msg("Nothing, unless you want to choose the split yourself: add a val.txt."),
    "no-label-file": msg("Name the classes in the upload's form, or add the file and upload again."),
    "renumbered-ids": _RIGHT,
    "unnamed-ids": msg("Add the ids to label.txt and upload again."),
    "empty-classes": msg("Nothing, unless the classes should have images: then look at their paths."),
    "listed-twice": _RIGHT,
    "in-both-splits": msg("Nothing, unless they are to be trained on: then take them out of the other list."),
    "two-labels": msg("Decide on one class for each, and upload again."),
    "no-flag": msg("Raise one flag for each image, and upload again."),
    "bad-lines": _MEND,
    "bad-json": msg("Save them again as JSON and upload again."),
    "bad-xml": msg("Save them again as XML and upload again."),
    # Annotations.
    "unknown-categories": msg("Add the categories to the file's list and upload again."),
    "class-id-out-of-range": msg("Add a name for each class id and upload again."),
    "unused-categories": _RIGHT,
    "same-category-twice": msg("Nothing, if they mean the same; else give each its own name."),
    "same-image-id": msg("Export the annotations again, so that each image has an id of its own."),
    "class-count-differs": msg("Nothing, if all classes are named."),
    "annotations-without-image": _EXPORT,
    "annotations-without-box": _EXPORT,
    "annotated-twice": msg("Look at their boxes and leave out the annotation that is out of date."),
    "shapes-without-label": msg("Give each shape a label and upload again."),
    "shapes-left-out": msg("Nothing, if you do not need them; else draw a rectangle around each."),
    "outlines-boxed": msg("Nothing: a detection set has boxes."),
    "crowds-left-out": msg("Nothing: no single box fits a crowd."),
    "scores-left-out": _RIGHT,
    "ids-as-text": msg("Nothing."),
}
