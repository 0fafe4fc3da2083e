/// \file
/// A trained flow for a device: one self-contained C++17 header without Eigen, heap, exceptions or RTTI, whose calls
/// take a fixed number of evaluations. docs/devices.md.
///
/// ```
/// io::write_header("sensor_flow.hpp", flow, data, {.name = "sensor_flow", .tolerance = 1e-3});
/// …
/// #include "sensor_flow.hpp"  // on the device
/// float x[2] = {…}, log_p;
/// if (!sensor_flow::log_prob(x, log_p) || log_p < alarm) raise();
/// ```
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/real_time/fixed_step_flow.hpp>
#include <pathline/flow/real_time/step_calibration.hpp>
#include <pathline/io/device/device_code.hpp>
#include <pathline/io/device/device_ends.hpp>
#include <pathline/io/device/device_field.hpp>
#include <pathline/io/device/device_text.hpp>
#include <pathline/io/replace_file.hpp>
#include <pathline/version.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <type_traits>

namespace pathline::io {

struct HeaderOptions {
  std::string name = "flow";     ///< Of the namespace; a C++ identifier.
  std::string description = {};  ///< Stands in the header as a comment.
  double tolerance = 1e-3;       ///< As CalibrationOptions has it, and so the next two.
  Index max_evaluations = 240;   ///< Of the field, a call.
  std::uint64_t seed = 0;        ///< Of the base points whose samples are compared.
};

namespace detail {

/// One readable line for each flow that cannot be exported.
template <class Flow>
struct HeaderCheck {
  using Parts = typename pathline::detail::PartsOfFlow<Flow>::Parts;
  static constexpr bool field = DeviceField<typename Parts::Field>::known;
  static constexpr bool transform = DeviceTransform<typename Parts::Transform>::known;
  static constexpr bool context = DeviceContext<typename Parts::Context>::known;
  static constexpr bool base = DeviceBase<typename Parts::Base>::known;
  static constexpr bool value = field && transform && context && base;
  static_assert(field,
                "write_header: the field must be Mlp or SquashMlp with an activation of the library, or "
                "Network<Potential>; RealTimeFlow takes every field");
  static_assert(!field || transform, "write_header: the data transform must be none, Standardize or Whiten");
  static_assert(!field || !transform || context,
                "write_header: the context transform must be none or StandardizeContext");
  static_assert(!field || !transform || !context || base,
                "write_header: the base density must be StandardNormal, DiagonalGaussian or FullGaussian");
};

inline std::string number_line(const std::string& type, const std::string& name, const std::string& value,
                               const std::string& comment = "") {
  return "inline constexpr " + type + " " + name + " = " + value + ";" + (comment.empty() ? "" : "  // " + comment) +
         "\n";
}

/// The method's numbers for steps of length h: h a (stages × stages, row by row), h b, c.
template <Real Scalar>
[[nodiscard]] std::string steps_text(const StepCalibration& calibration, double time_of_data, double time_of_base) {
  const ChosenMethod& method = calibration.method;
  const Index stages = method.stages();
  const double h = (time_of_base - time_of_data) / double(calibration.steps);
  Batch<Scalar> a(stages, stages), b(stages, 1), c(stages, 1);
  for (Index i = 0; i < stages; ++i) {
    for (Index j = 0; j < stages; ++j) a(j, i) = Scalar(h * method.A(i, j));
    b(i, 0) = Scalar(h * method.b[std::size_t(i)]);
    c(i, 0) = Scalar(method.c[std::size_t(i)]);
  }
  return number_line("scalar", "time_of_data", literal(Scalar(time_of_data))) +
         number_line("scalar", "time_of_base", literal(Scalar(time_of_base))) +
         number_line("scalar", "step_length", literal(Scalar(h))) + array_text<Scalar>("scalar", "step_a", a) +
         array_text<Scalar>("scalar", "step_b", b) + array_text<Scalar>("scalar", "step_c", c);
}

/// What the header says of itself: sizes, the measured errors and the cost of a call.
template <Real Scalar, Real DataScalar>
[[nodiscard]] std::string facts_text(const StepCalibration& calibration, const DeviceFieldText& field, Index dim,
                                     Index context_rows) {
  const auto integer = [](const char* name, Index value, const char* comment = "") {
    return number_line("long", name, std::to_string(value), comment);
  };
  const auto error = [](const char* name, const MeasuredError& measured, const char* comment) {
    return number_line("Error", name, "{" + literal(measured.max) + ", " + literal(measured.rms) + "}", comment);
  };
  const Index evaluations = calibration.evaluations(), stages = calibration.method.stages();
  const Index scratch = field.scratch + (stages + 2) * (dim + 1) + 1 + context_rows;
  std::string errors;
  if (calibration.samples > 0)
    errors = R"code(
// Measured against the same flow by many more steps, over the data of the calibration: the largest difference and the
// root mean square.
struct Error {
  double max, rms;
};
)code" + error("log_prob_error", calibration.log_prob, "nats") +
             error("transform_error", calibration.transform, "of z, in units of the base density") +
             error("sample_error", calibration.sample, "in the flow's coordinates, before the data transform") +
             number_line("double", "tolerance", literal(calibration.tolerance)) +
             integer("calibration_samples", calibration.samples) + "\n";
  return std::string("using scalar = ") + scalar_name<Scalar> + ";\nusing data_scalar = " + scalar_name<DataScalar> +
         ";\n" + number_line("int", "dim", std::to_string(dim)) +
         number_line("int", "context_rows", std::to_string(context_rows)) +
         number_line("int", "data_rows", "dim + context_rows") +
         number_line("int", "steps", std::to_string(calibration.steps)) +
         number_line("int", "stages", std::to_string(stages)) +
         number_line("int", "evaluations", "steps * stages", "of the field, each call") + errors +
         integer("log_prob_flops", evaluations * field.flops_with_trace, "of products with weights") +
         integer("transform_flops", evaluations * field.flops, "as above; inverse and sample alike") +
         integer("activations", evaluations * field.activations, "calls of exp, tanh and the like, each call") +
         number_line("long", "scratch_bytes", std::to_string(scratch) + " * long(sizeof(scalar))",
                     "arrays on the stack during log_prob");
}

/// The errors in words.
[[nodiscard]] inline std::string errors_in_words(const StepCalibration& calibration) {
  using pathline::detail::number;
  if (calibration.samples == 0) return "The errors of the steps were not measured.\n";
  return "Largest errors on " + std::to_string(calibration.samples) + " samples:\nlog p " +
         number(calibration.log_prob.max) + " nats, z " + number(calibration.transform.max) + ", samples " +
         number(calibration.sample.max) + ".\n";
}

template <class Flow>
[[nodiscard]] std::string header_text(const Flow& flow, const StepCalibration& calibration,
                                      const HeaderOptions& options) {
  using Check = HeaderCheck<Flow>;
  using Parts = typename Check::Parts;
  using Scalar = typename Parts::Scalar;
  const DeviceFieldText field = DeviceField<typename Parts::Field>::text(flow.field());
  const DevicePartText transform =
      DeviceTransform<typename Parts::Transform>::template text<Scalar>(flow.data_transform());
  const DevicePartText context = DeviceContext<typename Parts::Context>::text(flow.context_transform());
  const DevicePartText base = DeviceBase<typename Parts::Base>::template text<Scalar>(flow.base(), flow.dim());
  const std::string version =
      std::to_string(version_major) + "." + std::to_string(version_minor) + "." + std::to_string(version_patch);
  const std::string about =
      "A continuous normalizing flow, written by pathline " + version + ". C++17; no heap, exceptions or RTTI.\n" +
      options.description + (options.description.empty() ? "" : "\n") + "\n" + field.description + ", " +
      scalar_name<Scalar> + "; " + transform.description + context.description + "; " + base.description + "\n" +
      std::to_string(calibration.steps) + " steps of " + calibration.method.name + ", " +
      std::to_string(calibration.evaluations()) + " evaluations a call. " + errors_in_words(calibration);
  return comment_text(about) +
         "#pragma once\n\n#include <cmath>\n#include <cstdint>\n#include <cstring>\n\nnamespace " + options.name +
         " {\n\n" +
         facts_text<Scalar, typename Parts::DataScalar>(calibration, field, flow.dim(), flow.context_rows()) +
         "\nnamespace detail {\n\n" + number_line("int", "side", std::to_string(flow.field().side_rows())) +
         steps_text<Scalar>(calibration, flow.time_span().data, flow.time_span().base) + field.code + transform.code +
         context.code + base.code + solve_code + "\n}  // namespace detail\n" + public_code + "\n}  // namespace " +
         options.name + "\n";
}

}  // namespace detail

