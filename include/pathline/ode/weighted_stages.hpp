/// \file
/// Sums of stages with the weights of a tableau as one fused loop. The weights are known while it is compiled; zeros
/// leave no trace, so that 0 · NaN cannot arise.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/error_norm.hpp>

#include <cstddef>

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

template <class Weights, int From = 0>
constexpr int next_nonzero() {
  int j = From;
  while (j < Weights::count && Weights::weight(j) == 0) ++j;
  return j;
}

/// sum + Σ_{j >= From} h w_j K_j as one expression; it refers to the K_j and to nothing else that could die.
template <class Weights, int From, class Sum, class Stages>
auto add_stages(const Sum& sum, double h, const Stages& K) {
  using Scalar = typename Sum::Scalar;
  constexpr int j = next_nonzero<Weights, From>();
  if constexpr (j == Weights::count)
    return sum;
  else
    return add_stages<Weights, j + 1>(sum + Scalar(h * Weights::weight(j)) * K[std::size_t(j)], h, K);
}

/// Σ h w_j K_j over the weights that are not 0, as one expression.
template <class Weights, class Stages>
auto weighted_stages(double h, const Stages& K) {
  using Scalar = typename Stages::value_type::Scalar;
  constexpr int j = next_nonzero<Weights>();
  static_assert(j < Weights::count, "tableau: a row of zeros");
  return add_stages<Weights, j + 1>(Scalar(h * Weights::weight(j)) * K[std::size_t(j)], h, K);
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

/// to = expression, which has no product in it. The barrier keeps the compiler from packing the entries after all.
template <class State, class Derived>
EIGEN_ALWAYS_INLINE void assign(State& to, const Eigen::MatrixBase<Derived>& expression) {
  if constexpr (entry_by_entry<State>)
    for (Index j = 0; j < to.cols(); ++j)
      for (Index i = 0; i < to.rows(); ++i) {
        typename State::Scalar entry = expression.coeff(i, j);
        EIGEN_OPTIMIZATION_BARRIER(entry)
        to.coeffRef(i, j) = entry;
      }
  else
    to.noalias() = expression;
}

}  // namespace pathline::detail
