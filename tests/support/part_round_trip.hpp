/// \file
/// A part of a model to texts and tensors and back.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/tensor.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <utility>

namespace pathline {

template <class Part>
io::Description described(const Part& part) {
  io::Description description;
  description.part("part", part);
  return description;
}

inline io::TensorFile part_file(const io::Description& description, const Vector<double>& theta) {
  io::TensorFile file{.tensors = description.tensors(), .metadata = description.texts()};
  file.tensors.push_back(io::tensor_of("theta", theta));  // as many numbers as parameters: sizes are bounded by them
  return file;
}
template <class Part>
io::TensorFile part_file(const Part& part, const Vector<double>& theta = {}) {
  return part_file(described(part), theta);
}

namespace detail {

inline void check_that_all_was_read(const io::detail::ReadingState& state, bool read) {
  for (const std::string& difference : state.differences) FAIL_CHECK(difference);
  REQUIRE(read);
  CHECK(state.used_texts.size() == state.file.metadata.size());
  CHECK(state.used_tensors.size() + 1 == state.file.tensors.size());
}
inline void check_same(const io::Description& again, const io::Description& description) {
  CHECK(again.texts() == description.texts());
  CHECK(again.parameter_count() == description.parameter_count());
  REQUIRE(again.tensors().size() == description.tensors().size());
  for (std::size_t i = 0; i < description.tensors().size(); ++i) {
    CHECK(again.tensors()[i].name == description.tensors()[i].name);
    CHECK(again.tensors()[i].bytes == description.tensors()[i].bytes);
  }
}

}  // namespace detail

/// The part again, of which all texts and tensors have been read and are those of the original.
template <class Part>
Part round_trip(const Part& part) {
  const io::Description description = described(part);
  const io::TensorFile file = part_file(description, Vector<double>::Zero(description.parameter_count()));
  io::detail::ReadingState state(file, io::Rounding::refuse);
  io::Part<Part> read = io::ModelReader(state).template part<Part>("part");
  detail::check_that_all_was_read(state, bool(read));
  detail::check_same(described(read.value()), description);
  return std::move(read.value());
}

}  // namespace pathline
