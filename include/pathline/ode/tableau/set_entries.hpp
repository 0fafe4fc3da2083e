/// \file
/// A formula of the entries of states of one shape, as one loop over their scalars: compiled once for each scalar and
/// formula, whatever the method.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/tableau/entry_by_entry.hpp>

namespace pathline::detail {

template <class State>
[[gnu::noinline]] void resize_state(State& to, Index rows, Index cols) {
  to.resize(rows, cols);
}

/// Gives `to` the shape of x, and costs two comparisons where it has it: a stepper is compiled with many of them.
template <class State>
void take_shape(State& to, const State& x) {
  if constexpr (State::SizeAtCompileTime == Eigen::Dynamic)
    if (to.rows() != x.rows() || to.cols() != x.cols()) resize_state(to, x.rows(), x.cols());
}

/// to = formula(x, others…), entry by entry; `to` gets the shape of x and may be any of them. The formula is called
/// with packs of scalars or with scalars: `set_entries(to, [=](auto y, auto k) { return y + h * k; }, y, K)`.
template <class State, class Formula, class... Others>
void set_entries(State& to, const Formula& formula, const State& x, const Others&... others) {
  using Scalar = typename State::Scalar;
  eigen_assert(((others.rows() == x.rows() && others.cols() == x.cols()) && ...));
  take_shape(to, x);
  if constexpr (State::SizeAtCompileTime == Eigen::Dynamic)
    for_packs<Scalar>(to.size(), [&]<class At>(At /*access*/, Index i) {
      At::store(formula(At::load(x.data() + i), At::load(others.data() + i)...), to.data() + i);
    });
  else
    for (Index i = 0; i < Index(State::SizeAtCompileTime); ++i)
      to.data()[i] = formula(x.data()[i], others.data()[i]...);
}

/// Whether no entry of a state is a NaN or an infinity.
template <class State>
[[nodiscard]] bool is_finite_state(const State& y) {
  using Scalar = typename State::Scalar;
  if constexpr (entry_by_entry<State>) {
    Scalar zero(0);
    for (Index i = 0; i < Index(State::SizeAtCompileTime); ++i) zero += y.data()[i] * Scalar(0);
    return zero == Scalar(0);
  } else {
    return all_finite(View<const Scalar>(y.data(), y.size(), 1));
  }
}

}  // namespace pathline::detail
