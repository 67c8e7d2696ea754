"""Writes the folders of infrastructure/env so that Terraform can compute them without a provider.

A resource becomes a local value with the same arguments, and with a text of its own for what only AWS could say. So every
expression is computed for real, with its functions, `each` and variables, and a test can look at what would be made: each
resource is an output, as in `output.aws_vpc__this`.
"""

import re

# What the data sources say.
KNOWN = {
    ("data", "aws_caller_identity", "account_id"): '"123456789012"',
    ("data", "aws_partition", "partition"): '"aws"',
    ("data", "aws_availability_zones", "names"): '["ap-northeast-1d", "ap-northeast-1a", "ap-northeast-1c"]',
}


def write(folders, files, providers, to):
    for path, text in files.items():
        if path.startswith("infrastructure/modules/"):
            _put(to / path, text)
    for path, folder in folders.items():
        if not path.startswith("infrastructure/env/"):
            continue
        instances = folder.instances()
        for name, text in folder.files.items():
            if name.endswith(".json"):
                _put(to / path / name, text)
            if not name.endswith(".tf"):
                continue
            for block in reversed([block for file, block in folder.blocks if file == f"{path}/{name}"]):
                if block.type in ("terraform", "provider", "resource", "data"):
                    text = text[: block.start] + text[block.end :]
            _put(to / path / name, _renamed(text, instances))
        standing = "".join(_instance(key, block, providers) for key, block in instances.items())
        _put(to / path / "stand-in.tf", _renamed(standing, instances))


def _put(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _renamed(text, instances):
    for key in instances:
        text = re.sub(rf"(?<![\w.]){re.escape('.'.join(key))}(?![\w-])", f"local.{'__'.join(key)}", text)
    return text


def _instance(key, block, providers):
    data = key[0] == "data"
    schema = providers[key[-2].split("_")[0]].resource(key[-2], data)
    given = dict(block.attributes)
    each, count = given.pop("for_each", None), given.pop("count", None)
    given.pop("depends_on", None)
    lines = [f"{attribute.name} = {attribute.raw}" for attribute in given.values()]
    lines += _blocks(block)
    index = "-${each_key}" if each else "-${count_index}" if count else ""
    for name in schema.readable.values():
        if name in given or block.of(name):
            continue
        # An argument that nobody gave and that AWS fills in is as unknown here as a computed value.
        lines.append(f"{name} = " + KNOWN.get((*key[:-1], name), f'"{name}-of-{key[-1]}{index}"'))
    value = "{\n" + "\n".join(lines) + "\n}"
    if each:
        value = f"{{ for each_key, each_value in {each.raw} : each_key => {value} }}"
        value = re.sub(r"\beach\.(key|value)\b", r"each_\1", value)
    elif count:
        value = f"[for count_index in range({count.raw}) : {value}]".replace("count.index", "count_index")
    name = "__".join(key)
    return f'locals {{\n{name} = {value}\n}}\n\noutput "{name}" {{\nvalue = local.{name}\n}}\n\n'


def _blocks(block):
    """Each kind of block as a list."""
    kinds = {}
    for inner in block.blocks:
        if inner.type != "lifecycle":
            inside = [f"{attribute.name} = {attribute.raw}" for attribute in inner.attributes.values()] + _blocks(inner)
            kinds.setdefault(inner.type, []).append("{\n" + "\n".join(inside) + "\n}")
    return [f"{kind} = [{', '.join(values)}]" for kind, values in kinds.items()]
