// expect: fit: the first argument must be Trainable
#include <pathline/train.hpp>

struct Model {};
void train(Model& model, const Eigen::MatrixXf& X, pathline::Rng& rng) { pathline::fit(model, X, {.epochs = 2}, rng); }
