/// \file
/// A layer whose pullback reads its tape, for tests of what wraps a layer. `Linear` has no tape, so that a wrapper that
/// hands on a wrong one would not be seen.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <span>

namespace pathline::test {

/// Linear, which keeps its input on the tape and pulls back through that.
struct TapedLinear : Linear<double> {
  using Linear<double>::Linear;

  [[nodiscard]] Index tape_size(Index n, Index k) const noexcept { return in_rows() * n * (1 + k); }
  void linearize(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                 BatchRef<double> Y, std::span<double> tape, Workspace<double>& workspace) const {
    kept(X, tape) = X;
    Linear<double>::linearize(theta, S, X, n, Y, {}, workspace);
  }
  void pullback(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                std::span<double> tape, BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar,
                VectorRef<double> theta_bar, Workspace<double>& workspace) const {
    Linear<double>::pullback(theta, S, kept(X, tape), n, {}, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

 private:
  [[nodiscard]] static BatchMap<double> kept(ConstBatchRef<double> X, std::span<double> tape) {
    if (Index(tape.size()) != X.size()) throw Error("TapedLinear: the tape is not the one that was asked for");
    return BatchMap<double>(tape.data(), X.rows(), X.cols());
  }
};

}  // namespace pathline::test
