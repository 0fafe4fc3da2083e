/// \file
/// A layer with its parameters, for models that are no vector field: encoders, decoders, recurrent cells.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/optimizer.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace examples {

template <pathline::InitializableLayer Layers>
struct Net {
  using Scalar = typename Layers::Scalar;
  using Batch = pathline::Batch<Scalar>;
  using Tape = std::vector<Scalar>;

  Layers layers;
  pathline::Vector<Scalar> theta, theta_bar;
  pathline::OptimizerState<Scalar> state{};
  pathline::Workspace<Scalar> workspace{};

  Net(Layers the_layers, pathline::Rng& rng)
      : layers(std::move(the_layers)),
        theta(layers.parameter_count()),
        theta_bar(pathline::Vector<Scalar>::Zero(theta.size())) {
    layers.initialize(theta, rng);
  }

  /// out × n from in × n; leaves on the tape what pull_back() needs.
  [[nodiscard]] Batch evaluate(const Batch& X, Tape& tape) {
    Batch Y(layers.out_rows(), X.cols()), none(0, 1);
    tape.resize(std::size_t(layers.tape_size(X.cols(), 0)));
    layers.linearize(theta, none, X, X.cols(), Y, tape, workspace);
    return Y;
  }
  [[nodiscard]] Batch evaluate(const Batch& X) {
    Tape tape;
    return evaluate(X, tape);
  }
  /// After evaluate(X, tape): the cotangent of X; adds to theta_bar.
  [[nodiscard]] Batch pull_back(const Batch& X, Batch Y_bar, Tape& tape) {
    Batch X_bar(X.rows(), X.cols()), none(0, 1), none_bar(0, 1);
    layers.pullback(theta, none, X, X.cols(), tape, Y_bar, X_bar, none_bar, theta_bar, workspace);
    return X_bar;
  }
  /// A step of Adam, after which theta_bar is 0.
  void step(double rate) {
    state.step(pathline::Adam{}, rate, theta_bar, theta);
    theta_bar.setZero();
  }
};

}  // namespace examples
