"""The package as it is installed: what it exports, its types, what it prints of secrets, and the program in the README."""

from __future__ import annotations

import importlib.metadata
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import sprag
from sprag import Client

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[2]
INSTALLED = pathlib.Path(sprag.__file__).parent


class Package(unittest.TestCase):
    def test_it_is_the_installed_one(self) -> None:
        self.assertIn("site-packages", INSTALLED.parts)
        self.assertEqual(importlib.metadata.version("sprag"), sprag.version())

    def test_it_is_what_is_in_the_tree(self) -> None:
        """The wheel's builder generates the module anew."""
        for name in ("__init__.py", "driver.py", "py.typed", "generated/sprag.pyi"):
            self.assertEqual((INSTALLED / name).read_bytes(), (HERE.parent / "sprag" / name).read_bytes(), name)
        generated = (HERE.parent / "generated/sprag.py").read_bytes()
        self.assertEqual((INSTALLED / "generated/sprag.py").read_bytes(), generated, "cargo xtask bindings")

    def test_the_stub_is_current(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            fresh = pathlib.Path(folder, "sprag.pyi")
            names = (HERE.parent / "stubs.py", INSTALLED / "generated/sprag.py", fresh)
            subprocess.run([sys.executable, "-B", *map(str, names)], check=True)
            committed = HERE.parent / "sprag/generated/sprag.pyi"
            self.assertEqual(fresh.read_text(), committed.read_text(), "cargo xtask bindings")

    def test_the_stub_has_every_public_name(self) -> None:
        for name in sprag.__all__:
            self.assertTrue(hasattr(sprag, name), name)
        generated = {name for name in vars(sprag) if name[0] != "_" and name not in ("driver", "generated")}
        self.assertLessEqual(generated - set(sprag.__all__), {"annotations", "Iterator"})

    def test_what_is_printed_of_a_link_code_is_no_secret(self) -> None:
        tablet = Client.link(None, bytes(32), b"alice")
        self.addCleanup(tablet.shut)
        code = tablet.link_code()
        printed = f"{code} {code!r} {[code]} {(code,)} {vars(tablet)} {tablet!r}"
        for secret in (code.text, code.digits, code.bytes.hex(), repr(code.bytes)[2:-1]):
            self.assertNotIn(secret, printed)
        self.assertIn(str(code.expires), printed)

    def test_no_error_says_a_key(self) -> None:
        key = b"this key has thirty-two bytes!!!"
        client = Client.create(None, key, b"alice")
        self.addCleanup(client.shut)
        with self.assertRaises(sprag.SpragError) as raised:
            client.rekey(key[:31])
        self.assertNotIn("thirty-two", repr(raised.exception) + str(raised.exception) + repr(client))

    def test_the_program_in_the_readme_works(self) -> None:
        """In an empty directory, with nothing but what is installed."""
        readme = (TREE / "README.md").read_text("utf-8")
        program = readme.partition("```python\n")[2].partition("```\n")[0]
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "hello.py").write_text(program, "utf-8")
            command = [sys.executable, "-W", "error", "-B", "hello.py"]
            said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60)
        self.assertEqual((said.stdout, said.stderr), ("alice says hello\n", ""))

    def test_what_a_call_costs(self) -> None:
        """A figure, and no bound: the machine may be busy."""
        client = Client.create(None, bytes(32), b"alice")
        self.addCleanup(client.shut)
        blob = bytes(1024)
        for what, call in (("device()", client.device), ("recognise(1 KiB)", lambda: sprag.recognise(blob))):
            begin, times = time.perf_counter(), 2000
            for _ in range(times):
                call()
            print(f"one call across the border, {what}: {(time.perf_counter() - begin) / times * 1e6:.1f} µs")


if __name__ == "__main__":
    unittest.main()
