// Catch2 2 has its main function in the header; version 3 brings a library and does not compile this file.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
