/// \file
/// OT-Flow's potential with its divergence: the gradient of Φ and the trace of its Hessian in space, and the way back
/// from both. docs/maths.md, (10.4) to (10.8), whose letters these are.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/nn/potential/potential_parameters.hpp>
#include <pathline/nn/potential/potential_passes.hpp>
#include <pathline/nn/potential/potential_sweeps.hpp>

#include <span>
#include <utility>

namespace pathline::detail {

/// The trace form on one tape: the network's sweeps (potential_sweeps.hpp) and the quadratic part.
template <Real Scalar>
class PotentialTrace {
  using Parameters = PotentialParameters<const Scalar>;
  using Gradients = PotentialParameters<Scalar>;
  using Sweeps = PotentialSweeps<Scalar>;
  using Frame = typename Workspace<Scalar>::Frame;

 public:
  PotentialTrace(const PotentialShape& shape, std::span<Scalar> tape, Index n) : shape_(shape), n_(n), tape_(tape) {
    eigen_assert(Index(tape.size()) >= tape_size(shape, n));
  }

  [[nodiscard]] static Index tape_size(const PotentialShape& shape, Index n) noexcept {
    return Sweeps::tape_size(shape, n);
  }

  /// Y = [-∇_z Φ; -tr ∇²_z Φ; ∂Φ/∂t].
  void evaluate(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> Z, BatchRef<Scalar> Y,
                Workspace<Scalar>& workspace) const {
    const Parameters p(shape_, theta.data());
    const Index d = shape_.dim;
    Frame frame(workspace);
    BatchMap<Scalar> Q = frame.batch(n_, d + 1), G = frame.batch(n_, d + 1), AA = frame.batch(d + 1, d + 1);
    write_samples(side, Z, Q);
    set_matrix_product<Factor::transposed, Factor::plain, Scalar>(p.A(), p.A(), AA);
    for (Index i = 0; i <= d; ++i) G.col(i).setConstant(p.b()(i));
    add_product<Scalar>(Q, AA, G);
    Y.row(d).setConstant(-AA.diagonal().head(d).sum());
    Sweeps(shape_, tape_.data(), n_).evaluate(p, Q, G, {Y.data() + d, Y.outerStride()}, workspace);
    with_directions(d, [n = n_, g = std::as_const(G).data(), y_next = Y.outerStride(), f = Y.data()](auto k) mutable {
      for (Index j = 0; j < n; ++j, ++g, f += y_next) {
        for (Index i = 0; i < k; ++i) f[i] = -g[i * n];
        f[k + 1] = g[k * n];
      }
    });
  }

  /// Overwrites Z_bar, adds to side_bar and theta_bar.
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> Z,
                ConstBatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar, BatchRef<Scalar> side_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Parameters p(shape_, theta.data());
    const Gradients bar(shape_, theta_bar.data());
    const Index d = shape_.dim;
    Frame frame(workspace);
    BatchMap<Scalar> Q = frame.batch(n_, d + 1), Q_bar = frame.batch(n_, d + 1), G_bar = frame.batch(n_, d + 1),
                     AA = frame.batch(d + 1, d + 1), C = frame.batch(d + 1, d + 1);
    write_samples(side, Z, Q);
    with_directions(d, [n = n_, f = Y_bar.data(), y_next = Y_bar.outerStride(), g = G_bar.data()](auto k) mutable {
      for (Index j = 0; j < n; ++j, ++g, f += y_next) {
        for (Index i = 0; i < k; ++i) g[i * n] = -f[i];
        g[k * n] = f[k + 1];
      }
    });

    // The quadratic part: with C = Qᵀ Ḡ, Ā = A (C + Cᵀ) + 2 Σ τ̄ A E Eᵀ.
    C.setZero();
    add_transposed_product<Scalar>(Q, G_bar, C);
    AA = C + C.transpose();
    add_matrix_product<Factor::plain, Factor::plain, Scalar>(p.A(), AA, bar.A());
    bar.A().leftCols(d) -= (2 * Y_bar.row(d).sum()) * p.A().leftCols(d);
    for (Index i = 0; i <= d; ++i) bar.b()(i) += G_bar.col(i).sum();
    set_matrix_product<Factor::transposed, Factor::plain, Scalar>(p.A(), p.A(), AA);
    set_product<Scalar>(G_bar, AA, Q_bar);

    VectorMap<Scalar> P_0_factor = frame.vector(shape_.width);
    P_0_factor.setZero();
    Sweeps(shape_, tape_.data(), n_)
        .pullback(p, bar, Q, G_bar, {Y_bar.data() + d, Y_bar.outerStride()}, Q_bar, P_0_factor, workspace);
    for (Index k = 0; k < d; ++k) bar.K(0).col(k).array() += Scalar(2) * P_0_factor.array() * p.K(0).col(k).array();
    with_directions(
        d, [n = n_, q = std::as_const(Q_bar).data(), z_next = Z_bar.outerStride(), z = Z_bar.data()](auto k) mutable {
          for (Index j = 0; j < n; ++j, ++q, z += z_next)
            for (Index i = 0; i < k; ++i) z[i] = q[i * n];
        });
    if (side_bar.cols() == 1)
      side_bar(0, 0) += Q_bar.col(d).sum();
    else
      side_bar.row(0) += Q_bar.col(d).transpose();
  }

 private:
  // Q = [Zᵀ t], a row a sample.
  void write_samples(ConstBatchRef<Scalar> side, ConstBatchRef<Scalar> Z, BatchMap<Scalar> Q) const {
    with_directions(shape_.dim, [n = n_, z = Z.data(), z_next = Z.outerStride(), q = Q.data()](auto k) mutable {
      for (Index j = 0; j < n; ++j, ++q, z += z_next)
        for (Index i = 0; i < k; ++i) q[i * n] = z[i];
    });
    if (side.cols() == 1)
      Q.col(shape_.dim).setConstant(side(0, 0));
    else
      Q.col(shape_.dim) = side.row(0).transpose();
  }

  PotentialShape shape_;
  Index n_;
  std::span<Scalar> tape_;
};

}  // namespace pathline::detail
