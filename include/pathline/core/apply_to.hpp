/// \file
/// A function of all elements of a tuple.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

namespace pathline::detail {

/// function(element…) of all elements in their order: std::apply without std::invoke, which is three more functions to
/// compile for each call.
template <class Function, class... Elements>
constexpr decltype(auto) apply_to(const std::tuple<Elements...>& elements, const Function& function) {
  return [&]<std::size_t... I>(std::index_sequence<I...>)->decltype(auto) { return function(std::get<I>(elements)...); }
  (std::index_sequence_for<Elements...>{});
}

}  // namespace pathline::detail
