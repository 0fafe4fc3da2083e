/// \file
/// θ as named tensors and back: column by column in memory, row by row in the file.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/tensor.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pathline::io::detail {

/// \throws ArgumentError unless the description names every number of θ once: the fault of a `Described` of one's own.
inline void require_all_parameters(const Description& description, Index count) {
  if (description.parameter_count() != count)
    throw ArgumentError("io: number of parameters that the descriptions of the model's parts name",
                        description.parameter_count(),
                        std::to_string(count) + ", all of the model; see Description::parameter");
}

template <Real Scalar>
void append_parameters(const Description& description, ConstVectorRef<Scalar> theta, std::vector<Tensor>& tensors) {
  const Scalar* next = theta.data();
  for (const Description::Parameter& one : description.parameters()) {
    const Index rows = one.shape[0], columns = one.shape.size() == 1 ? 1 : one.shape[1];
    tensors.push_back(tensor_of(one.name, ConstBatchMap<Scalar>(next, rows, columns)));
    tensors.back().shape = one.shape;
    next += rows * columns;
  }
}

/// The numbers of one parameter, from the file. What does not fit is remembered.
template <Real Scalar>
void read_parameter(ReadingState& state, const Description::Parameter& one, Scalar* to) {
  if (state.skipped(one.name)) return;
  const Tensor* const tensor = state.file.find(one.name);
  if (tensor == nullptr)
    return state.differ(one.name, "no tensor of this name", "one of shape " + shape_text(one.shape));
  state.used_tensors.insert(one.name);
  if (tensor->shape != one.shape)
    return state.differ(one.name, "shape " + shape_text(tensor->shape), "shape " + shape_text(one.shape));
  try {
    const std::vector<Scalar> values = values_of<Scalar>(*tensor);
    const Index rows = one.shape[0], columns = one.shape.size() == 1 ? 1 : one.shape[1];
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) {
        const Scalar value = values[std::size_t(i * columns + j)];
        if (!std::isfinite(value) || (value < 0 && !one.may_be_negative))
          return state.differ(
              one.name,
              pathline::detail::number(double(value)) + " at " +
                  shape_text(one.shape.size() == 1 ? std::vector<std::int64_t>{i} : std::vector<std::int64_t>{i, j}),
              one.may_be_negative ? "finite numbers" : "finite numbers from 0 on");
        to[j * rows + i] = value;
      }
  } catch (const TensorError& error) {
    state.differences.emplace_back(error.what());
  }
}

/// All of θ.
template <Real Scalar>
[[nodiscard]] Vector<Scalar> read_parameters(ReadingState& state, const Description& description) {
  Vector<Scalar> theta = Vector<Scalar>::Zero(description.parameter_count());
  Scalar* next = theta.data();
  for (const Description::Parameter& one : description.parameters()) {
    read_parameter(state, one, next);
    next += one.shape[0] * (one.shape.size() == 1 ? 1 : one.shape[1]);
  }
  return theta;
}

}  // namespace pathline::io::detail
