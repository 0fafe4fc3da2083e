/// \file
/// The law of layers: what linearize and pullback owe to each other and to their caller, whatever the layer. A new
/// layer is held to it by one line, `check_layer_laws(MyLayer<double>(3, 4));`.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/layer.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <tuple>
#include <utility>

namespace pathline::test {

/// A layer behind functions, so that the law is compiled once a file and not once a layer.
struct AnyLayer {
  template <class L>
  requires Layer<L> && std::same_as<typename L::Scalar, double> AnyLayer(
      L layer)  // NOLINT(google-explicit-constructor): a test hands any layer to the law
      : in(layer.in_rows()),
        out(layer.out_rows()),
        side(layer.side_rows()),
        widest(layer.widest()),
        parameters(layer.parameter_count()),
        without_tape(tape_optional<L>) {
    const auto self = std::make_shared<const L>(std::move(layer));
    tape_size = [self](Index n, Index k) { return self->tape_size(n, k); };
    linearize = [self](ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                       BatchRef<double> Y, std::span<double> tape,
                       Workspace<double>& workspace) { self->linearize(theta, S, X, n, Y, tape, workspace); };
    pullback = [self](ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                      std::span<double> tape, BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar,
                      VectorRef<double> theta_bar, Workspace<double>& workspace) {
      self->pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
    };
  }

  Index in, out, side, widest, parameters;
  bool without_tape;
  std::function<Index(Index, Index)> tape_size;
  std::function<void(ConstVectorRef<double>, ConstBatchRef<double>, ConstBatchRef<double>, Index, BatchRef<double>,
                     std::span<double>, Workspace<double>&)>
      linearize;
  std::function<void(ConstVectorRef<double>, ConstBatchRef<double>, ConstBatchRef<double>, Index, std::span<double>,
                     BatchRef<double>, BatchRef<double>, BatchRef<double>, VectorRef<double>, Workspace<double>&)>
      pullback;
};

/// A field as a layer: its parameters are set to θ before each call.
template <Field F>
struct FieldAsLayer {
  using Scalar = typename F::Scalar;
  F field;

  [[nodiscard]] Index in_rows() const { return field.dim(); }
  [[nodiscard]] Index out_rows() const { return field.dim(); }
  [[nodiscard]] Index side_rows() const { return field.side_rows(); }
  [[nodiscard]] Index widest() const { return field.widest(); }
  [[nodiscard]] Index parameter_count() const { return field.parameters().size(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return field.tape_size(n, k); }
  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    with(theta).linearize(S, X, n, Y, tape, workspace);
  }
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    with(theta).pullback(S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  [[nodiscard]] F with(ConstVectorRef<Scalar> theta) const {
    F result = field;
    result.parameters() = theta;
    return result;
  }
};

}  // namespace pathline::test

namespace pathline {

template <Field F>
inline constexpr bool tape_optional<test::FieldAsLayer<F>> = tape_optional<F>;

}  // namespace pathline

namespace pathline::test {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Gaussian numbers, rows × columns, named by `draw`.
[[nodiscard]] inline Batch<double> gaussian(std::uint64_t draw, Index rows, Index columns, double scale = 1) {
  Batch<double> result(rows, columns);
  fill<Gaussian>(Draw{17, draw}, 0, result);
  return scale * result;
}

/// Equal bit for bit, also when empty.
[[nodiscard]] inline bool same(const Batch<double>& a, const Batch<double>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && (a.size() == 0 || a == b);
}

struct LayerGradients {
  Batch<double> X, S;
  Vector<double> theta;
};

/// A layer with inputs for it. What a layer may not read, or must write before it reads, is NaN.
class LayerProblem {
 public:
  LayerProblem(AnyLayer a_layer, Index samples, Index tangents, Index side_columns, Index extra_side_rows)
      : layer(std::move(a_layer)), n(samples), k(tangents) {
    theta = gaussian(0, layer.parameters, 1, 0.5);
    S = gaussian(1, layer.side + extra_side_rows, side_columns);
    S.bottomRows(extra_side_rows).setConstant(not_a_number);
    X = gaussian(2, layer.in, (1 + k) * n);
    Y_bar = gaussian(3, layer.out, (1 + k) * n);
  }

