# /// script
# requires-python = ">=3.11"
# dependencies = ["botocore==1.44.8"]
# ///
"""Writes ecs-shapes.json: what the ECS API accepts, taken from botocore, for the check of step 10.

    uv run workshop/data/ecs-shapes.py

The file contains only what RegisterTaskDefinition and CreateService reach. Shapes refer to each other by name, because some
are recursive.
"""

import json
import pathlib

import botocore
import botocore.loaders
import botocore.model

FILE = pathlib.Path(__file__).with_name("ecs-shapes.json")
ROOTS = {"taskDefinition": "RegisterTaskDefinition", "service": "CreateService"}
# botocore's names of simple types, with those of JSON.
SIMPLE = {"string": "string", "boolean": "boolean", "integer": "integer", "long": "integer", "double": "number",
          "float": "number", "timestamp": "string"}


def service_model():
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("ecs", "service-2"), "ecs")


def add(shape, shapes):
    """Adds `shape`, and the shapes that it refers to, to `shapes`."""
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
    # One shape per line, so that the diff after an update of botocore is short.
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(shapes[name])}" for name in sorted(shapes))
    head = "".join(f"  {json.dumps(key)}: {json.dumps(name)},\n" for key, name in roots.items())
    return f'{{\n  "botocore": "{botocore.__version__}",\n{head}  "shapes": {{\n{lines}\n  }}\n}}\n'


if __name__ == "__main__":
    FILE.write_text(text())
