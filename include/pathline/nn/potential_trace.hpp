/// \file
/// OT-Flow's potential with its divergence: the gradient of Φ and the trace of its Hessian in space, and the way back
/// from both. docs/maths.md, section 10, whose letters these are.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/potential_parameters.hpp>

#include <span>

namespace pathline::detail {

/// The trace form on one tape. Layer i = 0 … M leaves T_i = tanh a_i and S_i = 1 - T_i², and besides
/// u_i and z_{i+1} unless it is the last (z_{M+1} = w, J_M is not needed); the space derivatives P_i, a block of n
/// columns for each of the d directions, unless it is the first (P_0 is K_0's columns, the same for every sample); and
/// J_i where it is neither (J_0 = T_0 ⊙ P_0 is cheaper made anew than kept).
template <Real Scalar>
class PotentialTrace {
  using Parameters = PotentialParameters<const Scalar>;
  using Gradients = PotentialParameters<Scalar>;
  using Frame = typename Workspace<Scalar>::Frame;

 public:
  PotentialTrace(const PotentialShape& shape, std::span<Scalar> tape, Index n)
      : shape_(shape), n_(n), tape_(tape.data()) {
    eigen_assert(Index(tape.size()) >= tape_size(shape, n));
  }

  [[nodiscard]] static Index tape_size(const PotentialShape& shape, Index n) noexcept {
    return (4 * shape.depth + 2) * values(shape, n) + (2 * shape.depth - 1) * derivatives(shape, n);
  }

  /// Y = [-∇_z Φ; -tr ∇²_z Φ; ∂Φ/∂t].
  void evaluate(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> Z, BatchRef<Scalar> Y,
                Workspace<Scalar>& workspace) const {
    const Parameters p(shape_, theta.data());
    const Index d = shape_.dim, m = shape_.width, last = shape_.depth;
    Frame frame(workspace);
    BatchMap<Scalar> Q = frame.batch(d + 1, n_), G = frame.batch(d + 1, n_), AA = frame.batch(d + 1, d + 1),
                     y = frame.batch(m, n_), J_0 = frame.batch(m, d * n_), K_transposed = frame.batch(m, m);
    append_time<Scalar>(side, Z, n_, Q);

    // Up through the layers: values, and derivatives along the unit vectors.
    T(0).colwise() = p.bias(0);
    add_product<Scalar>(p.K(0), Q, T(0));
    pathline::activate<LogTwoCosh>(m * n_, T(0).data(), u(0).data(), T(0).data(), S(0).data());
    first_derivatives(p, J_0);
    for (Index i = 1; i <= last; ++i) {
      const BatchMap<Scalar> J_before = i == 1 ? J_0 : J(i - 1);
      T(i).colwise() = p.bias(i);
      add_product<Scalar>(p.K(i), u(i - 1), T(i));
      set_product<Scalar>(p.K(i), J_before, P(i));
      if (i == last) {
        pathline::activate<Tanh>(m * n_, T(i).data(), T(i).data(), S(i).data());  // u_M is not needed
      } else {
        pathline::activate<LogTwoCosh>(m * n_, T(i).data(), u(i).data(), T(i).data(), S(i).data());
        u(i) = u(i - 1) + h() * u(i);
        for (Index k = 0; k < d; ++k)
          J(i).middleCols(k * n_, n_) =
              J_before.middleCols(k * n_, n_) + h() * T(i).cwiseProduct(P(i).middleCols(k * n_, n_));
      }
    }

    // Down again: z_i and with it the trace, and in the end the gradient.
    Y.row(d).setConstant(-p.A().leftCols(d).squaredNorm());
    for (Index i = last; i >= 0; --i) {
      const Level at = level(p, i);
      for (Index j = 0; j < n_; ++j)
        Y(d, j) -= at.factor * sum_packs<Scalar>(m, [&](auto lanes, Index row) {
                     const auto z_above = lanes.load(at.z + j * at.z_next + row);
                     lanes.store(lanes.load(at.T + j * m + row) * z_above * at.factor, y.data() + j * m + row);
                     if (i > 0) lanes.store(z_above, z(i).data() + j * m + row);
                     return lanes.load(at.S + j * m + row) * z_above * at.squares(lanes, j, row);
                   });
      if (i == 0) break;
      K_transposed = p.K(i).transpose();
      add_product<Scalar>(K_transposed, y, z(i));
    }
    G.colwise() = p.b();
    add_transposed_product<Scalar>(p.K(0), y, G);
    AA.noalias() = p.A().transpose() * p.A();
    add_product<Scalar>(AA, Q, G);
    Y.topRows(d) = -G.topRows(d);
    Y.row(d + 1) = G.row(d);
  }

