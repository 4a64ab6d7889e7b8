"""Predictions on a board, one class per task, in the format of the portal's and the worker programs' tasks.

Python 3.8+, its standard library. ``answer`` messages hold the output of ``of_vendor`` or ``of_outputs``,
with the fields that ``named`` adds; they are those of ``portal/tasks/``. ``prepare`` configures the vendor's
loaded model for the task, and returns the fields common to all its answers. Sizes are (width, height).
"""

import contextlib

from matching import match


class Classification:
    """One label for a whole image."""

    name = "classification"
    vendor_class = "PaddleClas"  # of the Lockzhiner library; it applies softmax by itself
    TOP = 3  # classes reported with scores, if the engine returns all of them

    def prepare(self, model, path):
        return {}

    def of_vendor(self, result):
        """From the vendor's result: the best class only."""
        return {"label_id": int(result.label_id), "score": float(result.score)}

    def of_outputs(self, outputs, numpy, input_size, image_size):
        """From the network's outputs, its logits."""
        logits = numpy.asarray(outputs[0], dtype="float64").reshape(-1)
        odds = numpy.exp(logits - logits.max())
        odds /= odds.sum()
        best = [int(label) for label in (-odds).argsort(kind="stable")[: self.TOP]]
        return {
            "label_id": best[0],
            "score": float(odds[best[0]]),
            "top": [(n, float(odds[n])) for n in best],
        }

    def from_score(self, found, score):
        """The prediction without boxes of a lower score."""
        return found

    def named(self, found, names):
        """The fields of an answer; ``names`` are the release's classes."""
        told = self._told(found["label_id"], found["score"], names)
        if "top" in found:
            told["top"] = [self._told(label, score, names) for label, score in found["top"]]
        return told

    def _told(self, label, score, names):
        name = names[label] if 0 <= label < len(names) else str(label)
        return {"label_id": label, "label": name, "score": round(score, 6)}

    def differs(self, found, golden):
        """How a prediction differs from what the manifest expects; empty if it does not."""
        label, expected = (found or {}).get("label_id"), golden["label_id"]
        return "" if label == expected else f"{label} \u2260 {expected}"


class Detection:
    """Boxes with a class and a score, in pixels of the image: [left, top, width, height]."""

    name = "detection"
    vendor_class = "PaddleDet"  # of the Lockzhiner library; it decodes and suppresses by itself
    LEAST_SCORE, OVERLAP = 0.025**2, 0.6  # as in the models' evaluation: see datakit/decoding/detector.py
    VENDOR_SCORE = 0.5  # the library's default threshold
    MOST_BOXES = 100
    CLEAR = 0.1  # a golden box is expected only with a score this far above the lowest reported one
    MISSING = 0.2  # fraction of the golden boxes that rounding may lose

    def prepare(self, model, path):
        """Lower the score threshold. In the published library, ``set_threshold`` passes its numbers to
        ``initialize``, which takes a file: then the model is loaded again, with the default threshold.
        """
        with contextlib.suppress(Exception):
            if model.set_threshold(self.LEAST_SCORE, self.OVERLAP) is not False:
                return {}
        model.initialize(path)
        return {"least_score": self.VENDOR_SCORE}

    def of_vendor(self, result):
        boxes = [
            {
                "label": int(one.label_id),
                "score": float(one.score),
                "box": [float(getattr(one.box, side)) for side in ("x", "y", "width", "height")],
            }
            for one in result or ()
        ]
        return {"boxes": sorted(boxes, key=lambda box: -box["score"])[: self.MOST_BOXES]}

    def of_outputs(self, outputs, numpy, input_size, image_size):
        # Imported here because it needs numpy, which boards with the vendor's library lack.
        from detector import decode

        return {"boxes": decode(outputs, input_size, image_size)}

    def from_score(self, found, score):
        return dict(found, boxes=[box for box in found["boxes"] if box["score"] >= score])

    def named(self, found, names):
        boxes = [
            {
                "label_id": one["label"],
                "label": names[one["label"]] if 0 <= one["label"] < len(names) else str(one["label"]),
                "score": round(one["score"], 4),
                "box": [round(value, 2) for value in one["box"]],
            }
            for one in found["boxes"]
        ]
        return dict(found, boxes=boxes)

    def differs(self, found, golden):
        if found is None:
            return "no boxes"
        least = found.get("least_score", 0) + self.CLEAR
        wanted = [box for box in golden["boxes"] if box["score"] >= least]
        missing = len(wanted) - sum(one is not None for one in match(wanted, found["boxes"]))
        return f"{missing} of {len(wanted)} boxes" if missing > self.MISSING * len(wanted) else ""


TASKS = {task.name: task for task in (Classification(), Detection())}
