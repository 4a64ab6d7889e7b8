"""What a board predicts, one class a task, as the portal's and the worker programs' tasks have it.

Python 3.8+, its standard library. ``answer`` messages hold what ``of_vendor`` or ``of_outputs`` return, with
what ``named`` adds; the fields are those of ``portal/tasks/``.
"""


class Classification:
    """One label for a whole picture."""

    name = "classification"
    vendor_class = "PaddleClas"  # of the Lockzhiner library; it applies softmax by itself

    def of_vendor(self, result):
        """What the vendor's result says: the best class only."""
        return {"label_id": int(result.label_id), "score": float(result.score)}

    def of_outputs(self, outputs, numpy):
        """What the network's outputs, its logits, say."""
        logits = numpy.asarray(outputs[0], dtype="float64").reshape(-1)
        odds = numpy.exp(logits - logits.max())
        best = int(odds.argmax())
        return {"label_id": best, "score": float(odds[best] / odds.sum())}

    def named(self, found, names):
        """The fields of an answer; ``names`` are the release's classes."""
        label = found["label_id"]
        label_name = names[label] if 0 <= label < len(names) else str(label)
        return {"label_id": label, "label": label_name, "score": round(found["score"], 6)}

    def differs(self, found, golden):
        """How a prediction differs from what the manifest expects; empty when it does not."""
        label, expected = (found or {}).get("label_id"), golden["label_id"]
        return "" if label == expected else f"{label} \u2260 {expected}"


TASKS = {task.name: task for task in (Classification(),)}
