"""What the ECS API takes, from botocore, as one small file of JSON for the workshop's own checks.

    python .ci/ecs/shapes.py            writes workshop/data/ecs-shapes.json
    python .ci/ecs/shapes.py --check    says whether the file is what this botocore gives

Only what RegisterTaskDefinition and CreateService reach is in it. A shape refers to others by name, so recursion is no
problem to who reads it.
"""

import argparse
import json
import pathlib
import sys

import botocore
import botocore.loaders
import botocore.model

FILE = pathlib.Path(__file__).parents[2] / "workshop/data/ecs-shapes.json"
ROOTS = {"taskDefinition": "RegisterTaskDefinition", "service": "CreateService"}
# botocore's names of simple types, in the words of JSON.
SIMPLE = {"string": "string", "boolean": "boolean", "integer": "integer", "long": "integer", "double": "number",
          "float": "number", "timestamp": "string"}


def service_model():
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("ecs", "service-2"), "ecs")


def add(shape, shapes):
    """Puts `shape`, and what it refers to, into `shapes`."""
    if shape.name in shapes:
        return
    if shape.type_name == "structure":
        entry = {"type": "structure", "members": {name: member.name for name, member in sorted(shape.members.items())}}
        if shape.required_members:
            entry["required"] = sorted(shape.required_members)
        references = shape.members.values()
    elif shape.type_name == "list":
        entry, references = {"type": "list", "member": shape.member.name}, [shape.member]
    elif shape.type_name == "map":
        entry = {"type": "map", "key": shape.key.name, "value": shape.value.name}
        references = [shape.key, shape.value]
    else:
        entry, references = {"type": SIMPLE[shape.type_name]}, []
        if getattr(shape, "enum", None):
            entry["enum"] = sorted(shape.enum)
    shapes[shape.name] = entry
    for reference in references:
        add(reference, shapes)


def text():
    model = service_model()
    shapes, roots = {}, {}
    for key, operation in ROOTS.items():
        shape = model.operation_model(operation).input_shape
        roots[key] = shape.name
        add(shape, shapes)
    # One shape a line: a new botocore then shows as few changed lines.
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(shapes[name])}" for name in sorted(shapes))
    head = "".join(f"  {json.dumps(key)}: {json.dumps(name)},\n" for key, name in roots.items())
    return f'{{\n  "botocore": "{botocore.__version__}",\n{head}  "shapes": {{\n{lines}\n  }}\n}}\n'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(text())
    elif FILE.read_text() != text():
        sys.exit(f"{FILE.name} is not what botocore {botocore.__version__} gives: run .ci/ecs/shapes.py")


if __name__ == "__main__":
    main()