  [[nodiscard]] Batch<double> linearize(const Vector<double>& at, const Batch<double>& side, const Batch<double>& x) {
    tape_ = Vector<double>::Constant(layer.tape_size(n, k) + guard, not_a_number);
    tape_.tail(guard).setConstant(1234);
    Batch<double> Y = Batch<double>::Constant(layer.out, (1 + k) * n, not_a_number);
    spoil_workspace();
    layer.linearize(at, side, x, n, Y, tape(), workspace);
    return Y;
  }
  [[nodiscard]] Batch<double> linearize() { return linearize(theta, S, X); }

  /// Of the last linearize(); S_bar and theta_bar start from `start`.
  [[nodiscard]] LayerGradients pullback(const LayerGradients& start) {
    LayerGradients result = start;
    result.X = Batch<double>::Constant(X.rows(), X.cols(), not_a_number);
    Batch<double> scratch = Y_bar;
    spoil_workspace();
    layer.pullback(theta, S, X, n, tape(), scratch, result.X, result.S, result.theta, workspace);
    return result;
  }
  [[nodiscard]] LayerGradients zero() const {
    return {{}, Batch<double>::Zero(S.rows(), S.cols()), Vector<double>::Zero(theta.size())};
  }

  [[nodiscard]] std::span<double> tape() { return {tape_.data(), static_cast<std::size_t>(tape_.size() - guard)}; }
  [[nodiscard]] bool tape_was_kept_to() const { return (tape_.tail(guard).array() == 1234).all(); }

  AnyLayer layer;
  Index n, k;
  Vector<double> theta;
  Batch<double> S, X, Y_bar;
  Workspace<double> workspace;

 private:
  static constexpr Index guard = 16;

  void spoil_workspace() {
    Workspace<double>::Frame frame(workspace);
    frame.vector(8192).setConstant(not_a_number);
  }

