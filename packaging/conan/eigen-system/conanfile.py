"""The Eigen in $EIGEN_INCLUDE (/usr/include/eigen3) as Conan's package `eigen`, for work without a network."""
import os
import re

from conan import ConanFile
from conan.tools.files import load

required_conan_version = ">=2.0"


def include_folder():
    return os.environ.get("EIGEN_INCLUDE", "/usr/include/eigen3")


class EigenSystemConan(ConanFile):
    name = "eigen"
    package_type = "header-library"

    def set_version(self):
        # Eigen 5 has its version in Eigen/Version; 3.4 has no PATCH, and calls its own numbers WORLD, MAJOR and MINOR.
        for file in "Eigen/Version", "Eigen/src/Core/util/Macros.h":
            path = os.path.join(include_folder(), file)
            if os.path.exists(path):
                numbers = dict(re.findall(r"^#define EIGEN_([A-Z]+)_VERSION +([0-9]+)", load(self, path), re.MULTILINE))
                break
        names = ("MAJOR", "MINOR", "PATCH") if "PATCH" in numbers else ("WORLD", "MAJOR", "MINOR")
        self.version = ".".join(numbers[name] for name in names)

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.includedirs = [include_folder()]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "Eigen3")
        self.cpp_info.set_property("cmake_target_name", "Eigen3::Eigen")
