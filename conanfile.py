"""Conan's package of this tree: `conan create . --build=missing`. The recipe of a release is in packaging/conan/all."""
import os
import re

from conan import ConanFile
from conan.errors import ConanException
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class PathlineConan(ConanFile):
    name = "pathline"
    description = "Neural ordinary differential equations and continuous normalizing flows, on Eigen"
    license = "MIT"
    topics = ("ode", "neural-ode", "normalizing-flows", "density-estimation", "eigen", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "LICENSE", "include/*"
    no_copy_source = True
    test_package_folder = "packaging/conan/all/test_package"

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, "include", "pathline", "version.hpp"))
        found = re.search(r'^#define PATHLINE_VERSION_STRING "([0-9.]+)"$', header, re.MULTILINE)
        if not found:
            raise ConanException("include/pathline/version.hpp has no PATHLINE_VERSION_STRING")
        self.version = found.group(1)

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("eigen/[>=3.4 <6]")

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", "pathline")
        self.cpp_info.set_property("cmake_target_name", "pathline::pathline")
        self.cpp_info.set_property("cmake_config_version_compat", "SameMinorVersion")
        self.cpp_info.set_property("pkg_config_name", "pathline")
