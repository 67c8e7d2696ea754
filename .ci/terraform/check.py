"""Checks infrastructure/ as `terraform validate` would, which needs providers that cannot be had everywhere.

    check.py NAMES [ROOT]              what is wrong in ROOT/infrastructure
    check.py NAMES --mistakes [ROOT]   makes mistakes, one at a time, and says which of them nobody noticed
    check.py NAMES --stand-in DIRECTORY [ROOT]
                                       writes the folders of env there without a provider, for `terraform test`

NAMES is the folder with one folder of argument names for each provider; .ci/terraform.sh fetches them.
"""

import posixpath
import re
import sys
from pathlib import Path

import yaml

import hcl
import mistakes
import stand_in
from schema import Provider, plain

ENV = "infrastructure/env/"
# Those in use, so that a slip is none of them. What is new in use is one word here.
FUNCTIONS = {
    "alltrue",
    "anytrue",
    "can",
    "cidrnetmask",
    "cidrsubnet",
    "contains",
    "distinct",
    "endswith",
    "flatten",
    "floor",
    "index",
    "join",
    "jsondecode",
    "jsonencode",
    "length",
    "merge",
    "regex",
    "replace",
    "slice",
    "sort",
    "split",
    "startswith",
    "strcontains",
    "templatefile",
    "tolist",
    "tonumber",
    "toset",
    "trimprefix",
    "try",
    "values",
}
META_ARGUMENTS = {"count", "for_each", "depends_on", "provider"}
META_BLOCKS = {"lifecycle"}
LIFECYCLE = {"ignore_changes", "create_before_destroy", "prevent_destroy", "replace_triggered_by"}
# Blocks of the language itself: their arguments, and those that must be there.
LANGUAGE = {
    "variable": ({"description", "type", "default", "sensitive", "nullable", "ephemeral"}, {"description", "type"}),
    "validation": ({"condition", "error_message"}, {"condition", "error_message"}),
    "output": ({"description", "value", "sensitive", "depends_on"}, {"description", "value"}),
}
BACKEND = {"key", "encrypt", "use_lockfile"}


def read(root):
    """The files that are checked, by their path from the root."""
    found = {}
    for file in sorted((root / "infrastructure").rglob("*")):
        relative = file.relative_to(root).as_posix()
        if (
            file.is_file()
            and ".terraform/" not in relative
            and (file.suffix in {".tf", ".example", ".json"} or file.name == "app.pipecd.yaml")
        ):
            found[relative] = file.read_text()
    return found


class Folder:
    """A folder of Terraform: all its .tf files together."""

    def __init__(self, path, files):
        self.path = path
        self.files = files
        self.blocks = []
        for name, text in files.items():
            if name.endswith(".tf"):
                try:
                    self.blocks += [(f"{path}/{name}", block) for block in _parsed(name, text)]
                except hcl.Unreadable as problem:
                    raise hcl.Unreadable(f"{path}/{name}, {problem}") from None

    def of(self, kind):
        return [(file, block) for file, block in self.blocks if block.type == kind]

    def labelled(self, kind):
        return {block.labels[-1]: block for _, block in self.of(kind) if block.labels}

    def instances(self):
        """Resources and data sources by what an expression calls them."""
        found = {(block.labels[0], block.labels[1]): block for _, block in self.of("resource")}
        found |= {("data", *block.labels): block for _, block in self.of("data")}
        return found

    def locals(self):
        return {name: (file, value) for file, block in self.of("locals") for name, value in block.attributes.items()}

    def modules(self):
        """Name of a call -> the folder that it calls."""
        return {
            name: posixpath.normpath(posixpath.join(self.path, block.attributes["source"].raw.strip('"')))
            for name, block in self.labelled("module").items()
            if "source" in block.attributes
        }


def _parsed(name, text):
    root = hcl.parse(text)
    if root.attributes:
        raise hcl.Unreadable(f"line {next(iter(root.attributes.values())).line}: an argument outside of a block")
    return root.blocks


def folders(files):
    found = {}
    for path, text in files.items():
        folder, name = posixpath.split(path)
        found.setdefault(folder, {})[name] = text
    return {path: Folder(path, names) for path, names in found.items() if any(name.endswith(".tf") for name in names)}


