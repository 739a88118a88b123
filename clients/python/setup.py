"""Generates the stubs from proto/ when the package is built; a source archive carries its own copy of the proto."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent.resolve()
NAMES = ["tributary/v1/signals.proto", "tributary/v1/signal_service.proto"]
OURS = HERE / "proto"
PROTO = OURS if OURS.exists() else HERE.parent.parent / "proto"


class BuildPy(build_py):
    def run(self):
        from grpc_tools import protoc

        super().run()
        out = Path(self.build_lib)
        out.mkdir(parents=True, exist_ok=True)
        arguments = [f"-I{PROTO}", f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}", *NAMES]
        if protoc.main(["protoc", *arguments]) != 0:
            raise RuntimeError("the stubs cannot be generated")


class Sdist(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        for name in NAMES:
            target = Path(base_dir) / "proto" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROTO / name, target)


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
