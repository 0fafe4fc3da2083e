/// \file
/// OT-Flow's potential with directional derivatives: -∇_z Φ and its derivatives along k tangents per sample, which are
/// columns of -∇²Φ V, and the way back from both. docs/maths.md, (10.10), with P_i the derivatives of a_i.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/potential/potential_parameters.hpp>

#include <cstddef>
#include <span>

namespace pathline::detail {

/// The tangent form on one tape. Layer i = 0 … M leaves T_i and S_i (m × n), and packed, a column a sample and then k
/// blocks of tangents: a_i, u_i, z_{i+1} with theirs.
template <Real Scalar>
class PotentialTangents {
  using Parameters = PotentialParameters<const Scalar>;
  using Gradients = PotentialParameters<Scalar>;
  using Frame = typename Workspace<Scalar>::Frame;
  using enum Factor;

 public:
  PotentialTangents(const PotentialShape& shape, std::span<Scalar> tape, Index n, Index k)
      : shape_(shape), n_(n), packed_((1 + k) * n), h_(Scalar(1) / Scalar(shape.depth)), tape_(tape.data()) {
    eigen_assert(Index(tape.size()) >= tape_size(shape, n, k));
  }

  [[nodiscard]] static Index tape_size(const PotentialShape& shape, Index n, Index k) noexcept {
    return (shape.depth + 1) * layer_size(shape, n, (1 + k) * n);
  }

  /// X = [Z V] to Y = [-∇_z Φ, its derivatives along V].
  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> X, BatchRef<Scalar> Y,
                 Workspace<Scalar>& workspace) const {
    const Parameters p(shape_, theta.data());
    const Index m = shape_.width, last = shape_.depth;
    Frame frame(workspace);
    BatchMap<Scalar> Q = frame.batch(shape_.dim + 1, packed_), G = frame.batch(shape_.dim + 1, packed_),
                     AQ = frame.batch(shape_.rank(), packed_), y = frame.batch(m, packed_);
    append_time<Scalar>(side, X, n_, Q);
    for (Index i = 0; i <= last; ++i) {
      Layer at = layer(i);
      at.a.leftCols(n_).colwise() = p.bias(i);
      at.a.rightCols(packed_ - n_).setZero();
      if (i == 0)
        add_matrix_product<plain, plain, Scalar>(p.K(0), Q, at.a);
      else
        add_matrix_product<plain, plain, Scalar>(p.K(i), layer(i - 1).u, at.a);
      pathline::activate<LogTwoCosh>(m * n_, at.a.data(), at.u.data(), at.T.data(), at.S.data());
      for (Index j = n_; j < packed_; j += n_) at.u.middleCols(j, n_) = at.T.cwiseProduct(at.a.middleCols(j, n_));
      if (i > 0) at.u = layer(i - 1).u + h_ * at.u;
    }
    BatchMap<Scalar> z_last = layer(last).z;
    z_last.leftCols(n_).colwise() = p.w();
    z_last.rightCols(packed_ - n_).setZero();
    for (Index i = last; i >= 0; --i) {
      Layer at = layer(i);
      backpropagated(at, y);
      if (i > 0) {
        BatchMap<Scalar> z_below = layer(i - 1).z;
        z_below = at.z;
        add_matrix_product<transposed, plain, Scalar>(p.K(i), y, z_below);
      }
    }
    G.leftCols(n_).colwise() = p.b();
    G.rightCols(packed_ - n_).setZero();
    add_matrix_product<transposed, plain, Scalar>(p.K(0), y, G);
    set_matrix_product<plain, plain, Scalar>(p.A(), Q, AQ);
    add_matrix_product<transposed, plain, Scalar>(p.A(), AQ, G);
    Y = -G.topRows(shape_.dim);
  }

  /// Overwrites X_bar, adds to side_bar and theta_bar.
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> X,
                ConstBatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> side_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Parameters p(shape_, theta.data());
    const Gradients bar(shape_, theta_bar.data());
    const Index d = shape_.dim, m = shape_.width, last = shape_.depth;
    Frame frame(workspace);
    BatchMap<Scalar> Q = frame.batch(d + 1, packed_), Q_bar = frame.batch(d + 1, packed_),
                     G_bar = frame.batch(d + 1, packed_);
    append_time<Scalar>(side, X, n_, Q);
    G_bar.topRows(d) = -Y_bar;
    G_bar.row(d).setZero();

    // Back through the sweep down: what the columns of ∇Φ and ∇²Φ V owe to z_{i+1} and a_i.
    BatchMap<Scalar> a_bars = frame.batch(m, (last + 1) * packed_), z_bar = frame.batch(m, packed_),
                     y = frame.batch(m, packed_), y_bar = frame.batch(m, packed_);
    for (Index i = 0; i <= last; ++i) {
      const Layer at = layer(i);
      backpropagated(at, y);
      auto K_bar = bar.K(i);
      if (i == 0) {
        set_matrix_product<plain, plain, Scalar>(p.K(0), G_bar, y_bar);
        add_matrix_product<plain, transposed, Scalar>(y, G_bar, K_bar);
        z_bar.setZero();
      } else {
        set_matrix_product<plain, plain, Scalar>(p.K(i), z_bar, y_bar);
        add_matrix_product<plain, transposed, Scalar>(y, z_bar, K_bar);
      }
      pull_back_down(at, y_bar, z_bar, a_bars.middleCols(i * packed_, packed_));
    }
    add_column_sum(z_bar, bar.w());

