"""Generates the stubs from proto/ when the package is built; a source archive carries its own copy of the proto."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent.resolve()
NAME = "tributary/v1/signals.proto"
OURS = HERE / "proto"
PROTO = OURS if (OURS / NAME).exists() else HERE.parent.parent / "proto"


class BuildPy(build_py):
    def run(self):
        from grpc_tools import protoc

        super().run()
        out = Path(self.build_lib)
        out.mkdir(parents=True, exist_ok=True)
        arguments = [f"-I{PROTO}", f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}", NAME]
        if protoc.main(["protoc", *arguments]) != 0:
            raise RuntimeError("the stubs cannot be generated")


class Sdist(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        target = Path(base_dir) / "proto" / NAME
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROTO / NAME, target)


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
