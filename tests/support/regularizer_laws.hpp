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

/// \param on_path  Makes FieldByTangents or FieldInClosedForm of a field and the problem.
/// \param naive    naive(problem, sample, z) -> rate of the cost of one sample.
template <class F, class R, class MakeOnPath, class Naive>
void check_regularizer_laws(RegularizerProblem<F> problem, const R& regularizer, MakeOnPath&& make_on_path,
                            Naive&& naive) {
  using OnPath = decltype(make_on_path(problem.field, problem));
  using G = AugmentedDynamics<OnPath, R>;
  static_assert(Dynamics<G>);
  const Index d = problem.field.dim(), n = problem.n, c = problem.context.rows();
  const std::tuple<R> regularizers(regularizer);
  Workspace<double> workspace;
  const Eigen::MatrixXd y0 = RegularizerProblem<F>::draw(3, d + 2, n),
                        dy_bar = RegularizerProblem<F>::draw(4, d + 2, n);
  Vector<double> slab;
  const auto with = [&](const F& field, const Batch<double>& context, auto&& use) {
    const SideInputs<double> side =
        c > 0 ? SideInputs<double>(typename SideInputs<double>::Context(context.data(), c, n, Eigen::OuterStride<>(c)))
              : SideInputs<double>();
    const G g(make_on_path(field, problem), regularizers, side);
    slab.resize(g.tape_size());
    return use(g, std::span<double>(slab.data(), std::size_t(slab.size())));
  };
  const auto evaluate = [&](const F& field, const Batch<double>& context, const Batch<double>& y, double t) {
    return with(field, context, [&](const G& g, std::span<double> tape) {
      Batch<double> dy(d + 2, n);
      g.evaluate(t, y, dy, tape, workspace);
      return dy;
    });
  };

  const Batch<double> dy = evaluate(problem.field, problem.context, y0, problem.t);
  for (Index i = 0; i < n; ++i)  // naive Jacobians by differences: 1e-8 of numbers of order 1 to 10
    CHECK(dy(d + 1, i) == Approx(naive(problem, i, Eigen::VectorXd(y0.col(i).head(d)))).epsilon(1e-6).margin(1e-7));

  Vector<double> theta_bar = Vector<double>::Zero(problem.field.parameters().size() + c * n);
  Batch<double> z_bar(d, n);
  double t_bar = 0;
  with(problem.field, problem.context, [&](const G& g, std::span<double> tape) {
    Batch<double> again(d + 2, n);
    g.evaluate(problem.t, y0, again, tape, workspace);
    g.pullback(problem.t, tape, dy_bar, z_bar, theta_bar, t_bar, workspace);
    return 0;
  });
  const auto product = [&](const Vector<double>& theta, const Batch<double>& context, const Batch<double>& z,
                           double t) {
    F moved = problem.field;
    moved.parameters() = theta;
    Batch<double> y = y0;
    y.topRows(d) = z;
    return evaluate(moved, context, y, t).cwiseProduct(dy_bar).sum();
  };
  const Vector<double> theta = problem.field.parameters();
  const Batch<double> z0 = y0.topRows(d);
  // Differences with h = 1e-6 of a product of order 10 to 100 round to about 1e-8 of it.
  constexpr double tolerance = 1e-6;
  CHECK(max_difference(
            theta_bar.head(theta.size()),
            central_differences([&](const Vector<double>& p) { return product(p, problem.context, z0, problem.t); },
                                theta)) < tolerance);
  CHECK(max_difference(
            Vector<double>(z_bar.reshaped()),
            central_differences(
                [&](const Vector<double>& z) { return product(theta, problem.context, z.reshaped(d, n), problem.t); },
                Vector<double>(z0.reshaped()))) < tolerance);
  if (c > 0)
    CHECK(max_difference(theta_bar.tail(c * n),
                         central_differences(
                             [&](const Vector<double>& x) { return product(theta, x.reshaped(c, n), z0, problem.t); },
                             Vector<double>(problem.context.reshaped()))) < tolerance);
  const Vector<double> time =
      central_differences([&](const Vector<double>& at) { return product(theta, problem.context, z0, at(0)); },
                          Vector<double>::Constant(1, problem.t));
  CHECK(t_bar == Approx(time(0)).epsilon(tolerance).margin(tolerance));
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
