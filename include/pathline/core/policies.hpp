/// \file
/// Policies in any order: a user names the parts of a flow as they come, and each is found by the concept that it
/// meets. Kinds are told apart by predicates on types, `Is<T>::value`.
#pragma once

#include <array>
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

/// A policy at its place in a list.
template <std::size_t I, class P>
struct PolicyAt {
  P& policy;
};
/// References to policies: what a tuple of them is, whose elements would each cost the compiler ten functions.
template <class Places, class... Policies>
struct PolicyList;
template <std::size_t... I, class... Policies>
struct PolicyList<std::index_sequence<I...>, Policies...> : PolicyAt<I, Policies>... {};
template <class... Policies>
using PolicyListOf = PolicyList<std::index_sequence_for<Policies...>, Policies...>;

template <std::size_t I, class P>
[[nodiscard]] P& policy_at(const PolicyAt<I, P>& policy) {
  return policy.policy;
}

/// References to them: they must outlive the list.
template <class... Policies>
[[nodiscard]] PolicyListOf<const Policies...> policy_list(const Policies&... policies) {
  return {{policies}...};
}

/// The value of the first policy of the kind `Is` as a `Wanted`; a default-made one where there is none, or where it
/// is of another type because an assertion has refused it already.
template <template <class> class Is, class Wanted, class Places, class... Policies>
[[nodiscard]] Wanted pick(const PolicyList<Places, const Policies...>& policies) {
  if constexpr (std::is_same_v<first_of<Is, void, Policies...>, Wanted>)
    return policy_at<index_of<Is, Policies...>>(policies);
  else
    return Wanted{};
}

/// All types of the kind `Is`, in their order, as a tuple.
template <template <class> class Is, class... Policies>
using all_of = decltype(std::tuple_cat(
    std::declval<std::conditional_t<Is<Policies>::value, std::tuple<Policies>, std::tuple<>>>()...));

/// Their positions in the pack.
template <template <class> class Is, class... Policies>
inline constexpr auto places_of = [] {
  constexpr std::array<bool, sizeof...(Policies)> counts{Is<Policies>::value...};
  std::array<std::size_t, count_of<Is, Policies...>> places{};
  for (std::size_t i = 0, n = 0; i < counts.size(); ++i)
    if (counts[i]) places[n++] = i;
  return places;
}();

/// Their values.
template <template <class> class Is, class Places, class... Policies>
[[nodiscard]] all_of<Is, Policies...> pick_all(const PolicyList<Places, const Policies...>& policies) {
  constexpr auto places = places_of<Is, Policies...>;
  return [&]<std::size_t... K>(std::index_sequence<K...>) {
    return all_of<Is, Policies...>(policy_at<places[K]>(policies)...);
  }
  (std::make_index_sequence<places.size()>{});
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
