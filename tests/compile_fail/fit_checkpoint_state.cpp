// expect: fit: with a checkpoint, a callback that changes itself, or stops training by what it holds, needs
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
void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) {
  auto three = [calls = 0](const pathline::EpochReport&) mutable { return ++calls < 3; };
  pathline::fit(model, X, {.epochs = 2}, rng, pathline::io::Checkpoint{.path = "run"}, three);
}
