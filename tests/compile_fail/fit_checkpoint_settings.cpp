// expect: fit: with a checkpoint, an optimizer, schedule, gradient transform, parameter choice or stopping rule
#include <pathline/io/checkpoint.hpp>
#include <pathline/train/fit.hpp>

#include <vector>

struct Model {  // trainable
  using Scalar = float;
  struct Memory {};
  struct Loss {
    double loss;
    Eigen::VectorXf gradient;
    pathline::Statistics forward, backward;
    pathline::Index solves;
  };
  Eigen::VectorXf& parameters();
  Loss make_training_loss() const;
  pathline::Index data_rows() const;
  Eigen::RowVectorXf log_prob(const Eigen::MatrixXf&) const;
  void value_and_gradient(const Eigen::MatrixXf&, std::span<const pathline::Index>, const pathline::Draw&, Memory&,
                          Loss&) const;
};
struct HalfWay {  // a schedule whose factor nobody else knows
  double factor = 0.5;
  double rate(double learning_rate, const pathline::TrainingProgress& at) const {
    return at.epoch * 2 > at.epochs ? factor * learning_rate : learning_rate;
  }
};
void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  pathline::fit(model, X, {.epochs = 2}, rng, pathline::io::Checkpoint{.path = "run"}, HalfWay{});
}