/// Writes the header for a flow by the method and the steps of a calibration. The file is replaced as a whole. Of steps
/// that were chosen by hand (`samples` is 0) the header says that their errors were not measured.
///
/// It defines, in the namespace `options.name`, `log_prob`, `transform`, `inverse` and `sample` as `RealTimeFlow` has
/// them, for arrays of C; and as constants the measured errors, the evaluations, products and activations of a call,
/// and the bytes of its scratch. Of a conditional flow the context stands after the sample.
/// \throws ArgumentError for a name that is no C++ identifier, a calibration without steps or of other parameters, or
///         a parameter that is not finite; FileError when the file cannot be written, which is then as before.
template <class F, class... P>
void write_header(const std::filesystem::path& path, const Cnf<F, P...>& flow, const StepCalibration& calibration,
                  const HeaderOptions& options = {}) {
  using Flow = Cnf<F, P...>;
  if constexpr (detail::HeaderCheck<Flow>::value) {
    detail::require_identifier("write_header: name", options.name);
    pathline::detail::require_finite_parameters("write_header", flow.parameters());
    pathline::detail::require_calibrated("write_header", flow, calibration);
    const std::string text = detail::header_text(flow, calibration, options);
    replace_file("write_header", path, [&text](std::ostream& out) { out << text; });
  }
}

/// The same by the calibration on raw data (data_rows() × n) that the options ask for, which it returns.
/// \throws As the form above, and as `calibrate_steps`: ShapeError, DataError, CalibrationError.
template <class F, class... P>
StepCalibration write_header(const std::filesystem::path& path, const Cnf<F, P...>& flow,
                             ConstDataRef<typename Cnf<F, P...>::DataScalar> data, const HeaderOptions& options = {}) {
  if constexpr (detail::HeaderCheck<Cnf<F, P...>>::value) {
    detail::require_identifier("write_header: name", options.name);
    const StepCalibration calibration = calibrate_steps(
        flow, data, {.tolerance = options.tolerance, .max_evaluations = options.max_evaluations, .seed = options.seed});
    write_header(path, flow, calibration, options);
    return calibration;
  } else {
    return {};
  }
}

}  // namespace pathline::io
