/// \file
/// OT-Flow's potential: a field that is the negative gradient of a scalar network, with its divergence in closed form.
/// Onken, Wu Fung, Li & Ruthotto, "OT-Flow", AAAI 2021 (arXiv 2006.00104); docs/maths.md, (10.1).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/potential/potential_parameters.hpp>
#include <pathline/nn/potential/potential_tangents.hpp>
#include <pathline/nn/potential/potential_trace.hpp>

#include <algorithm>
#include <span>

namespace pathline {

/// f = -∇_z Φ with Φ(q) = wᵀN(q) + ½ qᵀAᵀA q + bᵀq, q = [z; t]. N is a residual network of σ(x) = log(eˣ + e⁻ˣ):
///
///     u_0 = σ(K_0 q + b_0),   u_i = u_{i-1} + σ(K_i u_{i-1} + b_i)/M,   i = 1 … M.
///
/// θ = [K_0 (m × (d+1), time in the last column) | b_0 | K_1 (m × m) | b_1 | … | w | A (r × (d+1)) | b (d+1)] with
/// r = min(10, d+1), matrices column by column. The paper's constant c never enters the field, so that nothing could
/// train it: left out. It reads time alone, no other side input.
template <Real Scalar_>
class Potential {
 public:
  using Scalar = Scalar_;
  using potential = void;  ///< The first offered row is ∂Φ/∂t; see `PotentialField`.

  /// \param dim    Rows of z, d.
  /// \param width  Rows of the hidden layers, m.
  /// \param depth  Residual layers, M.
  /// \throws ArgumentError when one of them is below 1.
  explicit Potential(Index dim, Index width = 32, Index depth = 1) : shape_(dim, width, depth) {}

  [[nodiscard]] Index in_rows() const noexcept { return shape_.dim; }
  [[nodiscard]] Index out_rows() const noexcept { return shape_.dim; }
  [[nodiscard]] Index side_rows() const noexcept { return 1; }
  [[nodiscard]] Index width() const noexcept { return shape_.width; }  ///< Rows of the hidden layers, m.
  [[nodiscard]] Index depth() const noexcept { return shape_.depth; }  ///< Residual layers, M.
  [[nodiscard]] Index rank() const noexcept { return shape_.rank(); }  ///< Rows of A, r.
  [[nodiscard]] Index widest() const noexcept { return std::max(shape_.width, shape_.dim + 1); }
  [[nodiscard]] Index parameter_count() const noexcept { return shape_.count(); }
  /// As the code of the paper starts; see detail::initialize_potential. Three draws.
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { detail::initialize_potential<Scalar>(shape_, theta, rng); }

  /// Φ itself, with c = 0, for pictures: S (1 × 1 or 1 × n), Z (d × n) to `values` (1 × n).
  /// \throws ShapeError when one of them is of another size, or theta has not parameter_count() numbers.
  void value(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z, RowRef<Scalar> values,
             Workspace<Scalar>& workspace) const {
    require_rows("Potential::value: theta", theta.size(), parameter_count());
    require_rows("Potential::value: Z", Z.rows(), shape_.dim);
    require_rows("Potential::value: S", std::min<Index>(S.rows(), 1), 1);
    if (S.cols() != 1) require_columns("Potential::value: S", S.cols(), Z.cols());
    require_columns("Potential::value: values", values.cols(), Z.cols());
    const Parameters<const Scalar> p(shape_, theta.data());
    const Index m = shape_.width, n = Z.cols();
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> Q = frame.batch(shape_.dim + 1, n), AQ = frame.batch(shape_.rank(), n), U = frame.batch(m, n),
                     activated = frame.batch(m, n);
    detail::append_time<Scalar>(S, Z, n, Q);
    U.colwise() = p.bias(0);
    detail::add_matrix_product<plain, plain, Scalar>(p.K(0), Q, U);
    activate<LogTwoCosh>(U.size(), U.data(), U.data());
    for (Index i = 1; i <= shape_.depth; ++i) {
      activated.colwise() = p.bias(i);
      detail::add_matrix_product<plain, plain, Scalar>(p.K(i), U, activated);
      activate<LogTwoCosh>(U.size(), activated.data(), activated.data());
      U += residual_weight() * activated;
    }
    detail::set_matrix_product<plain, plain, Scalar>(p.A(), Q, AQ);
    for (Index j = 0; j < n; ++j)
      values(j) = p.w().dot(U.col(j)) + Scalar(0.5) * AQ.col(j).squaredNorm() + p.b().dot(Q.col(j));
  }

  // The tangent form: values and k directional derivatives, as every layer has it.

  [[nodiscard]] Index tape_size(Index n, Index k) const noexcept { return Tangents::tape_size(shape_, n, k); }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    Tangents(shape_, tape, n, X.cols() / n - 1).linearize(theta, S, X, Y, workspace);
  }
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    Tangents(shape_, tape, n, X.cols() / n - 1).pullback(theta, S, X, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  // The trace form: O(m² d) a sample and layer, as d tangents, but without their way back through the gradient.

  [[nodiscard]] Index offered_rows() const noexcept { return 1; }
  [[nodiscard]] Index trace_tape_size(Index n) const noexcept { return Trace::tape_size(shape_, n); }

  /// Z (d × n) to Y ((d+2) × n): f, tr ∂f/∂z = -tr ∇²_z Φ, ∂Φ/∂t. S is s × 1 or s × n.
  void evaluate_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    Trace(shape_, tape, Z.cols()).evaluate(theta, S, Z, Y, workspace);
  }
  /// Y_bar ((d+2) × n) is scratch afterwards; overwrites Z_bar, adds to S_bar and theta_bar.
  void pullback_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar,
                           BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    Trace(shape_, tape, Z.cols()).pullback(theta, S, Z, Y_bar, Z_bar, S_bar, theta_bar, workspace);
  }

 private:
  using enum detail::Factor;
  template <class T>
  using Parameters = detail::PotentialParameters<T>;
  using Tangents = detail::PotentialTangents<Scalar>;
  using Trace = detail::PotentialTrace<Scalar>;

  [[nodiscard]] Scalar residual_weight() const noexcept { return Scalar(1) / Scalar(shape_.depth); }

  detail::PotentialShape shape_;
};

}  // namespace pathline
