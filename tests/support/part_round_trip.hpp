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

template <class Part>
io::TensorFile part_file(const Part& part, const Vector<double>& theta = {}) {
  const io::Description description = described(part);
  io::TensorFile file{.tensors = description.tensors(), .metadata = description.texts()};
  file.tensors.push_back(io::tensor_of("theta", theta));  // as many numbers as parameters: sizes are bounded by them
  return file;
}

/// The part again, of which all texts and tensors have been read and are those of the original.
template <class Part>
Part round_trip(const Part& part) {
  const io::Description description = described(part);
  const io::TensorFile file = part_file(part, Vector<double>::Zero(description.parameter_count()));
  io::detail::ReadingState state(file, io::Rounding::refuse);
  io::Part<Part> read = io::ModelReader(state).template part<Part>("part");
  for (const std::string& difference : state.differences) FAIL_CHECK(difference);
  REQUIRE(read);
  CHECK(state.used_texts.size() == file.metadata.size());
  CHECK(state.used_tensors.size() + 1 == file.tensors.size());
  const io::Description again = described(read.value());
  CHECK(again.texts() == description.texts());
  CHECK(again.parameter_count() == description.parameter_count());
  for (std::size_t i = 0; i < description.tensors().size(); ++i) {
    CHECK(again.tensors()[i].name == description.tensors()[i].name);
    CHECK(again.tensors()[i].bytes == description.tensors()[i].bytes);
  }
  return std::move(read.value());
}

}  // namespace pathline
