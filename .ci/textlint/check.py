"""Checks Japanese text with textlint: the Markdown, and the texts of the programs, which are one in a line."""

import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

MARKDOWN = ["workshop/guide/ja/*.md", "*.ja.md"]
TEXTS = ["workshop/messages/ja.toml", "workshop/*.toml", "workshop/src/report/text.rs", "*/src/pages/lang.rs", "*/src/lang/ja.rs"]
JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
# Comments are English, titles are those of the chapters, and `\n  ` begins the lines of a list of commands.
SKIPPED = re.compile(r"\s*(//|#|title)|.*\\n  ")
# "key" = "text", ("key", "text"), name: "text", "text",
QUOTED = re.compile(r'.*?(?<!\\)"((?:[^"\\]|\\.)*)"[)}\s,]*$')


def files(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--"]
    return subprocess.run([*command, *patterns], check=True, capture_output=True, text=True).stdout.split()


def text(line: str) -> str:
    """What textlint reads of a line: an item of a list, or a line of a paragraph if the text has several lines."""
    if SKIPPED.match(line) or not JAPANESE.search(line):
        return ""
    quoted = QUOTED.match(line)
    found = "- " + quoted[1] if quoted else re.sub(r'^[\w.]+ = "*|"*\\?$', "", line)
    return found.replace('\\"', '"').replace("\\n", " ")


# Files without findings are not checked again, because all rules together need 20 seconds of CPU time. Other rules have another cache.
rules = zlib.crc32(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.iterdir()) if path.is_file()))
cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "handson-ci", f"textlint-{rules}")
cache.mkdir(parents=True, exist_ok=True)

paths = {str(Path(file).absolute()): file for file in files(*MARKDOWN)}
for file in files(*TEXTS):
    lines = [text(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    if any(lines):
        copy = cache / (file.replace("/", "-") + ".md")
        written = "\n".join(lines) + "\n"
        if not copy.exists() or copy.read_text(encoding="utf-8") != written:
            copy.write_text(written, encoding="utf-8")
        paths[str(copy)] = file
command = ["textlint", "--config", ".ci/textlint/.textlintrc", "--format", "json", "--cache", "--cache-location"]
# It uses one core, so that two halves take half of the time.
halves = [
    subprocess.Popen([*command, str(cache / f"{half}.json"), *list(paths)[half::2]], stdout=subprocess.PIPE, text=True)
    for half in range(2)
]
findings = 0
for textlint in halves:
    output, _ = textlint.communicate()
    if not output.startswith("["):
        sys.exit(output or f"textlint has failed with {textlint.returncode}")
    for result in json.loads(output):
        for message in result["messages"]:
            findings += 1
            what = message["message"].splitlines()[0]
            print(f"{paths[result['filePath']]}:{message['line']}:{message['column']}: {what} ({message['ruleId']})")
sys.exit(f"{findings} places in Japanese texts" if findings else 0)
