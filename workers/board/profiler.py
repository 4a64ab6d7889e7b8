"""Times a release on a board: ``python - RELEASE [COUNT [SECONDS]]``. Python 3.8+, standard library.

The portal sends it through ``python -``; it uses the programs of the release folder. Its one message,
``profile``, has the milliseconds of loading, of the first call, and of COUNT further calls on the golden
images, each as a whole (the file is decoded, resized and predicted) and of the prediction alone; free memory
before and after, and the temperature. It stops early after SECONDS.
"""

import os
import sys
import time

sys.dont_write_bytecode = True
MOST, FEWEST = 1000, 5
MEMORY, HEAT = "/proc/meminfo", "/sys/class/thermal/thermal_zone0/temp"


def first_line(path, start=""):
    """The first line that begins like this; "" if there is none."""
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return next((line for line in stream if line.startswith(start)), "")
    except OSError:
        return ""


def free_memory():
    """Available bytes; None if unknown."""
    words = (first_line(MEMORY, "MemAvailable:") or first_line(MEMORY, "MemFree:")).split()
    return int(words[1]) * 1024 if len(words) > 1 and words[1].isdigit() else None


def celsius():
    text = first_line(HEAT).strip()
    if not text.lstrip("-").isdigit():
        return None
    return int(text) / 1000 if abs(int(text)) > 999 else float(text)


def timed(predictor, path):
    """Milliseconds of everything and of the prediction alone."""
    start = time.perf_counter()
    _found, alone = predictor.driver.predict(path)
    return (time.perf_counter() - start) * 1000, alone


def measure(runner, release, count, seconds):
    manifest = runner.read_manifest(release)
    paths = [os.path.join(release, *one["image"].split("/")) for one in manifest["golden"]]
    before, cool = free_memory(), celsius()
    predictor = runner.Predictor(release, manifest)
    first, _alone = timed(predictor, paths[0])
    loaded = free_memory()
    whole, alone, until = [], [], time.monotonic() + seconds
    while len(whole) < count and (time.monotonic() < until or len(whole) < FEWEST):
        every, part = timed(predictor, paths[len(whole) % len(paths)])
        whole.append(round(every, 3))
        alone.append(round(part, 3))
    return dict(
        type="profile",
        engine=predictor.driver.engine,
        load_ms=predictor.load_ms,
        first_ms=round(first, 3),
        whole_ms=whole,
        predict_ms=alone,
        memory_before=before,
        memory_loaded=loaded,
        celsius_before=cool,
        celsius_after=celsius(),
        library_resizes=manifest["driver"] == "lockzhiner",
    )


def main(argv):
    release = argv[0]
    count = min(MOST, max(FEWEST, int(argv[1]))) if len(argv) > 1 else 100
    seconds = float(argv[2]) if len(argv) > 2 else 20.0
    sys.path.insert(0, release)
    import runner

    try:
        runner.emit(**measure(runner, release, count, seconds))
    except runner.RunnerError as error:
        runner.emit(type="error", code=error.code, message=error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
