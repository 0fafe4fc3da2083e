// That files are read is tested by the consumer project, which links the library: tests/consumer/evaluate.cpp.
#include <pathline/io/load_any.hpp>

#include <support/catch.hpp>

#include <concepts>
#include <string>

using namespace pathline;

static_assert(std::same_as<decltype(io::load_any<float>("")), AnyFlow<float>>);
static_assert(std::same_as<decltype(io::load_any<double>("")), AnyFlow<double>>);
static_assert(std::derived_from<NotPrecompiledError, FileError>);

TEST_CASE("NotPrecompiledError says what the library does not have, and what to do", "[io][errors]") {
  const NotPrecompiledError error("a.safetensors", "field", "PeriodicMlp with activation Tanh", "Mlp, Potential");
  CHECK(std::string(error.what()) ==
        "io::load_any: a.safetensors: field is PeriodicMlp with activation Tanh, and pathline::precompiled has Mlp, "
        "Potential; io::load_cnf (pathline/io/model.hpp), with the flow's type in code, reads every flow");
  CHECK(error.part == "field");
  CHECK(error.type == "PeriodicMlp with activation Tanh");
  CHECK_THAT(NotPrecompiledError("a", "base", "", "StandardNormal").what(),
             ContainsSubstring("a: base is missing, and pathline::precompiled has StandardNormal"));
}