def check(files, providers):
    """What is wrong, one line each."""
    try:
        all_folders = folders(files)
    except (hcl.Unreadable, ValueError) as problem:
        return [str(problem)]
    if not all_folders:
        return ["there is no Terraform in infrastructure/"]
    wrong = []
    for folder in all_folders.values():
        wrong += Checker(folder, all_folders, providers).run()
        if folder.path.startswith(ENV):
            wrong += environment(folder, all_folders, providers)
    wrong += prefixes(files)
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if path.endswith(".tf") and "TODO" in line.replace("TODO_ and a name", ""):
                wrong.append(f"{path}:{number}: a TODO; what the owner must tell is a variable")
            if "checkov:skip" in line and not re.search(r"#checkov:skip=CKV2?_AWS_\d+:\S.{19,}$", line):
                wrong.append(f"{path}:{number}: a skip of checkov needs its number and a reason")
    return wrong


class Checker:
    """One folder: arguments, blocks and references."""

    def __init__(self, folder, all_folders, providers):
        self.folder = folder
        self.all = all_folders
        self.providers = providers
        self.wrong = []
        self.used = set()
        # The block of the file that is looked at.
        self.owner = None

    def run(self):
        names = set()
        for file, block in self.folder.blocks:
            where = f"{file}:{block.line}: "
            label = (block.type, *block.labels)
            if block.type != "locals" and label in names:
                self.wrong.append(f"{where}{' '.join(label)} is there twice")
            names.add(label)
            handler = getattr(self, "_" + block.type, None)
            if handler is None:
                self.wrong.append(f"{where}there is no block {block.type}")
                continue
            self.owner = block
            handler(file, block)
        for kind, names in (("var", self.folder.labelled("variable")), ("local", self.folder.locals())):
            for name in names:
                if (kind, name) not in self.used:
                    self.wrong.append(f"{self.folder.path}: {kind}.{name} is used nowhere")
        return self.wrong

    # --- Blocks, by their type

    def _terraform(self, file, block):
        if "required_version" not in block.attributes:
            self.wrong.append(f"{file}:{block.line}: no required_version")
        for inner in block.blocks:
            if inner.type == "backend":
                for name in set(inner.attributes) ^ BACKEND:
                    self.wrong.append(
                        f"{file}:{inner.line}: the backend has key, encrypt and use_lockfile; look at {name}"
                    )
            elif inner.type != "required_providers":
                self.wrong.append(f"{file}:{inner.line}: there is no block {inner.type} in terraform")

    def _provider(self, file, block):
        provider = self.providers.get(block.labels[0])
        if provider is None:
            self.wrong.append(f"{file}:{block.line}: no names are known of the provider {block.labels[0]}")
            return
        schema = provider.configuration()
        self._against(file, block, schema, schema.root, set(), set())

    def _resource(self, file, block):
        self._instance(file, block, data=False)

    def _data(self, file, block):
        self._instance(file, block, data=True)

    def _instance(self, file, block, data):
        where = f"{file}:{block.line}: "
        provider = self.providers.get(block.labels[0].split("_")[0])
        schema = provider and provider.resource(block.labels[0], data)
        if not schema:
            self.wrong.append(
                f"{where}no provider has {'the data source' if data else 'the resource'} {block.labels[0]}"
            )
            return
        self._against(file, block, schema, schema.root, META_ARGUMENTS, META_BLOCKS)

    def _against(self, file, block, schema, interface, more_arguments, more_blocks):
        """The block's arguments and blocks are those of the provider."""
        known = schema.interfaces[interface]
        name = " ".join([block.type, *block.labels[:1]])
        for argument in block.attributes.values():
            where = f"{file}:{argument.line}: "
            self._expression(where, argument.raw)
            if argument.name in more_arguments:
                continue
            expected = known.get(argument.name)
            if expected is None:
                self.wrong.append(f"{where}{name} has no argument {argument.name}")
            elif expected.block:
                self.wrong.append(f"{where}{argument.name} of {name} is a block, without =")
            elif problem := literal(expected.kind, argument.raw):
                self.wrong.append(f"{where}{argument.name} of {name} {problem}")
        counts = {}
        for inner in block.blocks:
            where = f"{file}:{inner.line}: "
            if inner.type in more_blocks:
                for argument in inner.attributes.values():
                    if argument.name not in LIFECYCLE:
                        self.wrong.append(f"{where}lifecycle has no argument {argument.name}")
                    if argument.name == "ignore_changes":
                        for ignored in re.findall(r"\w+", argument.raw):
                            if ignored not in known and ignored != "all":
                                self.wrong.append(f"{where}{name} has no argument {ignored} to ignore")
                continue
            expected = known.get(inner.type)
            counts[inner.type] = counts.get(inner.type, 0) + 1
            if expected is None:
                self.wrong.append(f"{where}{name} has no block {inner.type}")
            elif not expected.block:
                self.wrong.append(f"{where}{inner.type} of {name} is an argument, with =")
            else:
                if counts[inner.type] > 1 and not expected.many:
                    self.wrong.append(f"{where}{name} has one block {inner.type} at most")
                self._against(file, inner, schema, expected.block, set(), set())
        for missing, expected in known.items():
            if expected.required and missing not in block.attributes and missing not in counts:
                self.wrong.append(f"{file}:{block.line}: {name} needs {missing}")

    def _language(self, file, block):
        arguments, needed = LANGUAGE[block.type]
        for argument in block.attributes.values():
            if argument.name not in arguments:
                self.wrong.append(f"{file}:{argument.line}: {block.type} has no argument {argument.name}")
            if argument.name != "type":
                self._expression(f"{file}:{argument.line}: ", argument.raw)
        for missing in needed - set(block.attributes):
            self.wrong.append(f"{file}:{block.line}: {' '.join([block.type, *block.labels])} has no {missing}")
        for inner in block.blocks:
            if block.type == "variable" and inner.type == "validation":
                self._language(file, inner)
                if f"var.{block.labels[0]}" not in hcl.code(inner.attributes["condition"].raw):
                    self.wrong.append(f"{file}:{inner.line}: the condition does not look at var.{block.labels[0]}")
            else:
                self.wrong.append(f"{file}:{inner.line}: {block.type} has no block {inner.type}")

    def _variable(self, file, block):
        before = set(self.used)
        self._language(file, block)
        # Its own conditions are no use of it.
        if ("var", block.labels[0]) not in before:
            self.used.discard(("var", block.labels[0]))

    def _output(self, file, block):
        self._language(file, block)

    def _locals(self, file, block):
        for argument in block.attributes.values():
            self._expression(f"{file}:{argument.line}: ", argument.raw)
        for inner in block.blocks:
            self.wrong.append(f"{file}:{inner.line}: locals has no blocks")

    def _module(self, file, block):
        where = f"{file}:{block.line}: "
        target = self.all.get(self.folder.modules().get(block.labels[0]))
        if target is None:
            self.wrong.append(f"{where}the module {block.labels[0]} has no source in this repository")
            return
        variables = target.labelled("variable")
        for argument in block.attributes.values():
            if argument.name == "source":
                continue
            if argument.name not in META_ARGUMENTS | set(variables):
                self.wrong.append(f"{file}:{argument.line}: {target.path} has no variable {argument.name}")
            self._expression(f"{file}:{argument.line}: ", argument.raw)
        for name, variable in variables.items():
            if "default" not in variable.attributes and name not in block.attributes:
                self.wrong.append(f"{where}{target.path} needs {name}")

    # --- Expressions

    def _expression(self, where, raw):
        try:
            found, local_names, functions = hcl.references(raw), hcl.names_in_for(raw), hcl.functions(raw)
        except (hcl.Unreadable, ValueError) as problem:
            self.wrong.append(f"{where}{problem}")
            return
        for function in functions - FUNCTIONS - {"for", "if", "in"}:
            self.wrong.append(f"{where}{function} is no function that this check knows")
        for parts in found:
            problem = self._reference(parts, local_names)
            if problem:
                self.wrong.append(f"{where}{'.'.join(parts).replace('.[', '[…]')}: {problem}")

    def _reference(self, parts, local_names):
        head = parts[0]
        if head in local_names or head == "path":
            return None
        if len(parts) == 1:
            return "nothing has this name here"
        if head in ("each", "count"):
            needed = "for_each" if head == "each" else "count"
            return None if needed in self.owner.attributes else f"there is no {needed}"
        if head in ("var", "local"):
            self.used.add((head, parts[1]))
            known = self.folder.labelled("variable") if head == "var" else self.folder.locals()
            return None if parts[1] in known else "there is none"
        if head == "module":
            call = self.folder.labelled("module").get(parts[1])
            target = self.all.get(self.folder.modules().get(parts[1]))
            if call is None or target is None:
                return "there is no such module"
            rest, problem = indexed(call, parts[2:])
            if problem or not rest:
                return problem
            return None if rest[0] in target.labelled("output") else f"{target.path} has no output {rest[0]}"
        length = 3 if head == "data" else 2
        known = self.folder.instances().get(tuple(parts[:length]))
        if known is None:
            return "there is none"
        rest, problem = indexed(known, parts[length:])
        if problem or not rest:
            return problem
        type_name = parts[length - 2]
        provider = self.providers.get(type_name.split("_")[0])
        schema = provider and provider.resource(type_name, head == "data")
        if schema and plain(rest[0]) not in schema.readable:
            return f"{type_name} has nothing called {rest[0]}"
        return None


