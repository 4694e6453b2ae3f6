"""Stands for minikube: plays back what it answered, and notes what it was asked.

Environment: MINIKUBE_ANSWERS holds a list of `asked` (the words after the profile), `code` and `said`; the n-th time
that something is asked it gets the n-th answer to that, and the last one from then on. MINIKUBE_ASKED is the notes.
"""

import json
import os
import sys
from pathlib import Path

profile, *words = sys.argv[1:]
asked, notes = " ".join(words), Path(os.environ["MINIKUBE_ASKED"])
with notes.open("a") as file:
    file.write(f"{profile} {asked}\n")
times = notes.read_text().splitlines().count(f"{profile} {asked}")
answers = [one for one in json.loads(os.environ["MINIKUBE_ANSWERS"]) if one["asked"] == asked]
if not answers:
    sys.exit(f"minikube was never recorded with {asked!r}")
answer = answers[min(times, len(answers)) - 1]
sys.stdout.write(answer["said"])
sys.exit(answer["code"])
