"""Writes the typed stub of the generated module: what a caller sees of it, and the types that its author meant.

``stubs.py MODULE STUB``; ``cargo xtask bindings`` calls it. The generated code makes the variants of an enumeration subclasses
of it when it runs, which no type checker follows; and it says ``object`` where an argument may be left out.
"""

import ast
import pathlib
import sys

HEAD = """\
# Written by stubs.py from sprag.py beside it: cargo xtask bindings.
import builtins
import enum
import typing
"""

# Inside a class a field may be called like one of these.
BUILTINS = {"bool", "bytes", "float", "int", "object", "str"}


class Spell(ast.NodeTransformer):
    """Types as the stub says them."""

    def visit_Name(self, node):
        return ast.parse(f"builtins.{node.id}", mode="eval").body if node.id in BUILTINS else node

    def visit_Attribute(self, node):
        lists = ast.unparse(node) == "typing.List"
        return ast.parse("builtins.list", mode="eval").body if lists else node


def spelled(annotation, is_optional=False):
    if is_optional and isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "typing.Union":
        annotation = annotation.slice.elts[1]
    return ast.unparse(Spell().visit(annotation))


def parameters(arguments):
    """A parameter list, in which what may be left out says so and not what it then is."""
    first = len(arguments.args) - len(arguments.defaults)
    words = []
    for number, argument in enumerate(arguments.args):
        words.append(one(argument, number >= first))
    if arguments.kwonlyargs:
        words.append("*")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        words.append(one(argument, default is not None))
    return ", ".join(words)


def one(argument, is_optional):
    kind = f": {spelled(argument.annotation, is_optional)}" if argument.annotation else ""
    return f"{argument.arg}{kind}{' = ...' if is_optional else ''}"


def function(node, indent):
    for decorator in node.decorator_list:
        yield f"{indent}@{ast.unparse(decorator)}"
    answer = spelled(node.returns) if node.returns else "None"
    yield f"{indent}def {node.name}({parameters(node.args)}) -> {answer}: ..."


def record(node, name, base, indent):
    """A class with fields: those that its constructor takes."""
    yield f"{indent}class {name}{f'({base})' if base else ''}:"
    inner = indent + "    "
    [init] = [child for child in node.body if isinstance(child, ast.FunctionDef) and child.name == "__init__"]
    for argument in init.args.args[1:] + init.args.kwonlyargs:
        yield f"{inner}{argument.arg}: {spelled(argument.annotation)}"
    yield from function(init, inner)


def variants(node):
    """An enumeration whose variants have fields."""
    yield f"class {node.name}:"
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from record(child, child.name, node.name, "    ")


def names(node):
    """An enumeration of names alone."""
    yield f"class {node.name}(enum.Enum):"
    for child in node.body:
        if isinstance(child, ast.Assign):
            yield f"    {ast.unparse(child)}"


def error(node):
    """An error and its kinds. The package gives it its number."""
    kinds = [child.name for child in node.body if isinstance(child, ast.ClassDef)]
    yield f"class {node.name}(Exception):{'' if kinds else ' ...'}"
    if kinds:
        yield "    @property"
        yield "    def code(self) -> builtins.int: ..."
    for kind in kinds:
        yield f"    class {kind}({node.name}): ..."


def methods(node):
    """The class of an object, or its protocol."""
    base = "(typing.Protocol)" if node.name.endswith("Protocol") else ""
    yield f"class {node.name}{base}:"
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
            yield from function(child, "    ")


def stub(node):
    bases = [ast.unparse(base) for base in node.bases]
    inner = [child for child in node.body if isinstance(child, ast.ClassDef)]
    if "enum.Enum" in bases:
        return names(node)
    if node.name.endswith("Error"):
        return error(node)
    if inner:
        return variants(node)
    if any(isinstance(child, ast.FunctionDef) and child.name == "__init__" for child in node.body) and not bases:
        return record(node, node.name, "", "")
    return methods(node)


def write(source):
    tree = ast.parse(source)
    [exported] = [
        [entry.value for entry in node.value.elts]
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    # Of two classes of one name the later is the one that stays.
    found = {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    lines = [HEAD]
    for name in exported:
        node = found[name]
        lines += function(node, "") if isinstance(node, ast.FunctionDef) else stub(node)
        lines.append("")
    return "\n".join(lines)


def main():
    module, place = map(pathlib.Path, sys.argv[1:])
    place.write_text(write(module.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
