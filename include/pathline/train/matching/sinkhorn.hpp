/// \file
/// Optimal transport with an entropy (Cuturi 2013): a plan by matrix-vector products alone, from which partners are
/// drawn.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/exponential.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/matching/coupling.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// When Sinkhorn's iteration ends.
struct SinkhornOptions {
  double tolerance = 1e-3;        ///< Largest error of a row's sum, of its own size.
  Index max_iterations = 10'000;  ///< Each of two products of an n × n matrix and a vector.

  void check() const {
    if (!(tolerance > 0 && tolerance < 1)) throw ArgumentError("Sinkhorn: tolerance", tolerance, "in (0, 1)");
    if (max_iterations < 1) throw ArgumentError("Sinkhorn: max_iterations", max_iterations, "at least 1");
  }
};

namespace detail {

/// Keeps its memory from call to call. Its plan is K_ij = exp((f_j + g_i - c_ij) / ε), row i a base point, with rows
/// and columns that add up to 1. Small ε are reached by halving a large one, and scalings are taken into f and g before
/// they leave the range of a double (Schmitzer, SIAM J. Sci. Comput. 41 (2019) A1443).
class SinkhornSolver {
 public:
  /// Sets the plan, n × n, whose columns add up to 1 to rounding. Returns whether its rows do to the tolerance; where
  /// the iterations are used up they do not, and it may be the plan of a larger ε.
  /// \param costs  n × n, finite.
  [[nodiscard]] bool solve(View<const double> costs, double epsilon, const SinkhornOptions& options) {
    const Index n = costs.cols();
    plan_.resize(n, n);
    for (Vector<double>* vector : {&g_, &row_scale_, &column_scale_, &sums_}) vector->resize(n);
    fill<double>(g_, 0);
    double stage = std::max(epsilon, range_of(costs) / 8);
    Index iterations = 0;
    for (;;) {
      set_plan(costs, stage);
      const bool last = stage <= epsilon;
      for (int turn = 0; last || turn < turns_of_a_stage; ++turn) {
        set_matrix_product<Factor::plain, Factor::plain, double>(plan_, column_scale_, sums_);
        error_ = row_error();
        const bool converged = last && error_ <= options.tolerance;
        if (converged || iterations++ >= options.max_iterations) {
          scale_plan();
          return converged;
        }
        if (scale_out_of_range()) break;
        set_matrix_product<Factor::transposed, Factor::plain, double>(plan_, row_scale_, sums_);
        for (Index j = 0; j < n; ++j) column_scale_(j) = 1 / sums_(j);
      }
      for (Index i = 0; i < n; ++i) g_(i) += stage * std::log(row_scale_(i));
      if (!last) stage = std::max(epsilon, stage / 2);
    }
  }

  /// Of the last call; and the largest error of a row's sum.
  [[nodiscard]] View<const double> plan() const { return plan_; }
  [[nodiscard]] double error() const { return error_; }

  /// Changes the plan by as little as the sums of its rows are wrong, so that they and those of its columns are 1 to
  /// rounding: Altschuler, Weed & Rigollet 2017, algorithm 2.
  void round_plan() {
    const Index n = plan_.cols();
    const auto row_sums = [&] {
      fill<double>(sums_, 0);
      for (Index j = 0; j < n; ++j)
        for (Index i = 0; i < n; ++i) sums_(i) += plan_(i, j);
    };
    row_sums();
    for (Index i = 0; i < n; ++i) row_scale_(i) = std::min(1., 1 / sums_(i));
    double missing = 0;
    for (Index j = 0; j < n; ++j) {
      double sum = 0;
      for (Index i = 0; i < n; ++i) sum += plan_(i, j) *= row_scale_(i);
      column_scale_(j) = std::max(0., 1 - sum);
      missing += column_scale_(j);
    }
    row_sums();
    if (!(missing > 0)) return;
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < n; ++i) plan_(i, j) += std::max(0., 1 - sums_(i)) * column_scale_(j) / missing;
  }

 private:
  static constexpr int turns_of_a_stage = 8;
  static constexpr double largest_scale = 1e100;

  static double range_of(View<const double> costs) {
    double least = std::numeric_limits<double>::infinity(), greatest = -least;
    for (Index j = 0; j < costs.cols(); ++j)
      for (Index i = 0; i < costs.rows(); ++i) {
        least = std::min(least, costs(i, j));
        greatest = std::max(greatest, costs(i, j));
      }
    return greatest - least;
  }

  // f by log-sum-exp, so that each column adds up to 1; scales of 1.
  void set_plan(View<const double> costs, double epsilon) {
    const Index n = costs.cols();
    const double* const g = g_.data();
    for (Index j = 0; j < n; ++j) {
      const double* const c = costs.data() + j * costs.stride();
      double* const k = plan_.data() + j * n;
      double greatest = -std::numeric_limits<double>::infinity();
      for (Index i = 0; i < n; ++i) greatest = std::max(greatest, g[i] - c[i]);
      const double factor = 1 / epsilon;
      const double sum = sum_packs<double>(n, [&](auto at, Index i) {
        using At = decltype(at);
        using P = typename At::Value;
        const P value = exp_pair((At::load(g + i) - At::load(c + i) - P(greatest)) * P(factor)).exp;
        At::store(value, k + i);
        return value;
      });
      scale<double>(1 / sum, View<double>(k, n, 1));
    }
    fill<double>(row_scale_, 1);
    fill<double>(column_scale_, 1);
  }

