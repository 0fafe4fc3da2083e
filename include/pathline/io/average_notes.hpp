/// \file
/// The average of a model's parameters in the model's file, beside the parameters themselves.
///
///     ExponentialMovingAverage<float> average{.decay = 0.999};
///     fit(flow, X, {.epochs = 200}, rng, average);
///     io::save("flow.safetensors", flow, io::notes_of(flow, average));
///     // in another program
///     auto flow = io::load<Flow>("flow.safetensors");
///     io::load_average("flow.safetensors", flow).swap(flow);
///
/// With what training reported (io/model/report_notes.hpp):
/// `io::save(path, flow, io::notes_of(report) + io::notes_of(flow, average))`.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/io/format/tensor_type.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/model/errors.hpp>
#include <pathline/io/model/model_file.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/model/parameters.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/train/exponential_moving_average.hpp>

#include <concepts>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace pathline::io {
namespace detail {

inline constexpr std::string_view average_prefix = "average.";

}  // namespace detail

/// The average as tensors with the names and shapes of the parameters, `average.field.0.weight`, …, and the texts
/// `average.decay` and `average.steps`. In the file all names begin with `notes.`.
/// \throws ArgumentError before the first step, or for an average that is not finite; ShapeError for the average of
///         another model.
template <class Model>
[[nodiscard]] Notes notes_of(const Model& model, const ExponentialMovingAverage<typename Model::Scalar>& average) {
  static_assert(detail::Saveable<Model>, "io::notes_of: the model must be a Cnf, a NeuralOde or a field");
  Notes notes;
  const auto& theta = average.parameters();
  require_rows("io::notes_of: the average", theta.size(), model.parameters().size());
  pathline::detail::require_finite_parameters("io::notes_of: the average", theta);
  detail::append_parameters<typename Model::Scalar>(detail::description_of(model), theta, notes.tensors);
  for (Tensor& tensor : notes.tensors) tensor.name.insert(0, detail::average_prefix);
  notes.texts["average.decay"] = format_number(average.decay);
  notes.texts["average.steps"] = std::to_string(average.steps);
  return notes;
}

/// The average that was saved with a model like this one; training goes on with it, `swap(model)` puts it into the
/// model.
///
/// \param rounding  Whether doubles of the file may be rounded to a model of float, as for `load`.
/// \throws FileError when the file cannot be read or is no model's; ModelError, with all differences by name, where it
///         has no average of such a model, or one of doubles for a model of float.
template <class Model>
[[nodiscard]] ExponentialMovingAverage<typename Model::Scalar> load_average(const std::filesystem::path& path,
                                                                            const Model& model,
                                                                            Rounding rounding = Rounding::refuse) {
  static_assert(detail::Saveable<Model>, "io::load_average: the model must be a Cnf, a NeuralOde or a field");
  using Scalar = typename Model::Scalar;
  Notes notes = read_notes(path);
  TensorFile file;
  for (Tensor& tensor : notes.tensors)
    if (tensor.name.compare(0, detail::average_prefix.size(), detail::average_prefix) == 0) {
      tensor.name.erase(0, detail::average_prefix.size());
      file.tensors.push_back(std::move(tensor));
    }
  detail::ReadingState state(file, rounding);
  if (std::same_as<Scalar, float> && rounding == Rounding::refuse)
    for (const Tensor& tensor : file.tensors)
      if (tensor.type == TensorType::f64)
        state.differ(std::string(detail::average_prefix) + tensor.name, "doubles",
                     "floats, to which they would be rounded: io::Rounding::allow if they may");
  ExponentialMovingAverage<Scalar> average;
  average.average = detail::read_parameters<Scalar>(state, detail::description_of(model));
  const auto decay = parse_number<double>(notes.text("average.decay"));
  const auto steps = detail::parse_whole<Index>(notes.text("average.steps"));
  if (decay && *decay >= 0 && *decay < 1)
    average.decay = *decay;
  else
    state.differ("average.decay", '"' + notes.text("average.decay") + '"', "a number of at least 0 and below 1");
  if (steps && *steps >= 1)
    average.steps = *steps;
  else
    state.differ("average.steps", '"' + notes.text("average.steps") + '"', "a whole number from 1 on");
  if (!state.differences.empty()) throw ModelError("io::load_average: " + path.string(), state.differences);
  return average;
}

}  // namespace pathline::io
