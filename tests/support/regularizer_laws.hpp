/// \file
/// The law of regularizers: a cost's row is what a naive statement says, and its cotangents, to the sample, θ, context
/// and time, are those of central differences of the whole right-hand side. A new one is held to it by one line.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/flow/augmented_dynamics.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/side_inputs.hpp>

#include <support/any_field.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <tuple>
#include <vector>

namespace pathline::test {

/// f(t, z; context) of one sample, for naive statements.
template <Field F>
[[nodiscard]] Eigen::VectorXd field_at(const F& field, double t, const Eigen::VectorXd& z,
                                       const Eigen::VectorXd& context) {
  Workspace<double> workspace;
  Eigen::MatrixXd S(1 + context.size(), 1), F_(z.size(), 1);
  S << t, context;
  Vector<double> tape(field.tape_size(1, 0));
  field.linearize(S, z, 1, F_, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  return F_;
}

/// ∂f/∂z of one sample by central differences.
template <Field F>
[[nodiscard]] Eigen::MatrixXd jacobian_at(const F& field, double t, const Eigen::VectorXd& z,
                                          const Eigen::VectorXd& context) {
  constexpr double h = 1e-6;
  Eigen::MatrixXd J(z.size(), z.size());
  for (Index j = 0; j < z.size(); ++j) {
    const Eigen::VectorXd step = h * Eigen::VectorXd::Unit(z.size(), j);
    J.col(j) = (field_at(field, t, z + step, context) - field_at(field, t, z - step, context)) / (2 * h);
  }
  return J;
}

/// Everything that enters the right-hand side, and random numbers for it.
template <class F>
struct RegularizerProblem {
  F field;
  Index n = 3, k = 2;
  double t = 0.3;
  Eigen::MatrixXd V = draw(1, field.dim(), k* n);
  Vector<double> weights = Vector<double>::Constant(k, 1.0 / double(k));
  Batch<double> context = draw(2, std::max<Index>(field.side_rows() - 1, 0), n);

  [[nodiscard]] static Eigen::MatrixXd draw(std::uint64_t number, Index rows, Index columns) {
    Eigen::MatrixXd result(rows, columns);
    fill<Gaussian>(Draw{23, number}, 0, result);
    return result;
  }
  [[nodiscard]] Eigen::VectorXd context_of(Index sample) const { return context.col(sample); }
};

/// The right-hand side with one cost behind functions, so that the law is compiled once and not once a cost.
struct AnyCost {
  Vector<double> theta;
  Batch<double> context;  ///< c × n.
  double t = 0;
  Batch<double> y, dy_bar;  ///< (d + 2) × n.
  /// dy at (θ, context, y, t).
  std::function<Batch<double>(const Vector<double>&, const Batch<double>&, const Batch<double>&, double)> evaluate;
  /// The pullback of dy_bar: overwrites z_bar, adds to theta_bar (θ, then the context) and t_bar.
  std::function<void(BatchRef<double>, VectorRef<double>, double&)> pullback;
  /// The rate of the cost of one sample.
  std::function<double(Index, const Eigen::VectorXd&)> naive;
};

inline void check_regularizer_laws(const AnyCost& cost) {
  const Index d = cost.y.rows() - 2, n = cost.y.cols(), c = cost.context.rows(), parameters = cost.theta.size();
  const Batch<double> dy = cost.evaluate(cost.theta, cost.context, cost.y, cost.t);
  for (Index i = 0; i < n; ++i)  // naive Jacobians by differences: 1e-8 of numbers of order 1 to 10
    CHECK(dy(d + 1, i) == Approx(cost.naive(i, cost.y.col(i).head(d))).epsilon(1e-6).margin(1e-7));

  Vector<double> theta_bar = Vector<double>::Zero(parameters + c * n);
  Batch<double> z_bar(d, n);
  double t_bar = 0;
  cost.pullback(z_bar, theta_bar, t_bar);

  // All that the product depends on, one after another.
  const auto product = [&](const Vector<double>& at) {
    Batch<double> y = cost.y;
    y.topRows(d) = at.segment(parameters + c * n, d * n).reshaped(d, n);
    return cost
        .evaluate(at.head(parameters), at.segment(parameters, c * n).reshaped(c, n), y, at(parameters + (c + d) * n))
        .cwiseProduct(cost.dy_bar)
        .sum();
  };
  Vector<double> at(parameters + (c + d) * n + 1);
  at << cost.theta, cost.context.reshaped(), cost.y.topRows(d).reshaped(), cost.t;
  const Vector<double> differences = central_differences(product, at);
  // Differences with h = 1e-6 of a product of order 10 to 100 round to about 1e-8 of it.
  constexpr double tolerance = 1e-6;
  CHECK(max_difference(theta_bar.head(parameters), differences.head(parameters)) < tolerance);
  CHECK(max_difference(Vector<double>(z_bar.reshaped()), differences.segment(parameters + c * n, d * n)) < tolerance);
  if (c > 0) CHECK(max_difference(theta_bar.tail(c * n), differences.segment(parameters, c * n)) < tolerance);
  CHECK(t_bar == Approx(differences(at.size() - 1)).epsilon(tolerance).margin(tolerance));
}

/// \param make_on_path  Makes FieldByTangents or FieldInClosedForm of a field and the problem.
/// \param naive         naive(problem, sample, z) -> rate of the cost of one sample.
template <class F, class R, class MakeOnPath, class Naive>
void check_regularizer_laws(RegularizerProblem<F> problem, const R& regularizer, MakeOnPath&& make_on_path,
                            Naive&& naive) {
  using OnPath = decltype(make_on_path(problem.field, problem));
  using G = AugmentedDynamics<OnPath, R>;
  static_assert(Dynamics<G>);
  const Index d = problem.field.dim(), n = problem.n, c = problem.context.rows();
  const std::tuple<R> regularizers(regularizer);
  Workspace<double> workspace;
  Vector<double> slab;
  const auto with = [&](const F& field, const Batch<double>& context, auto&& use) {
    const SideInputs<double> side =
        c > 0 ? SideInputs<double>(typename SideInputs<double>::Context(context.data(), c, n, Eigen::OuterStride<>(c)))
              : SideInputs<double>();
    const G g(make_on_path(field, problem), regularizers, side);
    slab.resize(g.tape_size());
    use(g, std::span<double>(slab.data(), std::size_t(slab.size())));
  };
  const Batch<double> y0 = RegularizerProblem<F>::draw(3, d + 2, n), dy_bar = RegularizerProblem<F>::draw(4, d + 2, n);
  check_regularizer_laws(AnyCost{
      .theta = problem.field.parameters(),
      .context = problem.context,
      .t = problem.t,
      .y = y0,
      .dy_bar = dy_bar,
      .evaluate =
          [&](const Vector<double>& theta, const Batch<double>& context, const Batch<double>& y, double t) {
            F moved = problem.field;
            moved.parameters() = theta;
            Batch<double> dy(d + 2, n);
            with(moved, context, [&](const G& g, std::span<double> tape) { g.evaluate(t, y, dy, tape, workspace); });
            return dy;
          },
      .pullback =
          [&](BatchRef<double> z_bar, VectorRef<double> theta_bar, double& t_bar) {
            with(problem.field, problem.context, [&](const G& g, std::span<double> tape) {
              Batch<double> dy(d + 2, n);
              g.evaluate(problem.t, y0, dy, tape, workspace);
              g.pullback(problem.t, tape, dy_bar, z_bar, theta_bar, t_bar, workspace);
            });
          },
      .naive = [&](Index sample, const Eigen::VectorXd& z) -> double { return naive(problem, sample, z); }});
}

/// By the problem's tangents.
template <class F, class R, class Naive>
void check_regularizer_laws(const F& field, const R& regularizer, Naive&& naive) {
  check_regularizer_laws(
      RegularizerProblem<F>{.field = field}, regularizer,
      [](const F& of, RegularizerProblem<F>& problem) {
        return FieldByTangents<F>(of, BatchMap<double>(problem.V.data(), of.dim(), problem.V.cols()),
                                  problem.weights.data(), problem.n);
      },
      naive);
}

}  // namespace pathline::test
