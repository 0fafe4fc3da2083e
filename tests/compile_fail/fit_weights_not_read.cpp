// expect: fit: data with weights need a flow with value_and_gradient(X, samples, weights, draw, memory, loss)
#include <pathline/train.hpp>

#include <vector>

struct Model {  // trainable, but without weights
  using Scalar = float;
  struct Memory {};
  struct Loss {
    double loss, negative_log_likelihood;
    std::vector<double> costs;
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
void train(Model& model, const Eigen::MatrixXf& X, const Eigen::VectorXf& weights, pathline::Rng& rng) {
  pathline::fit(model, pathline::with_weights(X, weights), {.epochs = 2}, rng);
}
