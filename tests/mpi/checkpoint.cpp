// expect: fit: a model that several processes train needs a checkpoint of all of them: on_rank_0(checkpoint)
#include <pathline/flow/likelihood.hpp>
#include <pathline/io/checkpoint.hpp>
#include <pathline/mpi/distributed.hpp>
#include <pathline/train/fit.hpp>

using namespace pathline;

struct Model {
  using Scalar = double;
  struct Memory {};
  Vector<double> theta;

  Vector<double>& parameters() { return theta; }
  const Vector<double>& parameters() const { return theta; }
  Index data_rows() const { return 1; }
  TrainingLoss<double> make_training_loss() const { return {}; }
  Row<double> losses(const Batch<double>& X) const { return X; }
  void value_and_gradient(const Batch<double>&, std::span<const Index>, const Draw&, Memory&,
                          TrainingLoss<double>&) const {}
};
void train(Distributed<Model>& model, const Batch<double>& X, Rng& rng) {
  fit(model, X, {}, rng, io::Checkpoint{.path = "of every rank"});
}
