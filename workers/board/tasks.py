"""What a board predicts, one class a task, as the portal's and the worker programs' tasks have it.

Python 3.8+, its standard library. ``answer`` messages hold what ``of_vendor`` or ``of_outputs`` return, with
what ``named`` adds; the fields are those of ``portal/tasks/``. ``prepare`` asks the vendor's loaded model for
all that a task wants of it, and returns what to say with each answer. Sizes are (width, height).
"""

import contextlib

from matching import match


class Classification:
    """One label for a whole picture."""

    name = "classification"
    vendor_class = "PaddleClas"  # of the Lockzhiner library; it applies softmax by itself
    TOP = 3  # classes that are told with their scores, where the engine gives them all

    def prepare(self, model, path):
        return {}

    def of_vendor(self, result):
        """What the vendor's result says: the best class only."""
        return {"label_id": int(result.label_id), "score": float(result.score)}

    def of_outputs(self, outputs, numpy, input_size, image_size):
        """What the network's outputs, its logits, say."""
        logits = numpy.asarray(outputs[0], dtype="float64").reshape(-1)
        odds = numpy.exp(logits - logits.max())
        odds /= odds.sum()
        best = [int(label) for label in (-odds).argsort(kind="stable")[: self.TOP]]
        return {
            "label_id": best[0],
            "score": float(odds[best[0]]),
            "top": [(n, float(odds[n])) for n in best],
        }

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
        """How a prediction differs from what the manifest expects; empty when it does not."""
        label, expected = (found or {}).get("label_id"), golden["label_id"]
        return "" if label == expected else f"{label} \u2260 {expected}"


class Detection:
    """Boxes with a class and a score, in pixels of the picture: [left, top, width, height]."""

    name = "detection"
    vendor_class = "PaddleDet"  # of the Lockzhiner library; it decodes and suppresses by itself
    LEAST_SCORE, OVERLAP = 0.025**2, 0.6  # as the models were evaluated: see datakit/decoding/picodet.py
    VENDOR_SCORE = 0.5  # from which the library gives boxes unless it is told otherwise
    MOST_BOXES = 100
    CLEAR = 0.1  # a golden box scores so much above what is given, or it is not expected
    MISSING = 0.2  # a share of the golden boxes, which rounding may lose

    def prepare(self, model, path):
        """Ask for faint boxes too. In the published library ``set_threshold`` passes its numbers to
        ``initialize``, which takes a file: then the model is loaded again, and gives the sure ones."""
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
        from picodet import decode

        return {"boxes": decode(outputs, input_size, image_size)}

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