  [[nodiscard]] double row_error() const {
    double error = 0;
    for (Index i = 0; i < sums_.size(); ++i) error = std::max(error, std::abs(row_scale_(i) * sums_(i) - 1));
    return error;
  }

  // Sets the rows' scales; whether one is so large that it belongs into g.
  bool scale_out_of_range() {
    bool out = false;
    for (Index i = 0; i < sums_.size(); ++i) {
      row_scale_(i) = 1 / std::max(sums_(i), 1 / largest_scale);
      out = out || row_scale_(i) >= largest_scale;
    }
    return out;
  }

  void scale_plan() {
    for (Index j = 0; j < plan_.cols(); ++j)
      for (Index i = 0; i < plan_.rows(); ++i) plan_(i, j) *= row_scale_(i) * column_scale_(j);
  }

  Batch<double> plan_;
  Vector<double> g_, row_scale_, column_scale_, sums_;
  double error_ = 0;
};

}  // namespace detail

/// The plan of transport with an entropy: argmin of Σ costs_ij P_ij + ε Σ P_ij log P_ij over matrices (n × n) whose
/// columns add up to 1 to rounding and whose rows do to the tolerance. Its cost exceeds that of the best assignment by
/// at most ε n log n. docs/maths.md, (14.7).
/// \param epsilon  In the unit of the costs, positive.
/// \throws ShapeError unless there are as many rows as columns; DataError for a cost that is not finite; ArgumentError
///         when the iteration does not end in time.
[[nodiscard]] inline Batch<double> sinkhorn_plan(ConstBatchRef<double> costs, double epsilon,
                                                 const SinkhornOptions& options = {}) {
  require_rows("sinkhorn_plan: costs", costs.rows(), costs.cols());
  require_finite("sinkhorn_plan: costs", costs);
  options.check();
  if (!(epsilon > 0 && std::isfinite(epsilon)))
    throw ArgumentError("sinkhorn_plan: epsilon", epsilon, "a positive number");
  const View<const double> view(costs);
  detail::SinkhornSolver solver;
  if (!solver.solve(view, epsilon, options))
    throw ArgumentError(
        detail::message({"sinkhorn_plan: error of the marginals after ", options.max_iterations, " iterations"}),
        solver.error(),
        detail::message({"at most ", options.tolerance, " at this epsilon; take a larger one or more iterations"}));
  return solver.plan().map();
}

/// Partners drawn from the plan with an entropy: sample j's from column j. Each sample is used once; a base point may
/// be used more than once or not at all, each as likely as any other to the tolerance. Between `OptimalTransport`
/// (ε → 0) and `IndependentCoupling` (ε → ∞).
///
/// Where the iteration does not end in time, the last plan is changed so that all base points are equally likely: it
/// costs more than the best one with this entropy, and `fit` says so.
struct Sinkhorn {
  double epsilon = 0.01;  ///< Of the mean ‖z - ε‖² over all pairs, their means taken off.
  SinkhornOptions options{};

  void check() const {
    if (!(epsilon > 0 && std::isfinite(epsilon)))
      throw ArgumentError("Sinkhorn: epsilon", epsilon, "a positive number");
    options.check();
  }
  struct Memory {
    detail::TransportCosts costs;
    detail::SinkhornSolver solver;
    Index plans = 0, unfinished = 0;  ///< So far; and of them those whose iteration did not end in time.
    double largest_error = 0;         ///< Of the sum of a row of such a plan.
    template <class Visit>
    void state(Visit& visit) {
      visit("plans", plans);
      visit("unfinished", unfinished);
      visit("largest_error", largest_error);
    }
  };
  template <Real Scalar>
  void pair(View<const Scalar> Z, View<const Scalar> E, std::span<const Index> samples, const Draw& draw,
            std::span<Index> partner, Memory& memory) const {
    const View<const double> costs = memory.costs.set<Scalar>(Z, E);
    const double scale = memory.costs.mean_distance();
    if (!(scale > 0)) return std::iota(partner.begin(), partner.end(), Index(0));  // all points are one
    ++memory.plans;
    if (!memory.solver.solve(costs, epsilon * scale, options)) {
      ++memory.unfinished;
      memory.largest_error = std::max(memory.largest_error, memory.solver.error());
      memory.solver.round_plan();
    }
    const View<const double> plan = memory.solver.plan();
    for (Index j = 0; j < plan.cols(); ++j) {
      double rest = draw.number_at<Uniform>(samples[std::size_t(j)], 0);
      Index i = 0;
      while (i + 1 < plan.rows() && (rest -= plan(i, j)) > 0) ++i;
      partner[std::size_t(j)] = i;
    }
  }
  [[nodiscard]] std::vector<std::string> warnings(const Memory& memory) const {
    if (memory.unfinished == 0) return {};
    return {detail::message({"Sinkhorn: ", memory.unfinished, " of ", memory.plans, " plans had not converged after ",
                             options.max_iterations, " iterations, with row sums wrong by up to ", memory.largest_error,
                             " of 1. They were used with their marginals made exact, and cost more than the best plan. "
                             "Take a larger epsilon or more iterations; or OptimalTransport, which is exact"})};
  }
  template <class Visit>
  void settings(Visit& visit) const {
    visit("epsilon", epsilon);
    visit("tolerance", options.tolerance);
    visit("max_iterations", options.max_iterations);
  }
};

}  // namespace pathline
