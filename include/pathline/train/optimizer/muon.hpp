/// \file
/// Muon: steps of about equal length in all directions in which a matrix's gradient is not small (Jordan et al. 2024,
/// kellerjordan.github.io/posts/muon).
///
///     fit(flow, X, {.epochs = 100}, rng, Muon{.matrices = hidden_matrices(flow.field())}, Cosine{});
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/optimizer/hidden_matrices.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

namespace pathline {

/// The weights of hidden layers by Muon, all other parameters by `Adam` at a share of the rate.
///
/// M ← momentum · M + G, and the step is -rate √max(1, rows / columns) O. O is G + momentum · M after five
/// Newton–Schulz iterations, which move its singular values to between 0.68 and 1.21. Values below 0.0016 of the
/// Frobenius norm end lower: the iterations multiply small ones by at most 3.4445⁵ = 485, and 0 stays 0. A gradient of
/// rank one, such as that of a single sample in one step of Euler, moves the matrix in one direction. A step takes 15
/// matrix products for each matrix, and allocates their scratch.
struct Muon {
  double learning_rate = 0.1;  ///< Of the matrices.
  double momentum = 0.95;
  double adam_share = 0.1;  ///< The rate of Adam over that of the matrices.
  /// Where they are in θ, in order: see `hidden_matrices`. Every other number is left to Adam.
  std::vector<ParameterMatrix> matrices{};

  static constexpr Index moments = Adam::moments;

  template <class Visit>
  void settings(Visit& visit) const {
    visit("learning_rate", learning_rate);
    visit("momentum", momentum);
    visit("adam_share", adam_share);
    std::string text;
    for (const ParameterMatrix& at : matrices)
      text += detail::message({text.empty() ? "" : ", ", at.rows, " x ", at.columns, " at ", at.offset});
    visit("matrices", text);
  }
  /// \throws ArgumentError for settings that cannot be, and without a matrix, where it would be Adam.
  void check() const {
    detail::require_learning_rate("Muon: learning_rate", learning_rate);
    detail::require_setting(momentum >= 0 && momentum < 1, "Muon: momentum", momentum, "at least 0 and below 1");
    detail::require_setting(adam_share > 0 && std::isfinite(adam_share), "Muon: adam_share", adam_share,
                            "a positive number");
    if (matrices.empty())
      throw ArgumentError("Muon: number of matrices", Index{0},
                          "at least 1: hidden_matrices(field), of a field with two hidden layers or more");
    Index end = 0;
    for (const ParameterMatrix& at : matrices) {
      if (at.rows < 1 || at.columns < 1)
        throw ArgumentError("Muon: entries of a matrix", at.rows * at.columns, "rows and columns of at least 1");
      if (at.offset < end)
        throw ArgumentError("Muon: offset of a matrix", at.offset,
                            detail::message({"at least ", end, ", where the one before ends"}));
      end = at.offset + at.rows * at.columns;
    }
  }

  /// \throws ArgumentError for a matrix that does not lie in θ.
  template <Real Scalar>
  void step(Index t, double rate, ConstVectorRef<Scalar> gradient, VectorRef<Scalar> theta,
            std::span<Vector<Scalar>> moments_of_theta) const {
    const ParameterMatrix& last = matrices.back();
    if (last.offset + last.rows * last.columns > theta.size())
      throw ArgumentError("Muon: end of the last matrix", last.offset + last.rows * last.columns,
                          detail::message({"at most ", theta.size(), ", the number of parameters"}));
    // Adam moves the matrices too; what it does to them is put back.
    std::vector<Batch<Scalar>> before, steps;
    Vector<Scalar>& M = moments_of_theta[0];
    for (const ParameterMatrix& at : matrices) {
      Eigen::Map<Batch<Scalar>> of_momentum(M.data() + at.offset, at.rows, at.columns);
      const Eigen::Map<const Batch<Scalar>> G(gradient.data() + at.offset, at.rows, at.columns);
      before.push_back(Eigen::Map<const Batch<Scalar>>(theta.data() + at.offset, at.rows, at.columns));
      of_momentum = Scalar(momentum) * of_momentum + G;
      steps.push_back(G + Scalar(momentum) * of_momentum);
      before.push_back(of_momentum);
    }
    Adam{}.step<Scalar>(t, rate * adam_share, gradient, theta, moments_of_theta);
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const ParameterMatrix& at = matrices[i];
      orthogonalize(steps[i]);
      const double shape = std::sqrt(std::max(1., double(at.rows) / double(at.columns)));
      Eigen::Map<Batch<Scalar>>(theta.data() + at.offset, at.rows, at.columns) =
          before[2 * i] - Scalar(rate * shape) * steps[i];
      Eigen::Map<Batch<Scalar>>(M.data() + at.offset, at.rows, at.columns) = before[2 * i + 1];
    }
  }

 private:
  /// p(X) = aX + b(XXᵀ)X + c(XXᵀ)²X, five times, of X with Frobenius norm 1: singular values σ become p(p(…σ)).
  template <Real Scalar>
  static void orthogonalize(Batch<Scalar>& X) {
    const Scalar norm = X.norm();
    if (!(norm > 0)) return;  // no gradient, no step
    const bool tall = X.rows() > X.cols();
    if (tall) X = X.transpose().eval();
    X /= norm;
    Batch<Scalar> A, B;
    for (int i = 0; i < 5; ++i) {
      A.noalias() = X * X.transpose();
      B.noalias() = Scalar(2.0315) * (A * A);
      B -= Scalar(4.7750) * A;
      A.noalias() = B * X;
      X = Scalar(3.4445) * X + A;
    }
    if (tall) X = X.transpose().eval();
  }
};

}  // namespace pathline
