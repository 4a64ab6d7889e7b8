"""What to do about each finding that is not a mark of images (those have theirs in ``marks.py``)."""

_MEND = "Mend the lines that are shown and upload again, if their images matter."
_EXPORT = "If you miss them, export the annotations again, together with the images."
_RIGHT = "Nothing, if that is right."

ADVICE = {
    # The set as a whole.
    "class-name-collision": "Merge the two classes, or rename one of them.",
    "no-train-images": "Move some of their images to the training side, or remove the class.",
    "no-val-images": "Move some of their images to the validation side, or split the set anew.",
    "small-classes": "Add images to these classes: of a few, a model learns the very pictures.",
    "unequal-classes": "Add images to the small classes, or remove some of the large ones: a model guesses "
    "the class that it saw most.",
    # Images and files that were left out.
    "undecodable": "Open them in a picture viewer; save those again that you need, and upload again.",
    "truncated": "Copy them again from where they came from, and upload again.",
    "too-large": "Make them smaller and upload again.",
    "outside-class-folders": "Put each of them into the folder of its class, if you need them.",
    "unlisted-images": "Add them to the annotations or lists, if you need them.",
    "missing-images": "Add the images to the archive, or take them out of the annotations.",
    "not-images": _RIGHT,
    "other-json": _RIGHT,
    "other-xml": _RIGHT,
    "unlabelled-folders": "Put the images of each class into a folder named after it, if you need them.",
    "other-folders": "Give the folder a role and read the upload again, if you need its images.",
    "masks-left-out": "Nothing, unless you want a segmentation set: those are not supported yet.",
    "copied-folders": "Nothing: the same files are there already.",
    "other-formats": "Choose that format and read the upload again, if you meant it.",
    "tables-left-out": "Choose the table and read the upload again, if it holds the labels.",
    "several-labels": "Decide on one class for each, and upload again.",
    "test-left-out": "Nothing: a test set stays unseen. Move its images to train or val to use them.",
    "already-there": "Nothing: they are in the new version as they were.",
    # The layout.
    "names-decoded": "Look at the names; if they are wrong, make the archive again with UTF-8 names.",
    "empty-folders": "Put images into them, or leave them out.",
    "nested-folders": "Nothing, if the folders below belong to the class; else move them beside it.",
    "test-as-val": "Nothing, unless you want another part to be measured with: name its folder val.",
    "no-split": "Put them into a split (its folder, list or column) if you need them, and upload again.",
    "rest-as-train": "Nothing, if that is right; else name the training images, or draw the split anew.",
    "no-val-list": "Nothing, unless you want to choose the split yourself: add a val.txt.",
    "no-label-file": "Name the classes in the upload's form, or add the file and upload again.",
    "renumbered-ids": _RIGHT,
    "unnamed-ids": "Add the ids to label.txt and upload again.",
    "empty-classes": "Nothing, unless the classes should have images: then look at their paths.",
    "listed-twice": _RIGHT,
    "in-both-splits": "Nothing, unless they are to be trained on: then take them out of the other list.",
    "two-labels": "Decide on one class for each, and upload again.",
    "no-flag": "Raise one flag for each image, and upload again.",
    "bad-lines": _MEND,
    "bad-json": "Save them again as JSON and upload again.",
    "bad-xml": "Save them again as XML and upload again.",
    # Annotations.
    "unknown-categories": "Add the categories to the file's list and upload again.",
    "class-id-out-of-range": "Add a name for each class id and upload again.",
    "unused-categories": _RIGHT,
    "same-category-twice": "Nothing, if they mean the same; else give each its own name.",
    "same-image-id": "Export the annotations again, so that each image has an id of its own.",
    "class-count-differs": "Nothing, if all classes are named.",
    "annotations-without-image": _EXPORT,
    "annotations-without-box": _EXPORT,
    "annotated-twice": "Look at their boxes and leave out the annotation that is out of date.",
    "shapes-without-label": "Give each shape a label and upload again.",
    "shapes-left-out": "Nothing, if you do not need them; else draw a rectangle around each.",
    "outlines-boxed": "Nothing: a detection set has boxes.",
    "crowds-left-out": "Nothing: no single box fits a crowd.",
    "scores-left-out": _RIGHT,
    "ids-as-text": "Nothing.",
}