  /// Overwrites Z_bar, adds to side_bar and theta_bar.
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> Z,
                ConstBatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar, BatchRef<Scalar> side_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Parameters p(shape_, theta.data());
    const Gradients bar(shape_, theta_bar.data());
    const Index d = shape_.dim, m = shape_.width, last = shape_.depth;
    Frame frame(workspace);
    BatchMap<Scalar> Q = frame.batch(d + 1, n_), Q_bar = frame.batch(d + 1, n_), G_bar = frame.batch(d + 1, n_);
    append_time<Scalar>(side, Z, n_, Q);
    G_bar.topRows(d) = -Y_bar.topRows(d);
    G_bar.row(d) = Y_bar.row(d + 1);

    // Back through the sweep down: what gradient and trace owe to z_{i+1}, and through T_i, S_i, P_i to [ā_i | P̄_i].
    const Index packed = (1 + d) * n_;
    BatchMap<Scalar> bars = frame.batch(m, (last + 1) * packed), z_bars = frame.batch(m, 2 * n_),
                     y = frame.batch(m, n_), y_bar = frame.batch(m, n_);
    VectorMap<Scalar> P_0_factor = frame.vector(m);  // P̄_0 = 2 P_0 ⊙ Σ τ̄ S_0 z_1: P_0 is the same for all samples
    P_0_factor.setZero();
    for (Index i = 0; i <= last; ++i) {
      const Level at = level(p, i);
      auto z_bar = z_bars.middleCols((i % 2) * n_, n_), z_bar_above = z_bars.middleCols(((i + 1) % 2) * n_, n_);
      if (i == 0) {
        set_product<Scalar>(p.K(0), G_bar, y_bar);
        z_bar.setZero();
      } else {
        set_product<Scalar>(p.K(i), z_bar, y_bar);
      }
      pull_back_down(at, i, Y_bar, y_bar, z_bar, y, z_bar_above, bars.middleCols(i * packed, packed), P_0_factor);
      add_outer_product<Scalar>(y, i == 0 ? BatchMap<Scalar>(G_bar) : BatchMap<Scalar>(z_bar.data(), m, n_), bar.K(i));
    }
    add_row_sums(z_bars.middleCols(((last + 1) % 2) * n_, n_), bar.w());
    for (Index k = 0; k < d; ++k) bar.K(0).col(k).array() += Scalar(2) * P_0_factor.array() * p.K(0).col(k).array();

    // Back through the sweep up: [ū_i | J̄_i] come from above, those of u_M and J_M are zero.
    BatchMap<Scalar> U_bar = frame.batch(m, packed), J_0 = frame.batch(m, d * n_), K_transposed = frame.batch(m, m);
    first_derivatives(p, J_0);
    for (Index i = last; i >= 0; --i) {
      const auto a_bar = bars.middleCols(i * packed, n_);
      if (i < last) pull_back_up(level(p, i), i, U_bar, bars.middleCols(i * packed, packed), bar.K(0));
      add_row_sums(a_bar, bar.bias(i));
      if (i == 0) break;
      const auto P_bar = bars.middleCols(i * packed + n_, d * n_);
      add_outer_product<Scalar>(a_bar, u(i - 1), bar.K(i));
      add_outer_product<Scalar>(P_bar, i == 1 ? J_0 : J(i - 1), bar.K(i));
      K_transposed = p.K(i).transpose();
      if (i == last)
        set_product<Scalar>(K_transposed, bars.middleCols(i * packed, packed), U_bar);
      else
        add_product<Scalar>(K_transposed, bars.middleCols(i * packed, packed), U_bar);
    }
    const auto a_0_bar = bars.leftCols(n_);
    add_outer_product<Scalar>(a_0_bar, Q, bar.K(0));
    Q_bar.setZero();
    add_transposed_product<Scalar>(p.K(0), a_0_bar, Q_bar);

