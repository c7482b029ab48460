"""One measurement of one rival, in a process of its own: reads a task, prints its result, both as JSON."""

import importlib
import json
import sys

from rivals.common import Task, peak_memory_mib


def main() -> None:
    task = Task(**json.loads(sys.argv[1]))
    speed = importlib.import_module(f"rivals.{task.program}").measure(task)
    print(json.dumps({"images_per_second": speed, "peak_memory_mib": peak_memory_mib()}))


if __name__ == "__main__":
    main()
