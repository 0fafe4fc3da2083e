/// \file
/// A saved flow whose type the program does not name. What it computes is compiled in the library
/// `pathline::precompiled`: this header and flow/any_flow.hpp are all that a program which evaluates a flow compiles.
///
///     find_package(pathline REQUIRED)                              # built with -DPATHLINE_PRECOMPILED=ON
///     target_link_libraries(program PRIVATE pathline::precompiled)
#pragma once

#include <pathline/core/compiler_options.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/any_flow.hpp>

#include <string>

namespace pathline {

/// A file of a flow whose type is not among those that the library pathline::precompiled has.
struct NotPrecompiledError : FileError {
  NotPrecompiledError(const std::string& path, const std::string& its_part, const std::string& its_type,
                      const std::string& available)
      : FileError(
            detail::message({"io::load_any: ", path, ": ", its_part, " is ", its_type.empty() ? "missing" : its_type,
                             ", and pathline::precompiled has ", available,
                             "; io::load_cnf (pathline/io/model.hpp), with the flow's type in code, reads "
                             "every flow"})),
        part(its_part),
        type(its_type) {}
  std::string part, type;  ///< "field", "PeriodicMlp with activation Tanh".
};

namespace io {

namespace detail {

/// Defined in pathline::precompiled, for its own compiler options alone. A program with others (-march, OpenMP), or
/// one that does not link that library, misses this at link time.
template <Real Scalar, class Options>
struct PrecompiledFlows {
  [[nodiscard]] static AnyFlow<Scalar> load(const std::string& path);
};

}  // namespace detail

/// The flow of a file that `io::save` has written, with data of this scalar: the same densities and samples, bit by
/// bit. A file with data of float is also read for data of double, and then computes in double.
///
/// The library has the fields `Mlp` and `SquashMlp` with `Tanh` or `Softplus`, and OT-Flow's `Potential`; the data
/// transforms `Standardize`, `Whiten`, `Log` and `Logit`, or none; `StandardizeContext`, or none; all base densities
/// but `PeriodicBase`; evaluation by `Dopri5` with `PiController` and the exact trace. All presets are among them. By
/// which solver, trace and costs the flow was trained does not matter.
///
/// \throws FileError when the file cannot be read or is no model's; SchemaError when a newer pathline wrote it;
///         ModelError when it is damaged, or has data of double for `load_any<float>`; NotPrecompiledError when
///         the library does not have its type.
template <Real Scalar>
[[nodiscard]] AnyFlow<Scalar> load_any(const std::string& path) {
  return detail::PrecompiledFlows<Scalar, pathline::detail::TheseOptions>::load(path);
}

}  // namespace io
}  // namespace pathline