    // The quadratic part: with C = Q Ḡᵀ, Ā = A (C + Cᵀ) + 2 Σ τ̄ A E Eᵀ.
    BatchMap<Scalar> AA = frame.batch(d + 1, d + 1), C = frame.batch(d + 1, d + 1);
    C.setZero();
    add_outer_product<Scalar>(Q, G_bar, C);
    AA = C + C.transpose();
    bar.A().noalias() += p.A() * AA;
    bar.A().leftCols(d) -= (2 * Y_bar.row(d).sum()) * p.A().leftCols(d);
    add_row_sums(G_bar, bar.b());
    AA.noalias() = p.A().transpose() * p.A();
    add_product<Scalar>(AA, G_bar, Q_bar);
    Z_bar = Q_bar.topRows(d);
    add_time_bar<Scalar>(Q_bar, n_, side_bar);
  }

 private:
  /// What both ways read of layer i, addressed alike for all layers: κ_i, T_i, S_i, z_{i+1} and P_i.
  struct Level {
    Scalar factor;                     // κ_0 = 1, κ_i = h
    const Scalar *T, *S, *z, *P;       // of sample 0; those of the next are m further for T and S,
    Index z_next, P_next, directions;  // and this for z and P, 0 where all samples share them
    Index direction;                   // from one direction of P to the next

    template <class Lanes>
    [[nodiscard]] EIGEN_ALWAYS_INLINE auto derivative(Lanes, Index j, Index k, Index row) const {
      return Lanes::load(P + j * P_next + k * direction + row);
    }
    /// ρ(P).
    template <class Lanes>
    [[nodiscard]] EIGEN_ALWAYS_INLINE auto squares(Lanes lanes, Index j, Index row) const {
      auto sum = typename Lanes::Value(Scalar(0));
      for (Index k = 0; k < directions; ++k) {
        const auto x = derivative(lanes, j, k, row);
        sum = madd(x, x, sum);
      }
      return sum;
    }
  };

  [[nodiscard]] Level level(const Parameters& p, Index i) const {
    const Index m = shape_.width;
    const bool first = i == 0, last = i == shape_.depth;
    return {.factor = first ? Scalar(1) : h(),
            .T = T(i).data(),
            .S = S(i).data(),
            .z = last ? p.w().data() : z(i + 1).data(),
            .P = first ? p.K(0).data() : P(i).data(),
            .z_next = last ? 0 : m,
            .P_next = first ? 0 : m,
            .directions = shape_.dim,
            .direction = first ? m : m * n_};
  }

  /// Layer i of the way back through z_i = z_{i+1} + K_iᵀ y_i, y_i = κ_i T_i z_{i+1}, and through the trace: given
  /// y_bar = K_i z̄_i and z_bar = z̄_i, writes y_i, z̄_{i+1} and bars = [ā_i | P̄_i]; of P̄_0 only its factor.
  void pull_back_down(const Level& at, Index i, ConstBatchRef<Scalar> Y_bar, ConstBatchRef<Scalar> y_bar,
                      ConstBatchRef<Scalar> z_bar, BatchRef<Scalar> y, BatchRef<Scalar> z_bar_above,
                      BatchRef<Scalar> bars, VectorRef<Scalar> P_0_factor) const {
    const Index d = shape_.dim, m = shape_.width;
    for (Index j = 0; j < n_; ++j) {
      const Scalar trace_bar = -Y_bar(d, j), scaled = at.factor * trace_bar;
      for_packs<Scalar>(m, [&](auto lanes, Index row) {
        const Index here = j * m + row;
        const auto tanh = lanes.load(at.T + here), slope = lanes.load(at.S + here),
                   z_above = lanes.load(at.z + j * at.z_next + row), squares = at.squares(lanes, j, row),
                   gradient = lanes.load(y_bar.data() + here) * at.factor, curved = slope * z_above;
        lanes.store(tanh * z_above * at.factor, y.data() + here);
        lanes.store(lanes.load(z_bar.data() + here) + tanh * gradient + slope * squares * scaled,
                    z_bar_above.data() + here);
        lanes.store(curved * (gradient - tanh * squares * (2 * scaled)), bars.data() + here);
        if (i == 0)
          lanes.add(curved * trace_bar, P_0_factor.data() + row);
        else
          for (Index k = 0; k < d; ++k)
            lanes.store(curved * at.derivative(lanes, j, k, row) * (2 * scaled), bars.data() + (k + 1) * n_ * m + here);
      });
    }
  }

