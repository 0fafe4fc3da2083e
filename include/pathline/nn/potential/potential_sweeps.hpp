/// \file
/// The residual network under OT-Flow's potential: the sweep up through its layers with the
/// derivatives along the unit vectors, the sweep down with the gradient and the trace, and the way back through both.
/// docs/maths.md, (10.2) to (10.9), whose letters these are.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/math/write_transposed.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/potential/potential_parameters.hpp>
#include <pathline/nn/potential/potential_passes.hpp>

namespace pathline::detail {

/// One number a sample, `next` scalars apart.
template <class T>
struct SampleNumbers {
  T* first;
  Index next;
};

/// The sweeps over n samples on one tape. Layer i = 0 … M leaves T_i = tanh a_i and S_i = 1 - T_i², and besides u_i and
/// z_{i+1} unless it is the last (z_{M+1} = w, J_M is not needed); the space derivatives P_i, a block of n columns for
/// each of the d directions, unless it is the first (P_0 is K_0's columns, the same for every sample); and J_i where it
/// is neither (J_0 = T_0 ⊙ P_0 is cheaper made anew than kept).
template <Real Scalar>
class PotentialSweeps {
  using Parameters = PotentialParameters<const Scalar>;
  using Gradients = PotentialParameters<Scalar>;
  using Frame = typename Workspace<Scalar>::Frame;

 public:
  PotentialSweeps(const PotentialShape& shape, Scalar* tape, Index n) : shape_(shape), n_(n), tape_(tape) {}

  [[nodiscard]] static Index tape_size(const PotentialShape& shape, Index n) noexcept {
    return (4 * shape.depth + 2) * values(shape, n) + (2 * shape.depth - 1) * derivatives(shape, n);
  }