    // Back through the sweep up; what u_M owes is zero.
    BatchMap<Scalar> U_bar = frame.batch(m, packed_);
    U_bar.setZero();
    for (Index i = last; i >= 0; --i) {
      auto a_bar = a_bars.middleCols(i * packed_, packed_);
      auto K_bar = bar.K(i);
      if (i < last) pull_back_up(layer(i), U_bar, a_bar);
      add_column_sum(a_bar, bar.bias(i));
      if (i == 0) {
        add_matrix_product<plain, transposed, Scalar>(a_bar, Q, K_bar);
        set_matrix_product<transposed, plain, Scalar>(p.K(0), a_bar, Q_bar);
      } else {
        add_matrix_product<plain, transposed, Scalar>(a_bar, layer(i - 1).u, K_bar);
        add_matrix_product<transposed, plain, Scalar>(p.K(i), a_bar, U_bar);
      }
    }

    // The quadratic part.
    BatchMap<Scalar> AQ = frame.batch(shape_.rank(), packed_), AG_bar = frame.batch(shape_.rank(), packed_);
    set_matrix_product<plain, plain, Scalar>(p.A(), Q, AQ);
    set_matrix_product<plain, plain, Scalar>(p.A(), G_bar, AG_bar);
    auto A_bar = bar.A();
    add_matrix_product<plain, transposed, Scalar>(AQ, G_bar, A_bar);
    add_matrix_product<plain, transposed, Scalar>(AG_bar, Q, A_bar);
    add_column_sum(G_bar, bar.b());
    add_matrix_product<transposed, plain, Scalar>(p.A(), AG_bar, Q_bar);
    X_bar = Q_bar.topRows(d);
    add_time_bar<Scalar>(Q_bar, n_, side_bar);
  }

 private:
  struct Layer {
    Scalar factor;  // κ_0 = 1, κ_i = h
    BatchMap<Scalar> T, S, a, u, z;
  };

  /// Y = κ [T z, S ȧ z + T ż], which K_iᵀ takes to z_i and its tangents.
  void backpropagated(const Layer& at, BatchRef<Scalar> Y) const {
    for (Index j = 0; j < n_; ++j)
      for (Index c = j; c < packed_; c += n_) {
        Y.col(c) = at.factor * at.T.col(j).cwiseProduct(at.z.col(c));
        if (c > j) Y.col(c).array() += at.factor * at.S.col(j).array() * at.a.col(c).array() * at.z.col(j).array();
      }
  }

  /// The reverse of `backpropagated`, given K_i Z̄_i: z_bar turns from Z̄_i into that of z_{i+1}; overwrites a_bar.
  /// S' = -2 T S is the third derivative of σ.
  void pull_back_down(const Layer& at, ConstBatchRef<Scalar> y_bar, BatchRef<Scalar> z_bar,
                      BatchRef<Scalar> a_bar) const {
    for (Index j = 0; j < n_; ++j)
      for_packs<Scalar>(shape_.width, [&](auto lanes, Index row) {
        using Value = typename decltype(lanes)::Value;
        const auto of = [&](const auto& matrix, Index column) { return lanes.load(matrix.col(column).data() + row); };
        const Value tanh = of(at.T, j), slope = of(at.S, j), z = of(at.z, j), gradient = of(y_bar, j) * at.factor;
        Value tanh_bar = z * gradient, slope_bar(Scalar(0)), z_value_bar = of(z_bar, j) + tanh * gradient;
        for (Index c = j + n_; c < packed_; c += n_) {
          const Value a = of(at.a, c), along = of(y_bar, c) * at.factor;
          tanh_bar += of(at.z, c) * along;
          slope_bar += a * z * along;
          z_value_bar += slope * a * along;
          lanes.add(tanh * along, z_bar.col(c).data() + row);
          lanes.store(slope * z * along, a_bar.col(c).data() + row);
        }
        lanes.store(z_value_bar, z_bar.col(j).data() + row);
        lanes.store(slope * (tanh_bar - tanh * slope_bar * Scalar(2)), a_bar.col(j).data() + row);
      });
  }

  /// Adds to a_bar what u_i = u_{i-1} + κ σ(a_i) and its tangents owe.
  void pull_back_up(const Layer& at, ConstBatchRef<Scalar> U_bar, BatchRef<Scalar> a_bar) const {
    for (Index j = 0; j < n_; ++j) {
      a_bar.col(j).array() += at.factor * at.T.col(j).array() * U_bar.col(j).array();
      for (Index c = j + n_; c < packed_; c += n_) {
        a_bar.col(j).array() += at.factor * at.S.col(j).array() * at.a.col(c).array() * U_bar.col(c).array();
        a_bar.col(c).array() += at.factor * at.T.col(j).array() * U_bar.col(c).array();
      }
    }
  }

  /// Over the samples; tangents do not see what is added to every sample alike.
  void add_column_sum(ConstBatchRef<Scalar> X, VectorRef<Scalar> sum) const {
    for (Index j = 0; j < n_; ++j) sum += X.col(j);
  }

  [[nodiscard]] static Index layer_size(const PotentialShape& shape, Index n, Index packed) noexcept {
    return 2 * Slices<Scalar>::size(shape.width * n) + 3 * Slices<Scalar>::size(shape.width * packed);
  }
  [[nodiscard]] Layer layer(Index i) const {
    const Index m = shape_.width, size = layer_size(shape_, n_, packed_);
    Slices<Scalar> slices(std::span<Scalar>(tape_ + i * size, std::size_t(size)));
    const BatchMap<Scalar> T = slices.batch(m, n_), S = slices.batch(m, n_), a = slices.batch(m, packed_),
                           u = slices.batch(m, packed_), z = slices.batch(m, packed_);
    return {.factor = i == 0 ? Scalar(1) : h_, .T = T, .S = S, .a = a, .u = u, .z = z};
  }

  PotentialShape shape_;
  Index n_, packed_;
  Scalar h_;
  Scalar* tape_;
};

}  // namespace pathline::detail
