/// \file
/// Policies in any order: a user names the parts of a flow as they come, and each is found by the concept that it
/// meets. Kinds are told apart by predicates on types, `Is<T>::value`.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline::detail {

/// Number of types in the pack of the kind `Is`.
template <template <class> class Is, class... Policies>
inline constexpr std::size_t count_of = (std::size_t(Is<Policies>::value) + ... + 0);

/// The first type of the kind `Is`, or `Default`.
template <template <class> class Is, class Default, class... Policies>
struct FirstOf {
  using type = Default;
};
template <template <class> class Is, class Default, class First, class... Rest>
struct FirstOf<Is, Default, First, Rest...> {
  using type =
      typename std::conditional_t<Is<First>::value, std::type_identity<First>, FirstOf<Is, Default, Rest...>>::type;
};
template <template <class> class Is, class Default, class... Policies>
using first_of = typename FirstOf<Is, Default, Policies...>::type;

/// Position of the first type of the kind `Is` in the pack.
template <template <class> class Is, class... Policies>
inline constexpr std::size_t index_of = [] {
  std::size_t index = 0;
  (void)((Is<Policies>::value || (++index, false)) || ...);
  return index;
}();

/// The value of the first policy of the kind `Is` as a `Wanted`; a default-made one where there is none, or where it
/// is of another type because an assertion has refused it already.
template <template <class> class Is, class Wanted, class... Policies>
[[nodiscard]] Wanted pick(const std::tuple<Policies...>& policies) {
  if constexpr (std::is_same_v<first_of<Is, void, Policies...>, Wanted>)
    return std::get<index_of<Is, Policies...>>(policies);
  else
    return Wanted{};
}

/// All types of the kind `Is`, in their order, as a tuple.
template <template <class> class Is, class... Policies>
using all_of = decltype(std::tuple_cat(
    std::declval<std::conditional_t<Is<Policies>::value, std::tuple<Policies>, std::tuple<>>>()...));

/// Their values.
template <template <class> class Is, class... Policies>
[[nodiscard]] all_of<Is, Policies...> pick_all(const std::tuple<Policies...>& policies) {
  const auto one = []<class P>(const P& policy) {
    if constexpr (Is<P>::value)
      return std::tuple<P>(policy);
    else
      return std::tuple<>();
  };
  return std::apply([&](const auto&... policy) { return std::tuple_cat(one(policy)...); }, policies);
}

/// The parts of a `Cnf` or a `NeuralOde` for what writes them to a file, and a model of the parts that it has read.
struct PartsAccess {
  template <class Model>
  [[nodiscard]] static auto parts(Model& model) noexcept -> decltype((model.parts_)) {
    return model.parts_;
  }
  template <class Model, class Parts>
  [[nodiscard]] static Model make(Parts parts) {
    return Model(PartsAccess(), std::move(parts));
  }
};

}  // namespace pathline::detail
