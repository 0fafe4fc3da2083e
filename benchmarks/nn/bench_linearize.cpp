/// \file
/// The primitive of a field: value and k tangents, and their pullback, for one chunk of columns of the network
/// 2-64-64-64-2. Everything else that a flow does is built of it.
#include <benchmarks/measure.hpp>
#include <benchmarks/workloads.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/nn/mlp.hpp>

using namespace pathline;

namespace {

const std::vector<Index> sizes{2, 64, 64, 64, 2};

// k = d tangents: the exact trace of a 2-D flow.
template <Real Scalar>
class Chunk {
 public:
  static constexpr Index k = 2;

  explicit Chunk(Index columns)
      : n_(columns),
        X_(Batch<Scalar>::Zero(2, (1 + k) * n_)),
        Y_(2, (1 + k) * n_),
        Y_bar_(2, (1 + k) * n_),
        X_bar_(2, (1 + k) * n_),
        theta_bar_(Vector<Scalar>::Zero(field_.parameters().size())),
        tape_(field_.tape_size(n_, k)) {
    X_.leftCols(n_) = workloads::inputs<Scalar>(2, n_);
    for (Index j = 0; j < k; ++j) X_.block(j, (1 + j) * n_, 1, n_).setOnes();
  }

  void linearize() { field_.linearize(time_, X_, n_, Y_, tape(), workspace_); }
  void pullback() {
    Y_bar_.setOnes();  // scratch of the last call
    theta_bar_.setZero();
    field_.pullback(time_, X_, n_, tape(), Y_bar_, X_bar_, time_bar_, theta_bar_, workspace_);
  }
  [[nodiscard]] double multiply_adds() const { return workloads::multiply_adds(sizes, 1, k) * double(n_); }
  [[nodiscard]] Index packed_columns() const { return X_.cols(); }

 private:
  [[nodiscard]] std::span<Scalar> tape() { return {tape_.data(), std::size_t(tape_.size())}; }

  Mlp<Scalar, Tanh> field_ = workloads::ffjord_field<Scalar>();
  Index n_;
  Batch<Scalar> X_, Y_, Y_bar_, X_bar_;
  Vector<Scalar> theta_bar_, tape_;
  Batch<Scalar> time_ = Batch<Scalar>::Constant(1, 1, Scalar(0.3)), time_bar_ = Batch<Scalar>::Zero(1, 1);
  Workspace<Scalar> workspace_;
};

template <Real Scalar>
void linearize(benchmark::State& state) {
  Chunk<Scalar> chunk(state.range(0));
  const double seconds = measure(state, [&] { chunk.linearize(); });
  report_flops<Scalar>(state, 2 * chunk.multiply_adds(), seconds, chunk.packed_columns());
}

// The pullback makes two products for each one of linearize.
template <Real Scalar>
void linearize_pullback(benchmark::State& state) {
  Chunk<Scalar> chunk(state.range(0));
  const double seconds = measure(state, [&] {
    chunk.linearize();
    chunk.pullback();
  });
  report_flops<Scalar>(state, 6 * chunk.multiply_adds(), seconds, chunk.packed_columns());
}

// First the width that a flow chooses, then narrower and wider ones.
template <Real Scalar>
void widths(benchmark::internal::Benchmark* b) {
  b->Unit(benchmark::kMicrosecond)->ArgName("columns");
  b->Arg(ChunkWidth{}.of(6400, 64, Chunk<Scalar>::k, sizeof(Scalar)))->Arg(8)->Arg(32)->Arg(64)->Arg(128)->Arg(256);
}

}  // namespace

BENCHMARK_TEMPLATE(linearize, float)->Apply(widths<float>);
BENCHMARK_TEMPLATE(linearize, double)->Apply(widths<double>);
BENCHMARK_TEMPLATE(linearize_pullback, float)->Apply(widths<float>);
BENCHMARK_TEMPLATE(linearize_pullback, double)->Apply(widths<double>);
