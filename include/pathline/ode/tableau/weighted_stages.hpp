/// \file
/// Sums of stages with the weights of a tableau as one fused loop. The weights are known while it is compiled; zeros
/// leave no trace, so that 0 · NaN cannot arise.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/ode/tableau/entry_by_entry.hpp>
#include <pathline/ode/tableau/set_entries.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace pathline::detail {

// Rows of a tableau as types: weight(j) is a constant expression, as the fused sums need it.
template <class Method, int I>
struct StageWeights {
  static constexpr int count = I;
  static constexpr double weight(int j) { return Method::tableau.A(I, j); }
};
template <class Method>
struct SolutionWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) { return Method::tableau.b[std::size_t(j)]; }
};
template <class Method>
struct ErrorWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) {
    return Method::tableau.b[std::size_t(j)] - Method::tableau.b_embedded[std::size_t(j)];
  }
};
template <class Method>
struct CoarseErrorWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) { return Method::tableau.b[std::size_t(j)] - Method::b_coarse[std::size_t(j)]; }
};
template <class Method>
struct DenseWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) { return Method::dense[std::size_t(j)]; }
};
template <class Method, int I>
struct DenseStageWeights {
  static constexpr int count = I;
  static constexpr double weight(int j) { return Method::dense_tableau.A(I, j); }
};
template <class Method, std::size_t Power>
struct DensePowerWeights {
  static constexpr int count = Method::dense_tableau.stages;
  static constexpr double weight(int j) { return Method::dense[Power][std::size_t(j)]; }
};

/// The places of the weights that are not 0.
template <class Weights>
inline constexpr auto nonzero_places = [] {
  constexpr std::size_t n = [] {
    std::size_t count = 0;
    for (int j = 0; j < Weights::count; ++j) count += Weights::weight(j) != 0 ? 1 : 0;
    return count;
  }();
  std::array<std::size_t, n> places{};
  for (std::size_t j = 0, k = 0; j < std::size_t(Weights::count); ++j)
    if (Weights::weight(int(j)) != 0) places[k++] = j;
  return places;
}();
template <class Weights>
inline constexpr bool all_zero = nonzero_places<Weights>.empty();

/// These places and their weights, where a loop reads them.
template <class Weights>
struct CountingWeights {
  static constexpr std::size_t count = nonzero_places<Weights>.size();
  std::size_t place[count];
  double weight[count];
};
template <class Weights>
inline constexpr CountingWeights<Weights> counting_weights = [] {
  CountingWeights<Weights> result{};
  for (std::size_t n = 0; n < result.count; ++n) {
    result.place[n] = nonzero_places<Weights>[n];
    result.weight[n] = Weights::weight(int(result.place[n]));
  }
  return result;
}();

/// sum + Σ h w_j K_j over the places from the N-th on as one expression; it refers to the K_j and to nothing else that
/// could die.
template <class Weights, std::size_t N, class Sum, class Stages>
auto add_stages(const Sum& sum, double h, const Stages& K) {
  using Scalar = typename Sum::Scalar;
  if constexpr (N == nonzero_places<Weights>.size()) {
    return sum;
  } else {
    constexpr std::size_t j = nonzero_places<Weights>[N];
    return add_stages<Weights, N + 1>(sum + Scalar(h * Weights::weight(int(j))) * K[j], h, K);
  }
}

/// Σ h w_j K_j over the weights that are not 0, as one expression.
template <class Weights, class Stages>
auto weighted_stages(double h, const Stages& K) {
  static_assert(!all_zero<Weights>, "tableau: a row of zeros");
  using Scalar = typename Stages::value_type::Scalar;
  constexpr std::size_t j = nonzero_places<Weights>[0];
  return add_stages<Weights, 1>(Scalar(h * Weights::weight(int(j))) * K[j], h, K);
}

/// to = start + Σ w_n X_n, or the sum alone where `start` is null, of contiguous scalars; the sum in the order of n.
/// Compiled once a scalar and a number of terms, whatever the method and the state.
template <Real Scalar, std::size_t First, std::size_t... Rest>
void write_terms(std::index_sequence<First, Rest...> /*terms*/, Index size, const Scalar* start, const Scalar* w,
                 const Scalar* const* X, Scalar* to) {
  for_packs<Scalar>(size, [&]<class At>(At /*access*/, Index i) {
    using P = typename At::Value;
    // Products are fused with sums as the compiler fuses those of Eigen's expression.
    P sum = P(w[First]) * At::load(X[First] + i);
    ((sum = madd(P(w[Rest]), At::load(X[Rest] + i), sum)), ...);
    if (start == nullptr)
      At::store(sum, to + i);
    else if constexpr (sizeof...(Rest) == 0)
      At::store(madd(P(w[0]), At::load(X[0] + i), At::load(start + i)), to + i);
    else
      At::store(At::load(start + i) + sum, to + i);
  });
}

/// Whether sums of states are loops over their scalars; those of static size are Eigen's expressions.
template <class State>
inline constexpr bool sums_in_loops = State::SizeAtCompileTime == Eigen::Dynamic;

/// The rows that a sum may leave out: of a state of one column those at its end are one run of scalars.
template <class State>
inline constexpr bool sums_of_rows = sums_in_loops<State>&& State::ColsAtCompileTime == 1;