  /// Adds K_0ᵀ y_0, the network's part of the gradient by q, to G, and takes its part of tr ∇²_z Φ from the traces,
  /// which hold minus that.
  /// Q, G: n × (d+1), a row a sample: so few columns are read fastest one by one.
  void evaluate(const Parameters& p, ConstBatchRef<Scalar> Q, BatchRef<Scalar> G, SampleNumbers<Scalar> traces,
                Workspace<Scalar>& workspace) const {
    const Index d = shape_.dim, m = shape_.width, last = shape_.depth;
    Frame frame(workspace);
    BatchMap<Scalar> y = frame.batch(m, n_), K_transposed = frame.batch(m, m),
                     J_0 = frame.batch(m, derivatives_by_matrices() ? 0 : d * n_), L = frame.batch(m, m);

    set_product_transposed<Scalar>(p.K(0), Q, p.bias(0), T(0));
    pathline::activate<LogTwoCosh>(m * n_, T(0).data(), u(0).data(), T(0).data(), S(0).data());
    if (!derivatives_by_matrices())
      with_directions(d, [&](auto k) { first_derivatives(k, n_, level(p, 0), J_0.data()); });
    for (Index i = 1; i <= last; ++i) {
      const BatchMap<Scalar> J_before = i == 1 ? J_0 : J(i - 1);
      set_product<Scalar>(p.K(i), u(i - 1), p.bias(i), T(i));
      if (derivatives_by_matrices())
        for (Index k = 0; k < d; ++k) {
          scale_columns(m, p.K(1).data(), p.K(0).col(k).data(), L.data());
          set_product<Scalar>(L, T(0), P(1).middleCols(k * n_, n_));
        }
      else
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

    for (Index i = last; i >= 0; --i) {
      with_directions(d, [&](auto k) { descend(k, n_, level(p, i), y.data(), traces.first, traces.next); });
      if (i == 0) break;
      write_transposed<Scalar>(p.K(i), K_transposed);
      if (i == last)
        set_product<Scalar>(K_transposed, y, p.w(), z(i));
      else
        set_product<Scalar>(K_transposed, y, z(i + 1), z(i));
    }
    add_transposed_product<Scalar>(y, p.K(0), G);
  }

  /// Adds what G_bar and trace_bars owe to Q_bar and to K_i, b_i and w; and Σ τ̄ S_0 z_1 over the samples to P_0_factor
  /// (m): P̄_0 is 2 P_0 ⊙ that. τ̄, the cotangent of tr ∇²_z Φ, is minus a trace_bar.
  void pullback(const Parameters& p, const Gradients& bar, ConstBatchRef<Scalar> Q, ConstBatchRef<Scalar> G_bar,
                SampleNumbers<const Scalar> trace_bars, BatchRef<Scalar> Q_bar, VectorRef<Scalar> P_0_factor,
                Workspace<Scalar>& workspace) const {
    const Index d = shape_.dim, m = shape_.width, last = shape_.depth, packed = (1 + d) * n_;
    Frame frame(workspace);
    BatchMap<Scalar> bars = frame.batch(m, (last + 1) * packed), z_bars = frame.batch(m, 2 * n_),
                     y = frame.batch(m, n_), y_bar = frame.batch(m, n_), U_bar = frame.batch(m, packed),
                     J_0 = frame.batch(m, derivatives_by_matrices() ? 0 : d * n_), K_transposed = frame.batch(m, m);

    // Back through the sweep down: what gradient and trace owe to z_{i+1}, and through T_i, S_i, P_i to [ā_i | P̄_i].
    for (Index i = 0; i <= last; ++i) {
      const BatchMap<Scalar> z_bar(z_bars.data() + (i % 2) * m * n_, m, n_);
      const PotentialBars<Scalar> at{.y_bar = y_bar.data(),
                                     .z_bar = z_bar.data(),
                                     .y = y.data(),
                                     .z_bar_above = z_bars.data() + ((i + 1) % 2) * m * n_,
                                     .bars = bars.data() + i * m * packed};
      if (i == 0) {
        set_product_transposed<Scalar>(p.K(0), G_bar, y_bar);
        with_directions(d, [&](auto k) {
          pull_back_descent_of_first(k, n_, level(p, 0), trace_bars.first, trace_bars.next, at, P_0_factor.data());
        });
        add_product<Scalar>(y, G_bar, bar.K(0));
      } else {
        set_product<Scalar>(p.K(i), z_bar, y_bar);
        with_directions(d, [&](auto k) {
          pull_back_descent(k, n_, level(p, i), trace_bars.first, trace_bars.next, at,
                            i == last ? bar.w().data() : nullptr, i == last ? bar.bias(i).data() : nullptr);
        });
        add_outer_product<Scalar>(y, z_bar, bar.K(i));
      }
    }

    // Back through the sweep up: [ū_i | J̄_i] come from above, those of u_M and J_M are zero.
    if (derivatives_by_matrices()) {
      pull_back_derivatives_by_matrices(p, bar, bars, U_bar, K_transposed, frame);
    } else {
      with_directions(d, [&](auto k) { first_derivatives(k, n_, level(p, 0), J_0.data()); });
      for (Index i = last; i >= 0; --i) {
        const BatchMap<Scalar> both_bars(bars.data() + i * m * packed, m, packed);
        if (i < last)
          with_directions(d, [&](auto k) {
            pull_back_ascent(k, n_, level(p, i), U_bar.data(), bars.data() + i * m * packed, bar.bias(i).data(),
                             i == 0 ? bar.K(0).data() : nullptr);
          });
        if (i == 0) break;
        add_outer_product<Scalar>(both_bars.leftCols(n_), u(i - 1), bar.K(i));
        add_outer_product<Scalar>(both_bars.rightCols(d * n_), i == 1 ? J_0 : J(i - 1), bar.K(i));
        write_transposed<Scalar>(p.K(i), K_transposed);
        if (i == last)
          set_product<Scalar>(K_transposed, both_bars, U_bar);
        else
          add_product<Scalar>(K_transposed, both_bars, U_bar);
      }
    }
    add_product<Scalar>(bars.leftCols(n_), Q, bar.K(0));
    add_transposed_product<Scalar>(bars.leftCols(n_), p.K(0), Q_bar);
  }

 private:
  /// With one residual layer P_1 = K_1 diag(K_0 e_k) T_0, a product of T_0 with a matrix that all samples share, and
  /// likewise on the way back: J_0 and its cotangent need not be made. Pays off where samples outnumber the matrix's
  /// rows. So a sample's last bits depend on the width of its chunk.
  [[nodiscard]] bool derivatives_by_matrices() const noexcept { return shape_.depth == 1 && n_ > shape_.width; }

  /// Back through the sweep up of one residual layer, docs/maths.md, (10.9): with L_k = K_1 diag(K_0 e_k) and its
  /// cotangent C_k = P̄_k T_0ᵀ, T̄_0 = Σ_k L_kᵀ P̄_k, K̄_1 += C_k diag(K_0 e_k), K̄_0 e_k += Σ_i K_1 ⊙ C_k over the rows i.
  void pull_back_derivatives_by_matrices(const Parameters& p, const Gradients& bar, BatchMap<Scalar> bars,
                                         BatchMap<Scalar> U_bar, BatchMap<Scalar> K_transposed, Frame& frame) const {
    const Index m = shape_.width;
    BatchMap<Scalar> L_transposed = frame.batch(m, m), C = frame.batch(m, m);
    const auto a_bar = bars.middleCols((1 + shape_.dim) * n_, n_);
    auto u_bar = U_bar.leftCols(n_), T_bar = U_bar.middleCols(n_, n_);
    write_transposed<Scalar>(p.K(1), K_transposed);
    add_outer_product<Scalar>(a_bar, u(0), bar.K(1));
    set_product<Scalar>(K_transposed, a_bar, u_bar);
    for (Index k = 0; k < shape_.dim; ++k) {
      const auto P_bar = bars.middleCols((2 + shape_.dim + k) * n_, n_);
      const Scalar* const D = p.K(0).col(k).data();
      C.setZero();
      add_outer_product<Scalar>(P_bar, T(0), C);
      pull_back_scaled_columns(m, p.K(1).data(), D, C.data(), bar.K(1).data(), bar.K(0).col(k).data());
      scale_rows(m, K_transposed.data(), D, L_transposed.data());
      if (k == 0)
        set_product<Scalar>(L_transposed, P_bar, T_bar);
      else
        add_product<Scalar>(L_transposed, P_bar, T_bar);
    }
    pull_back_first_activation(n_, level(p, 0), u_bar.data(), T_bar.data(), bars.data(), bar.bias(0).data());
  }

  [[nodiscard]] PotentialLevel<Scalar> level(const Parameters& p, Index i) const {
    const Index m = shape_.width;
    const bool first = i == 0, last = i == shape_.depth;
    return {.rows = m,
            .factor = first ? Scalar(1) : h(),
            .T = T(i).data(),
            .S = S(i).data(),
            .z = last ? p.w().data() : z(i + 1).data(),
            .P = first ? p.K(0).data() : P(i).data(),
            .z_next = last ? 0 : m,
            .P_next = first ? 0 : m,
            .direction = first ? m : m * n_};
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