  /// Layer i of the way back through u_i = u_{i-1} + κ_i σ(a_i) and J_i = J_{i-1} + κ_i T_i ⊙ P_i: given
  /// U_bar = [ū_i | J̄_i], adds to bars = [ā_i | P̄_i]; P̄_0 Eᵀ goes to K̄_0 at once, summed over the samples.
  void pull_back_up(const Level& at, Index i, ConstBatchRef<Scalar> U_bar, BatchRef<Scalar> bars,
                    BatchRef<Scalar> K_0_bar) const {
    const Index d = shape_.dim, m = shape_.width;
    for (Index j = 0; j < n_; ++j)
      for_packs<Scalar>(m, [&](auto lanes, Index row) {
        const Index here = j * m + row;
        const auto tanh = lanes.load(at.T + here) * at.factor;
        typename decltype(lanes)::Value along(Scalar(0));
        for (Index k = 0; k < d; ++k) {
          const Index there = (k + 1) * n_ * m + here;
          const auto J_bar = lanes.load(U_bar.data() + there);
          along += J_bar * at.derivative(lanes, j, k, row);
          lanes.add(tanh * J_bar, i == 0 ? K_0_bar.data() + k * m + row : bars.data() + there);
        }
        lanes.add(tanh * lanes.load(U_bar.data() + here) + lanes.load(at.S + here) * along * at.factor,
                  bars.data() + here);
      });
  }

  /// J_0 = T_0 ⊙ K_0 E.
  void first_derivatives(const Parameters& p, BatchRef<Scalar> J_0) const {
    const Index m = shape_.width;
    const Scalar *P = p.K(0).data(), *T_0 = T(0).data();
    for (Index k = 0; k < shape_.dim; ++k)
      for (Index j = 0; j < n_; ++j)
        for_packs<Scalar>(m, [&](auto lanes, Index row) {
          lanes.store(lanes.load(P + k * m + row) * lanes.load(T_0 + j * m + row), J_0.col(k * n_ + j).data() + row);
        });
  }

  /// Column by column: a sum over rows as an expression would need a temporary.
  static void add_row_sums(ConstBatchRef<Scalar> X, VectorRef<Scalar> sum) {
    for (Index j = 0; j < X.cols(); ++j) sum += X.col(j);
  }

  [[nodiscard]] Scalar h() const noexcept { return Scalar(1) / Scalar(shape_.depth); }

  // The tape: T, S, u, z of the layers below the last, then T and S of the last; then P of layer 1, J of layer 1, …
  [[nodiscard]] static Index values(const PotentialShape& shape, Index n) noexcept {
    return Slices<Scalar>::size(shape.width * n);
  }
  [[nodiscard]] static Index derivatives(const PotentialShape& shape, Index n) noexcept {
    return Slices<Scalar>::size(shape.width * shape.dim * n);
  }
  [[nodiscard]] BatchMap<Scalar> value(Index i) const {
    return BatchMap<Scalar>(tape_ + i * values(shape_, n_), shape_.width, n_);
  }
  [[nodiscard]] BatchMap<Scalar> derivative(Index i) const {
    return BatchMap<Scalar>(tape_ + (4 * shape_.depth + 2) * values(shape_, n_) + i * derivatives(shape_, n_),
                            shape_.width, shape_.dim * n_);
  }
  [[nodiscard]] BatchMap<Scalar> T(Index i) const { return value(4 * i); }
  [[nodiscard]] BatchMap<Scalar> S(Index i) const { return value(4 * i + 1); }
  [[nodiscard]] BatchMap<Scalar> u(Index i) const { return value(4 * i + 2); }
  [[nodiscard]] BatchMap<Scalar> z(Index i) const { return value(4 * i - 1); }  // i ≥ 1, with layer i - 1
  [[nodiscard]] BatchMap<Scalar> P(Index i) const { return derivative(2 * i - 2); }
  [[nodiscard]] BatchMap<Scalar> J(Index i) const { return derivative(2 * i - 1); }

  PotentialShape shape_;
  Index n_;
  Scalar* tape_;
};

}  // namespace pathline::detail