  Vector<double> tape_;
};

/// Tangents are the derivative of the values along them; cotangents are the derivatives of ⟨Y_bar, Y⟩.
///
/// Tolerance: with h = 1e-6 truncation is h² times third derivatives, 1e-11, and differences of numbers of size y carry
/// a rounding of a few ε y / h, whatever the size of the derivative. A lost σ'' is an error of 0.1 to 1.
inline void check_derivatives(LayerProblem& problem) {
  constexpr double tolerance = 1e-8, h = 1e-6, rounding = 8 * std::numeric_limits<double>::epsilon() / h;
  const Index n = problem.n, side = problem.layer.side;
  const Batch<double> Y = problem.linearize();
  REQUIRE(Y.allFinite());
  CHECK(problem.tape_was_kept_to());

  for (Index j = n; j < Y.cols(); j += n) {
    const auto values_at = [&](double step) {
      Batch<double> S = problem.S, X = problem.X;
      X.leftCols(n) += step * problem.X.middleCols(j, n);
      if (S.cols() == X.cols()) S.leftCols(n) += step * problem.S.middleCols(j, n);
      return Batch<double>(problem.linearize(problem.theta, S, X).leftCols(n));
    };
    const Batch<double> difference = values_at(h) - values_at(-h);
    CHECK((Y.middleCols(j, n) - difference / (2 * h)).lpNorm<Eigen::Infinity>() <
          (tolerance + rounding) * Y.lpNorm<Eigen::Infinity>());
  }

  REQUIRE(same(problem.linearize(), Y));
  const LayerGradients bar = problem.pullback(problem.zero());
  CHECK(problem.tape_was_kept_to());
  const double rounding_of_product = rounding * Y.cwiseProduct(problem.Y_bar).lpNorm<1>();
  const auto agrees = [&](const Vector<double>& got, const Vector<double>& at, const auto& inputs_with) {
    const Vector<double> expected = central_differences(
        [&](const Vector<double>& x) {
          return std::apply([&](const auto&... inputs) { return problem.linearize(inputs...); }, inputs_with(x))
              .cwiseProduct(problem.Y_bar)
              .sum();
        },
        at, h);
    CHECK((got - expected).lpNorm<Eigen::Infinity>() <
          tolerance * expected.lpNorm<Eigen::Infinity>() + rounding_of_product);
  };
  const auto flat = [](const Batch<double>& A) { return Vector<double>(A.reshaped()); };
  using Inputs = std::tuple<Vector<double>, Batch<double>, Batch<double>>;
  agrees(flat(bar.X), flat(problem.X), [&](const Vector<double>& x) {
    return Inputs(problem.theta, problem.S, x.reshaped(problem.X.rows(), problem.X.cols()));
  });
  if (problem.theta.size() > 0)
    agrees(bar.theta, problem.theta, [&](const Vector<double>& theta) { return Inputs(theta, problem.S, problem.X); });
  if (side > 0)
    agrees(flat(bar.S.topRows(side)), flat(problem.S.topRows(side)), [&](const Vector<double>& s) {
      Batch<double> S = problem.S;
      S.topRows(side) = s.reshaped(side, S.cols());
      return Inputs(problem.theta, S, problem.X);
    });
  const Index extra = bar.S.rows() - side;
  CHECK(same(bar.S.bottomRows(extra), Batch<double>::Zero(extra, bar.S.cols())));
}

/// X_bar is overwritten (it starts as NaN), S_bar and theta_bar are added to, and a tape can be pulled back again.
inline void check_accumulation(LayerProblem& problem) {
  // Sums of at most 100 terms of order ten, in another order when the start is not zero.
  constexpr double rounding = 1e-12;
  const Batch<double> Y = problem.linearize();
  const LayerGradients bar = problem.pullback(problem.zero());
  const LayerGradients again = problem.pullback(problem.zero());
  CHECK(same(bar.X, again.X));
  CHECK(same(bar.S, again.S));
  CHECK(same(bar.theta, again.theta));

  const LayerGradients start{{}, gaussian(4, bar.S.rows(), bar.S.cols()), gaussian(5, bar.theta.size(), 1)};
  const LayerGradients added = problem.pullback(start);
  CHECK(same(added.X, bar.X));
  CHECK((added.S - start.S - bar.S).lpNorm<Eigen::Infinity>() < rounding);
  CHECK((added.theta - start.theta - bar.theta).lpNorm<Eigen::Infinity>() < rounding);
  CHECK(same(problem.linearize(), Y));
}

/// Batches may be blocks of larger ones, whose other entries stay as they are.
inline void check_blocks(LayerProblem& problem) {
  constexpr double rounding = 1e-12;  // as above; products may sum in another order
  const Index columns = problem.X.cols(), in = problem.layer.in, out = problem.layer.out;
  const Batch<double> Y = problem.linearize();
  const LayerGradients bar = problem.pullback(problem.zero());

  Batch<double> X(in + 3, columns + 2), Y_and_more(out + 3, columns + 2), X_bar_and_more(in + 3, columns + 2);
  for (Batch<double>* one : {&X, &Y_and_more, &X_bar_and_more}) one->setConstant(7);
  X.block(1, 1, in, columns) = problem.X;
  problem.layer.linearize(problem.theta, problem.S, X.block(1, 1, in, columns), problem.n,
                          Y_and_more.block(1, 1, out, columns), problem.tape(), problem.workspace);
  CHECK((Y_and_more.block(1, 1, out, columns) - Y).lpNorm<Eigen::Infinity>() < rounding);
  CHECK((Y_and_more.array() == 7).count() >= Y_and_more.size() - Y.size());

  Y_and_more.block(1, 1, out, columns) = problem.Y_bar;
  LayerGradients from_blocks = problem.zero();
  problem.layer.pullback(problem.theta, problem.S, X.block(1, 1, in, columns), problem.n, problem.tape(),
                         Y_and_more.block(1, 1, out, columns), X_bar_and_more.block(1, 1, in, columns), from_blocks.S,
                         from_blocks.theta, problem.workspace);
  CHECK((X_bar_and_more.block(1, 1, in, columns) - bar.X).lpNorm<Eigen::Infinity>() < rounding);
  CHECK((from_blocks.S - bar.S).lpNorm<Eigen::Infinity>() < rounding);
  CHECK((from_blocks.theta - bar.theta).lpNorm<Eigen::Infinity>() < rounding);
  CHECK((X_bar_and_more.array() == 7).count() >= X_bar_and_more.size() - bar.X.size());
  CHECK((Y_and_more.array() == 7).count() >= Y_and_more.size() - Y.size());
}

/// Values do not depend on how many tangents ride along. Not bit for bit: products of other widths sum in other orders.
inline void check_values_alone(LayerProblem& problem) {
  const Batch<double> Y = problem.linearize();
  const Index side_columns = std::min(problem.S.cols(), problem.n);
  LayerProblem alone(problem.layer, problem.n, 0, side_columns, problem.S.rows() - problem.layer.side);
  alone.S = problem.S.leftCols(side_columns);
  alone.X = problem.X.leftCols(problem.n);
  CHECK((alone.linearize() - Y.leftCols(problem.n)).lpNorm<Eigen::Infinity>() < 1e-13);
}

/// A layer that can do without a tape gives the same values and tangents then. Not bit for bit: a compiler may contract
/// other products and sums in an activation without derivatives.
inline void check_without_tape(LayerProblem& problem) {
  if (!problem.layer.without_tape) return;
  const Batch<double> taped = problem.linearize();
  Batch<double> Y = Batch<double>::Constant(taped.rows(), taped.cols(), not_a_number);
  problem.layer.linearize(problem.theta, problem.S, problem.X, problem.n, Y, {}, problem.workspace);
  CHECK((Y - taped).lpNorm<Eigen::Infinity>() < 1e-13);
}

/// All laws for n samples with k tangents each; S has `side_columns` columns (1, n or (1+k)n).
inline void check_layer_laws(const AnyLayer& layer, Index n, Index k, Index side_columns) {
  CHECK(layer.widest >= std::max(layer.in, layer.out));
  for (const Index extra_side_rows : {0, 2}) {
    INFO("n = " << n << ", k = " << k << ", S is " << layer.side + extra_side_rows << " x " << side_columns);
    LayerProblem problem(layer, n, k, side_columns, extra_side_rows);
    check_derivatives(problem);
    check_accumulation(problem);
    check_blocks(problem);
    check_values_alone(problem);
    check_without_tape(problem);
  }
}

/// The same for no tangent, some, and as many as there are inputs; for one sample and several; for side inputs that
/// are shared, a column a sample, and packed with tangents of their own.
inline void check_layer_laws(const AnyLayer& layer) {
  for (const Index k : {Index(0), Index(1), Index(2), layer.in}) {
    check_layer_laws(layer, 1, k, 1);
    check_layer_laws(layer, 3, k, 1);
    check_layer_laws(layer, 3, k, 3);
    if (k == 0) continue;
    check_layer_laws(layer, 1, k, 1 + k);
    check_layer_laws(layer, 3, k, 3 * (1 + k));
  }
}

/// Nothing is allocated after the first call, whatever the shape of S.
inline void check_no_allocations(const AnyLayer& layer) {
  constexpr Index n = 20, k = 2;
  const detail::OneThreadProducts one_thread;  // as inside of a chunk: Eigen's threads would allocate
  for (const Index side_columns : {Index(1), n, (1 + k) * n}) {
    INFO("S is " << layer.side << " x " << side_columns);
    LayerProblem problem(layer, n, k, side_columns, 2);
    Vector<double> tape(layer.tape_size(n, k));
    Batch<double> Y(layer.out, (1 + k) * n), X_bar = problem.X;
    LayerGradients bar = problem.zero();
    const auto both = [&] {
      const std::span<double> slab(tape.data(), static_cast<std::size_t>(tape.size()));
      problem.layer.linearize(problem.theta, problem.S, problem.X, n, Y, slab, problem.workspace);
      problem.layer.pullback(problem.theta, problem.S, problem.X, n, slab, Y, X_bar, bar.S, bar.theta,
                             problem.workspace);
    };
    both();
    const AllocationCounter counter;
    both();
    CHECK(counter.count() == 0);
  }
}

/// A smooth activation of a user's own, for packs.
struct Cube {
  template <class P>
  static Jet<P> jet(P x) {
    return {x * x * x, P(3) * x * x, P(6) * x};
  }
};
/// And one for plain scalars only.
struct Arctangent {
  template <Real Scalar>
  static Jet<Scalar> jet(Scalar x) {
    const Scalar slope = 1 / (1 + x * x);
    return {std::atan(x), slope, -2 * x * slope * slope};
  }
};

}  // namespace pathline::test