def indexed(block, rest):
    """What comes after the index, which is there where there may be more than one, and nowhere else."""
    many = bool({"count", "for_each"} & set(block.attributes))
    if rest and rest[0] == "[":
        return rest[1:], None if many else "there is only one, it has no index"
    if many and rest:
        return [], "there may be several, it needs an index"
    return rest, None


def literal(kind, raw):
    """What is wrong with a plain value, where it is one."""
    text = re.fullmatch(r'"[^"$]*"', raw)
    if kind in ("number", "boolean") and text and not re.fullmatch(r'"(\d+|true|false)"', raw):
        return f"is a {kind}, not a text"
    if kind in ("string", "number", "boolean") and raw[0] in "[{":
        return f"is one {kind}"
    if kind == "list" and (text or re.fullmatch(r"\d+|true|false", raw)):
        return "is a list"
    if kind == "boolean" and re.fullmatch(r"\d+", raw) or kind == "number" and raw in ("true", "false"):
        return f"is a {kind}"
    return None


def environment(folder, all_folders, providers):
    """What a folder has that is applied by itself."""
    wrong = []
    settings = [block for _, block in folder.of("terraform")]
    if len(settings) != 1 or not settings[0].of("backend"):
        return [f"{folder.path}: one block terraform, with a backend"]
    key = settings[0].of("backend")[0].attributes.get("key")
    name = posixpath.basename(folder.path)
    if not key or key.raw != f'"handson/{name}.tfstate"':
        wrong.append(f"{folder.path}: the key of the state is not handson/{name}.tfstate")

    declared = settings[0].of("required_providers")
    declared = declared[0].attributes if declared else {}
    used = {block.labels[0].split("_")[0] for _, block in folder.of("resource") + folder.of("data")}
    for short in sorted(used | set(declared)):
        provider = providers.get(short)
        if short not in declared or provider is None:
            wrong.append(f"{folder.path}: the provider {short} is not in required_providers, or unknown here")
            continue
        raw = declared[short].raw
        if provider.source.lower() not in raw.lower():
            wrong.append(f"{folder.path}: the source of {short} is not {provider.source}")
        series = provider.version.rsplit(".", 1)[0]
        if f'"~> {series}"' not in raw:
            wrong.append(
                f"{folder.path}: {short} is checked against the names of {provider.version}: pin it to ~> {series}"
            )

    # What the owner fills in.
    variables = folder.labelled("variable")
    example = folder.files.get("terraform.tfvars.example", "")
    given = set(re.findall(r"^(\w+) +=|^(\w+)=", example, re.M))
    given = {first or second for first, second in given}
    # In a comment: what has a default. Deeper lines belong to a value.
    told = given | set(re.findall(r"^# (\w+) +=", example, re.M))
    for variable, block in variables.items():
        if "default" not in block.attributes and variable not in given:
            wrong.append(f"{folder.path}: terraform.tfvars.example does not set {variable}")
        if variable not in told:
            wrong.append(f"{folder.path}: terraform.tfvars.example does not tell of {variable}")
    for variable in told - set(variables):
        wrong.append(f"{folder.path}: terraform.tfvars.example sets {variable}, which is no variable")
    backend = set(re.findall(r"^(\w+) *=", folder.files.get("backend.hcl.example", ""), re.M))
    if backend != {"bucket", "region"}:
        wrong.append(f"{folder.path}: backend.hcl.example has to set bucket and region")

    # PipeCD
    try:
        app = yaml.safe_load(folder.files.get("app.pipecd.yaml", ""))
        spec = app["spec"]
        flags = spec["input"]["commandFlags"]["init"]
        version = str(spec["input"]["terraformVersion"])
    except (yaml.YAMLError, KeyError, TypeError) as problem:
        return [*wrong, f"{folder.path}/app.pipecd.yaml: missing or incomplete: {problem}"]
    if app.get("kind") != "TerraformApp" or spec.get("name") != name:
        wrong.append(f"{folder.path}/app.pipecd.yaml: a TerraformApp with the name {name}")
    if "-backend-config=backend.hcl" not in flags:
        wrong.append(f"{folder.path}/app.pipecd.yaml: init does not get backend.hcl")
    if version != TERRAFORM_VERSION:
        wrong.append(
            f"{folder.path}/app.pipecd.yaml: terraformVersion is not {TERRAFORM_VERSION}, with which the modules are tested"
        )
    triggers = (spec.get("trigger", {}).get("onCommit") or {}).get("paths") or []
    uses, waiting = set(), [folder.path]
    while waiting:
        for module in all_folders[waiting.pop()].modules().values():
            if module not in uses and module in all_folders:
                uses.add(module)
                waiting.append(module)
    for module in uses - set(triggers):
        wrong.append(f"{folder.path}/app.pipecd.yaml: {module} is used, and a change there triggers nothing")
    for path in set(triggers) - uses:
        wrong.append(f"{folder.path}/app.pipecd.yaml: {path} triggers, and is not used")
    return wrong


