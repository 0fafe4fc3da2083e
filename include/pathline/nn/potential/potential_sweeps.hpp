/// \file
/// The residual network under OT-Flow's potential: the sweep up through its layers with the
/// derivatives along the unit vectors, the sweep down with the gradient and the trace, and the way back through both.
/// docs/maths.md, (10.2) to (10.9), whose letters these are.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/outer_product.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/math/write_transposed.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/potential/potential_parameters.hpp>
#include <pathline/nn/potential/potential_passes.hpp>

#include <algorithm>

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
    const Scalar* const rho_0 = squares_of_first(p, frame);
    const Index group = directions_together(24), kept = derivatives_by_matrices() ? 0
                                                        : last > 1                ? d
                                                                                  : std::min(group, d);
    BatchMap<Scalar> y = frame.batch(m, n_), J_0 = frame.batch(m, kept * n_);

    product_of_samples(p.K(0), Q, p.bias(0), T(0), frame);
    pathline::activate<LogTwoCosh>(m * n_, T(0).data(), u(0).data(), T(0).data(), S(0).data());
    for (Index i = 1; i <= last; ++i) {
      const BatchMap<Scalar> J_before = i == 1 ? J_0 : J(i - 1);
      product<Factor::plain>(p.K(i), u(i - 1), p.bias(i), T(i), frame);
      if (derivatives_by_matrices()) {
        for (Index k = 0; k < d; ++k) {
          Frame inner(workspace);
          set_product<Scalar>(scaled<Factor::plain>(p, k, inner), T(0), P(1).middleCols(k * n_, n_));
        }
      } else if (i == 1) {
        for (Index k = 0; k < d; k += group) {
          const Index count = std::min(group, d - k);
          const View<Scalar> J_some = J_0.middleCols(last > 1 ? k * n_ : 0, count * n_);
          first_derivatives(count, n_, m, T(0).data(), p.K(0).col(k).data(), J_some.data());
          product<Factor::plain>(p.K(1), J_some, nothing(), P(1).middleCols(k * n_, count * n_), frame);
        }
      } else {
        product<Factor::plain>(p.K(i), J_before, nothing(), P(i), frame);
      }
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
      with_directions(d, [&](auto k) { descend(k, n_, level(p, i, rho_0), y.data(), traces.first, traces.next); });
      if (i == last && i > 0)
        product<Factor::transposed>(p.K(i), y, p.w(), z(i), frame);
      else if (i > 0)
        product<Factor::transposed>(p.K(i), y, z(i + 1), z(i), frame);
    }
    add_transposed_product<Scalar>(y, p.K(0), G);
  }

  /// Adds what G_bar and trace_bars owe to Q_bar and to K_i, b_i and w; and Σ τ̄ S_0 z_1 over the samples to P_0_factor
  /// (m): P̄_0 is 2 P_0 ⊙ that. τ̄, the cotangent of tr ∇²_z Φ, is minus a trace_bar.
  void pullback(const Parameters& p, const Gradients& bar, ConstBatchRef<Scalar> Q, ConstBatchRef<Scalar> G_bar,
                SampleNumbers<const Scalar> trace_bars, BatchRef<Scalar> Q_bar, VectorRef<Scalar> P_0_factor,
                Workspace<Scalar>& workspace) const {
    const Index d = shape_.dim, m = shape_.width, last = shape_.depth;
    const Index all = (2 + d) * n_;  // columns of [y_i | ā_i | P̄_i]
    const bool by_matrices = derivatives_by_matrices();
    const Index group = by_matrices ? 0 : directions_together(96);
    Frame frame(workspace);
    const Scalar* const rho_0 = squares_of_first(p, frame);
    // Below layer i = M … 1 [z̄_i | u_{i-1}], and last J_0 for some directions.
    const View<Scalar> bars = frame.batch(m, (last + 1) * all), belows = frame.batch(m, (2 * last + group) * n_);
    const auto below = [&](Index i) { return belows.middleCols((last - i) * 2 * n_, 2 * n_); };
    BatchMap<Scalar> y_bar = frame.batch(m, n_), T_bar = frame.batch(m, n_);

    // Back through the sweep down: what gradient and trace owe to z_{i+1}, and through T_i, S_i, P_i to [ā_i | P̄_i].
    for (Index i = 0; i <= last; ++i) {
      Scalar* const y = bars.col(i * all).data();
      const PotentialBars<Scalar> at{.y_bar = y_bar.data(),
                                     .z_bar = i == 0 ? nullptr : below(i).data(),
                                     .y = y,
                                     .z_bar_above = i == last ? nullptr : below(i + 1).data(),
                                     .bars = y + m * n_};
      if (i == 0) {
        product_of_samples(p.K(0), G_bar, nothing(), y_bar, frame);
        pull_back_descent_of_first(n_, level(p, 0, rho_0), trace_bars.first, trace_bars.next, at, P_0_factor.data());
        add_product<Scalar>(bars.leftCols(n_), G_bar, bar.K(0));
      } else {
        product<Factor::plain>(p.K(i), below(i).leftCols(n_), nothing(), y_bar, frame);
        with_directions(d, [&](auto k) {
          pull_back_descent(k, n_, level(p, i, rho_0), trace_bars.first, trace_bars.next, at,
                            i == last ? bar.w().data() : nullptr, i == last ? bar.bias(i).data() : nullptr);
        });
      }
    }

    // Back through the sweep up: [ū_i | J̄_i] come from above, those of u_M and J_M are zero.
    const View<Scalar> U_bar = frame.batch(m, (1 + (last > 1 ? d : group)) * n_);
    for (Index i = last; i >= 0; --i) {
      const View<Scalar> at = bars.middleCols(i * all, all);
      const View<const Scalar> start = i == last ? nothing() : View<const Scalar>(U_bar);
      if (i > 0 && i < last)
        pull_back_derivatives(d, m * n_, h(), T(i).data(), P(i).data(), U_bar.col(n_).data(), at.col(2 * n_).data(),
                              T_bar.data());
      if (i < last)
        pull_back_activation(n_, level(p, i, rho_0), U_bar.data(), T_bar.data(), at.col(n_).data(), bar.bias(i).data());
      if (i == 0) break;
      copy<Scalar>(u(i - 1), below(i).rightCols(n_));
      if (by_matrices) {
        add_outer_product<Scalar>(at.leftCols(2 * n_), below(1), bar.K(1), workspace);
        product<Factor::transposed>(p.K(1), at.middleCols(n_, n_), start, U_bar, frame);
        pull_back_derivatives_by_matrices(p, bar, at.col(2 * n_).data(), T_bar, workspace);
      } else if (i == 1) {
        pull_back_first_residual(p, bar, at, belows.rightCols((2 + group) * n_), U_bar, T_bar, workspace);
      } else {
        add_outer_product<Scalar>(at.leftCols(2 * n_), below(i), bar.K(i), workspace);
        add_outer_product<Scalar>(at.rightCols(d * n_), J(i - 1), bar.K(i), workspace);
        product<Factor::transposed>(p.K(i), at.rightCols((1 + d) * n_), start, U_bar, frame);
      }
    }
    add_product<Scalar>(bars.middleCols(n_, n_), Q, bar.K(0));
    add_transposed_product<Scalar>(bars.middleCols(n_, n_), p.K(0), Q_bar);
  }

 private:
  /// With one residual layer P_1 = K_1 diag(K_0 e_k) T_0, a product of T_0 with a matrix that all samples share, and
  /// likewise on the way back: J_0 and its cotangent need not be made. Pays off where samples outnumber the matrix's
  /// rows. So a sample's last bits depend on the width of its chunk.
  [[nodiscard]] bool derivatives_by_matrices() const noexcept { return shape_.depth == 1 && n_ > shape_.width; }

  /// How many directions are multiplied at once: about so many columns, in the end tiles of six.
  [[nodiscard]] Index directions_together(Index columns) const noexcept {
    return std::min(1 + shape_.dim, 3 * std::max<Index>(1, columns / (3 * n_)));
  }

  /// Back through a_1 = K_1 u_0 + b_1 and P_1 = K_1 J_0, some directions at a time, so that their J_0 and J̄_0 stay in
  /// cache: `at` has [y_1 | ā_1 | P̄_1], `below` [z̄_1 | u_0] and room for J_0, U_bar what comes from above where there
  /// are more layers. Overwrites U_bar and T_bar, T̄_0.
  void pull_back_first_residual(const Parameters& p, const Gradients& bar, const View<Scalar>& at,
                                const View<Scalar>& below, const View<Scalar>& U_bar, const View<Scalar>& T_bar,
                                Workspace<Scalar>& workspace) const {
    Frame frame(workspace);
    const Index d = shape_.dim, m = shape_.width, group = directions_together(96);
    const bool last = shape_.depth == 1;
    fill<Scalar>(T_bar, 0);
    for (Index k = 0, count = group - 1; k < d; k += count, count = std::min(group, d - k)) {
      // [y_1 | ā_1] and [z̄_1 | u_0] go with the first directions.
      const Index values = k == 0 ? n_ : 0, first = (2 + k) * n_, columns = count * n_;
      const View<Scalar> J_0 = below.middleCols(2 * n_, columns),
                         some = U_bar.middleCols((last ? n_ : first - n_) - values, columns + values);
      first_derivatives(count, n_, m, T(0).data(), p.K(0).col(k).data(), J_0.data());
      add_outer_product<Scalar>(at.middleCols(first - 2 * values, columns + 2 * values),
                                below.middleCols(2 * (n_ - values), columns + 2 * values), bar.K(1), workspace);
      product<Factor::transposed>(p.K(1), at.middleCols(first - values, columns + values),
                                  last ? nothing() : View<const Scalar>(some), some, frame);
      pull_back_first_derivatives(count, n_, m, T(0).data(), p.K(0).col(k).data(), some.rightCols(columns).data(),
                                  bar.K(0).col(k).data(), T_bar.data());
    }
  }

  /// What P_1 of one residual layer owes, docs/maths.md, (10.9): with L_k = K_1 diag(K_0 e_k) and its cotangent
  /// C_k = P̄_k T_0ᵀ, T̄_0 = Σ_k L_kᵀ P̄_k, K̄_1 += C_k diag(K_0 e_k), K̄_0 e_k += Σ_i K_1 ⊙ C_k over the rows i.
  void pull_back_derivatives_by_matrices(const Parameters& p, const Gradients& bar, const Scalar* P_bar,
                                         const View<Scalar>& T_bar, Workspace<Scalar>& workspace) const {
    const Index m = shape_.width;
    for (Index k = 0; k < shape_.dim; ++k) {
      Frame frame(workspace);
      const View<const Scalar> of_direction(P_bar + k * m * n_, m, n_);
      const View<Scalar> C = frame.batch(m, m);
      fill<Scalar>(C, 0);
      add_outer_product<Scalar>(of_direction, T(0), C, workspace);
      pull_back_scaled_columns(m, p.K(1).data(), p.K(0).col(k).data(), C.data(), bar.K(1).data(),
                               bar.K(0).col(k).data());
      const View<const Scalar> L_transposed = scaled<Factor::transposed>(p, k, frame);
      if (k == 0)
        set_product<Scalar>(L_transposed, of_direction, T_bar);
      else
        add_product<Scalar>(L_transposed, of_direction, T_bar);
    }
  }

  /// L_k = K_1 diag(K_0 e_k), or its transpose: written once a solve.
  template <Factor Which>
  [[nodiscard]] View<const Scalar> scaled(const Parameters& p, Index k, Frame& frame) const {
    const Index m = shape_.width;
    const View<const Scalar> D = p.K(0).col(k), K = p.K(1);
    const auto write = [&](Scalar* to) {
      if constexpr (Which == Factor::plain) {
        scale_columns(m, K.data(), D.data(), to);
      } else {
        write_transposed<Scalar>(K, View<Scalar>(to, m, m));
        scale_rows(m, to, D.data(), to);
      }
    };
    return {frame.derived(D, Which == Factor::plain ? scaled_kind : scaled_transposed_kind, m * m, write), m, m};
  }

  /// C = start + K B, or Kᵀ B, with K in panels, written once a solve. `start` is of C's size, and may be C, a column
  /// that is added to each, or nothing.
  template <Factor Which>
  void product(const View<const Scalar>& K, const View<const Scalar>& B, const View<const Scalar>& start,
               const View<Scalar>& C, Frame& frame) const {
    packed_product<Scalar>(panels<Which, Scalar>(K, frame),
                           {nullptr, 0, B.data(), 1, B.stride(), start.data(), start.cols() == 1 ? 0 : start.stride()},
                           C.cols(), C);
  }
  /// C = start + K Bᵀ for a B that has a row a sample; `start` is a column or nothing.
  void product_of_samples(const View<const Scalar>& K, const View<const Scalar>& B, const View<const Scalar>& start,
                          const View<Scalar>& C, Frame& frame) const {
    packed_product<Scalar>(panels<Factor::plain, Scalar>(K, frame),
                           {nullptr, 0, B.data(), B.stride(), 1, start.data(), 0}, C.cols(), C);
  }
  [[nodiscard]] static View<const Scalar> nothing() noexcept { return {nullptr, 0, 0}; }

  /// ρ(K_0 E), which all samples share: computed once a solve.
  [[nodiscard]] const Scalar* squares_of_first(const Parameters& p, Frame& frame) const {
    const Index d = shape_.dim, m = shape_.width;
    return frame.derived(View<const Scalar>(p.K(0)).leftCols(d), squares_kind, m,
                         [&](Scalar* to) { first_squares(d, m, p.K(0).data(), to); });
  }

  [[nodiscard]] PotentialLevel<Scalar> level(const Parameters& p, Index i, const Scalar* rho_0) const {
    const Index m = shape_.width;
    const bool first = i == 0, last = i == shape_.depth;
    return {.rows = m,
            .factor = first ? Scalar(1) : h(),
            .T = T(i).data(),
            .S = S(i).data(),
            .z = last ? p.w().data() : z(i + 1).data(),
            .P = first ? nullptr : P(i).data(),
            .rho_0 = rho_0,
            .z_next = last ? 0 : m,
            .direction = m * n_};
  }

  [[nodiscard]] Scalar h() const noexcept { return Scalar(1) / Scalar(shape_.depth); }

  // What a workspace keeps of K_0's columns, beside the panels.
  static constexpr int squares_kind = 2, scaled_kind = 3, scaled_transposed_kind = 4;

  // The tape: T, S, u, z of the layers below the last, T and S of the last; then P, J of layer 1, of 2, …
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