/// The first `size` scalars of to = Σ h w_j K_j, or of start + Σ h w_j K_j; `to` gets the shape of the K_j.
template <class Weights, class State, class Stages>
void write_sum_in_loop(State& to, const State* start, double h, const Stages& K, Index size) {
  static_assert(!all_zero<Weights>, "tableau: a row of zeros");
  using Scalar = typename State::Scalar;
  constexpr const auto& counting = counting_weights<Weights>;
  constexpr std::size_t terms = counting.count;
  eigen_assert(start == nullptr || start->size() == K[counting.place[0]].size());
  take_shape(to, K[counting.place[0]]);
  Scalar w[terms];
  const Scalar* X[terms];
  for (std::size_t n = 0; n < terms; ++n) {
    const auto& stage = K[counting.place[n]];
    eigen_assert(stage.size() == to.size());
    w[n] = Scalar(h * counting.weight[n]);
    X[n] = stage.data();
  }
  write_terms<Scalar>(std::make_index_sequence<terms>{}, size, start == nullptr ? nullptr : start->data(), w, X,
                      to.data());
}

/// All of it.
template <class Weights, class State, class Stages>
void write_sum_in_loop(State& to, const State* start, double h, const Stages& K) {
  write_sum_in_loop<Weights>(to, start, h, K, K[counting_weights<Weights>.place[0]].size());
}

/// to = Σ h w_j K_j, as a whole.
template <class Weights, class State, class Stages>
EIGEN_ALWAYS_INLINE void set_sum(State& to, double h, const Stages& K) {
  if constexpr (sums_in_loops<State>)
    write_sum_in_loop<Weights>(to, static_cast<const State*>(nullptr), h, K);
  else
    to.noalias() = weighted_stages<Weights>(h, K);
}

/// to = y + Σ h w_j K_j, as a whole.
template <class Weights, class State, class Stages>
void write_sum(State& to, const State& y, double h, const Stages& K) {
  if constexpr (all_zero<Weights>)
    to = y;
  else if constexpr (sums_in_loops<State>)
    write_sum_in_loop<Weights>(to, &y, h, K);
  else
    to.noalias() = y + weighted_stages<Weights>(h, K);
}

/// to += Σ h w_j K_j, as a whole.
template <class Weights, class State, class Stages>
void add_sum(State& to, double h, const Stages& K) {
  if constexpr (sums_in_loops<State> || all_zero<Weights>)
    write_sum<Weights>(to, to, h, K);
  else
    to.noalias() += weighted_stages<Weights>(h, K);
}

/// States at the places that a function names, in the form in which weighted_stages() reads them.
template <class State, class At>
struct StatesAt {
  using value_type = State;
  At at;
  const State& operator[](std::size_t j) const { return at(j); }
};
template <class State, class At>
StatesAt<State, At> states_at(At at) {
  return {at};
}

/// One entry of y + Σ w_k K_k, or of Σ w_k K_k where y is null, summed in the order of k.
template <class Weights, class State, class Stages, std::size_t... N>
EIGEN_ALWAYS_INLINE void write_entry(State& to, const State* y, const typename State::Scalar* w, const Stages& K,
                                     Index i, std::index_sequence<N...>) {
  constexpr auto places = nonzero_places<Weights>;
  typename State::Scalar entry = y == nullptr ? w[0] * K[places[0]].data()[i] : y->data()[i];
  ((N == 0 && y == nullptr ? void() : void(entry += w[N] * K[places[N]].data()[i])), ...);
  store_alone(to.data()[i], entry);
}

template <class Weights, class State, class Stages, std::size_t... N, std::size_t... I>
EIGEN_ALWAYS_INLINE void write_entries(State& to, const State* y, double h, const Stages& K,
                                       std::index_sequence<N...> terms, std::index_sequence<I...>) {
  using Scalar = typename State::Scalar;
  const Scalar w[] = {Scalar(h * Weights::weight(int(nonzero_places<Weights>[N])))...};
  (write_entry<Weights>(to, y, w, K, Index(I), terms), ...);
}

/// to = y + h Σ w_j K_j.
template <class Weights, class State, class Stages>
EIGEN_ALWAYS_INLINE void write_weighted(State& to, const State& y, double h, const Stages& K) {
  using Terms = std::make_index_sequence<nonzero_places<Weights>.size()>;
  if constexpr (entry_by_entry<State>)
    write_entries<Weights>(to, &y, h, K, Terms{}, Entries<State>{});
  else if constexpr (sums_in_loops<State>)
    write_sum_in_loop<Weights>(to, &y, h, K);
  else
    to.noalias() = y + weighted_stages<Weights>(h, K);
}

/// to = h Σ w_j K_j.
template <class Weights, class State, class Stages>
EIGEN_ALWAYS_INLINE void write_weighted(State& to, double h, const Stages& K) {
  using Terms = std::make_index_sequence<nonzero_places<Weights>.size()>;
  if constexpr (entry_by_entry<State>)
    write_entries<Weights>(to, static_cast<const State*>(nullptr), h, K, Terms{}, Entries<State>{});
  else if constexpr (sums_in_loops<State>)
    write_sum_in_loop<Weights>(to, static_cast<const State*>(nullptr), h, K);
  else
    to.noalias() = weighted_stages<Weights>(h, K);
}

}  // namespace pathline::detail