LIST = r'locals \{\n(?:  # [^\n]+\n)+  NAME = \[\n((?:    "backend-[a-z0-9-]+",\n)+)  \]\n\}\n'


def names(files, path, name):
    """The names of a list, or None where the file has another form than `cargo workshop infra` writes to."""
    match = re.fullmatch(LIST.replace("NAME", name), files.get(path, ""))
    return re.findall(r'"(.+)"', match.group(1)) if match else None


def prefixes(files):
    wrong, lists = [], {}
    for path, name in (
        (ENV + "base-infra/prefixes.tf", "prefixes"),
        (ENV + "github-infra/prefixes.tf", "prefixes"),
        (ENV + "base-infra/canaries.tf", "canaries"),
    ):
        lists[path] = found = names(files, path, name)
        if found is None:
            wrong.append(f"{path}: not the form of a list of prefixes, one name a line")
        elif found != sorted(set(found)):
            wrong.append(f"{path}: the names are not sorted, or one is there twice")
    if wrong:
        return wrong
    base, github, canaries = lists.values()
    if base != github:
        wrong.append("prefixes.tf is not the same in base-infra and github-infra")
    for canary in set(canaries) - set(base):
        wrong.append(f"canaries.tf has {canary}, which is not in prefixes.tf")
    return wrong


def main(arguments):
    global TERRAFORM_VERSION
    TERRAFORM_VERSION, names_folder, *rest = arguments
    providers = {folder.name: Provider(folder) for folder in Path(names_folder).iterdir()}
    if rest[:1] == ["--mistakes"]:
        files = read(Path(*rest[1:2]))
        wrong = mistakes.unnoticed(files, lambda changed: check(changed, providers))
        done = f"{len(mistakes.MISTAKES)} mistakes, each noticed"
    elif rest[:1] == ["--stand-in"]:
        files = read(Path(*rest[2:3]))
        stand_in.write(folders(files), files, providers, Path(rest[1]))
        return 0
    else:
        files = read(Path(*rest[:1]))
        wrong = check(files, providers)
        count = (
            sum(len(folder.of("resource")) + len(folder.of("data")) for folder in folders(files).values())
            if not wrong
            else 0
        )
        done = f"{count} resources and data sources have arguments that their provider has"
    print("\n".join(wrong) or done, file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
