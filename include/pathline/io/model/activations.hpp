/// \file
/// Names of the activations in files.
#pragma once

#include <pathline/io/model/described.hpp>
#include <pathline/math/activations.hpp>

#include <string_view>

namespace pathline::io {

template <>
struct Described<Identity> {
  static constexpr std::string_view name = "Identity";
};
template <>
struct Described<Tanh> {
  static constexpr std::string_view name = "Tanh";
};
template <>
struct Described<LogTwoCosh> {
  static constexpr std::string_view name = "LogTwoCosh";
};
template <>
struct Described<Sigmoid> {
  static constexpr std::string_view name = "Sigmoid";
};
template <>
struct Described<Softplus> {
  static constexpr std::string_view name = "Softplus";
};
template <>
struct Described<Swish> {
  static constexpr std::string_view name = "Swish";
};
template <>
struct Described<Sine> {
  static constexpr std::string_view name = "Sine";
};

}  // namespace pathline::io
