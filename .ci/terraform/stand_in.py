"""Writes copies of infrastructure/ that Terraform can compute without a provider, because no registry of packages has the
providers.

    stand_in.py FOLDER

In the copies of infrastructure/env a resource is a local value with the same arguments, and with a text of its own for what
only the provider could compute. So every expression is computed, with its functions, `each` and variables. Each resource is
an output too, so that a test can look at it: `output.aws_vpc__this`.
"""

import re
import shutil
import sys
from pathlib import Path

import hcl2

SOURCE = Path(__file__).parents[2] / "infrastructure"
# A resource that does not set one of these gets the value ATTRIBUTE-of-NAME.
COMPUTED = ["arn", "cidr_ipv4", "dns_name", "id", "insecure_value", "name", "url", "value"]
DATA = {
    "aws_availability_zones": {"names": '["ap-northeast-1d", "ap-northeast-1a", "ap-northeast-1c"]'},
    "aws_caller_identity": {"account_id": '"123456789012"'},
    "aws_partition": {"partition": '"aws"'},
}
OPTIONS = hcl2.SerializationOptions(with_comments=False, preserve_heredocs=False)
# Meta-arguments, which a plain value cannot have.
META = {"for_each", "count", "depends_on", "lifecycle", "provider"}


def expression(value):
    """What hcl2 has read, as Terraform's text again. A text has its quotes, other expressions stand in `${…}`."""
    if isinstance(value, dict):
        members = [f"{key} = {expression(member)}" for key, member in value.items() if not key.startswith("__")]
        return "{\n" + "\n".join(members) + "\n}"
    if isinstance(value, list):
        return "[" + ", ".join(expression(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return text[2:-1] if text.startswith("${") else text


def local_value(kind, name, arguments, data):
    full = f"data.{kind}.{name}" if data else f"{kind}.{name}"
    key = full.replace(".", "__")
    index = "-${each_key}" if "for_each" in arguments else "-${count_index}" if "count" in arguments else ""
    computed = {attribute: f'"{attribute}-of-{name}{index}"' for attribute in COMPUTED}
    given = {name: value for name, value in arguments.items() if name not in META}
    text = expression({**computed, **(DATA.get(kind, {}) if data else {}), **given})
    if "for_each" in arguments:
        each = re.sub(r"\beach\.(key|value)\b", r"each_\1", text)
        text = f"{{ for each_key, each_value in {expression(arguments['for_each'])} : each_key => {each} }}"
    elif "count" in arguments:
        text = text.replace("count.index", "count_index")
        text = f"[for count_index in range({expression(arguments['count'])}) : {text}]"
    return full, f'locals {{\n{key} = {text}\n}}\n\noutput "{key}" {{\nvalue = local.{key}\n}}\n\n'


def write_folder(folder, to):
    """Every file without its resources, and stand-in.tf with a local value for each."""
    to.mkdir(parents=True)
    texts, values = {}, {}
    for file in sorted(folder.glob("*.tf")):
        blocks = hcl2.loads(file.read_text(), serialization_options=OPTIONS)
        for group in ("resource", "data"):
            for block in blocks.pop(group, []):
                (kind, names), = ((key, names) for key, names in block.items() if not key.startswith("__"))
                (name, arguments), = ((key, value) for key, value in names.items() if not key.startswith("__"))
                full, text = local_value(kind.strip('"'), name.strip('"'), arguments, group == "data")
                values[full] = text
        for unused in ("terraform", "provider"):
            blocks.pop(unused, None)
        texts[file.name] = hcl2.dumps(blocks)
    for name, text in {**texts, "stand-in.tf": "".join(values.values())}.items():
        for full in values:
            text = re.sub(rf"(?<![\w.]){re.escape(full)}(?![\w-])", "local." + full.replace(".", "__"), text)
        (to / name).write_text(text)
    for file in folder.glob("*.json"):
        shutil.copy(file, to)


def main():
    to = Path(sys.argv[1])
    shutil.copytree(SOURCE / "modules", to / "modules", ignore=shutil.ignore_patterns(".terraform*"))
    for file in sorted(SOURCE.glob("env/*/terraform.tf")):
        write_folder(file.parent, to / "env" / file.parent.name)


if __name__ == "__main__":
    main()
