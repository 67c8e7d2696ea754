"""What arguments a provider's resources take, from the packages that CDK for Terraform has made of them."""

import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Argument:
    required: bool
    # string, number, boolean, list, map, or None where anything goes.
    kind: str | None
    # For a block: what is in it, and whether it may stand there more than once.
    block: str | None = None
    many: bool = False


@dataclass
class Resource:
    # Name of an interface -> its arguments.
    interfaces: dict = field(default_factory=dict)
    root: str = ""
    # What can be read of it: the name without underscores -> as Terraform spells it.
    readable: dict = field(default_factory=dict)


def plain(name):
    return name.replace("_", "").lower()


class Provider:
    def __init__(self, folder):
        self.folder = Path(folder)
        package = json.loads((self.folder / "package.json").read_text())
        self.version = package["cdktf"]["provider"]["version"]
        self.source = package["cdktf"]["provider"]["name"].split("/", 1)[1]

    @functools.cache
    def resource(self, type_name, data=False):
        """None where the provider has none of that name."""
        folder = ("data-" + type_name if data else type_name).replace("_", "-")
        # The provider's own name is not in the folder's.
        for name in (folder, re.sub(r"^(data-)?[a-z]+-", r"\1", folder)):
            found = self._read(self.folder / "lib" / name)
            if found and found[0] == type_name:
                return found[1]
        return None

    @functools.cache
    def configuration(self):
        """Of the block `provider`."""
        return self._read(self.folder / "lib" / "provider")[1]

    def _read(self, folder):
        files = sorted(folder.rglob("*.d.ts"))
        if not files:
            return None
        text = "".join(file.read_text() for file in files)
        resource = Resource()
        for match in re.finditer(r"^export interface (\w+)(?: extends [^{]+)? \{\n(.*?)^\}", text, re.M | re.S):
            resource.interfaces[match.group(1)] = dict(_arguments(match.group(2)))
        declared = re.search(
            r"^export declare class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider) \{(.*?)^\}",
            text,
            re.M | re.S,
        )
        resource.root = declared.group(1) + "Config"
        resource.interfaces.setdefault(resource.root, {})
        # `id` is in all of them, and none takes it.
        resource.interfaces[resource.root].pop("id", None)
        getters = [
            name for name in re.findall(r"^    get (\w+)\(\)", declared.group(2), re.M) if not name.endswith("Input")
        ]
        resource.readable = {
            plain(name): _snake(name) for name in [*getters, "id", *resource.interfaces[resource.root]]
        }
        return re.search(r'tfResourceType = "(\w+)"', text).group(1), resource


def _snake(name):
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _arguments(body):
    for comment, name, optional, kind in re.findall(
        r"/\*\*(.*?)\*/\s*readonly (\w+)(\??): (.*?);\n(?=    /\*\*|\Z)", body, re.S
    ):
        # The comment has the name as Terraform spells it.
        link = re.search(r"\{@link \S+#(\w+) ", comment)
        spelled = link.group(1) if link else _snake(name)
        block = re.search(rf"^\s*\* {spelled} block$", comment, re.M)
        base = kind.split("|")[0].strip()
        if block:
            yield spelled, Argument(not optional, None, base.removesuffix("[]"), base.endswith("[]"))
            continue
        simple = {"string": "string", "number": "number", "boolean": "boolean"}.get(base)
        yield (
            spelled,
            Argument(
                not optional, simple or ("list" if base.endswith("[]") else "map" if base.startswith("{") else None)
            ),
        )
