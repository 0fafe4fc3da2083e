// expect: VariationalInference: the target needs log_density(X, log_p) and score(X, X_bar), or log_density_and_score
#include <pathline/nn/mlp.hpp>
#include <pathline/train/variational/variational_inference.hpp>

struct NoScore {
  void log_density(pathline::ConstBatchRef<double>, pathline::RowRef<double>) const {}
};
void infer(pathline::Cnf<pathline::Mlp<double, pathline::Tanh>>& flow) {
  pathline::VariationalInference inference(flow, NoScore{});
}
