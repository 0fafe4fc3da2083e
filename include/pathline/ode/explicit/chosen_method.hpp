/// \file
/// An explicit method that is chosen while the program runs: its tableau as a value, and the solve by equal steps.
///
/// Where the method is known when the program is compiled, `RealTimeSolver` (real_time.hpp) is faster for small states.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/tableau/tableau_checks.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pathline {

/// The tableau of an explicit method: a (rows below the first, one after another), b, c. A last stage that is the first
/// of the next step is left out: without an error estimate it would be evaluated twice.
struct ChosenMethod {
  std::string name;
  int order = 0;
  std::vector<double> a, b, c;

  [[nodiscard]] Index stages() const noexcept { return Index(b.size()); }
  /// a_ij, counted from 0; 0 on and above the diagonal.
  [[nodiscard]] double A(Index i, Index j) const { return j < i ? a[std::size_t(i * (i - 1) / 2 + j)] : 0; }
};

/// The method `M` as a value.
template <ExplicitMethod M>
[[nodiscard]] ChosenMethod chosen_method(std::string name) {
  constexpr auto tableau = M::tableau;
  static_assert(tableau_defect(tableau) == TableauDefect::none,
                "this method's tableau is inconsistent: tableau_defect(Method::tableau) names what is wrong");
  constexpr std::size_t stages = std::size_t(tableau.stages) - (first_same_as_last(tableau) ? 1 : 0);
  ChosenMethod method{std::move(name), tableau.order, {}, {}, {}};
  method.a.assign(tableau.a.begin(), tableau.a.begin() + stages * (stages - 1) / 2);
  method.b.assign(tableau.b.begin(), tableau.b.begin() + stages);
  method.c.assign(tableau.c.begin(), tableau.c.begin() + stages);
  return method;
}

namespace detail {

/// to = from + Σ w_j K_j over the weights that are not 0, in their order; `to` may be `from`.
template <Real Scalar>
void add_weighted(Index size, const Scalar* from, double h, std::span<const double> weights, const Scalar* K,
                  Scalar* to) {
  for (Index i = 0; i < size; ++i) {
    Scalar sum(0);
    for (std::size_t j = 0; j < weights.size(); ++j)
      if (weights[j] != 0) sum += Scalar(h * weights[j]) * K[Index(j) * size + i];
    to[i] = from[i] + sum;
  }
}

/// y(t1) from y(t0) by `steps` equal steps, in place: what `integrate` computes with FixedSteps, up to the order of
/// sums. Its scratch is the workspace's. `evaluate(t, y, dy)` writes dy.
template <Real Scalar, class Evaluate>
void run_fixed_steps(const ChosenMethod& method, Index steps, double t0, double t1, BatchMap<Scalar> y,
                     Workspace<Scalar>& workspace, Evaluate&& evaluate) {
  const Index stages = method.stages(), size = y.size();
  typename Workspace<Scalar>::Frame frame(workspace);
  BatchMap<Scalar> at = frame.batch(y.rows(), y.cols());
  const std::span<Scalar> K = frame.scalars(stages * size);
  const double h = (t1 - t0) / double(steps);
  double t = t0;
  for (Index k = 1; k <= steps; ++k) {
    const double t_next = k == steps ? t1 : t0 + (t1 - t0) * double(k) / double(steps);
    for (Index i = 0; i < stages; ++i) {
      const std::span<const double> row(method.a.data() + i * (i - 1) / 2, std::size_t(i));
      add_weighted<Scalar>(size, y.data(), h, row, K.data(), at.data());
      const double c = method.c[std::size_t(i)];
      evaluate(c == 1 ? t_next : t + c * h, at, BatchMap<Scalar>(K.data() + i * size, y.rows(), y.cols()));
    }
    add_weighted<Scalar>(size, y.data(), h, method.b, K.data(), y.data());
    t = t_next;
  }
}

}  // namespace detail
}  // namespace pathline
